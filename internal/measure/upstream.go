package measure

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"fourwires/internal/child"
	"fourwires/internal/lab"
	"fourwires/internal/scenario"
	"fourwires/websocket"
)

// maxPosts is how many requests of a client may be under way at once: as many as a browser's to one host by HTTP/1.1.
const maxPosts = 6

// A sender sends the messages of one client: as frames of its WebSocket or, by the other transports, as POST requests.
type sender struct {
	send  func(ctx context.Context, data []byte) error // returns when a frame is sent, or a request answered
	close func()
}

// newSender returns the sender of a client. Where messages go upstream alone, the server echoes them to the sender.
func (s *session) newSender(ctx context.Context, client lab.Client) (sender, error) {
	version := s.Protocol.Version(s.transport.HTTP2)
	dial := s.ledger.watch(s.Protocol.Dialer(version, &s.ledger.wire, nil))
	base := s.Protocol.Scheme() + "://" + s.addr
	switch {
	case client.Send != nil && s.Direction == scenario.Up:
		echo, err := websocket.DialEcho(ctx, base+"/websocket/echo", dial)
		if err != nil {
			return sender{}, err
		}
		send := func(ctx context.Context, data []byte) error {
			_, err := echo.Echo(ctx, string(data))
			return err
		}
		return sender{send, func() { echo.Close() }}, nil
	case client.Send != nil:
		return sender{client.Send, func() {}}, nil
	case s.Direction == scenario.Up:
		return newPoster(base+"/echo", version, dial), nil
	default:
		return newPoster(base+"/publish", version, dial), nil
	}
}

// newPoster returns a sender that sends each message as a POST request, by this version of HTTP.
func newPoster(url string, version int, dial lab.Dial) sender {
	transport := &http.Transport{DialContext: dial, DialTLSContext: dial, DisableCompression: true,
		MaxConnsPerHost: maxPosts, Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP1(version == 1)
	transport.Protocols.SetUnencryptedHTTP2(version == 2)
	post := func(ctx context.Context, data []byte) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(data))
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
	}
	return sender{post, transport.CloseIdleConnections}
}

// sendAll has the clients send messages, each in turn, at these instants after start of the monotonic clock. A message
// does not wait for those before it. It returns when all are sent, with the first error.
func (s *session) sendAll(ctx context.Context, start int64, instants []time.Duration) error {
	timer, err := child.NewTimer()
	if err != nil {
		return err
	}
	defer timer.Close()
	var sending sync.WaitGroup
	var once sync.Once
	var first error
	for i, instant := range instants {
		if err := timer.SleepUntil(ctx, start+int64(instant)); err != nil {
			break // asked to end
		}
		sending.Go(func() {
			err := s.senders[i%len(s.senders)].send(ctx, numbered(i, s.Payload))
			if err != nil && ctx.Err() == nil {
				once.Do(func() { first = err })
				return
			}
			if s.Direction == scenario.Up && err == nil {
				s.tally.answered(i, child.Monotonic())
			}
		})
	}
	sending.Wait()
	return first
}
