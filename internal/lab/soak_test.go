package lab_test

import (
	"context"
	"errors"
	"flag"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/lab/labtest"
	"fourwires/internal/needs"
)

var soak = flag.Duration("soak", 2*time.Second, "how long TestSoak goes on")

// TestSoak has readers whose connections are cut at random, on all four transports, among clients that send garbage,
// while messages flow. No reader may miss a message or get one twice. When all have left, their goroutines, descriptors
// and memory must be free again.
//
//	go test ./internal/lab -run Soak -soak 10m -v
func TestSoak(t *testing.T) {
	const each = 8          // readers a transport, and as many clients with garbage
	const session = 50 * ms // a session's mean time until it is cut
	const warmUp = 300 * ms // after this all is there that the process keeps for good, such as pools
	l, lanes, _ := onLoopback(t, labtest.Quiet(feed.Keep))
	addr := strings.TrimPrefix(lanes, "http://")

	churn := func(lasting time.Duration) (sessions, messages int) {
		ctx, stop := context.WithTimeout(t.Context(), lasting)
		defer stop()
		var work sync.WaitGroup
		var mu sync.Mutex
		work.Go(func() {
			for tick := time.NewTicker(5 * time.Millisecond); ctx.Err() == nil; <-tick.C {
				publish(t, l.Feed, 1, 1)
			}
		})
		for i := range each {
			for _, transport := range lab.Transports {
				work.Go(func() {
					r := reader{t: t, transport: transport, url: lanes + "/" + transport.Name}
					r.random = rand.New(rand.NewPCG(uint64(i), 0))
					r.cursor = l.Feed.Head()
					r.last = r.cursor.ID
					for ctx.Err() == nil {
						r.session(ctx, time.Duration(r.random.ExpFloat64()*float64(session)), math.MaxUint64)
					}
					for head := l.Feed.Head().ID; r.last < head && !t.Failed(); { // nothing is published any more
						r.session(t.Context(), 0, head)
					}
					mu.Lock()
					defer mu.Unlock()
					sessions += r.sessions
					messages += r.messages
				})
			}
			work.Go(func() {
				random := rand.New(rand.NewPCG(uint64(i), 1))
				for ctx.Err() == nil {
					sendGarbage(ctx, addr, random)
				}
			})
		}
		work.Wait()
		return sessions, messages
	}

	churn(warmUp)
	before := inUse(t)
	lasting := *soak
	if testing.Short() {
		lasting = min(lasting, warmUp)
	}
	sessions, messages := churn(lasting)
	t.Logf("%d sessions, %d messages, before: %v", sessions, messages, before)
	if messages == 0 {
		t.Error("no message arrived")
	}

	// The lab notices that a client has left at once or at the next write.
	publish(t, l.Feed, 1, 1)
	deadline := time.After(30 * time.Second)
	for after := inUse(t); ; after = inUse(t) {
		free := after.goroutines <= before.goroutines+5 && after.descriptors <= before.descriptors+5
		if free && after.heap <= before.heap+8<<20 {
			t.Logf("after: %v", after)
			if s := l.Ledger.Snapshot(); s.Open > 5 {
				t.Errorf("the ledger knows %d connections", s.Open)
			}
			return
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-deadline:
			t.Fatalf("after: %v, want what was there before: %v", after, before)
		}
	}
}

// A reader reads in many sessions, one connection or more each.
type reader struct {
	t         *testing.T
	transport lab.Transport
	url       string
	random    *rand.Rand
	cursor    feed.Cursor
	last      uint64 // id of the last message that arrived, whatever the cursor says
	sessions  int
	messages  int
}

// session reads until a message has the id head, for at most a second. Its connections are cut after a while; 0: they
// are not.
func (r *reader) session(ctx context.Context, cut time.Duration, head uint64) {
	ctx, stop := context.WithTimeout(ctx, time.Second)
	defer stop()
	reset := r.random.IntN(2) == 0
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		if err == nil && cut > 0 {
			time.AfterFunc(cut, func() {
				if reset {
					conn.(*net.TCPConn).SetLinger(0)
				}
				conn.Close()
			})
		}
		return conn, err
	}
	c := r.transport.Client(lab.Access{URL: r.url, Dial: dial, Cursor: r.cursor, Interval: 20 * ms})
	r.sessions++
	for m, err := range c.Messages(ctx) {
		var gap *feed.GapError
		switch {
		case errors.As(err, &gap):
			r.t.Errorf("%s: %v", r.transport.Name, gap)
		case err == nil:
			if m.ID != r.last+1 {
				r.t.Errorf("%s: message %d after %d", r.transport.Name, m.ID, r.last)
			}
			r.last = m.ID
			r.messages++
		}
		if r.last >= head {
			break
		}
	}
	r.cursor = *c.Cursor
}

// sendGarbage opens a connection, sends a request that is cut off or followed by noise, and leaves.
func sendGarbage(ctx context.Context, addr string, random *rand.Rand) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return
	}
	defer conn.Close()
	texts := []string{
		"",
		"GET /sse HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"GET /longpoll HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"POST /publish HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{{{",
		"GET /websocket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
			"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
	}
	text := []byte(texts[random.IntN(len(texts))])
	switch random.IntN(3) {
	case 0: // cut off
		text = text[:random.IntN(len(text)+1)]
	case 1: // followed by noise
		for range random.IntN(200) {
			text = append(text, byte(random.Uint32()))
		}
	}
	conn.Write(text)
	conn.SetReadDeadline(time.Now().Add(time.Duration(random.IntN(50)) * time.Millisecond))
	conn.Read(make([]byte, 4096))
}

// A use is what the process has taken.
type use struct {
	goroutines, descriptors int
	heap                    uint64
}

func inUse(t *testing.T) use {
	t.Helper()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	descriptors, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		needs.Missing(t, "descriptors cannot be counted here: "+err.Error(), "run it on Linux")
	}
	return use{runtime.NumGoroutine(), len(descriptors), stats.HeapAlloc}
}
