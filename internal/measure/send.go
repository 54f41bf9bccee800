package measure

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"fourwires/internal/lab"
	"fourwires/internal/scenario"
	"fourwires/websocket"
)

// maxPosts is how many requests of a client may be under way at once: as many as a
// browser's to one host by HTTP/1.1.
const maxPosts = 6

// A sender is the way up of one client: frames of its WebSocket or, where the
// transport has no way up, requests.
type sender struct {
	send  func(ctx context.Context, data []byte) error // returns when it is sent, or a request answered
	close func()
}

// sender returns the way up of a client whose messages are read, or with echo that
// of one whose texts are answered.
func (m *measurement) sender(ctx context.Context, client lab.Client) (sender, error) {
	base := m.Protocol.Scheme() + "://" + m.addr
	dial := m.ledger.watch(m.Protocol.Dialer(m.target.Transport, &m.ledger.wire, nil))
	if m.target.Transport == "websocket" && m.Direction == scenario.Up {
		echo, err := websocket.DialEcho(ctx, base+"/websocket/echo", dial)
		if err != nil {
			return sender{}, err
		}
		return sender{func(ctx context.Context, data []byte) error { _, err := echo.Echo(ctx, string(data)); return err }, func() { echo.Close() }}, nil
	}
	if m.target.Transport == "websocket" {
		return sender{client.Send, func() {}}, nil
	}
	path := "/publish"
	if m.Direction == scenario.Up {
		path = "/echo"
	}
	http2 := m.Protocol.Version(m.target.Transport) == 2
	transport := &http.Transport{DialContext: dial, DialTLSContext: dial, DisableCompression: true, MaxConnsPerHost: maxPosts, Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP1(!http2)
	transport.Protocols.SetUnencryptedHTTP2(http2)
	return sender{func(ctx context.Context, data []byte) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+path, bytes.NewReader(data))
		if err != nil {
			return err
		}
		resp, err := transport.RoundTrip(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		if err == nil && resp.StatusCode >= 300 {
			err = fmt.Errorf("%s: %s", resp.Status, text)
		}
		return err
	}, transport.CloseIdleConnections}, nil
}

// sendAll has clients send messages, each in turn, at these instants from start of
// the monotonic clock on. An instant does not wait for what was due before. It
// returns when all is sent, with the first error.
func (m *measurement) sendAll(ctx context.Context, start int64, instants []time.Duration) error {
	alarm, err := newAlarm()
	if err != nil {
		return err
	}
	defer alarm.close()
	var sending sync.WaitGroup
	var once sync.Once
	var first error
	for i, instant := range instants {
		if err := alarm.until(ctx, start+int64(instant)); err != nil {
			break // asked to end
		}
		sending.Go(func() {
			err := m.senders[i%len(m.senders)].send(ctx, numbered(i, m.Payload))
			if err != nil && ctx.Err() == nil {
				once.Do(func() { first = err })
				return
			}
			if m.Direction == scenario.Up && err == nil {
				m.tally.answered(i, monotonic())
			}
		})
	}
	sending.Wait()
	return first
}

// numbered returns JSON data of a size that says its number. It may be longer where
// the number needs it.
func numbered(n, size int) []byte {
	data := fmt.Appendf(nil, `{"n":%d,"x":"`, n)
	for len(data) < size-len(`"}`) {
		data = append(data, 'x')
	}
	return append(data, `"}`...)
}

// numberOf returns the number that data says, or -1.
func numberOf(data []byte) int {
	rest, ok := bytes.CutPrefix(data, []byte(`{"n":`))
	end := bytes.IndexByte(rest, ',')
	if !ok || end < 0 {
		return -1
	}
	n, err := strconv.Atoi(string(rest[:end]))
	if err != nil {
		return -1
	}
	return n
}
