//go:build solution

package tap

import (
	"net"
	"sync/atomic"
)

type Conn struct {
	net.Conn
	Up, Down atomic.Int64
}

func (c *Conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.Down.Add(int64(n)) // with an error, too
	return n, err
}

func (c *Conn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.Up.Add(int64(n))
	return n, err
}
