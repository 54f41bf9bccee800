//go:build linux

package benchmarks

import (
	"bufio"
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fourwires/feed"
	"fourwires/internal/child"
	"fourwires/internal/lab"
	"fourwires/internal/stats"
)

const (
	pollEvery = 2 * time.Second // the polling client's usual interval
	patience  = time.Minute     // for readers that do not receive what they should
)

// follow calls on for each message from the first on, until on returns false.
func (s *server) follow(ctx context.Context, transport string, on func(feed.Message) bool) error {
	if transport == "tcp" {
		return followTCP(ctx, s.News, on)
	}
	t, _ := lab.Find(transport)
	client := t.Client(lab.Access{
		URL: "http://" + s.Lanes + "/" + transport + "?after=0" + s.tag, HTTP2: s.http2, Interval: s.interval,
	})
	for m, err := range client.Messages(ctx) {
		if err != nil {
			return err
		}
		if !on(m) {
			return nil
		}
	}
	return nil
}

// followTCP is follow on a plain connection.
func followTCP(ctx context.Context, addr string, on func(feed.Message) bool) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		m, err := feed.Decode(slices.Clone(lines.Bytes()))
		if err != nil {
			return err
		}
		if !on(m) {
			return nil
		}
	}
	return errors.Join(errors.New("tcp: the connection ended"), lines.Err())
}

// A reader is what one client received.
type reader struct {
	transport string
	stats.IDs
	last     uint64 // the id of the last message that is due; 0: unknown yet
	arrivals []arrival
}

// An arrival is a message, when it was due, and when it was received, by the monotonic clock.
type arrival struct {
	id            uint64
	due, received int64
}

func (a arrival) latency() int64 { return a.received - a.due }

// take counts a received message.
func (r *reader) take(m feed.Message) {
	if r.Take(m.ID) {
		r.arrivals = append(r.arrivals, arrival{m.ID, due(m.Data), child.Monotonic()})
	}
}

// faults are how many messages readers lost, received twice, or received after a later one.
type faults struct{ lost, duplicated, reordered int }

// faults returns the faults of a reader that should have received all ids up to head.
func (r *reader) faults(head uint64) faults {
	return faults{int(r.Lost(head)), r.Duplicated, r.Reordered}
}

func (f *faults) add(g faults) {
	*f = faults{f.lost + g.lost, f.duplicated + g.duplicated, f.reordered + g.reordered}
}

// report reports lost/op and duplicated/op. No transport may reorder.
func (f faults) report(b *testing.B) {
	if f.reordered > 0 {
		b.Errorf("%d messages were reordered", f.reordered)
	}
	b.ReportMetric(float64(f.lost)/float64(b.N), "lost/op")
	b.ReportMetric(float64(f.duplicated)/float64(b.N), "duplicated/op")
}

// readers are many clients at once. What each of them received may be read after close.
type readers struct {
	each []*reader

	server  *server
	stop    context.CancelFunc
	reading sync.WaitGroup

	goal    atomic.Uint64 // the id that all are to reach
	missing atomic.Int64  // readers that have not reached it
	reached chan struct{} // closed when none is missing
}

// read connects n readers, of each of these transports in turn, and returns when all of them have the first message.
func (s *server) read(n int, transports ...string) *readers {
	s.tb.Helper()
	ctx, stop := context.WithCancel(context.Background())
	r := &readers{server: s, stop: stop}
	s.tb.Cleanup(r.close)
	connects := make(chan struct{}, 64) // at once
	for i := range n {
		r.each = append(r.each, &reader{transport: transports[i%len(transports)], IDs: stats.IDs{Next: 1}})
	}
	r.expect(s.head)
	for i, own := range r.each {
		r.reading.Go(func() {
			if own.transport == "polling" { // each at a phase of its own
				time.Sleep(s.interval * time.Duration(i) / time.Duration(n))
			}
			connects <- struct{}{}
			err := s.follow(ctx, own.transport, func(m feed.Message) bool {
				was, goal := own.Next, r.goal.Load()
				own.take(m)
				if was == 1 {
					<-connects
				}
				if was <= goal && goal < own.Next && r.missing.Add(-1) == 0 {
					close(r.reached)
				}
				return true
			})
			if ctx.Err() == nil {
				s.tb.Errorf("a reader of %s ended after message %d: %v", own.transport, own.Next-1, err)
			}
		})
	}
	if !r.await() {
		s.tb.Fatal("not every reader got the first message")
	}
	return r
}

// expect sets the id, not yet published, that all readers are to reach.
func (r *readers) expect(id uint64) {
	r.reached = make(chan struct{})
	r.missing.Store(int64(len(r.each)))
	r.goal.Store(id)
}

// await waits until all readers have reached it, and reports whether they did in time.
func (r *readers) await() bool {
	select {
	case <-r.reached:
		return true
	case <-time.After(patience):
		return false
	}
}

// close ends all readers.
func (r *readers) close() {
	r.stop()
	r.reading.Wait()
}

// faults returns, after close, the faults of all readers of a transport.
func (r *readers) faults(transport string) (all faults) {
	for _, own := range r.each {
		if own.transport == transport {
			all.add(own.faults(r.server.head))
		}
	}
	return all
}

func TestTake(t *testing.T) {
	r := reader{IDs: stats.IDs{Next: 1}}
	for _, id := range []uint64{1, 2, 2, 5} {
		r.take(feed.Message{ID: id, Data: stamped(7)})
	}
	if got := r.faults(5); got != (faults{lost: 2, duplicated: 1}) || len(r.arrivals) != 3 || r.arrivals[0].due != 7 {
		t.Errorf("%+v, %+v, want 2 lost, 1 duplicated, 3 arrivals, due at 7", got, r)
	}
}
