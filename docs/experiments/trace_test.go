package experiments_test

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/feed"
	"fourwires/internal/netsim"
)

const ms = time.Millisecond

// A flight is the bytes that one end of a connection sent at one instant.
type flight struct {
	conn          int // from 0
	up            bool
	sent, arrived time.Duration // when they were sent, and when the other end had read all of them; 0: never
	data          []byte
}

// A trace is what crossed the network between client and server, recorded in virtual time.
type trace struct {
	mu        sync.Mutex
	start     time.Time
	dials     [][2]time.Duration // when each dial began and ended
	accepted  int
	flights   []*flight
	published map[uint64]time.Duration
	received  map[uint64]time.Duration // when the client received each message
}

// A play is what is traced: a feed to which messages are published at these times, a server, and a client that reads
// until the end.
type play struct {
	publish []time.Duration
	until   time.Duration
	serve   func(f *feed.Feed) *http.Server
	read    func(ctx context.Context, dial dialer, take func(id uint64))
	cut     func(ctx context.Context, wires *netsim.Network) // nil: nothing is cut
}

func (p play) record(t *testing.T) *trace {
	tr := &trace{published: map[uint64]time.Duration{}, received: map[uint64]time.Duration{}}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), p.until)
		defer cancel()
		tr.start = time.Now()
		f := feed.New(feed.Keep)
		var wires netsim.Network
		if err := wires.Set(netsim.Settings{RTT: 100 * ms}); err != nil {
			t.Fatal(err)
		}
		memory := wires.Memory()
		server := p.serve(f)
		var loops sync.WaitGroup
		loops.Go(func() { server.Serve(tracedListener{memory, tr}) })
		loops.Go(func() {
			for _, at := range p.publish {
				time.Sleep(time.Until(tr.start.Add(at))) // virtual
				m, err := f.Publish([]byte(`{"cpu":12.5}`))
				if err != nil {
					t.Error(err)
				}
				tr.published[m.ID] = time.Since(tr.start)
			}
		})
		if p.cut != nil {
			loops.Go(func() { p.cut(ctx, &wires) })
		}
		dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
			begun := time.Since(tr.start)
			conn, err := memory.Dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			tr.mu.Lock()
			defer tr.mu.Unlock()
			tr.dials = append(tr.dials, [2]time.Duration{begun, time.Since(tr.start)})
			return &tracedConn{Conn: conn, trace: tr, conn: len(tr.dials) - 1, client: true}, nil
		}
		p.read(ctx, dial, func(id uint64) { tr.received[id] = time.Since(tr.start) })
		<-ctx.Done()
		f.Close()
		server.Close()
		loops.Wait()
		wires.Clear()
		time.Sleep(time.Minute) // until the last connection is closed
	})
	tr.flights = slices.DeleteFunc(tr.flights, func(f *flight) bool { return f.sent >= p.until }) // the client leaves
	return tr
}

type tracedListener struct {
	net.Listener
	trace *trace
}

func (l tracedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.trace.mu.Lock()
	defer l.trace.mu.Unlock()
	l.trace.accepted++
	return &tracedConn{Conn: conn, trace: l.trace, conn: l.trace.accepted - 1}, nil
}

// A tracedConn is one end of a connection that is traced.
type tracedConn struct {
	net.Conn
	trace  *trace
	conn   int
	client bool
	read   int // bytes
	flight int // the first flight that is not read completely
	before int // bytes of the flights to this end before that
}

func (c *tracedConn) Write(b []byte) (int, error) {
	now := time.Since(c.trace.start)
	n, err := c.Conn.Write(b)
	c.trace.mu.Lock()
	defer c.trace.mu.Unlock()
	if flights := c.trace.flights; n == 0 {
		// A deadline has passed.
	} else if last := len(flights) - 1; last >= 0 && flights[last].conn == c.conn && flights[last].up == c.client &&
		flights[last].sent == now {
		flights[last].data = append(flights[last].data, b[:n]...)
	} else {
		c.trace.flights = append(flights, &flight{conn: c.conn, up: c.client, sent: now, data: bytes.Clone(b[:n])})
	}
	return n, err
}

func (c *tracedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.trace.mu.Lock()
	defer c.trace.mu.Unlock()
	c.read += n
	for ; c.flight < len(c.trace.flights); c.flight++ {
		flight := c.trace.flights[c.flight]
		if flight.conn != c.conn || flight.up == c.client {
			continue
		}
		if c.before+len(flight.data) > c.read {
			break
		}
		c.before += len(flight.data)
		flight.arrived = time.Since(c.trace.start)
	}
	return n, err
}

type dialer = func(ctx context.Context, network, addr string) (net.Conn, error)
