package wire

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
)

// Dial opens a connection, like net.Dialer's DialContext.
type Dial = func(ctx context.Context, network, addr string) (net.Conn, error)

// Listen returns a listener whose connections are counted. The tap does not change their bytes, errors and deadlines. A
// nil Ledger returns the listener itself.
func (l *Ledger) Listen(listener net.Listener) net.Listener {
	if l == nil {
		return listener
	}
	return &tapListener{listener, l}
}

type tapListener struct {
	net.Listener
	ledger *Ledger
}

func (l *tapListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return tap(c, NewDissector(l.ledger, nil), false), nil
}

// Tap returns a dialer whose connections are counted. Unless spans is nil, it is called with each span, in the order of
// the bytes; for one connection one call at a time. It must not block.
func (l *Ledger) Tap(dial Dial, spans func(Span)) Dial {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return tap(c, NewDissector(l, spans), true), nil
	}
}

// A conn is a connection whose bytes a dissector is given.
type conn struct {
	net.Conn
	dissector *Dissector
	client    bool

	writing sync.Mutex   // keeps writes in order for the dissector
	busy    atomic.Int64 // calls of Read and Write that have not returned
	closed  atomic.Bool
}

func tap(c net.Conn, d *Dissector, client bool) net.Conn {
	tapped := &conn{Conn: c, dissector: d, client: client}
	if half, ok := c.(closeWriter); ok {
		return halfCloser{tapped, half}
	}
	return tapped
}

func (c *conn) Read(b []byte) (int, error) {
	c.busy.Add(1)
	defer c.done()
	n, err := c.Conn.Read(b)
	if c.client {
		c.dissector.Down(b[:n])
	} else {
		c.dissector.Up(b[:n])
	}
	return n, err
}

func (c *conn) Write(b []byte) (int, error) {
	c.busy.Add(1)
	defer c.done()
	c.writing.Lock()
	defer c.writing.Unlock()
	if !c.client {
		c.dissector.writeBegins()
		n, err := c.Conn.Write(b)
		c.dissector.writeEnds(b[:n])
		return n, err
	}
	c.dissector.mark(Up)
	c.dissector.sendUp(b) // first, because the response may arrive before Write returns
	n, err := c.Conn.Write(b)
	if n < len(b) {
		c.dissector.takeBack(int64(len(b) - n))
	}
	c.dissector.mark(Up)
	return n, err
}

func (c *conn) Close() error {
	var err error
	if s, ok := c.Conn.(*tlsConn); ok {
		c.busy.Add(1)
		s.closeThen(c.done)
	} else {
		err = c.Conn.Close()
	}
	c.closed.Store(true)
	if c.busy.Load() == 0 {
		c.dissector.Close()
	}
	return err
}

// done ends a call of Read or Write. Close unblocks these calls; the last of them ends the dissection, so that its
// bytes are counted too.
func (c *conn) done() {
	if c.busy.Add(-1) == 0 && c.closed.Load() {
		c.dissector.Close()
	}
}

// closeWriter is implemented by TCP connections. With it net/http ends its own direction first, so that the client can
// read the response to a request that was not read whole.
type closeWriter interface{ CloseWrite() error }

type halfCloser struct {
	*conn
	half closeWriter
}

func (c halfCloser) CloseWrite() error { return c.half.CloseWrite() }
