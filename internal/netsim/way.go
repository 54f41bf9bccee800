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
	room   = 64 << 10 // bytes that are under way or unread in a direction
	pieces = 1024     // and pieces of them
	packet = 1460     // bytes of a piece where bandwidth counts: what TCP puts into an Ethernet frame
)

// A way is one direction of a connection. Its methods are called with mu held,
// except wake.
type way struct {
	network *Network

	mu     sync.Mutex
	moved  sync.Cond // what somebody waits for may have come
	random rand.PCG
	queue  []piece   // under way, or there and unread
	size   int       // bytes in queue
	free   time.Time // when the line has sent them
	last   time.Time // when the last of them arrives
	held   time.Time // nothing arrives before

	end     error     // is read behind the queue; nil while the way is open
	ends    time.Time // when that arrives
	closed  bool      // the writer has closed its end
	deaf    bool      // the reader has closed its end
	cut     bool      // what is sent from now on is lost
	refused time.Time // when the writer learns that something was lost; then writes fail
	broken  error     // what reads and writes fail with, at once
	writing bool      // a Write waits for room

	readBy, writeBy time.Time // deadlines; zero: none

	// See socket.go.
	memory   bool   // there is no socket, and the rest is unused
	slow     bool   // reads and writes come here; else they go to the socket itself
	straight int    // calls that are at the socket itself
	pumping  bool   // a goroutine moves what comes between way and socket
	ending   bool   // a way in is to end behind what the socket has now
	spent    bool   // the socket has nothing more to say, or to be told
	pump     func() // starts that goroutine on a way out
}

// A piece is what is sent at once.
type piece struct {
	data []byte
	due  time.Time
}

func newWay(n *Network) *way {
	w := &way{network: n}
	w.moved.L = &w.mu
	return w
}

// send sends b, and blocks while too much is under way.
func (w *way) send(b []byte) (n int, err error) {
	for w.writing { // one Write after the other, whole
		if err := w.unfit(); err != nil {
			return 0, err
		}
		w.wait(w.writeBy)
	}
	w.writing = true
	defer func() {
		w.writing = false
		w.moved.Broadcast()
	}()
	for {
		if err := w.unfit(); err != nil {
			return n, err
		}
		now := time.Now()
		if w.lost() {
			if w.refused.IsZero() {
				w.refused = w.arrival(now, len(b)).Add(w.network.Settings().RTT / 2)
			}
			return n + len(b), nil
		}
		for len(b) > 0 && !w.full() {
			part := b[:min(len(b), room-w.size)]
			if w.network.Settings().Kbps > 0 {
				part = part[:min(len(part), packet)]
			}
			w.add(part)
			n, b = n+len(part), b[len(part):]
		}
		if len(b) == 0 {
			return n, nil
		}
		w.wait(w.writeBy, w.refused)
	}
}

// unfit returns why nothing can be sent, or nil.
func (w *way) unfit() error {
	now := time.Now()
	switch {
	case w.closed:
		return net.ErrClosed
	case passed(w.writeBy, now):
		return os.ErrDeadlineExceeded
	case w.broken != nil:
		return w.broken
	case passed(w.refused, now) && !w.held.After(now):
		return syscall.ECONNRESET
	case w.end != nil && !w.cut:
		return syscall.EPIPE
	}
	return nil
}

// lost reports whether nobody gets what is sent from now on.
func (w *way) lost() bool { return w.deaf || w.cut || w.broken != nil }

// full reports whether what is sent has to wait.
func (w *way) full() bool { return !w.lost() && (w.size >= room || len(w.queue) >= pieces) }

// add sends a piece, whether or not there is room.
func (w *way) add(b []byte) {
	if len(b) == 0 || w.lost() {
		return
	}
	w.queue = append(w.queue, piece{append([]byte(nil), b...), w.arrival(time.Now(), len(b))})
	w.size += len(b)
	w.changed()
}

// finish sends the end of the way, unless that was sent before.
func (w *way) finish(end error) {
	if w.end == nil {
		w.end, w.ends = end, w.arrival(time.Now(), 0)
		w.changed()
	}
}

// arrival takes the line for n bytes that are sent now, and returns when they
// arrive.
func (w *way) arrival(now time.Time, n int) time.Time {
	s := w.network.Settings()
	w.free = later(w.free, now)
	if s.Kbps > 0 {
		w.free = w.free.Add(time.Duration(float64(8*n) / s.Kbps * float64(time.Millisecond)))
	}
	at := w.free.Add(s.RTT / 2)
	if s.Jitter > 0 {
		at = at.Add(time.Duration(w.random.Uint64() % uint64(s.Jitter+1)))
	}
	w.last = later(w.last, at)
	return w.last
}

// hurry has what is under way arrive no later than if it were sent now.
func (w *way) hurry() {
	now := time.Now()
	w.free, w.last = now, now
	for i := range w.queue {
		if p := &w.queue[i]; p.due.After(now) {
			p.due = earlier(p.due, w.arrival(now, len(p.data)))
			w.last = p.due
		}
	}
	if w.end != nil {
		w.ends = earlier(w.ends, w.arrival(now, 0))
	}
}

// next returns when the next piece, or the end, can be read; zero: there is
// none.
func (w *way) next() time.Time {
	switch {
	case len(w.queue) > 0:
		return later(w.queue[0].due, w.held)
	case w.end != nil:
		return later(w.ends, w.held)
	}
	return time.Time{}
}

// take reads what has arrived, and blocks until something has. It returns
// errIdle if a socket is to be read straight instead.
func (w *way) take(b []byte) (n int, err error) {
	for {
		now, next := time.Now(), w.next()
		switch {
		case w.deaf:
			return 0, net.ErrClosed
		case passed(w.readBy, now):
			return 0, os.ErrDeadlineExceeded
		case w.broken != nil:
			return 0, w.broken
		case passed(next, now) && len(w.queue) == 0:
			return 0, w.end
		case passed(next, now) || len(b) == 0:
			for n < len(b) && len(w.queue) > 0 && !w.queue[0].due.After(now) {
				p := &w.queue[0]
				k := copy(b[n:], p.data)
				n, w.size, p.data = n+k, w.size-k, p.data[k:]
				if len(p.data) == 0 {
					w.drop()
				}
			}
			w.moved.Broadcast()
			return n, nil
		case !w.slow || w.idle():
			return 0, errIdle
		}
		w.wait(next, w.readBy)
	}
}

// drop forgets the first piece.
func (w *way) drop() {
	w.queue[0] = piece{}
	if w.queue = w.queue[1:]; len(w.queue) == 0 {
		w.queue = nil
	}
}

// deafen closes the reader's end, and reports whether that had left anything
// unread.
func (w *way) deafen() (unread bool) {
	now := time.Now()
	unread = len(w.queue) > 0 && passed(w.next(), now)
	back := w.network.Settings().RTT / 2
	switch {
	case unread:
		w.refused = now.Add(back)
	case len(w.queue) > 0:
		w.refused = w.queue[0].due.Add(back)
	}
	w.deaf = true
	w.queue, w.size = nil, 0
	w.changed()
	return unread
}

// changed tells those that wait.
func (w *way) changed() {
	w.moved.Broadcast()
	if w.pump != nil {
		w.pump()
	}
}

// wait waits until something has changed, or until one of the times that are
// not zero.
func (w *way) wait(times ...time.Time) {
	var first time.Time
	for _, t := range times {
		if first.IsZero() || !t.IsZero() && t.Before(first) {
			first = t
		}
	}
	if !first.IsZero() {
		defer time.AfterFunc(time.Until(first), w.wake).Stop()
	}
	w.moved.Wait()
}

func (w *way) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.moved.Broadcast()
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
