package lab_test

import (
	"context"
	"errors"
	"flag"
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
)

var soak = flag.Duration("soak", 3*time.Second, "how long TestSoak goes on")

// TestSoak lets readers come and go, cut off at random, on all four transports,
// among clients that send garbage, while messages flow. No reader may miss a
// message or see one twice; and when all have gone, the goroutines, descriptors
// and memory that they took must be back.
//
//	go test ./internal/lab -run Soak -soak 10m -v
func TestSoak(t *testing.T) {
	const each = 8 // readers a transport, and as many clients with garbage
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
					r := reader{t: t, transport: transport, url: lanes + "/" + transport.Name, random: rand.New(rand.NewPCG(uint64(i), 0))}
					r.cursor = l.Feed.Head()
					r.last = r.cursor.ID
					for ctx.Err() == nil {
						r.session(ctx, time.Duration(r.random.ExpFloat64()*float64(100*time.Millisecond)))
					}
					for head := l.Feed.Head().ID; r.last < head && !t.Failed(); { // the feed is quiet now
						r.session(t.Context(), 0)
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
					rubbish(ctx, addr, random)
				}
			})
		}
		work.Wait()
		return sessions, messages
	}

	churn(time.Second) // what is kept for good, such as pools, is there after this
	before := inUse(t)
	sessions, messages := churn(*soak)
	t.Logf("%d sessions, %d messages, before: %v", sessions, messages, before)
	if messages == 0 {
		t.Error("no message came")
	}

	// A peer that is gone is noticed at once or at the next write.
	publish(t, l.Feed, 1, 1)
	deadline := time.After(30 * time.Second)
	for after := inUse(t); ; after = inUse(t) {
		if after.goroutines <= before.goroutines+5 && after.descriptors <= before.descriptors+5 && after.heap <= before.heap+8<<20 {
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

// A reader lives through many sessions.
type reader struct {
	t         *testing.T
	transport lab.Transport
	url       string
	random    *rand.Rand
	cursor    feed.Cursor
	last      uint64 // id of the last message that came, whatever the cursor says
	sessions  int
	messages  int
}

// session reads over a connection that is cut after a while, or, where that is
// 0, until a second has passed without a cut.
func (r *reader) session(ctx context.Context, cut time.Duration) {
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
	c := r.transport.Client(lab.Access{URL: r.url, Dial: dial, Cursor: r.cursor})
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
	}
	r.cursor = *c.Cursor
}

// rubbish opens a connection, sends what makes no sense, or breaks off where it
// does, and leaves without a word.
func rubbish(ctx context.Context, addr string, random *rand.Rand) {
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
	case 1: // and then noise
		for range random.IntN(200) {
			text = append(text, byte(random.Uint32()))
		}
	}
	conn.Write(text)
	conn.SetReadDeadline(time.Now().Add(time.Duration(random.IntN(50)) * time.Millisecond))
	conn.Read(make([]byte, 4096))
}

// A use is what the process holds.
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
		t.Skip("descriptors cannot be counted here: ", err)
	}
	return use{runtime.NumGoroutine(), len(descriptors), stats.HeapAlloc}
}
