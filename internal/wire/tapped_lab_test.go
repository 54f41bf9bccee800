package wire_test

import (
	"bytes"
	"context"
	"net"
	"slices"
	"strings"
	"sync"

	"fourwires/internal/wire"
)

// A tappedLab is a lab whose connections are tapped at both ends. It is the listener of the server and has the dialers
// of clients.
type tappedLab struct {
	net.Listener
	protocol
	control net.Listener
	port    int
	ledger  *wire.Ledger // the lab's own

	mu       sync.Mutex
	byClient map[int]*connection // by the port of the client
}

// A connection is one between a client and a tappedLab.
type connection struct {
	name           string // the first request's line
	named          bool
	client, server wire.Ledger

	mu    sync.Mutex
	spans [2][]wire.Span // of the client's tap
}

func (l *tappedLab) at(client net.Addr) *connection {
	l.mu.Lock()
	defer l.mu.Unlock()
	port := client.(*net.TCPAddr).Port
	found := l.byClient[port]
	if found == nil {
		found = &connection{}
		l.byClient[port] = found
	}
	return found
}

func (l *tappedLab) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	server := &l.at(conn.RemoteAddr()).server
	if l.tls {
		return server.ListenTLS(one{conn: conn}, serverTLS(), nil).Accept()
	}
	return server.Listen(one{conn: conn}).Accept()
}

// one is a listener that has one connection.
type one struct {
	net.Listener
	conn net.Conn
}

func (o one) Accept() (net.Conn, error) { return o.conn, nil }

// Dial is for clients of the lab's protocol, Dial1 for those of HTTP/1.1.
func (l *tappedLab) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if !l.http2 {
		return l.Dial1(ctx, network, addr)
	}
	return l.dial(ctx, network, addr, "h2")
}

func (l *tappedLab) Dial1(ctx context.Context, network, addr string) (net.Conn, error) {
	return l.dial(ctx, network, addr, "http/1.1")
}

func (l *tappedLab) dial(ctx context.Context, network, addr, alpn string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	c := l.at(conn.LocalAddr())
	dialed := func(context.Context, string, string) (net.Conn, error) { return conn, nil }
	if l.tls {
		return c.client.TapTLS(dialed, clientTLS(alpn), c.add)(ctx, network, addr)
	}
	return c.client.Tap(dialed, c.add)(ctx, network, addr)
}

func (c *connection) add(s wire.Span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case s.Dir == wire.Down || c.named:
	case s.Role == "request line":
		c.name += string(s.Bytes)
	case s.Role == "line end":
		c.named = true
	case s.Name == ":path" && s.Value != "": // of HTTP/2
		c.name, c.named = "GET "+s.Value, true
	}
	s.Bytes = bytes.Clone(s.Bytes)
	c.spans[s.Dir] = append(c.spans[s.Dir], s)
}

// count returns how many spans of a role contain a text, on connections whose first request begins with request.
func (l *tappedLab) count(request, role, text string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.byClient {
		c.mu.Lock()
		for _, s := range slices.Concat(c.spans[wire.Up], c.spans[wire.Down]) {
			contains := s.Role == role && strings.Contains(string(s.Bytes)+" "+s.Value, text)
			if contains && strings.HasPrefix(c.name, request) {
				n++
			}
		}
		c.mu.Unlock()
	}
	return n
}

// totals returns what a ledger has counted on the sockets, and the sum of its rows.
func totals(l *wire.Ledger) (socket, parts, unaccounted [2]int64) {
	s := l.Snapshot()
	for _, row := range s.Rows {
		for dir, p := range []wire.Parts{row.Up, row.Down} {
			parts[dir] += p.Total
			unaccounted[dir] += p.Unaccounted
		}
	}
	return [2]int64{s.Up, s.Down}, parts, unaccounted
}
