package netsim

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// Memory is a net.Listener in memory: Dial connects to the goroutine that accepts. Its methods may be called by any
// number of goroutines at once. The zero Memory is not ready; use [Listen] or [Network.Memory].
type Memory struct {
	network *Network // nil: net.Pipe
	conns   chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

// Listen returns a listener in memory without a network. A connection is a net.Pipe: a write blocks until it is read,
// and deadlines behave as on a socket.
func Listen() *Memory { return (*Network)(nil).Memory() }

// Memory returns a listener in memory whose connections go over the network.
func (n *Network) Memory() *Memory {
	return &Memory{network: n, conns: make(chan net.Conn), closed: make(chan struct{})}
}

// Dial connects to the listener, whatever the address, which takes a round trip. It blocks until the connection is
// accepted, until ctx ends (then the error is ctx's), or until the listener is closed (net.ErrClosed).
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

// Accept blocks until a client dials or the listener is closed (net.ErrClosed).
func (l *Memory) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept and Dial; open connections stay open. It may be called more than once.
func (l *Memory) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr implements net.Listener.
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
	up, down := newDirection(n), newDirection(n)
	up.inMemory, up.queued, down.inMemory, down.queued = true, true, true, true
	server = &Conn{Opened: time.Now(), network: n, in: up, out: down, local: memory(0)}
	server.remote = memory(n.enter(server))
	client = &Conn{
		Opened: server.Opened, network: n, in: down, out: up,
		local: server.remote, remote: server.local, peer: server,
	}
	server.peer = client
	return client, server
}
