package netsim

import (
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"time"
)

// A Conn is one end of a connection over a network: the server's, or in memory
// either. It is a net.Conn as TCP has it, with CloseWrite.
type Conn struct {
	Opened time.Time // when the server's end was accepted

	network       *Network
	in, out       *way
	local, remote net.Addr
	socket        net.Conn // nil in memory
	peer          *Conn    // the other end; nil at a socket
	closed        atomic.Bool
}

// A Cut is a way in which a connection goes bad.
type Cut string

const (
	FIN     Cut = "fin"     // both ends read io.EOF behind what is under way, as if the other had closed
	RST     Cut = "rst"     // both ends fail with ECONNRESET at once, and what is under way is lost
	Silence Cut = "silence" // for a time nothing arrives at either end; nobody is told; then all does
	Stall   Cut = "stall"   // for a time nothing arrives at the other end, as if it did not read
)

// maxLasting is the most time that a silence or a stall lasts.
const maxLasting = time.Hour

// timed reports whether a cut is only for a time.
func (kind Cut) timed() bool { return kind == Silence || kind == Stall }

// Check returns one sentence on what is wrong with a cut that lasts so long. A silence
// and a stall last up to an hour; FIN and RST are for good, and take 0.
func (kind Cut) Check(lasting time.Duration) error {
	timed := kind.timed()
	switch {
	case kind != FIN && kind != RST && !timed:
		return fmt.Errorf("cut %q: must be %s, %s, %s or %s", kind, FIN, RST, Silence, Stall)
	case timed && (lasting <= 0 || lasting > maxLasting):
		return fmt.Errorf("a %s of %v: must last from above 0s to %v", kind, lasting, maxLasting)
	case !timed && lasting != 0:
		return fmt.Errorf("a %s lasts for good, not for %v", kind, lasting)
	}
	return nil
}

// Cut makes the connection go bad. A silence and a stall last for the time
// given, or until [Network.Clear]; a later one replaces them. The error is that of
// [Cut.Check].
func (c *Conn) Cut(kind Cut, lasting time.Duration) error {
	if err := kind.Check(lasting); err != nil {
		return err
	}
	until := time.Now().Add(lasting)
	switch kind {
	case FIN:
		c.change(func(w *way) {
			if w == c.in && c.socket != nil {
				w.ending = true
				return
			}
			w.finish(io.EOF)
			w.cut = true
		})
	case RST:
		if c.socket != nil {
			c.resets() // first: whoever reads the error may close it sooner than we do
		}
		c.change(func(w *way) {
			w.broken = syscall.ECONNRESET
			w.queue, w.size = nil, 0
		})
		if c.socket != nil {
			c.abort()
		}
	case Silence:
		c.change(func(w *way) { w.held = until })
	case Stall:
		c.change(func(w *way) {
			if w == c.out {
				w.held = until
			}
		})
	}
	if kind.timed() && c.socket != nil {
		time.AfterFunc(lasting, func() { c.change(func(*way) {}) })
	}
	return nil
}

// change changes both ways, and whether they go straight to the socket.
func (c *Conn) change(change func(*way)) {
	for _, w := range []*way{c.in, c.out} {
		w.mu.Lock()
		change(w)
		if c.socket != nil {
			c.settle(w)
		}
		w.moved.Broadcast()
		w.mu.Unlock()
	}
}

// Read implements net.Conn.
func (c *Conn) Read(b []byte) (int, error) {
	w := c.in
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		if !w.slow {
			if n, err, ok := c.readStraight(b); ok {
				return n, err
			}
			continue
		}
		n, err := w.take(b)
		if err != errIdle {
			return n, c.opError("read", err)
		}
		c.settle(w)
	}
}

// Write implements net.Conn. It returns when all of b is under way.
func (c *Conn) Write(b []byte) (int, error) {
	w := c.out
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.slow {
		return c.writeStraight(b)
	}
	n, err := w.send(b)
	if c.socket != nil {
		c.settle(w)
	}
	return n, c.opError("write", err)
}

// CloseWrite ends what this end sends: the other reads io.EOF behind it.
func (c *Conn) CloseWrite() error {
	w := c.out
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closed:
		return c.opError("close", net.ErrClosed)
	case !w.slow:
		return closeWrite(c.socket)
	}
	w.finish(io.EOF)
	return nil
}

// Close closes this end. What was written still arrives.
func (c *Conn) Close() error {
	if c.closed.Swap(true) {
		return c.opError("close", net.ErrClosed)
	}
	w := c.out
	w.mu.Lock()
	w.closed = true
	w.moved.Broadcast()
	straight := c.socket != nil && (!w.slow || w.spent || w.broken != nil)
	w.mu.Unlock()

	c.in.mu.Lock()
	unread := c.in.deafen()
	if c.socket != nil && !straight {
		c.settle(c.in) // a Read at the socket is to end, and what still comes to be taken
	}
	c.in.mu.Unlock()
	switch {
	case straight:
		return c.closeSocket()
	case c.peer != nil && c.peer.closed.Load():
		c.network.leave(c)
		c.network.leave(c.peer)
	}

	w.mu.Lock()
	defer w.mu.Unlock()
	if unread {
		w.finish(syscall.ECONNRESET)
	}
	w.finish(io.EOF)
	if c.socket != nil {
		c.socket.SetWriteDeadline(time.Now().Add(linger)) // of a piece that is being written
	}
	return nil
}

// LocalAddr implements net.Conn.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr implements net.Conn. No two connections of a network that are open
// at once have the same.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline implements net.Conn.
func (c *Conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline implements net.Conn.
func (c *Conn) SetReadDeadline(t time.Time) error {
	w := c.in
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.deaf {
		return c.opError("set", net.ErrClosed)
	}
	w.readBy = t
	w.moved.Broadcast()
	if !w.slow {
		return c.socket.SetReadDeadline(t)
	}
	return nil
}

// SetWriteDeadline implements net.Conn.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	w := c.out
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return c.opError("set", net.ErrClosed)
	}
	w.writeBy = t
	w.moved.Broadcast()
	if !w.slow || w.straight > 0 {
		return c.socket.SetWriteDeadline(t)
	}
	return nil
}

// opError says what an error is about, as package net does.
func (c *Conn) opError(op string, err error) error {
	if _, told := err.(*net.OpError); told || err == nil || err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: c.local.Network(), Source: c.local, Addr: c.remote, Err: err}
}
