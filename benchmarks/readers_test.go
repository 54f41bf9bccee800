package benchmarks

import (
	"bufio"
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// transports are what is compared: the four, and the limit.
var transports = append(names(), "tcp")

func names() (names []string) {
	for _, t := range lab.Transports {
		names = append(names, t.Name)
	}
	return names
}

// readers are many clients of one transport.
type readers struct {
	stop    context.CancelFunc
	done    sync.WaitGroup
	got     atomic.Int64 // deliveries
	mu      sync.Mutex
	latency *hdrhistogram.Histogram // ns
}

// read starts n readers, each after its cursor, and returns when all of them
// are connected, which is when each has the first message, published here.
func (s *server) read(transport string, n int) *readers {
	s.b.Helper()
	ctx, stop := context.WithCancel(context.Background())
	r := &readers{stop: stop, latency: hdrhistogram.New(1_000, 60_000_000_000, 3)}
	s.b.Cleanup(r.close)
	ready := make(chan struct{}, n)
	gate := make(chan struct{}, 64) // connects under way at once
	s.publish(1)
	for range n {
		r.done.Go(func() {
			gate <- struct{}{}
			first := true
			r.follow(ctx, s, transport, func(data []byte) {
				now := monotonic()
				if first {
					first = false
					<-gate
					ready <- struct{}{}
					return
				}
				r.mu.Lock()
				r.latency.RecordValue(now - stamp(data))
				r.mu.Unlock()
				r.got.Add(1)
			})
		})
	}
	for range n {
		select {
		case <-ready:
		case <-time.After(time.Minute):
			s.b.Fatal("a reader does not connect")
		}
	}
	return r
}

// follow calls on for each message, in order, from the first on.
func (r *readers) follow(ctx context.Context, s *server, transport string, on func(data []byte)) {
	if transport == "tcp" {
		followTCP(ctx, s, on)
		return
	}
	for _, t := range lab.Transports {
		if t.Name != transport {
			continue
		}
		c := t.Client("http://"+s.lanes+"/"+transport+"?after=0", nil, feed.Cursor{})
		for m, err := range c.Messages(ctx) {
			if err != nil {
				if ctx.Err() == nil {
					s.b.Errorf("%s: %v", transport, err)
				}
				return
			}
			on(m.Data)
		}
	}
}

// followTCP is follow on a plain connection, which has no cursor: the first
// message is taken as read.
func followTCP(ctx context.Context, s *server, on func(data []byte)) {
	conn, err := net.Dial("tcp", s.tcp)
	if err != nil {
		s.b.Error(err)
		return
	}
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	on(nil)
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		m, err := feed.Decode(append([]byte(nil), lines.Bytes()...))
		if err != nil {
			s.b.Error(err)
			return
		}
		on(m.Data)
	}
}

// drain waits until want deliveries have come, as long as some still come, and
// returns how many never did.
func (r *readers) drain(want int64) (lost int64) {
	for {
		got := r.got.Load()
		if got >= want {
			return 0
		}
		for wait := time.Duration(0); r.got.Load() == got; wait += 10 * time.Millisecond {
			if wait > 5*time.Second {
				return want - got
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}

func (r *readers) close() {
	r.stop()
	r.done.Wait()
}

