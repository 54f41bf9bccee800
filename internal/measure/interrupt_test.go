package measure

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/netsim"
	"fourwires/internal/protocol"
	"fourwires/internal/scenario"
	"fourwires/websocket"
)

// leaving is the longest that a client takes to leave, virtual: a WebSocket's waits for the answer to its close frame,
// and may have had to wait to send it.
const leaving = time.Second

// At whichever stage an external server falls silent, an interrupt ends the measurement of each transport, at once or,
// of a WebSocket, after its closing handshake. In virtual time: without it, each would wait for a limit, and the
// shortest is 10 s.
func TestInterruptSilence(t *testing.T) {
	t.Parallel()
	const begun = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 100\r\n\r\n{"
	certificate := httptest.NewTLSServer(nil)
	certificates := certificate.TLS.Certificates
	certificate.Close()
	for _, stage := range []struct {
		name    string
		secure  bool
		clock   bool                      // the server answers for its clock before
		dial    bool                      // a connection is made
		answers func(conn net.Conn) error // what the server does before it falls silent
	}{
		{name: "dial"},
		{name: "TLS handshake", dial: true, secure: true, answers: func(net.Conn) error { return nil }},
		{name: "response headers", dial: true, answers: readRequest},
		{name: "response headers over TLS", dial: true, secure: true, answers: func(conn net.Conn) error {
			return readRequest(tls.Server(conn, &tls.Config{Certificates: certificates}))
		}},
		{name: "half of the headers", dial: true,
			answers: answerWith("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n")},
		{name: "body", dial: true, answers: answerWith(begun)},
		{name: "a refusal's body", dial: true, answers: answerWith(strings.Replace(begun, "200 OK", "503 Busy", 1))},
		{name: "response headers behind the clock", dial: true, clock: true, answers: readRequest},
		{name: "body behind the clock", dial: true, clock: true, answers: answerWith(begun)},
	} {
		for _, transport := range names() {
			synctest.Test(t, func(t *testing.T) {
				ctx, interrupt := context.WithCancel(t.Context())
				scheme := protocol.Settings{TLS: stage.secure}.Scheme()
				o := options(t, transport+"="+scheme+"://127.0.0.1/"+transport)
				o.For, o.Protocol.Insecure = time.Hour, true
				memory := netsim.Listen()
				var reached atomic.Bool
				go func() {
					for {
						conn, err := memory.Accept()
						if err != nil {
							return
						}
						go func() {
							defer conn.Close()
							if err := stage.answers(conn); err != nil {
								return
							}
							reached.Store(true)
							io.Copy(io.Discard, conn) // until the client leaves
						}()
					}
				}()
				clock := netsim.Listen()
				server := &http.Server{Handler: &websocket.Echo{}}
				go server.Serve(clock)
				first := true
				o.Protocol.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
					if stage.clock && first {
						first = false
						return clock.Dial(ctx, network, addr)
					}
					if !stage.dial {
						reached.Store(true)
						<-ctx.Done()
						return nil, ctx.Err()
					}
					return memory.Dial(ctx, network, addr)
				}
				ended := make(chan error)
				go func() {
					_, err := run(ctx, o)
					ended <- err
				}()
				time.Sleep(time.Second) // virtual; less than any limit
				if !reached.Load() {
					t.Errorf("%s, %s: not reached", stage.name, transport)
				}
				interrupt()
				begun := time.Now()
				if err := <-ended; err != nil {
					t.Errorf("%s, %s: %v", stage.name, transport, err)
				}
				if took := time.Since(begun); took > leaving {
					t.Errorf("%s, %s: ended %v after the interrupt", stage.name, transport, took)
				}
				memory.Close()
				server.Close()
				time.Sleep(time.Minute) // until the last connection is closed
			})
		}
	}
}

// readRequest reads a request up to the end of its headers.
func readRequest(conn net.Conn) error {
	text := ""
	for b := make([]byte, 1024); !strings.HasSuffix(text, "\r\n\r\n"); {
		n, err := conn.Read(b)
		if err != nil {
			return err
		}
		text += string(b[:n])
	}
	return nil
}

// answerWith returns a server that answers a request with this text.
func answerWith(text string) func(net.Conn) error {
	return func(conn net.Conn) error {
		if err := readRequest(conn); err != nil {
			return err
		}
		_, err := io.WriteString(conn, text)
		return err
	}
}

// A server that falls silent at the questions for its clock, at the first or later, keeps no measurement from ending.
func TestInterruptClock(t *testing.T) {
	t.Parallel()
	for _, answered := range []int{0, 3, firstQuestions + 1} {
		synctest.Test(t, func(t *testing.T) {
			ctx, interrupt := context.WithCancel(t.Context())
			var echo http.Handler = &websocket.Echo{}
			f := feed.New(feed.Keep)
			sockets := lab.Transports[rank("websocket")].Handler(f, nil)
			memory := netsim.Listen()
			var asked atomic.Int64
			server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/websocket" {
					sockets.ServeHTTP(w, r)
				} else {
					echo.ServeHTTP(w, r)
				}
			})}
			go server.Serve(memory)
			o := options(t, "websocket=http://127.0.0.1/websocket")
			o.For = time.Hour
			o.Protocol.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
				conn, err := memory.Dial(ctx, network, addr)
				return &mute{Conn: conn, after: 1 + answered, asked: &asked}, err
			}
			ended := make(chan error)
			go func() {
				_, err := run(ctx, o)
				ended <- err
			}()
			time.Sleep(2 * time.Second) // virtual
			if got := asked.Load(); got < int64(answered) {
				t.Errorf("%d answers: %d were asked for", answered, got)
			}
			interrupt()
			begun := time.Now()
			if err := <-ended; err != nil {
				t.Error(err)
			}
			if took := time.Since(begun); took > leaving {
				t.Errorf("%d answers: ended %v after the interrupt", answered, took)
			}
			f.Close()
			server.Close()
			time.Sleep(time.Minute) // until the last connection is closed
		})
	}
}

// A mute connection passes on so many writes of the client, and no more.
type mute struct {
	net.Conn
	after int
	asked *atomic.Int64
}

func (c *mute) Write(b []byte) (int, error) {
	if c.after == 0 {
		return len(b), nil
	}
	c.after--
	c.asked.Add(1)
	return c.Conn.Write(b)
}

// An interrupt ends what sends, too: POSTs, and texts on a WebSocket that are echoed.
func TestInterruptSending(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"polling", "websocket"} {
		synctest.Test(t, func(t *testing.T) {
			ctx, interrupt := context.WithCancel(t.Context())
			memory := netsim.Listen()
			var echo http.Handler = &websocket.Echo{}
			server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					echo.ServeHTTP(w, r)
				} else {
					io.Copy(io.Discard, r.Body)
					<-r.Context().Done()
				}
			})}
			go server.Serve(memory)
			o := options(t)
			o.Direction = scenario.Up
			o.Protocol.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
				conn, err := memory.Dial(ctx, network, addr)
				if transport == "websocket" {
					conn = &mute{Conn: conn, after: 1, asked: new(atomic.Int64)}
				}
				return conn, err
			}
			s := &session{Options: o, target: Target{Transport: transport}, addr: "127.0.0.1"}
			s.transport, _ = lab.Find(transport)
			s.tally, s.ledger = newTally(1, 1), newLedger(s.target)
			sender, err := s.newSender(ctx, s.newClient())
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 2)
			for range 2 { // the second waits for the first
				go func() { ended <- sender.send(ctx, []byte("hello")) }()
			}
			time.Sleep(time.Second) // virtual
			interrupt()
			begun := time.Now()
			for range 2 {
				if err := <-ended; !errors.Is(err, context.Canceled) {
					t.Errorf("%s: %v", transport, err)
				}
			}
			if took := time.Since(begun); took > 0 {
				t.Errorf("%s: ended %v after the interrupt", transport, took)
			}
			sender.close()
			server.Close()
			time.Sleep(time.Minute) // until the last connection is closed
		})
	}
}
