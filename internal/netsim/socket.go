package netsim

import (
	"errors"
	"io"
	"net"
	"os"
	"time"
)

// The server's end of a real connection. While the network does nothing to a direction, Read or Write goes directly
// to the socket. Otherwise the direction is queued, and a goroutine pumps: for incoming bytes from the socket into the
// queue, all the time; for outgoing ones from the queue to the socket, while the queue has any.

const (
	// linger is how long a client has to take each piece that was in flight when the server closed.
	linger = 10 * time.Second

	readSize = 4 << 10 // bytes that are read from a socket at once

	drainTime = time.Millisecond // for a socket to return what it has received
)

var (
	errDirect = errors.New("netsim: reads go directly to the socket")
	past      = time.Unix(1, 0) // a deadline that interrupts
)

// open returns the server's end of a connection over the network, which reads and writes a socket.
func (n *Network) open(socket net.Conn) *Conn {
	c := &Conn{
		Opened: time.Now(), network: n, in: newDirection(n), out: newDirection(n),
		local: socket.LocalAddr(), remote: socket.RemoteAddr(), socket: socket,
	}
	c.out.startPump = c.startPumpOut
	n.enter(c)
	c.change(func(d *direction) {
		// For the client the kernel has completed the handshake. The client's first byte leaves when its SYN would
		// have been answered, the server's when the client's answer to that would have arrived.
		rtt := n.Settings().RTT
		d.free = c.Opened.Add(rtt)
		if d == c.out {
			d.free = d.free.Add(rtt / 2)
		}
	})
	return c
}

// isOff reports whether the network does nothing to what is sent from now on.
func (d *direction) isOff() bool {
	return !d.inMemory && d.network.Settings() == Settings{} && !d.blockedUntil.After(time.Now()) &&
		d.end == nil && !d.draining && d.failure == nil && !d.readerClosed && !d.writerClosed
}

// isIdle reports whether an incoming direction is queued although nothing needs the queue.
func (d *direction) isIdle() bool {
	return d.isOff() && d.queued && !d.pumping && d.direct == 0 && len(d.queue) == 0
}

// updateMode makes a direction queued, or direct again, as the network now needs it. It is called with d.mu locked.
func (c *Conn) updateMode(d *direction) {
	in, off := d == c.in, d.isOff()
	switch {
	case !off && !d.queued:
		d.queued = true
		if in && d.direct > 0 {
			c.socket.SetReadDeadline(past) // that Read is interrupted, and uses the queue
		}
	case off && in && d.pumping:
		c.socket.SetReadDeadline(past) // so that the pump ends
	case off && in && d.isIdle():
		d.queued = false
		c.socket.SetReadDeadline(d.readDeadline)
	case off && !in && d.queued && !d.pumping && !d.writing:
		d.queued = false
		c.socket.SetWriteDeadline(d.writeDeadline)
	}
	switch {
	case !in:
		c.startPumpOut()
	case !off && !d.pumping && !d.socketDone && d.direct == 0:
		d.pumping = true
		c.socket.SetReadDeadline(time.Time{})
		go c.pumpIn()
	}
	if in && d.draining && !d.discarding {
		c.socket.SetReadDeadline(time.Now().Add(drainTime))
	}
}

// readSocket reads the socket itself. If the direction has become queued meanwhile, what was read goes into the queue,
// and ok is false.
func (c *Conn) readSocket(b []byte) (n int, err error, ok bool) {
	d := c.in
	d.direct++
	d.mu.Unlock()
	n, err = c.socket.Read(b)
	d.mu.Lock()
	d.direct--
	if !d.queued {
		return n, err, true
	}
	d.enqueue(b[:n])
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		d.socketDone = true
		d.enqueueEnd(err)
	}
	c.updateMode(d)
	return 0, nil, false
}

// pumpIn moves bytes from the socket into the queue.
func (c *Conn) pumpIn() {
	b := make([]byte, readSize)
	for more := true; more; {
		n, err := c.socket.Read(b)
		more = c.pumped(b[:n], err)
	}
}

// pumped takes what was read from the socket, and reports whether to read on.
func (c *Conn) pumped(b []byte, err error) (more bool) {
	d := c.in
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.full() {
		d.wait()
	}
	d.enqueue(b)
	switch {
	case err == nil:
		return true
	case !errors.Is(err, os.ErrDeadlineExceeded):
		d.socketDone = true
		d.enqueueEnd(err)
	case d.draining && !d.discarding: // the socket had no more
		d.enqueueEnd(io.EOF)
		d.discarding = true
		fallthrough
	case !d.isOff():
		c.socket.SetReadDeadline(time.Time{})
		return true
	}
	d.pumping = false
	c.updateMode(d)
	d.changed.Broadcast()
	return false
}

// writeSocket writes to the socket itself.
func (c *Conn) writeSocket(b []byte) (int, error) {
	d := c.out
	d.direct++
	d.mu.Unlock()
	n, err := c.socket.Write(b)
	d.mu.Lock()
	d.direct--
	if d.queued {
		d.changed.Broadcast()
		if d.failure != nil {
			err = c.opError("write", d.failure)
		}
	}
	return n, err
}

// startPumpOut starts pumpOut if anything is to be sent.
func (c *Conn) startPumpOut() {
	d := c.out
	if !d.pumping && !d.socketDone && d.failure == nil && !d.nextDue().IsZero() {
		d.pumping = true
		go c.pumpOut()
	}
}

// pumpOut writes what arrives to the socket, until nothing is in flight.
func (c *Conn) pumpOut() {
	d := c.out
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.failure == nil && !d.socketDone && !d.nextDue().IsZero() {
		next := d.nextDue()
		switch {
		case d.direct > 0:
			d.wait()
		case next.After(time.Now()):
			d.wait(next)
		case len(d.queue) == 0:
			d.socketDone = true
			c.endSocket(d.end)
		default:
			c.deliver()
		}
	}
	d.pumping = false
	c.updateMode(d)
	d.changed.Broadcast()
}

// deliver writes the first piece of the queue to the socket.
func (c *Conn) deliver() {
	d := c.out
	data := d.queue[0].data
	var by time.Time
	if d.writerClosed {
		by = time.Now().Add(linger)
	}
	c.socket.SetWriteDeadline(by)
	d.mu.Unlock()
	_, err := c.socket.Write(data)
	d.mu.Lock()
	switch {
	case d.failure != nil: // meanwhile
	case err != nil:
		d.failure = err
		d.queue, d.size = nil, 0
		if d.writerClosed {
			c.closeSocket()
		}
	default:
		d.size -= len(data)
		d.dropFirst()
	}
	d.changed.Broadcast()
}

// endSocket closes the socket for writing, or if the server has closed its end, for good.
func (c *Conn) endSocket(end error) {
	switch {
	case !c.out.writerClosed:
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
	c.resetOnClose()
	c.socket.Close()
}

// resetOnClose makes the next close of the socket send a RST.
func (c *Conn) resetOnClose() {
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
