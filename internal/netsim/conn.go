package netsim

import (
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"time"
)

// A Conn is one end of a connection over a network: the server's end, or in memory either. It is a net.Conn with
// CloseWrite, as a net.TCPConn is.
type Conn struct {
	Opened time.Time // when the server's end was accepted

	network       *Network
	in, out       *direction
	local, remote net.Addr
	socket        net.Conn // nil in memory
	peer          *Conn    // the other end; nil at a socket
	closed        atomic.Bool
}

// A Cut is a kind of failure of a connection.
type Cut string

const (
	FIN     Cut = "fin"     // both ends read io.EOF behind what is in flight, as if the other had closed
	RST     Cut = "rst"     // both ends fail with ECONNRESET at once, and what is in flight is lost
	Silence Cut = "silence" // for a time nothing arrives at either end, without an error; then everything does
	Stall   Cut = "stall"   // for a time nothing arrives at the other end, as if it did not read
)

// maxDuration is the longest silence or stall.
const maxDuration = time.Hour

// timed reports whether the cut ends by itself.
func (kind Cut) timed() bool { return kind == Silence || kind == Stall }

// Check returns nil for a cut of that duration, and otherwise one sentence on what is wrong with it. A silence and a
// stall last up to an hour; FIN and RST are for good, and take 0.
func (kind Cut) Check(duration time.Duration) error {
	timed := kind.timed()
	switch {
	case kind != FIN && kind != RST && !timed:
		return fmt.Errorf("cut %q: must be %s, %s, %s or %s", kind, FIN, RST, Silence, Stall)
	case timed && (duration <= 0 || duration > maxDuration):
		return fmt.Errorf("a %s of %v: must last from above 0s to %v", kind, duration, maxDuration)
	case !timed && duration != 0:
		return fmt.Errorf("a %s lasts for good, not for %v", kind, duration)
	}
	return nil
}

// Cut makes the connection fail. A silence and a stall last for the duration, or until [Network.Clear]; a later one
// replaces them. Cut does not block. The error is that of [Cut.Check].
func (c *Conn) Cut(kind Cut, duration time.Duration) error {
	if err := kind.Check(duration); err != nil {
		return err
	}
	until := time.Now().Add(duration)
	switch kind {
	case FIN:
		c.change(func(d *direction) {
			if d == c.in && c.socket != nil {
				d.draining = true
				return
			}
			d.enqueueEnd(io.EOF)
			d.discarding = true
		})
	case RST:
		if c.socket != nil {
			c.resetOnClose() // first: who reads the error may close the socket before abort does
		}
		c.change(func(d *direction) {
			d.failure = syscall.ECONNRESET
			d.queue, d.size = nil, 0
		})
		if c.socket != nil {
			c.abort()
		}
	case Silence:
		c.change(func(d *direction) { d.blockedUntil = until })
	case Stall:
		c.change(func(d *direction) {
			if d == c.out {
				d.blockedUntil = until
			}
		})
	}
	if kind.timed() && c.socket != nil {
		time.AfterFunc(duration, func() { c.change(func(*direction) {}) })
	}
	return nil
}

// change changes both directions, and then whether they are queued.
func (c *Conn) change(change func(*direction)) {
	for _, d := range []*direction{c.in, c.out} {
		d.mu.Lock()
		change(d)
		if c.socket != nil {
			c.updateMode(d)
		}
		d.changed.Broadcast()
		d.mu.Unlock()
	}
}

// Read implements net.Conn.
func (c *Conn) Read(b []byte) (int, error) {
	d := c.in
	d.mu.Lock()
	defer d.mu.Unlock()
	for {
		if !d.queued {
			if n, err, ok := c.readSocket(b); ok {
				return n, err
			}
			continue
		}
		n, err := d.read(b)
		if err != errDirect {
			return n, c.opError("read", err)
		}
		c.updateMode(d)
	}
}

// Write implements net.Conn. It returns when all of b is in flight.
func (c *Conn) Write(b []byte) (int, error) {
	d := c.out
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.queued {
		return c.writeSocket(b)
	}
	n, err := d.write(b)
	if c.socket != nil {
		c.updateMode(d)
	}
	return n, c.opError("write", err)
}

// CloseWrite ends what this end sends: the other end reads io.EOF behind it.
func (c *Conn) CloseWrite() error {
	d := c.out
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.writerClosed:
		return c.opError("close", net.ErrClosed)
	case !d.queued:
		return closeWrite(c.socket)
	}
	d.enqueueEnd(io.EOF)
	return nil
}

// Close closes this end. What was written still arrives.
func (c *Conn) Close() error {
	if c.closed.Swap(true) {
		return c.opError("close", net.ErrClosed)
	}
	d := c.out
	d.mu.Lock()
	d.writerClosed = true
	d.changed.Broadcast()
	direct := c.socket != nil && (!d.queued || d.socketDone || d.failure != nil)
	d.mu.Unlock()

	c.in.mu.Lock()
	unread := c.in.closeReader()
	if c.socket != nil && !direct {
		c.updateMode(c.in) // a Read at the socket ends, and what still arrives is read and discarded
	}
	c.in.mu.Unlock()
	switch {
	case direct:
		return c.closeSocket()
	case c.peer != nil && c.peer.closed.Load():
		c.network.leave(c)
		c.network.leave(c.peer)
	}

	d.mu.Lock()
	defer d.mu.Unlock()
	if unread {
		d.enqueueEnd(syscall.ECONNRESET)
	}
	d.enqueueEnd(io.EOF)
	if c.socket != nil {
		c.socket.SetWriteDeadline(time.Now().Add(linger)) // of a piece that is being written
	}
	return nil
}

// LocalAddr implements net.Conn.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr implements net.Conn. No two connections of a network that are open at once have the same.
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
	d := c.in
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.readerClosed {
		return c.opError("set", net.ErrClosed)
	}
	d.readDeadline = t
	d.changed.Broadcast()
	if !d.queued {
		return c.socket.SetReadDeadline(t)
	}
	return nil
}

// SetWriteDeadline implements net.Conn.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	d := c.out
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.writerClosed {
		return c.opError("set", net.ErrClosed)
	}
	d.writeDeadline = t
	d.changed.Broadcast()
	if !d.queued || d.direct > 0 {
		return c.socket.SetWriteDeadline(t)
	}
	return nil
}

// opError wraps an error with the operation and the addresses, as package net does.
func (c *Conn) opError(op string, err error) error {
	if _, wrapped := err.(*net.OpError); wrapped || err == nil || err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: c.local.Network(), Source: c.local, Addr: c.remote, Err: err}
}
