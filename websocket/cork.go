package websocket

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"fourwires/feed"
)

// A cork is a server's end of a connection that joins writes. Gorilla writes each frame separately; between hold and
// release they are collected here, and release sends them in one write.
type cork struct {
	net.Conn

	mu      sync.Mutex // the listener writes too: pongs and close frames
	holding bool
	pending []byte    // what was written since hold
	armed   time.Time // the write deadline in force; gorilla's lock guards it

	incoming frameScanner // of what the client sends; only its one reader uses it
	illegal  bool         // behind the bytes that were read, an illegal frame has arrived
}

// A corker is a ResponseWriter whose connection, once hijacked, is a cork.
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

// Read reads, and scans for the close frame. Before an illegal frame it fails, once.
func (c *cork) Read(b []byte) (n int, err error) {
	if !c.illegal {
		n, err = c.Conn.Read(b)
		if legal := c.incoming.scan(b[:n]); legal < n {
			c.illegal, c.incoming.deflate = true, false
			c.incoming.scan(b[legal:n])
			n, err = legal, nil
		}
	}
	if c.illegal && n == 0 {
		c.illegal = false
		return 0, errReserved
	}
	return n, err
}

// Write writes b, or collects it between hold and release.
func (c *cork) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.holding {
		return c.Conn.Write(b)
	}
	if len(c.pending)+len(b) > maxPending {
		return 0, errFull
	}
	c.pending = append(c.pending, b...)
	return len(b), nil
}

// SetWriteDeadline sets the deadline, but moves it by a second at least: gorilla
// calls it for each frame, and each time costs a timer. Between hold and release
// nothing is written: release sets its own deadline.
func (c *cork) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if later := t.Sub(c.armed); c.holding || later >= 0 && later < time.Second {
		return nil
	}
	c.armed = t
	return c.Conn.SetWriteDeadline(t)
}

// hold begins to collect writes.
func (c *cork) hold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.holding = true
}

// release writes what was collected, and then what the listener has added meanwhile.
// It keeps the memory for a client that is still behind.
func (c *cork) release(behind bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer func() { c.holding = false }()
	for len(c.pending) > 0 {
		batch := c.pending
		c.pending = nil
		c.armed = time.Now().Add(writeLimit)
		c.mu.Unlock()
		err := c.Conn.SetWriteDeadline(time.Now().Add(writeLimit))
		if err == nil {
			_, err = c.Conn.Write(batch)
		}
		c.mu.Lock()
		if err != nil {
			return err
		}
		if c.pending == nil && behind {
			c.pending = batch[:0]
		}
	}
	return nil
}

// maxPending is the most bytes that are collected: the frames of one read of the feed,
// and pongs that a client asks for and does not read.
const maxPending = 4 * feed.MaxRead

var errFull = errors.New("websocket: too much waits for a client that does not read")
