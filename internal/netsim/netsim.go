// Package netsim is the network between a client and the lab. In memory it
// joins the two within one process, also in the virtual time of
// testing/synctest, where a claim about time is exact and instant.
package netsim

import (
	"context"
	"net"
	"sync"
)

// Memory is a network without wires: what dials it reaches whoever accepts.
// It is a net.Listener. A connection is a net.Pipe: a write blocks until it is
// read, and deadlines behave as on a socket. The zero Memory is not ready; use
// [Listen].
type Memory struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// Listen returns a network on which nobody has dialled yet.
func Listen() *Memory {
	return &Memory{conns: make(chan net.Conn), closed: make(chan struct{})}
}

// Dial connects to whoever accepts, whatever the address. It blocks until then,
// until ctx ends, or until the listener is closed (net.ErrClosed).
func (l *Memory) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
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
func (l *Memory) Addr() net.Addr { return memory{} }

type memory struct{}

func (memory) Network() string { return "memory" }
func (memory) String() string  { return "memory" }
