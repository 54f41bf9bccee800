package lab_test

import (
	"context"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/internal/lab"
	"fourwires/internal/lab/labtest"
)

// When a lab ends it reads nothing more, also where closing a connection has not had its turn yet: hundreds of clients
// that send as fast as they can would have the lab go on reading them, and its end wait.
func TestEndReadsNothing(t *testing.T) {
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
		if after := busy.reads.Load() - atEnd; atEnd < 1000 || after > 1 { // the one that was under way
			t.Errorf("%d reads, and %d behind the end, want 1 at most", atEnd, after)
		}
		busy.gone.Store(true)
	})
}

// A busyConn is of a client that sends a ping each millisecond, over HTTP/2; it is never closed.
type busyConn struct {
	net.TCPConn // of which only the methods are used that follow
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
