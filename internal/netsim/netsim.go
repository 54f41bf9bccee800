// Package netsim simulates the network between a client and the lab: it delays connections, limits their bandwidth and
// cuts them, and can be changed while it runs.
//
// [Network.Listen] applies it to real connections, at the server's end of each. [Network.Memory] connects clients and a
// server within one process; that works in the virtual time of testing/synctest too, where a claim about time is exact
// and instant. Both are the same code.
//
// # What it does
//
// Each direction of a connection is a line of its own. What is written leaves when the line is free, at the line's
// bandwidth, and arrives half a round trip later, plus jitter; never before what was written earlier. At most 64 KiB,
// in at most 1 024 pieces, are in flight or unread in a direction; then Write blocks until some of it was read, as it
// does when a send buffer is full.
//
// To connect takes a round trip. In memory Dial takes it. On a real connection the kernel completes the handshake with
// the client before this package sees the connection, so there the round trip is charged before the first byte.
//
// A connection ends as TCP does (RFC 9293, section 3.6): after Close or CloseWrite the other end reads io.EOF behind
// all that was written. What is written to an end that was closed is lost, and after a round trip Write fails with
// ECONNRESET. An end that is closed while bytes are unread resets the connection.
//
// # What it does not do
//
// It loses no packets and has no congestion control: the first byte is delayed as long as the thousandth. Connections
// do not share a line.
package netsim

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Settings describe a network. The zero Settings delay nothing.
type Settings struct {
	RTT    time.Duration // round-trip time, at most 60 s; each direction takes half of it
	Jitter time.Duration // the most by which a write is delayed more, at random, uniformly; at most 60 s
	Kbps   float64       // bandwidth of a connection in each direction in kbit/s, 1 to 10 000 000; 0: no limit
}

// Check returns nil for settings in range, and otherwise one sentence on the first that is not.
func (s Settings) Check() error {
	const most = 60 * time.Second
	switch {
	case s.RTT < 0 || s.RTT > most:
		return fmt.Errorf("rtt %v: must be from 0s to %v", s.RTT, most)
	case s.Jitter < 0 || s.Jitter > most:
		return fmt.Errorf("jitter %v: must be from 0s to %v", s.Jitter, most)
	case s.Kbps != 0 && !(s.Kbps >= 1 && s.Kbps <= 10e6): // so written, NaN is refused too
		return fmt.Errorf("kbps %v: must be from 1 to 10000000, or 0 for any", s.Kbps)
	}
	return nil
}

// String returns the settings in a few words: "rtt 100ms, jitter 5ms".
func (s Settings) String() string {
	text := fmt.Sprintf("rtt %v", s.RTT)
	if s.Jitter > 0 {
		text += fmt.Sprintf(", jitter %v", s.Jitter)
	}
	if s.Kbps > 0 {
		text += fmt.Sprintf(", %v kbit/s", s.Kbps)
	}
	return text
}

// A Network delays and cuts the connections that go over it. The zero Network delays nothing. Its methods may be called
// by any number of goroutines at once; none of them blocks.
type Network struct {
	Seed uint64 // of the jitter, which is the same for connections that are opened in the same order

	settings atomic.Pointer[Settings] // nil: the zero Settings
	mu       sync.Mutex
	opened   uint64
	conns    map[*Conn]uint64 // the server's ends, until nothing is in flight after Close; and their numbers
}

// Settings returns the settings in force.
func (n *Network) Settings() Settings {
	if s := n.settings.Load(); s != nil {
		return *s
	}
	return Settings{}
}

// Set puts settings into force, or returns the error of their [Settings.Check]. They hold for what is written from now
// on. What is in flight arrives no later than if it were written now.
func (n *Network) Set(s Settings) error {
	if err := s.Check(); err != nil {
		return err
	}
	n.settings.Store(&s)
	for _, c := range n.all() {
		c.change((*direction).reschedule)
	}
	return nil
}

// Clear sets the zero Settings and ends each silence and stall. Connections that were ended stay so.
func (n *Network) Clear() {
	n.settings.Store(nil)
	for _, c := range n.all() {
		c.change(func(d *direction) {
			d.blockedUntil = time.Time{}
			d.reschedule()
		})
	}
}

// Conns returns the connections that the server has not closed, the oldest first.
func (n *Network) Conns() []*Conn {
	return slices.DeleteFunc(n.all(), func(c *Conn) bool { return c.closed.Load() })
}

func (n *Network) all() []*Conn {
	n.mu.Lock()
	defer n.mu.Unlock()
	conns := make([]*Conn, 0, len(n.conns))
	for c := range n.conns {
		conns = append(conns, c)
	}
	slices.SortFunc(conns, func(a, b *Conn) int { return cmp.Compare(n.conns[a], n.conns[b]) })
	return conns
}

// enter adds a connection and returns its number, from 1.
func (n *Network) enter(c *Conn) uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.conns == nil {
		n.conns = map[*Conn]uint64{}
	}
	n.opened++
	n.conns[c] = n.opened
	c.in.random.Seed(n.Seed, 2*n.opened)
	c.out.random.Seed(n.Seed, 2*n.opened+1)
	return n.opened
}

// leave removes a connection of which both ends are closed.
func (n *Network) leave(c *Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.conns, c)
}

// Listen returns a listener whose connections go over the network; they are of type [*Conn]. While the network delays
// nothing they read and write the socket directly.
func (n *Network) Listen(l net.Listener) net.Listener { return &listener{l, n} }

type listener struct {
	net.Listener
	network *Network
}

func (l *listener) Accept() (net.Conn, error) {
	socket, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.network.open(socket), nil
}
