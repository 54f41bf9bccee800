package python_test

import (
	"io"
	"net"
	"sync"
)

// A cable passes connections on to a server, until it is cut.
type cable struct {
	listener net.Listener
	mu       sync.Mutex
	to       string // empty: nowhere
	conns    map[net.Conn]bool
	carrying sync.WaitGroup
}

func lay(to string) (*cable, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &cable{listener: listener, to: to, conns: map[net.Conn]bool{}}
	c.carrying.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			c.carry(conn)
		}
	})
	return c, nil
}

func (c *cable) carry(client net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	server, err := net.Dial("tcp", c.to)
	if err != nil {
		client.Close()
		return
	}
	c.conns[client], c.conns[server] = true, true
	pass := func(to, from net.Conn) {
		io.Copy(to, from)
		client.Close()
		server.Close()
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.conns, client)
		delete(c.conns, server)
	}
	c.carrying.Go(func() { pass(server, client) })
	c.carrying.Go(func() { pass(client, server) })
}

// plug cuts all connections. New ones are passed on to this address.
func (c *cable) plug(to string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.to = to
	for conn := range c.conns {
		conn.Close()
	}
}

func (c *cable) end() {
	c.listener.Close()
	c.plug("")
	c.carrying.Wait()
}
