package experiments_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/cryptotest"
	"time"

	"fourwires/docs/blocks"
	"fourwires/internal/lab"
	"fourwires/internal/lab/labtest"
	"fourwires/internal/wire"
	"fourwires/polling"
)

// A count is what a client's connections carried in both directions, by part: while messages arrived, and in a minute
// without messages.
type count struct {
	transport, protocol string
	messages            int64 // that arrived
	busy, quiet         parts
	sockets             [2]int64 // the bytes of the same two times, counted at the sockets
}

type parts [wire.Unaccounted + 1]int64

func (p parts) sum() (sum int64) {
	for _, n := range p {
		sum += n
	}
	return sum
}

// perMessage returns the bytes of these parts for each message.
func (c *count) perMessage(of ...wire.Part) float64 {
	sum := int64(0)
	for _, part := range of {
		sum += c.busy[part]
	}
	return float64(sum) / float64(c.messages)
}

// counts is the experiment of chapter 10: a message each second, twenty times, and then a minute of silence.
var counts = func() func(t *testing.T) []count {
	var once sync.Once
	var all []count
	return func(t *testing.T) []count {
		once.Do(func() {
			for _, transport := range lab.Transports {
				for _, http2 := range []bool{false, true} {
					for _, secure := range []bool{false, true} {
						if transport.Name != "websocket" || !http2 {
							// A fixed seed: the epoch, and so the length of its Huffman code, is the same each time.
							t.Run("", func(t *testing.T) {
								cryptotest.SetGlobalRandom(t, 1)
								all = append(all, measured(t, transport, http2, secure))
							})
						}
					}
				}
			}
		})
		return all
	}
}()

func measured(t *testing.T, transport lab.Transport, http2, secure bool) (c count) {
	c.transport, c.protocol = transport.Name, map[bool]string{false: "HTTP/1.1", true: "HTTP/2"}[http2]
	if secure {
		c.protocol += ", TLS"
	}
	labtest.Virtual(t, unlimited(), slow, func(t *testing.T, l *labtest.VirtualServer) {
		var ledger wire.Ledger
		var socket tap
		url := "http://127.0.0.1:8080/" + transport.Name
		dial := ledger.Tap(socket.tap(l.Dial), nil)
		if secure {
			url = strings.Replace(url, "http:", "https:", 1)
			version := map[bool]string{false: "http/1.1", true: "h2"}[http2]
			dial = ledger.TapTLS(socket.tap(l.DialTLS),
				&tls.Config{InsecureSkipVerify: true, NextProtos: []string{version}}, nil)
		}
		ctx, leave := context.WithCancel(t.Context())
		var reading sync.WaitGroup
		reading.Go(func() {
			messages := transport.Client(lab.Access{URL: url, Dial: dial, HTTP2: http2}).Messages
			if transport.Name == "polling" {
				messages = (&polling.Client{URL: url, Dial: dial, HTTP2: http2, Interval: time.Second}).Messages
			}
			for range messages(ctx) {
			}
		})
		publish := func(n int) {
			for range n {
				time.Sleep(time.Second)
				if _, err := l.Feed.Publish(text(128)); err != nil {
					t.Error(err)
				}
			}
		}
		var seen [3]parts
		var sockets, delivered [3]int64
		read := func(i int) {
			time.Sleep(500 * ms)
			for _, row := range ledger.Snapshot().Rows {
				delivered[i] += row.Delivered
				both := row.Up.Add(row.Down)
				for part, n := range []int64{both.Payload, both.Envelope, both.Framing, both.Head, both.Opening,
					both.Control, both.Tag, both.TLS, both.Unaccounted} {
					seen[i][part] += n
				}
			}
			sockets[i] = socket.read.Load() + socket.written.Load()
		}
		time.Sleep(300 * ms) // so that no poll falls on the instant of a message
		publish(10)          // from now on an id has two digits
		read(0)
		publish(20)
		read(1)
		time.Sleep(time.Minute - 500*ms)
		read(2)
		c.messages = delivered[1] - delivered[0]
		for part := range c.busy {
			c.busy[part] = seen[1][part] - seen[0][part]
			c.quiet[part] = seen[2][part] - seen[1][part]
		}
		c.sockets = [2]int64{sockets[1] - sockets[0], sockets[2] - sockets[1]}
		leave()
		reading.Wait()
	})
	return c
}

// TestLedger prints the counts, and says whether every byte of the sockets is accounted for.
func TestLedger(t *testing.T) {
	var report strings.Builder
	fmt.Fprintf(&report, "%-23s %7s %8s %7s %6s %7s %5s %6s %6s %5s %7s\n", "bytes a message", "payload", "envelope",
		"framing", "heads", "control", "TLS", "parts", "socket", "apart", "quiet")
	for _, c := range counts(t) {
		sum := float64(c.busy.sum()) / float64(c.messages)
		socket := float64(c.sockets[0]) / float64(c.messages)
		fmt.Fprintf(&report, "%-9s %-13s %7.0f %8.0f %7.0f %6.1f %7.1f %5.1f %6.1f %6.1f %5d %7d\n",
			c.transport, c.protocol,
			c.perMessage(wire.Payload), c.perMessage(wire.Envelope), c.perMessage(wire.Framing),
			c.perMessage(wire.Head), c.perMessage(wire.Control), c.perMessage(wire.TLS),
			sum, socket, c.sockets[0]-c.busy.sum(), c.sockets[1])
		if c.busy[wire.Unaccounted] != 0 || c.quiet[wire.Unaccounted] != 0 || c.quiet.sum() != c.sockets[1] {
			t.Errorf("%s, %s: unaccounted are %d, and then %d; a quiet minute has %d bytes, of %d",
				c.transport, c.protocol,
				c.busy[wire.Unaccounted], c.quiet[wire.Unaccounted], c.quiet.sum(), c.sockets[1])
		}
	}
	blocks.Printed(t, report.String())
}

// A tap counts the bytes that connections carry, whatever they are.
type tap struct{ read, written atomic.Int64 }

func (t *tap) tap(dial dialer) dialer {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &tappedConn{conn, t}, nil
	}
}

type tappedConn struct {
	net.Conn
	tap *tap
}

func (c *tappedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.tap.read.Add(int64(n))
	return n, err
}

func (c *tappedConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.tap.written.Add(int64(n))
	return n, err
}

// bars draws the bytes per message, by part.
func bars(t *testing.T) *svg {
	const left, top, row = 200.0, 46.0, 26.0
	all := counts(t)
	s := &svg{width: 800, height: top + row*float64(len(all)) + 14*float64(len(lab.Transports)) + 10}
	const scale = 0.95 // pixels a byte
	shades := []struct {
		name    string
		opacity float64
		parts   []wire.Part
	}{
		{"the message", 1, []wire.Part{wire.Payload}},
		{"envelope and framing", 0.6, []wire.Part{wire.Envelope, wire.Framing, wire.Control}},
		{"heads", 0.35, []wire.Part{wire.Head}},
		{"TLS", 0.15, []wire.Part{wire.TLS}},
	}
	bar := func(x, y, width, opacity float64, lane string) {
		s.add(`<g class="%s"><path d="M%.1f %.1fh%.1fv16h%.1fZ" class="tip" fill-opacity="%g"/></g>`,
			lane, x, y, width, -width, opacity)
	}
	x := left
	for _, shade := range shades {
		bar(x, 10, 22, shade.opacity, "websocket")
		s.text(x+28, 23, "start", "soft", shade.name)
		x += 44 + 7.2*float64(len(shade.name))
	}
	y := top
	for i, c := range all {
		if i > 0 && all[i-1].transport != c.transport {
			y += 14
		}
		if i == 0 || all[i-1].transport != c.transport {
			s.text(14, y+13, "start", c.transport+" name", c.transport)
		}
		s.text(left-10, y+13, "end", "soft", c.protocol)
		x := left
		for _, shade := range shades {
			width := scale * c.perMessage(shade.parts...)
			if width > 0 {
				bar(x, y, width, shade.opacity, c.transport)
			}
			x += width
		}
		s.text(x+6, y+13, "start", "soft", fmt.Sprintf("%.0f B", float64(c.sockets[0])/float64(c.messages)))
		y += row
	}
	return s
}
