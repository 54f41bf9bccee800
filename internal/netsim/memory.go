package netsim

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// Memory is a network without wires: what dials it reaches whoever accepts.
// It is a net.Listener. The zero Memory is not ready; use [Listen] or
// [Network.Memory].
type Memory struct {
	network *Network // nil: net.Pipe
	conns   chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

// Listen returns a network on which nobody has dialled yet. A connection is a
// net.Pipe: a write blocks until it is read, and deadlines behave as on a socket.
func Listen() *Memory { return (*Network)(nil).Memory() }

// Memory returns a listener in memory whose connections go over the network.
func (n *Network) Memory() *Memory {
	return &Memory{network: n, conns: make(chan net.Conn), closed: make(chan struct{})}
}

// Dial connects to whoever accepts, whatever the address, and takes a round
// trip. It blocks until then, until ctx ends, or until the listener is closed
// (net.ErrClosed).
func (l *Memory) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	var client, server net.Conn
	if l.network == nil {
		client, server = net.Pipe()
	} else {
		trip := time.NewTimer(l.network.Settings().RTT)
		defer trip.Stop()
		select {
		case <-trip.C:
		case <-l.closed:
			return nil, net.ErrClosed
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		client, server = l.network.pair()
	}
	select {
	case l.conns <- server:
		return client, nil
	case <-l.closed:
		server.Close()
		return nil, net.ErrClosed
	case <-ctx.Done():
		server.Close()
		return nil, ctx.Err()
	}
}

// Accept blocks until somebody dials or the listener is closed (net.ErrClosed).
func (l *Memory) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept and Dial; connections go on.
func (l *Memory) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr is only there for net.Listener.
func (l *Memory) Addr() net.Addr { return memory(0) }

// memory is the address of the server, 0, or of one of its clients.
type memory uint64

func (memory) Network() string { return "memory" }

func (m memory) String() string {
	if m == 0 {
		return "memory"
	}
	return fmt.Sprintf("memory:%d", uint64(m))
}

// pair returns the two ends of a connection in memory.
func (n *Network) pair() (client, server *Conn) {
	up, down := newWay(n), newWay(n)
	up.memory, up.slow, down.memory, down.slow = true, true, true, true
	server = &Conn{Opened: time.Now(), network: n, in: up, out: down, local: memory(0)}
	server.remote = memory(n.enter(server))
	client = &Conn{Opened: server.Opened, network: n, in: down, out: up, local: server.remote, remote: server.local, peer: server}
	server.peer = client
	return client, server
}
