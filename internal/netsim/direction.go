package netsim

import (
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

const (
	maxUnread  = 64 << 10 // bytes that are in flight or unread in a direction
	maxPieces  = 1024     // and pieces of them
	packetSize = 1460     // bytes of a piece where bandwidth counts: what TCP puts into an Ethernet frame
)

// A direction is one of the two of a connection: a queue of bytes from its writer to its reader. Its methods are
// called with mu locked, except wake.
type direction struct {
	network *Network

	mu           sync.Mutex
	changed      sync.Cond // something that a call waits for may have happened
	random       rand.PCG
	queue        []piece   // in flight, or arrived and unread
	size         int       // bytes in queue
	free         time.Time // when the line has sent all of the queue, and can send more
	last         time.Time // when the last piece of the queue arrives
	blockedUntil time.Time // nothing arrives before

	end          error     // what Read returns behind the queue; nil while the direction is open
	endDue       time.Time // when the end arrives
	writerClosed bool      // the writer has closed its end
	readerClosed bool      // the reader has closed its end
	discarding   bool      // what is written from now on is lost
	resetDue     time.Time // when the writer learns that something was lost; then writes fail
	failure      error     // what reads and writes fail with, at once
	writing      bool      // a Write waits for space in the queue

	readDeadline, writeDeadline time.Time // zero: none

	// See socket.go.
	inMemory   bool   // there is no socket, and the rest is unused
	queued     bool   // reads and writes use the queue; otherwise they go directly to the socket
	direct     int    // calls that are at the socket itself
	pumping    bool   // a goroutine moves bytes between queue and socket
	draining   bool   // an incoming direction is to end behind what the socket has now
	socketDone bool   // the socket has reached its end, or has been closed for writing
	startPump  func() // of an outgoing direction: starts that goroutine
}

// A piece is a run of bytes that arrives at one time.
type piece struct {
	data []byte
	due  time.Time
}

func newDirection(n *Network) *direction {
	d := &direction{network: n}
	d.changed.L = &d.mu
	return d
}

// write sends b, and blocks while the queue is full.
func (d *direction) write(b []byte) (n int, err error) {
	for d.writing { // one Write after the other, whole
		if err := d.writeError(); err != nil {
			return 0, err
		}
		d.wait(d.writeDeadline)
	}
	d.writing = true
	defer func() {
		d.writing = false
		d.changed.Broadcast()
	}()
	for {
		if err := d.writeError(); err != nil {
			return n, err
		}
		now := time.Now()
		if d.loses() {
			if d.resetDue.IsZero() {
				d.resetDue = d.arrival(now, len(b)).Add(d.network.Settings().RTT / 2)
			}
			return n + len(b), nil
		}
		for len(b) > 0 && !d.full() {
			part := b[:min(len(b), maxUnread-d.size)]
			if d.network.Settings().Kbps > 0 {
				part = part[:min(len(part), packetSize)]
			}
			d.enqueue(part)
			n, b = n+len(part), b[len(part):]
		}
		if len(b) == 0 {
			return n, nil
		}
		d.wait(d.writeDeadline, d.resetDue)
	}
}

// writeError returns why nothing can be sent, or nil.
func (d *direction) writeError() error {
	now := time.Now()
	switch {
	case d.writerClosed:
		return net.ErrClosed
	case passed(d.writeDeadline, now):
		return os.ErrDeadlineExceeded
	case d.failure != nil:
		return d.failure
	case passed(d.resetDue, now) && !d.blockedUntil.After(now):
		return syscall.ECONNRESET
	case d.end != nil && !d.discarding:
		return syscall.EPIPE
	}
	return nil
}

// loses reports whether what is sent from now on is lost.
func (d *direction) loses() bool { return d.readerClosed || d.discarding || d.failure != nil }

// full reports whether the queue has no space: then the writer waits.
func (d *direction) full() bool {
	return !d.loses() && (d.size >= maxUnread || len(d.queue) >= maxPieces)
}

// add sends a piece, whether or not drainTime is maxUnread.
func (d *direction) enqueue(b []byte) {
	if len(b) == 0 || d.loses() {
		return
	}
	d.queue = append(d.queue, piece{append([]byte(nil), b...), d.arrival(time.Now(), len(b))})
	d.size += len(b)
	d.notify()
}

// enqueueEnd sends the end of the direction, unless that was sent before.
func (d *direction) enqueueEnd(end error) {
	if d.end == nil {
		d.end, d.endDue = end, d.arrival(time.Now(), 0)
		d.notify()
	}
}

// arrival occupies the line with n bytes that are sent now, and returns when they arrive.
func (d *direction) arrival(now time.Time, n int) time.Time {
	s := d.network.Settings()
	d.free = later(d.free, now)
	if s.Kbps > 0 {
		d.free = d.free.Add(time.Duration(float64(8*n) / s.Kbps * float64(time.Millisecond)))
	}
	at := d.free.Add(s.RTT / 2)
	if s.Jitter > 0 {
		at = at.Add(time.Duration(d.random.Uint64() % uint64(s.Jitter+1)))
	}
	d.last = later(d.last, at)
	return d.last
}

// reschedule moves arrivals forward: what is in flight arrives no later than if it were sent now.
func (d *direction) reschedule() {
	now := time.Now()
	d.free, d.last = now, now
	for i := range d.queue {
		if p := &d.queue[i]; p.due.After(now) {
			p.due = earlier(p.due, d.arrival(now, len(p.data)))
			d.last = p.due
		}
	}
	if d.end != nil {
		d.endDue = earlier(d.endDue, d.arrival(now, 0))
	}
}

// next returns when the next piece, or the end, can be read; zero: drainTime is
// none.
func (d *direction) nextDue() time.Time {
	switch {
	case len(d.queue) > 0:
		return later(d.queue[0].due, d.blockedUntil)
	case d.end != nil:
		return later(d.endDue, d.blockedUntil)
	}
	return time.Time{}
}

// read reads what has arrived, and blocks until something has. It returns errDirect where the socket is to be read
// directly instead.
func (d *direction) read(b []byte) (n int, err error) {
	for {
		now, next := time.Now(), d.nextDue()
		switch {
		case d.readerClosed:
			return 0, net.ErrClosed
		case passed(d.readDeadline, now):
			return 0, os.ErrDeadlineExceeded
		case d.failure != nil:
			return 0, d.failure
		case passed(next, now) && len(d.queue) == 0:
			return 0, d.end
		case passed(next, now) || len(b) == 0:
			for n < len(b) && len(d.queue) > 0 && !d.queue[0].due.After(now) {
				p := &d.queue[0]
				k := copy(b[n:], p.data)
				n, d.size, p.data = n+k, d.size-k, p.data[k:]
				if len(p.data) == 0 {
					d.dropFirst()
				}
			}
			d.changed.Broadcast()
			return n, nil
		case !d.queued || d.isIdle():
			return 0, errDirect
		}
		d.wait(next, d.readDeadline)
	}
}

// dropFirst removes the first piece from the queue.
func (d *direction) dropFirst() {
	d.queue[0] = piece{}
	if d.queue = d.queue[1:]; len(d.queue) == 0 {
		d.queue = nil
	}
}

// closeReader closes the reader's end, and reports whether bytes had arrived that were not read.
func (d *direction) closeReader() (unread bool) {
	now := time.Now()
	unread = len(d.queue) > 0 && passed(d.nextDue(), now)
	back := d.network.Settings().RTT / 2
	switch {
	case unread:
		d.resetDue = now.Add(back)
	case len(d.queue) > 0:
		d.resetDue = d.queue[0].due.Add(back)
	}
	d.readerClosed = true
	d.queue, d.size = nil, 0
	d.notify()
	return unread
}

// notify wakes the calls that wait, and starts the pump.
func (d *direction) notify() {
	d.changed.Broadcast()
	if d.startPump != nil {
		d.startPump()
	}
}

// wait waits until something has changed, or until the first of the times that are not zero.
func (d *direction) wait(times ...time.Time) {
	var first time.Time
	for _, t := range times {
		if first.IsZero() || !t.IsZero() && t.Before(first) {
			first = t
		}
	}
	if !first.IsZero() {
		defer time.AfterFunc(time.Until(first), d.wake).Stop()
	}
	d.changed.Wait()
}

func (d *direction) wake() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.changed.Broadcast()
}

// passed reports whether t is not zero, and not after now.
func passed(t, now time.Time) bool { return !t.IsZero() && !t.After(now) }

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
