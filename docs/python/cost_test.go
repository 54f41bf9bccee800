package python_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"fourwires/internal/lab"
	"fourwires/internal/wire"
	"fourwires/polling"
)

// costOf reads a few messages, and counts the bytes around each, as if it had arrived alone: of a response with several
// messages the commas are left out. The count has to be the same each time.
func costOf(ctx context.Context, transport, url string) (cost, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var records []*record
	var ledger wire.Ledger
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		r := new(record)
		records = append(records, r) // a client dials one connection at a time
		return ledger.Tap(new(net.Dialer).DialContext, r.span)(ctx, network, addr)
	}
	found, _ := lab.Find(transport)
	messages := found.Client(lab.Access{URL: url, Dial: dial}).Messages
	if transport == "polling" {
		messages = (&polling.Client{URL: url, Dial: dial, Interval: 200 * time.Millisecond}).Messages
	}
	n := 0
	for _, err := range messages(ctx) {
		if err != nil {
			return cost{}, err
		}
		if n++; n == 8 {
			break
		}
	}
	var c cost
	for _, row := range ledger.Snapshot().Rows {
		c.once += int(row.Up.Opening + row.Down.Opening)
	}
	var each []int
	for _, r := range records {
		each = append(each, r.costs(transport)...)
	}
	if slices.Sort(each); len(each) == 0 || each[0] != each[len(each)-1] {
		return cost{}, fmt.Errorf("%v bytes around a message, want one number", each)
	}
	c.each = each[0]
	return c, nil
}

// sizeAlone is the size of a message while ids have three digits: for 45 s.
var sizeAlone = len(`{"id":100,"at":1767225600000000,"data":}`) + len(pythonData)

// A record is what crossed one connection.
type record struct {
	mu    sync.Mutex
	spans []wire.Span
}

func (r *record) span(s wire.Span) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.Bytes = bytes.Clone(s.Bytes)
	r.spans = append(r.spans, s)
}

// costs returns the counts of costOf. An exchange that was cut off at the end is left out.
func (r *record) costs(transport string) (all []int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	type group struct { // an exchange of a poll, a chunk of a stream, a frame
		parts map[wire.Part]int
		line  []byte // of the request
	}
	var groups []*group
	var before wire.Span
	for _, s := range r.spans {
		begins := s.Dir == wire.Up && before.Dir == wire.Down
		switch transport {
		case "sse":
			begins = s.Role == "chunk size" && before.Role != s.Role
		case "websocket":
			begins = s.Dir == wire.Down && s.Role == "FIN and opcode"
		}
		if begins || groups == nil {
			groups = append(groups, &group{parts: map[wire.Part]int{}})
		}
		g := groups[len(groups)-1]
		g.parts[s.Part] += s.Size
		if s.Role == "request line" {
			g.line = append(g.line, s.Bytes...)
		}
		before = s
	}
	if transport == "sse" {
		groups = groups[:len(groups)-1]
	}
	for _, g := range groups {
		head, payload, envelope := g.parts[wire.Head], g.parts[wire.Payload], g.parts[wire.Envelope]
		switch {
		case g.parts[wire.Opening] > 0:
		case head > 0: // the first asks without a cursor; and the Content-Length of others has three digits
			if bytes.Contains(g.line, []byte("after=")) && payload > 0 && payload+envelope < 1000 {
				commas := payload/sizeAlone - 1
				all = append(all, head+envelope-commas)
			}
		case payload == sizeAlone:
			all = append(all, g.parts[wire.Framing]+envelope)
		}
	}
	return all
}
