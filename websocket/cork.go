package websocket

import (
	"bufio"
	"net"
	"net/http"
	"sync"
	"time"
)

// A cork joins writes. Gorilla writes each frame by itself; while the cork is
// held the frames gather here, and when it is released they go out in one write.
type cork struct {
	net.Conn

	mu    sync.Mutex // the listener writes too: pongs and close frames
	held  bool
	wait  []byte
	armed time.Time // the write deadline in force; gorilla's lock guards it
}

// A corker is a ResponseWriter whose connection, once hijacked, has a cork.
type corker struct {
	http.ResponseWriter
	cork cork
}

// Hijack implements http.Hijacker.
func (c *corker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffers, err := http.NewResponseController(c.ResponseWriter).Hijack()
	c.cork.Conn = conn
	return &c.cork, buffers, err
}

// Write writes, or keeps b until the cork is released.
func (c *cork) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held {
		c.wait = append(c.wait, b...)
		return len(b), nil
	}
	return c.Conn.Write(b)
}

// SetWriteDeadline puts the deadline off, but not for less than a second: gorilla
// does it with each frame, and every time costs a timer.
func (c *cork) SetWriteDeadline(t time.Time) error {
	if later := t.Sub(c.armed); later >= 0 && later < time.Second {
		return nil
	}
	c.armed = t
	return c.Conn.SetWriteDeadline(t)
}

func (c *cork) hold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held = true
}

// release writes what was kept.
func (c *cork) release() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held = false
	if len(c.wait) == 0 {
		return nil
	}
	_, err := c.Conn.Write(c.wait)
	c.wait = nil // a reader that has caught up needs no such room
	return err
}
