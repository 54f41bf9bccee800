package python_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab/labtest"
	"fourwires/internal/wire"
)

// A pythonClient is a script that reads a lab by a transport.
type pythonClient struct {
	script, transport string

	connections string // for its requests
	head        int64  // bytes of one of them
}

var pythonClients = []pythonClient{
	{script: "urllib_client.py", transport: "polling"},
	{script: "urllib_client.py", transport: "longpoll"},
	{script: "urllib_client.py", transport: "sse"},
	{script: "aiohttp_client.py", transport: "polling"},
	{script: "aiohttp_client.py", transport: "longpoll"},
	{script: "aiohttp_client.py", transport: "sse"},
	{script: "aiohttp_client.py", transport: "websocket"},
	{script: "tornado_client.py", transport: "polling"},
	{script: "tornado_client.py", transport: "longpoll"},
	{script: "tornado_client.py", transport: "sse"},
	{script: "tornado_client.py", transport: "websocket"},
	{script: "websockets_client.py", transport: "websocket"},
}

// read lets the client read from a lab that keeps five messages. The connection is cut twice, the second time for longer
// than the lab keeps messages, and at the end a second such lab takes its place. Every message has to arrive once and in
// order, and the client has to name those that are lost.
func (c *pythonClient) read(ctx context.Context, first, second *labtest.Server) error {
	cable, err := lay(first.Lanes)
	if err != nil {
		return err
	}
	defer cable.end()
	publish(first, 3)
	p, err := start(ctx, c.script, c.transport, "http://"+cable.listener.Addr().String(), "0")
	if err != nil {
		return err
	}
	defer p.end(os.Kill)

	if err := expect(p, 1, 3); err != nil {
		return err
	}
	if err := c.count(first); err != nil {
		return err
	}
	if err := expect(p, 4, 4); err != nil {
		return err
	}

	cable.plug("")
	publish(first, 2)
	cable.plug(first.Lanes)
	if err := expect(p, 5, 6); err != nil {
		return fmt.Errorf("after a cut: %w", err)
	}

	cable.plug("")
	publish(first, 10)
	cable.plug(first.Lanes)
	if err := expect(p, 12, 16); err != nil {
		return fmt.Errorf("after a gap: %w", err)
	}

	publish(second, 2)
	cable.plug(second.Lanes)
	if err := expect(p, 1, 2); err != nil {
		return fmt.Errorf("of another lab: %w", err)
	}
	publish(second, 1)
	if err := expect(p, 3, 3); err != nil {
		return fmt.Errorf("of another lab: %w", err)
	}
	for _, want := range []string{
		"gone: messages 7 to 11",
		fmt.Sprintf("the feed %s is gone; %s is read from its beginning", first.Feed.Head().Epoch,
			second.Feed.Head().Epoch),
	} {
		if !strings.Contains(p.errors(), want) {
			return fmt.Errorf("it does not say %q, but:\n%s", want, p.errors())
		}
	}
	p.end(os.Interrupt)
	if said := p.errors(); strings.Contains(said, "Traceback") {
		return fmt.Errorf("ended by ^C it says:\n%s", said)
	}
	if line, more := <-p.lines; more {
		return fmt.Errorf("it prints more: %s", line)
	}
	return nil
}

// expect takes the messages with these ids from what a client prints.
func expect(p *process, from, to uint64) error {
	for id := from; id <= to; id++ {
		line, err := p.line()
		if err != nil {
			return fmt.Errorf("message %d: %w", id, err)
		}
		if m, err := feed.Decode([]byte(line)); err != nil || m.ID != id {
			return fmt.Errorf("%q, want message %d (%v)", line, id, err)
		}
	}
	return nil
}

// count learns how many connections the client's requests take, and how long one
// of them is, from the lab's ledger; message 4 is published meanwhile. The requests
// after the first are equally long.
func (c *pythonClient) count(l *labtest.Server) error {
	var begun, now wire.Row
	row := func() wire.Row {
		rows := l.Ledger.Snapshot().Rows
		if i := slices.IndexFunc(rows, func(r wire.Row) bool { return r.Transport == c.transport }); i >= 0 {
			return rows[i]
		}
		return wire.Row{}
	}
	stream := c.transport == "sse" || c.transport == "websocket"
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(5 * time.Millisecond) // another process needs some time
	defer tick.Stop()
	for ; ; <-tick.C {
		now = row()
		requests := now.Requests - begun.Requests
		switch {
		case time.Now().After(deadline):
			return fmt.Errorf("after %v the ledger has %+v", patience, now)
		case stream && now.Requests == 1:
			publish(l, 1)
			c.connections, c.head = "1", now.Up.Opening
			return nil
		case begun.Requests == 0 && now.Requests >= 2:
			begun = now
			publish(l, 1)
		case begun.Requests > 0 && requests > 0 && (now.Up.Head-begun.Up.Head)%requests == 0:
			c.head = (now.Up.Head - begun.Up.Head) / requests
			switch now.Connections {
			case 1:
				c.connections = "1 for all requests"
			case now.Requests:
				c.connections = "1 for each request"
			default:
				return fmt.Errorf("%d connections for %d requests", now.Connections, now.Requests)
			}
			return nil
		}
	}
}
