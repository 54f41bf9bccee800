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

// A cork is a server's end of a connection. It joins writes: gorilla writes each frame by itself; while the cork is
// held the frames gather here, and when it is released they go out in one write.
type cork struct {
	net.Conn

	mu    sync.Mutex // the listener writes too: pongs and close frames
	held  bool
	wait  []byte
	armed time.Time // the write deadline in force; gorilla's lock guards it

	came scan // what the client has sent; its one reader moves it
	bad  bool // a frame has come that may not be, behind what was read
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

// Read reads, and looks for the close frame. At a frame that may not be it fails, once.
func (c *cork) Read(b []byte) (n int, err error) {
	if !c.bad {
		n, err = c.Conn.Read(b)
		if legal := c.came.see(b[:n]); legal < n {
			c.bad, c.came.deflate = true, false
			c.came.see(b[legal:n])
			n, err = legal, nil
		}
	}
	if c.bad && n == 0 {
		c.bad = false
		return 0, errReserved
	}
	return n, err
}

// Write writes, or keeps b while the cork is held.
func (c *cork) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.held {
		return c.Conn.Write(b)
	}
	if len(c.wait)+len(b) > maxWait {
		return 0, errFull
	}
	c.wait = append(c.wait, b...)
	return len(b), nil
}

// SetWriteDeadline puts the deadline off, but not for less than a second: gorilla
// does it with each frame, and every time costs a timer. While the cork is held
// no frame is being written: the deadline is that of the release.
func (c *cork) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if later := t.Sub(c.armed); c.held || later >= 0 && later < time.Second {
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

// release writes what was kept, and then what the listener has added meanwhile,
// which does not wait for that. It keeps the room for a client that is still
// behind.
func (c *cork) release(behind bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer func() { c.held = false }()
	for len(c.wait) > 0 {
		batch := c.wait
		c.wait = nil
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
		if c.wait == nil && behind {
			c.wait = batch[:0]
		}
	}
	return nil
}

// maxWait is the most bytes that wait for a release: a batch with its frames,
// and pongs that a client asks for and does not read.
const maxWait = 4 * feed.MaxRead

var errFull = errors.New("websocket: too much waits for a client that does not read")
