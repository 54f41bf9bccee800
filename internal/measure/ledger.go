package measure

import (
	"context"
	"net"
	"net/url"
	"sync/atomic"

	"fourwires/internal/protocol"
	"fourwires/internal/wire"
)

// A ledger counts what crosses the connections of all clients of a target.
type ledger struct {
	wire   wire.Ledger
	remote atomic.Bool // a connection left this machine
}

func newLedger(target Target) *ledger {
	l := &ledger{}
	if u, err := url.Parse(target.URL); err == nil { // an external server's path may be any
		l.wire.Paths = map[string]string{u.EscapedPath(): target.Transport}
	}
	return l
}

// watch returns what dials as dial does, and notices where the connections lead.
func (l *ledger) watch(dial protocol.Dial) protocol.Dial {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		if peer, ok := conn.RemoteAddr().(*net.TCPAddr); !ok || !peer.IP.IsLoopback() {
			l.remote.Store(true)
		}
		return conn, nil
	}
}

// A count is what a ledger has at a moment.
type count struct {
	requests, connections int64
	up, down              wire.Parts
}

func (l *ledger) count() count {
	s := l.wire.Snapshot()
	c := count{connections: s.Connections}
	for _, row := range s.Rows {
		c.requests += row.Requests
		c.up = c.up.Add(row.Up)
		c.down = c.down.Add(row.Down)
	}
	return c
}

// since returns what was counted after before. Connections and their opening count from the beginning: they are paid
// once, for what comes after.
func (c count) since(before count) count {
	before.up = before.up.Sub(opening(before.up))
	before.down = before.down.Sub(opening(before.down))
	return count{
		requests:    c.requests - before.requests,
		connections: c.connections,
		up:          c.up.Sub(before.up),
		down:        c.down.Sub(before.down),
	}
}

// opening returns the opening alone.
func opening(p wire.Parts) wire.Parts { return wire.Parts{Opening: p.Opening, Total: p.Opening} }
