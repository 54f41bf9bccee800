package lab_test

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/internal/lab"
	"fourwires/internal/netsim"
	"fourwires/sse"
	"fourwires/websocket"
)

// A brokenServer is one for which a client's call waits and waits. It takes its steps and then is silent; nil: a client
// cannot connect to it.
type brokenServer struct {
	name  string
	steps func(conn net.Conn, in *bufio.Reader)
}

// answers reads a request and writes text.
func answers(text string) func(net.Conn, *bufio.Reader) {
	return func(conn net.Conn, in *bufio.Reader) {
		if _, err := http.ReadRequest(in); err == nil {
			io.WriteString(conn, text)
		}
	}
}

// upgrades opens a WebSocket, writes some frames, and reads on.
func upgrades(frames string) func(net.Conn, *bufio.Reader) {
	return func(conn net.Conn, in *bufio.Reader) {
		upgradesAndStops(frames)(conn, in)
		io.Copy(io.Discard, in)
	}
}

// upgradesAndStops does not read on.
func upgradesAndStops(frames string) func(net.Conn, *bufio.Reader) {
	return func(conn net.Conn, in *bufio.Reader) {
		req, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		key := req.Header.Get("Sec-WebSocket-Key")
		accept := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) // RFC 6455, section 4.2.2
		const headers = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		fmt.Fprintf(conn, headers+"Sec-WebSocket-Accept: %s\r\n\r\n%s",
			base64.StdEncoding.EncodeToString(accept[:]), frames)
	}
}

// hello is the first frame of a WebSocket.
const hello = "\x81\x16" + `{"epoch":"e","head":0}`

var (
	unreachable  = brokenServer{"that is unreachable", nil}
	readsNothing = brokenServer{"that reads nothing", func(net.Conn, *bufio.Reader) {}}
	sendsNothing = brokenServer{"that answers nothing", answers("")}
	halfHeaders  = brokenServer{"that stops in the headers", answers("HTTP/1.1 200 OK\r\nContent-")}
	halfABody    = brokenServer{"that stops in the body", answers("HTTP/1.1 200 OK\r\n" +
		"Content-Type: text/event-stream\r\nContent-Length: 100\r\n\r\n{")}
	upgraded  = brokenServer{"that upgrades", upgrades("")}
	sentHello = brokenServer{"that says hello", upgrades(hello)}
	halfFrame = brokenServer{"that stops in a frame", upgrades(hello + "\x81\x7d{")}
	stopped   = brokenServer{"that reads no frame", upgradesAndStops(hello)}
)

// TestContexts has every blocking call of the clients wait for a server that does not go on, and ends its context after
// 3 s.
func TestContexts(t *testing.T) {
	t.Parallel()
	type call struct {
		name    string
		servers []brokenServer
		grace   time.Duration // for the end of the closing handshake (RFC 6455, section 7.1.1)
		do      func(ctx context.Context, dial lab.Dial) error
	}
	type conn = websocket.EchoConn
	echo := func(ask func(context.Context, *conn) error) func(context.Context, lab.Dial) error {
		return func(ctx context.Context, dial lab.Dial) error {
			echo, err := websocket.DialEcho(ctx, "http://lab/websocket/echo", dial)
			if err == nil {
				err = ask(ctx, echo)
				echo.Close()
			}
			return err
		}
	}
	calls := []call{
		{"sse.Stream.Events", []brokenServer{unreachable, readsNothing, sendsNothing, halfHeaders, halfABody}, 0, func(ctx context.Context, dial lab.Dial) (last error) {
			for _, err := range (&sse.Stream{URL: "http://lab/sse", Dial: dial}).Events(ctx) {
				last = err
			}
			return last
		}},
		{"websocket.DialEcho", []brokenServer{unreachable, readsNothing, sendsNothing, halfHeaders}, 0, echo(nil)},
		{"websocket.EchoConn.Echo", []brokenServer{stopped, upgraded}, 0, echo(func(ctx context.Context, e *conn) error {
			_, err := e.Echo(ctx, "text")
			return err
		})},
		{"websocket.EchoConn.Stamps", []brokenServer{stopped, upgraded}, 0, echo(func(ctx context.Context, e *conn) error {
			_, _, _, _, err := e.Stamps(ctx)
			return err
		})},
		{"websocket.Client.Send", []brokenServer{stopped}, 0, func(ctx context.Context, dial lab.Dial) (err error) {
			client := &websocket.Client{URL: "http://lab/websocket", Dial: dial}
			reading, leave := context.WithCancel(context.Background())
			done := make(chan struct{})
			go func() {
				defer close(done)
				for range client.Messages(reading) {
				}
			}()
			synctest.Wait()
			for err == nil { // until nothing more is taken
				err = client.Send(ctx, []byte("1"))
			}
			leave()
			<-done
			return err
		}},
		{"websocket.Client.Send, one behind another", []brokenServer{stopped}, 0, func(ctx context.Context, dial lab.Dial) (err error) {
			client := &websocket.Client{URL: "http://lab/websocket", Dial: dial}
			reading, leave := context.WithCancel(context.Background())
			first, leaveFirst := context.WithCancel(context.Background())
			done := make(chan struct{}, 2)
			go func() {
				for range client.Messages(reading) {
				}
				done <- struct{}{}
			}()
			synctest.Wait()
			go func() {
				client.Send(first, []byte("1"))
				done <- struct{}{}
			}()
			synctest.Wait()
			err = client.Send(ctx, []byte("2"))
			leaveFirst()
			leave()
			<-done
			<-done
			return err
		}},
	}
	for _, transport := range lab.Transports {
		messages := func(ctx context.Context, dial lab.Dial) (last error) {
			c := transport.Client(lab.Access{URL: "http://lab/" + transport.Name, Dial: dial})
			for _, err := range c.Messages(ctx) {
				last = err
			}
			return last
		}
		servers := []brokenServer{unreachable, readsNothing, sendsNothing, halfHeaders, halfABody}
		if transport.Name == "websocket" {
			servers = servers[:4]
			opened := []brokenServer{upgraded, sentHello, halfFrame, stopped}
			calls = append(calls, call{"websocket.Client.Messages, opened", opened, 500 * time.Millisecond, messages})
		}
		calls = append(calls, call{transport.Name + ".Client.Messages", servers, 0, messages})
	}

	for _, c := range calls {
		for _, p := range c.servers {
			t.Run(c.name+" and a server "+p.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					network := netsim.Listen()
					defer network.Close()
					if p.steps != nil {
						go func() {
							for {
								conn, err := network.Accept()
								if err != nil {
									return
								}
								defer conn.Close()
								p.steps(conn, bufio.NewReader(conn))
							}
						}()
					}
					ctx, cancel := context.WithCancel(t.Context())
					time.AfterFunc(3*time.Second, cancel)
					start := time.Now()
					err := c.do(ctx, network.Dial)
					took := time.Since(start) - 3*time.Second
					if !errors.Is(err, context.Canceled) || took < 0 || took > c.grace {
						t.Errorf("%v, %v after the end of the context, want its error", err, took)
					}
				})
			})
		}
	}
}
