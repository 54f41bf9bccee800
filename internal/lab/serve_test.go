package lab_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/lab/labtest"
	"fourwires/internal/netsim"
	"fourwires/internal/source"

	gorilla "github.com/gorilla/websocket"
)

// When a lab ends it reads nothing more, even from connections that it has not closed yet. Otherwise hundreds of
// clients that send as fast as they can would delay its end.
func TestEndReadsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		busy := &busyConn{}
		l, err := lab.New(labtest.Quiet(1))
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			ended <- l.Serve(ctx, lab.Listeners{Lanes: accepts(busy), Control: accepts()})
		}()
		time.Sleep(time.Second)
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		atEnd := busy.reads.Load()
		time.Sleep(time.Minute)
		if after := busy.reads.Load() - atEnd; atEnd < 1000 || after > 1 { // a read that had begun
			t.Errorf("%d reads, and %d behind the end, want 1 at most", atEnd, after)
		}
		busy.gone.Store(true)
	})
}

// A busyConn is of a client that sends a ping each millisecond, over HTTP/2; Close does not end it.
type busyConn struct {
	net.TCPConn // only the methods below are called
	reads       atomic.Int64
	gone        atomic.Bool
	begun       string
}

func (c *busyConn) Read(b []byte) (int, error) {
	time.Sleep(time.Millisecond)
	if c.gone.Load() {
		return 0, io.EOF
	}
	if c.reads.Add(1) == 1 {
		c.begun = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	}
	if c.begun == "" {
		c.begun = "\x00\x00\x08\x06\x01\x00\x00\x00\x0012345678" // an answer to a ping
	}
	n := copy(b, c.begun)
	c.begun = c.begun[n:]
	return n, nil
}

func (c *busyConn) Write(b []byte) (int, error)      { return len(b), nil }
func (c *busyConn) Close() error                     { return nil }
func (c *busyConn) CloseWrite() error                { return nil }
func (c *busyConn) SetDeadline(time.Time) error      { return nil }
func (c *busyConn) SetReadDeadline(time.Time) error  { return nil }
func (c *busyConn) SetWriteDeadline(time.Time) error { return nil }
func (c *busyConn) SetLinger(int) error              { return nil }
func (c *busyConn) SetWriteBuffer(int) error         { return nil }
func (c *busyConn) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }
func (c *busyConn) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 81} }

// accepts returns a listener that has these connections and waits for another until it is closed.
func accepts(conns ...net.Conn) net.Listener {
	l := &waiting{conns: make(chan net.Conn, len(conns)), closed: make(chan struct{})}
	for _, conn := range conns {
		l.conns <- conn
	}
	return l
}

type waiting struct {
	conns  chan net.Conn
	closed chan struct{}
	done   atomic.Bool
}

func (l *waiting) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *waiting) Close() error {
	if !l.done.Swap(true) {
		close(l.closed)
	}
	return nil
}

func (l *waiting) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

// When a listener fails, Serve ends with its error.
func TestServeFails(t *testing.T) {
	lanes, control := netsim.Listen(), netsim.Listen()
	lanes.Close()
	l, err := lab.New(lab.Settings{Keep: 1, Source: source.Default()})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Serve(t.Context(), lab.Listeners{Lanes: lanes, Control: control}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve: %v, want the listener's error", err)
	}
}

// When Serve has returned, no handler runs: not even for a request whose headers had arrived and whose handler had not
// begun.
func TestNoHandlerAfterServe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		settings := labtest.Quiet(feed.Keep)
		requests := new(logged)
		settings.Log = slog.New(slog.NewTextHandler(requests, &slog.HandlerOptions{Level: slog.LevelDebug}))
		network := netsim.Listen()
		paused := &pausedListener{network, make(chan struct{}), make(chan struct{})}
		l := labtest.StartOn(t, settings, lab.Listeners{Lanes: netsim.Listen(), Control: paused})
		conn, err := network.Dial(t.Context(), "tcp", "localhost")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "GET /control/feed HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		<-paused.reached
		l.Close()
		close(paused.resume)
		synctest.Wait()
		if text := requests.String(); strings.Contains(text, "/control/feed") {
			t.Errorf("after Serve has returned, a handler runs: %s", text)
		}
	})
}

// A pausedListener pauses its connections when their read deadline is cleared for the second time: net/http does so
// after a request's headers, and once more just before its handler.
type pausedListener struct {
	net.Listener
	reached, resume chan struct{}
}

func (h *pausedListener) Accept() (net.Conn, error) {
	conn, err := h.Listener.Accept()
	return &pausedConn{Conn: conn, reached: h.reached, resume: h.resume}, err
}

type pausedConn struct {
	net.Conn
	reached, resume chan struct{}
	unbounded       int
}

func (c *pausedConn) SetReadDeadline(t time.Time) error {
	if t.IsZero() {
		if c.unbounded++; c.unbounded == 2 {
			close(c.reached)
			<-c.resume
		}
	}
	return c.Conn.SetReadDeadline(t)
}

// logged is what a lab logged.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// A lab that ends informs each client, whatever that is doing, and has ended within a second, even with a connection
// that never sent a byte and a client that does not read.
func TestShutdown(t *testing.T) {
	conform(t, feed.Keep, func(t *testing.T, s suite) {
		publish(t, s.lab.Feed, 1, 5)
		silent, err := s.network.Dial(t.Context(), "tcp", "localhost")
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
		stall(t, s, s.network.Dial)
		var clients sync.WaitGroup
		var informed atomic.Int64
		for range 100 {
			clients.Go(func() {
				for m, err := range s.client("0").Messages(t.Context()) {
					if err == nil {
						continue
					}
					informed.Add(1)
					switch s.Name {
					case "sse":
						if !errors.Is(err, io.EOF) {
							t.Errorf("after message %d: %v, want the end of the stream", m.ID, err)
						}
					case "websocket":
						if !gorilla.IsCloseError(errors.Unwrap(err), gorilla.CloseGoingAway) {
							t.Errorf("after message %d: %v, want close code 1001", m.ID, err)
						}
					default: // the next request finds no server
						if !errors.Is(err, net.ErrClosed) {
							t.Errorf("after message %d: %v, want a closed listener", m.ID, err)
						}
					}
				}
			})
		}
		time.Sleep(time.Second)
		start := time.Now()
		s.lab.Close()
		if took := time.Since(start); took > time.Second {
			t.Errorf("the end took %v, want a second at most", took)
		}
		clients.Wait()
		if informed.Load() != 100 {
			t.Errorf("%d of 100 clients were informed", informed.Load())
		}
	})
}
