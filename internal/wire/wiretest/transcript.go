// Package wiretest records the bytes of connections for the golden files of tests.
package wiretest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"

	"fourwires/internal/wire"
)

// A Transcript records the bytes that cross a client's connections, line by line: ">" and what the client wrote, "<"
// and what it read, quoted as in Go. A line ends after a line feed, and where one write or read ends. The zero
// Transcript is empty and ready. It is safe for concurrent use.
type Transcript struct {
	mu   sync.Mutex
	text strings.Builder
}

// Tap returns a dialer whose connections are recorded.
func (t *Transcript) Tap(dial wire.Dial) wire.Dial {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &tapped{conn, t}, nil
	}
}

// String returns what was recorded so far.
func (t *Transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

func (t *Transcript) add(mark string, b []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for line := range bytes.Lines(b) {
		fmt.Fprintf(&t.text, "%s %+q\n", mark, line)
	}
}

type tapped struct {
	net.Conn
	transcript *Transcript
}

func (c *tapped) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.transcript.add("<", b[:n])
	return n, err
}

func (c *tapped) Write(b []byte) (int, error) {
	c.transcript.add(">", b) // first, because the response may arrive before Write returns
	return c.Conn.Write(b)
}
