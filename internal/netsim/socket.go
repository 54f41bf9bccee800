package netsim

import (
	"errors"
	"io"
	"net"
	"os"
	"time"
)

// The server's end of a real connection. While the network does nothing to a
// way, Read or Write goes straight to the socket. Else the way is slow, and a
// goroutine pumps: on the way in from the socket into the way, all the time; on
// the way out from the way to the socket, while there is anything.

const (
	// linger is how long a client has to take each piece of what was under way
	// when the server closed.
	linger = 10 * time.Second

	atOnce = 4 << 10 // bytes that are read from a socket at once

	there = time.Millisecond // for a socket to say what it has
)

var (
	errIdle = errors.New("netsim: the way is not slow any more")
	past    = time.Unix(1, 0) // a deadline that interrupts
)

// open returns a connection over the network that ends at a socket.
func (n *Network) open(socket net.Conn) *Conn {
	c := &Conn{
		Opened: time.Now(), network: n, in: newWay(n), out: newWay(n),
		local: socket.LocalAddr(), remote: socket.RemoteAddr(), socket: socket,
	}
	c.out.pump = c.startOut
	n.enter(c)
	c.change(func(w *way) {
		// The client believes that it is connected. Its first byte leaves when
		// the answer to its SYN would have come, and the server's when the answer
		// to that would have.
		rtt := n.Settings().RTT
		w.free = c.Opened.Add(rtt)
		if w == c.out {
			w.free = w.free.Add(rtt / 2)
		}
	})
	return c
}

// off reports whether the network does nothing to what is sent from now on.
func (w *way) off() bool {
	return !w.memory && w.network.Settings() == Settings{} && !w.held.After(time.Now()) &&
		w.end == nil && !w.ending && w.broken == nil && !w.deaf && !w.closed
}

// idle reports whether a slow way in is slow for nothing.
func (w *way) idle() bool {
	return w.off() && w.slow && !w.pumping && w.straight == 0 && len(w.queue) == 0
}

// settle makes a way slow or takes it back, as is right now. It is called with
// w.mu held.
func (c *Conn) settle(w *way) {
	in, off := w == c.in, w.off()
	switch {
	case !off && !w.slow:
		w.slow = true
		if in && w.straight > 0 {
			c.socket.SetReadDeadline(past) // that Read comes here
		}
	case off && in && w.pumping:
		c.socket.SetReadDeadline(past) // that goroutine ends
	case off && in && w.idle():
		w.slow = false
		c.socket.SetReadDeadline(w.readBy)
	case off && !in && w.slow && !w.pumping && !w.writing:
		w.slow = false
		c.socket.SetWriteDeadline(w.writeBy)
	}
	switch {
	case !in:
		c.startOut()
	case !off && !w.pumping && !w.spent && w.straight == 0:
		w.pumping = true
		c.socket.SetReadDeadline(time.Time{})
		go c.pumpIn()
	}
	if in && w.ending && !w.cut {
		c.socket.SetReadDeadline(time.Now().Add(there))
	}
}

// readStraight reads the socket itself. If the way has become slow meanwhile,
// what came goes that way, and ok is false.
func (c *Conn) readStraight(b []byte) (n int, err error, ok bool) {
	w := c.in
	w.straight++
	w.mu.Unlock()
	n, err = c.socket.Read(b)
	w.mu.Lock()
	w.straight--
	if !w.slow {
		return n, err, true
	}
	w.add(b[:n])
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		w.spent = true
		w.finish(err)
	}
	c.settle(w)
	return 0, nil, false
}

// pumpIn reads the socket.
func (c *Conn) pumpIn() {
	b := make([]byte, atOnce)
	for more := true; more; {
		n, err := c.socket.Read(b)
		more = c.pumped(b[:n], err)
	}
}

// pumped takes what came from the socket, and reports whether to read on.
func (c *Conn) pumped(b []byte, err error) (more bool) {
	w := c.in
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.full() {
		w.wait()
	}
	w.add(b)
	switch {
	case err == nil:
		return true
	case !errors.Is(err, os.ErrDeadlineExceeded):
		w.spent = true
		w.finish(err)
	case w.ending && !w.cut: // the socket had no more
		w.finish(io.EOF)
		w.cut = true
		fallthrough
	case !w.off():
		c.socket.SetReadDeadline(time.Time{})
		return true
	}
	w.pumping = false
	c.settle(w)
	w.moved.Broadcast()
	return false
}

// writeStraight writes to the socket itself.
func (c *Conn) writeStraight(b []byte) (int, error) {
	w := c.out
	w.straight++
	w.mu.Unlock()
	n, err := c.socket.Write(b)
	w.mu.Lock()
	w.straight--
	if w.slow {
		w.moved.Broadcast()
		if w.broken != nil {
			err = c.opError("write", w.broken)
		}
	}
	return n, err
}

// startOut starts pumpOut if there is anything on the way out.
func (c *Conn) startOut() {
	w := c.out
	if !w.pumping && !w.spent && w.broken == nil && !w.next().IsZero() {
		w.pumping = true
		go c.pumpOut()
	}
}

// pumpOut writes what arrives to the socket, until nothing is under way.
func (c *Conn) pumpOut() {
	w := c.out
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.broken == nil && !w.spent && !w.next().IsZero() {
		next := w.next()
		switch {
		case w.straight > 0:
			w.wait()
		case next.After(time.Now()):
			w.wait(next)
		case len(w.queue) == 0:
			w.spent = true
			c.tell(w.end)
		default:
			c.deliver()
		}
	}
	w.pumping = false
	c.settle(w)
	w.moved.Broadcast()
}

// deliver writes the first piece to the socket.
func (c *Conn) deliver() {
	w := c.out
	data := w.queue[0].data
	var by time.Time
	if w.closed {
		by = time.Now().Add(linger)
	}
	c.socket.SetWriteDeadline(by)
	w.mu.Unlock()
	_, err := c.socket.Write(data)
	w.mu.Lock()
	switch {
	case w.broken != nil: // meanwhile
	case err != nil:
		w.broken = err
		w.queue, w.size = nil, 0
		if w.closed {
			c.closeSocket()
		}
	default:
		w.size -= len(data)
		w.drop()
	}
	w.moved.Broadcast()
}

// tell ends the connection at the socket: for writing, or if the server has
// closed it, for good.
func (c *Conn) tell(end error) {
	switch {
	case !c.out.closed:
		closeWrite(c.socket)
		return
	case end != io.EOF:
		c.abort()
	}
	c.closeSocket()
}

func (c *Conn) closeSocket() error {
	c.network.leave(c)
	return c.socket.Close()
}

// abort closes the socket with a RST.
func (c *Conn) abort() {
	c.resets()
	c.socket.Close()
}

// resets has the socket's close be a RST, whoever closes it.
func (c *Conn) resets() {
	if tcp, ok := c.socket.(interface{ SetLinger(int) error }); ok {
		tcp.SetLinger(0)
	}
}

// closeWrite closes a socket for writing, where it can be.
func closeWrite(socket net.Conn) error {
	if half, ok := socket.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}
