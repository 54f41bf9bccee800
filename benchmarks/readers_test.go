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
	patience  = time.Minute     // with readers that do not come forward
)

// transports are what is compared: the four, and the limit.
var transports = append(transportNames(), "tcp")

// follow calls on for each message from the first on, until it returns false.
func (s *server) follow(ctx context.Context, transport string, on func(feed.Message) bool) error {
	if transport == "tcp" {
		return followTCP(ctx, s.News, on)
	}
	i := slices.IndexFunc(lab.Transports, func(t lab.Transport) bool { return t.Name == transport })
	client := lab.Transports[i].Client(lab.Access{URL: "http://" + s.Lanes + "/" + transport + "?after=0", HTTP2: s.http2})
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
	last uint64 // the id of the last that is due; 0: not known yet
	came []arrival
}

// An arrival is a message that came, by the monotonic clock.
type arrival struct {
	id         uint64
	sent, came int64
}

// take counts a message.
func (r *reader) take(m feed.Message) {
	if r.Take(m.ID) {
		r.came = append(r.came, arrival{m.ID, stamp(m.Data), child.Monotonic()})
	}
}

// faults are how many messages readers lost, received twice, and received after a later one.
type faults struct{ lost, duplicated, reordered int }

// faults returns those of a reader that was to receive all up to head.
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

// readers are many clients at once. What each reader has is to be looked at
// after close.
type readers struct {
	each []*reader

	s     *server
	stop  context.CancelFunc
	going sync.WaitGroup

	goal    atomic.Uint64 // the id that all are awaited to reach
	missing atomic.Int64  // readers that have not
	reached chan struct{} // closed when none is missing
}

// read connects n readers, of each of these transports in turn, and returns when
// all of them have the first message.
func (s *server) read(n int, transports ...string) *readers {
	s.tb.Helper()
	ctx, stop := context.WithCancel(context.Background())
	r := &readers{s: s, stop: stop}
	s.tb.Cleanup(r.close)
	connects := make(chan struct{}, 64) // under way at once
	for i := range n {
		r.each = append(r.each, &reader{transport: transports[i%len(transports)], IDs: stats.IDs{Next: 1}})
	}
	r.expect(s.head)
	for i, own := range r.each {
		r.going.Go(func() {
			if own.transport == "polling" { // polls come at phases of their own
				time.Sleep(pollEvery * time.Duration(i) / time.Duration(n))
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
				s.tb.Errorf("a reader of %s ended behind message %d: %v", own.transport, own.Next-1, err)
			}
		})
	}
	if !r.await() {
		s.tb.Fatal("not every reader got the first message")
	}
	return r
}

// expect names an id, not yet published, that all readers are to reach.
func (r *readers) expect(id uint64) {
	r.reached = make(chan struct{})
	r.missing.Store(int64(len(r.each)))
	r.goal.Store(id)
}

// await waits for that, and reports whether it came about.
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
	r.going.Wait()
}

// faults returns, after close, the faults of all readers of a transport.
func (r *readers) faults(transport string) (all faults) {
	for _, own := range r.each {
		if own.transport == transport {
			all.add(own.faults(r.s.head))
		}
	}
	return all
}

func TestTake(t *testing.T) {
	r := reader{IDs: stats.IDs{Next: 1}}
	for _, id := range []uint64{1, 2, 2, 5} {
		r.take(feed.Message{ID: id, Data: stamped(7)})
	}
	if got := r.faults(5); got != (faults{lost: 2, duplicated: 1}) || len(r.came) != 3 || r.came[0].sent != 7 {
		t.Errorf("%+v, %+v, want 2 lost, 1 duplicated, 3 come, sent at 7", got, r)
	}
}
