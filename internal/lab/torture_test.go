package lab_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/lab/labtest"
	"fourwires/internal/netsim"
)

const tortureSeeds = 6

var torture = flag.Int("torture", tortureSeeds, "how many seeds TestTorture tries")

// TestTorture cuts every connection 50 to 500 ms after it was opened, at a random byte in either direction, while 200
// messages a second flow for 30 s of virtual time. Every reader must get each message once and in order, or in its
// place a gap that names it. A seed decides what is random:
//
//	go test ./internal/lab -run Torture -torture 1000 -timeout 1h -v
func TestTorture(t *testing.T) {
	seeds := *torture
	if testing.Short() {
		seeds = min(seeds, 2)
	}
	var sum tally
	n := 0
	for ; n < seeds && !t.Failed(); n++ {
		synctest.Test(t, func(t *testing.T) { tortureOnce(t, uint64(n), &sum) })
	}
	t.Logf("%d seeds: %d connections, %d messages, %d more in gaps", n, sum.connections, sum.messages, sum.missing)
	if sum.connections < 300*n || n > 1 && sum.missing == 0 {
		t.Error("the connections were not cut often enough, or the readers met no gap")
	}
}

// TestTortureOnLoopback does the same over real sockets and in real time: for 3 s, or 30 s where -torture asks for more
// seeds than usual.
func TestTortureOnLoopback(t *testing.T) {
	t.Parallel()
	lasting := 3 * time.Second
	if *torture > tortureSeeds {
		lasting = 30 * time.Second
	}
	l, lanes, _ := onLoopback(t, labtest.Quiet(feed.Keep))
	var sum tally
	dial := func(ctx context.Context, addr string) (net.Conn, func(netsim.Cut), error) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err != nil {
			return nil, nil, err
		}
		return conn, func(kind netsim.Cut) {
			if kind == netsim.RST {
				conn.(*net.TCPConn).SetLinger(0)
			}
			conn.Close()
		}, nil
	}
	torment(t, l, lanes, 1, lasting, &sum, dial)
	t.Logf("%v: %d connections, %d messages, %d more in gaps", lasting, sum.connections, sum.messages, sum.missing)
	if sum.connections < 7*int(lasting/time.Second) || sum.missing > 0 {
		t.Error("the connections were not cut often enough, or a feed that keeps all messages has gaps")
	}
}

// A tally counts what the readers met. Messages in gaps are missing.
type tally struct {
	mu                             sync.Mutex
	connections, messages, missing int
}

// tortureOnce does it in virtual time, over a network that the seed decides. Odd seeds have a feed that keeps a quarter
// of a second, so that there are gaps.
func tortureOnce(t *testing.T, seed uint64, sum *tally) {
	random := rand.New(rand.NewPCG(seed, 0))
	keep := feed.Keep
	if seed%2 == 1 {
		keep = tortureRate / 4
	}
	wires := &netsim.Network{Seed: seed}
	rtt, jitter := time.Duration(random.IntN(100))*ms, time.Duration(random.IntN(20))*ms
	if err := wires.Set(netsim.Settings{RTT: rtt, Jitter: jitter}); err != nil {
		t.Fatal(err)
	}
	network := wires.Memory()
	l := labtest.StartOn(t, labtest.Quiet(keep), lab.Listeners{Lanes: network, Control: netsim.Listen()})
	dial := func(ctx context.Context, addr string) (net.Conn, func(netsim.Cut), error) {
		conn, err := network.Dial(ctx, "", addr)
		if err != nil {
			return nil, nil, err
		}
		return conn, func(kind netsim.Cut) { conn.(*netsim.Conn).Cut(kind, 0) }, nil
	}
	torment(t, l, "http://localhost", seed, 30*time.Second, sum, dial)
	l.Close()
	wires.Clear()
	time.Sleep(time.Minute) // until the last connection is closed
}

const tortureRate = 200 // messages a second

// torment runs one reader on each lane, over HTTP/1.1 and HTTP/2, whose connections are torn, while messages flow for
// so long. dial opens a connection, and returns a function that cuts it.
func torment(t *testing.T, l *labtest.Server, lanes string, seed uint64, lasting time.Duration, sum *tally,
	dial func(ctx context.Context, addr string) (net.Conn, func(netsim.Cut), error)) {
	publishing, stop := context.WithTimeout(t.Context(), lasting)
	defer stop()
	n := uint64(tortureRate * lasting / time.Second)
	var all sync.WaitGroup
	for i := range 2 * len(lab.Transports) {
		s := suite{Transport: lab.Transports[i/2], http2: i%2 == 1}
		if s.http2 && !s.HTTP2 {
			continue
		}
		access := lab.Access{URL: lanes + "/" + s.Name, HTTP2: s.http2, Cursor: l.Feed.Head(), Interval: 100 * ms}
		random := rand.New(rand.NewPCG(seed, uint64(i)+1))
		access.Dial = func(ctx context.Context, _, addr string) (net.Conn, error) {
			conn, cut, err := dial(ctx, addr)
			if err != nil {
				return nil, err
			}
			sum.mu.Lock()
			defer sum.mu.Unlock()
			sum.connections++
			if publishing.Err() != nil {
				return conn, nil
			}
			return tear(conn, cut, random), nil
		}
		c := s.Client(access)
		name := fmt.Sprintf("seed %d, %s, HTTP/2 %v", seed, s.Name, s.http2)
		all.Go(func() {
			last, messages, missing := uint64(0), 0, 0
			for last < n {
				for m, err := range c.Messages(t.Context()) {
					var gap *feed.GapError
					switch {
					case errors.As(err, &gap):
						if gap.From != last+1 || gap.To < gap.From {
							t.Errorf("%s: %v, after message %d", name, gap, last)
						}
						missing += int(gap.To - last)
						last = gap.To
					case err == nil:
						if m.ID != last+1 {
							t.Errorf("%s: message %d after %d", name, m.ID, last)
						}
						messages++
						last = m.ID
					}
					if last == n {
						break
					}
				}
			}
			sum.mu.Lock()
			defer sum.mu.Unlock()
			sum.messages += messages
			sum.missing += missing
		})
	}
	tick := time.NewTicker(time.Second / tortureRate)
	defer tick.Stop()
	for id := range int(n) {
		<-tick.C
		publish1(t, l.Feed, id)
	}
	all.Wait()
}

// A torn connection ends after some more bytes in one direction or the other, in the middle of a read or a write.
type torn struct {
	net.Conn
	cut  func(netsim.Cut)
	kind netsim.Cut

	mu          sync.Mutex
	tearing     bool
	read, write int // bytes that still pass once it is tearing
}

// tear tears a connection after 50 to 500 ms.
func tear(conn net.Conn, cut func(netsim.Cut), random *rand.Rand) net.Conn {
	c := &torn{Conn: conn, cut: cut, kind: netsim.FIN, read: random.IntN(400), write: random.IntN(400)}
	if random.IntN(2) == 0 {
		c.kind = netsim.RST
	}
	now := random.IntN(4) == 0 // at once, between two reads or writes
	time.AfterFunc(50*ms+time.Duration(random.Int64N(int64(450*ms))), func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.tearing = true; now {
			c.cut(c.kind)
		}
	})
	return c
}

func (c *torn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.tearing || n <= c.read {
		if c.tearing {
			c.read -= n
		}
		return n, err
	}
	n, c.read = c.read, 0
	c.cut(c.kind)
	if c.kind == netsim.RST {
		return n, syscall.ECONNRESET
	}
	return n, io.EOF
}

func (c *torn) Write(b []byte) (int, error) {
	c.mu.Lock()
	part := b
	if c.tearing {
		part = b[:min(len(b), c.write)]
		c.write -= len(part)
	}
	c.mu.Unlock()
	n, err := c.Conn.Write(part)
	if err == nil && n < len(b) {
		c.cut(c.kind)
		err = syscall.ECONNRESET
	}
	return n, err
}
