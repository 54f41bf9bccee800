package experiments_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"fourwires/docs/blocks"
	"fourwires/feed"
	"fourwires/internal/lab/labtest"
	"fourwires/internal/wire"
	"fourwires/websocket"
)

// An upstream is how a client sends messages: a row of chapter 9's experiment.
type upstream struct {
	title       string
	http, conns int  // conns is how many connections it may open; 0: any number
	cold        bool // a connection for each message
	websocket   bool
}

var upstreams = []upstream{
	{title: "POST, a connection for each", http: 1, cold: true},
	{title: "POST, one connection", http: 1, conns: 1},
	{title: "POST, up to six, as a browser", http: 1, conns: 6},
	{title: "POST by HTTP/2", http: 2},
	{title: "a frame of a WebSocket", websocket: true},
}

// TestUp is the experiment of chapter 9: when the feed has the messages that a client sends, when the client knows that,
// and how many bytes they take. Before them a message opens the connection, except in the first row.
func TestUp(t *testing.T) {
	const many = 5
	var report strings.Builder
	fmt.Fprintf(&report, "five messages of 128 B, 10 ms apart, ms   at the feed after    known after          conns   B each\n")
	for _, u := range upstreams {
		labtest.Virtual(t, unlimited(), slow, func(t *testing.T, l *labtest.VirtualServer) {
			var ledger wire.Ledger
			publish, close := u.open(t.Context(), t, ledger.Tap(l.Dial, nil))
			if !u.cold {
				publish(text(128))
				time.Sleep(time.Second)
			}
			before, start := ledger.Snapshot(), time.Now()
			had, known := make([]time.Duration, many), make([]time.Duration, many)
			var sending sync.WaitGroup
			for i := range many {
				sending.Go(func() {
					time.Sleep(time.Duration(i) * 10 * ms)
					sent := time.Since(start)
					if publish(fmt.Appendf(nil, `"%d%s"`, i, strings.Repeat("x", 125))) {
						known[i] = time.Since(start) - sent
					}
				})
			}
			cursor := l.Feed.Head()
			for range many {
				var msgs []feed.Message
				msgs, cursor, _ = l.Feed.Wait(t.Context(), cursor, nil)
				for _, m := range msgs {
					i := m.Data[1] - '0'
					had[i] = time.Since(start) - time.Duration(i)*10*ms
				}
				if cursor.ID == l.Feed.Head().ID && !missing(had) {
					break
				}
			}
			sending.Wait()
			time.Sleep(time.Second)
			after := ledger.Snapshot()
			bytes := after.Up + after.Down - before.Up - before.Down
			if u.websocket { // downstream the message comes back to the client, which reads, too
				bytes = after.Up - before.Up
			}
			fmt.Fprintf(&report, "%-34s %25s   %-19s %6d %8.0f\n", u.title, inMS(had), inMS(known), after.Connections,
				float64(bytes)/many)
			close()
		})
	}
	blocks.Printed(t, report.String())
}

func missing(all []time.Duration) bool {
	for _, d := range all {
		if d == 0 {
			return true
		}
	}
	return false
}

func inMS(all []time.Duration) string {
	if missing(all) {
		return "–"
	}
	var texts []string
	for _, d := range all {
		texts = append(texts, fmt.Sprint(float64(d)/float64(ms)))
	}
	return strings.Join(texts, " ")
}

// open returns a function that publishes a message and reports whether a response confirmed it, and one that closes the
// connections.
func (u upstream) open(ctx context.Context, t *testing.T, dial dialer) (publish func([]byte) bool, close func()) {
	if u.websocket {
		client := websocket.Client{URL: "http://127.0.0.1:8080/websocket", Dial: dial}
		ctx, leave := context.WithCancel(ctx)
		var reading sync.WaitGroup
		reading.Go(func() {
			for range client.Messages(ctx) {
			}
		})
		time.Sleep(240 * ms) // until it is open
		return func(data []byte) bool {
				if err := client.Send(ctx, data); err != nil {
					t.Error(err)
				}
				return false
			}, func() {
				leave()
				reading.Wait()
			}
	}
	transport := &http.Transport{DialContext: dial, MaxConnsPerHost: u.conns, MaxIdleConnsPerHost: u.conns,
		DisableKeepAlives: u.cold, DisableCompression: true, Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP1(u.http == 1)
	transport.Protocols.SetUnencryptedHTTP2(u.http == 2)
	return func(data []byte) bool {
		req, _ := http.NewRequestWithContext(ctx, http.MethodPost, "http://127.0.0.1:8080/publish",
			strings.NewReader(string(data)))
		resp, err := transport.RoundTrip(req)
		if err != nil {
			t.Error(err)
			return false
		}
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusCreated {
			t.Error(resp.Status, err)
		}
		return true
	}, transport.CloseIdleConnections
}

// draw draws how three messages are sent, 10 ms apart.
func (u upstream) draw(t *testing.T, lane string, scale float64, until time.Duration) *svg {
	p := play{until: until,
		serve: func(f *feed.Feed) *http.Server {
			mux := http.NewServeMux()
			mux.Handle("GET /websocket", &websocket.Handler{Feed: feed.New(1),
				Publish: func(*http.Request, []byte) error { return nil }})
			mux.HandleFunc("POST /publish", func(w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				w.WriteHeader(http.StatusCreated)
			})
			return &http.Server{Handler: mux}
		},
		read: func(ctx context.Context, dial dialer, _ func(uint64)) {
			start := time.Now()
			publish, close := u.open(ctx, t, dial)
			if !u.websocket {
				publish(text(128))
			}
			var sending sync.WaitGroup
			for i := range 3 {
				at := start.Add(250*ms + time.Duration(i)*10*ms)
				sending.Go(func() {
					time.Sleep(time.Until(at))
					publish(text(128))
				})
			}
			sending.Wait()
			<-ctx.Done()
			close()
		}}
	return p.record(t).sequence(lane, scale, until)
}
