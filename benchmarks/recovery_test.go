//go:build linux

package benchmarks

import (
	"context"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fourwires/feed"
	"fourwires/internal/child"
	"fourwires/internal/lab"
	"fourwires/internal/netsim"
	"fourwires/internal/stats"
	"fourwires/polling"
)

// beat is how often something comes to each reader of Recovery if nothing is cut: a
// heartbeat, the end of a long-poll, the answer to a poll.
const beat = time.Second

// BenchmarkRecovery asks how long a cut is, in three parts: until the reader notices,
// until it is connected again, and until it has all. An op cuts ten readers at once,
// each in a phase of its own. A message is on its way to them then, and another is
// published 1 ms later. The figures are medians from the cut on.
//
// Nobody is told of a silence, which here is for good. The four clients bear it for
// 10 s (polling), 40 s and 70 s (longpoll). That is not measured, but the usual rule
// of an application: it hears something every second, and closes the connection when
// it has heard nothing for two. To connect takes the round trip that the kernel of
// the loopback does not: the network charges it before the first byte, and Dial
// waits for that.
func BenchmarkRecovery(b *testing.B) {
	const rtt = 100 * time.Millisecond
	for _, w := range ways(1) {
		if w.interval == pollEvery {
			continue
		}
		for _, cut := range []netsim.Cut{netsim.FIN, netsim.RST, netsim.Silence} {
			b.Run("transport="+w.Name+"/cut="+string(cut), func(b *testing.B) {
				l, addr := network(b, rtt)
				var noticed, connected, caught []int64
				var all faults
				for b.Loop() {
					for _, s := range survive(b, w, l, addr, cut) {
						noticed = append(noticed, s.noticed.Load()-s.cut.Load())
						connected = append(connected, s.connected.Load()-s.cut.Load())
						caught = append(caught, s.came[len(s.came)-1].came-s.cut.Load())
						all.add(s.faults(s.last))
					}
				}
				b.ReportMetric(0, "ns/op")
				for unit, times := range map[string][]int64{"noticed-ns": noticed, "connected-ns": connected, "caught-ns": caught} {
					slices.Sort(times)
					b.ReportMetric(float64(stats.Quantile(times, 0.5)), unit)
				}
				all.report(b)
			})
		}
	}
}

// survive cuts ten readers and returns them when they have all that was published.
func survive(b *testing.B, w way, l *lab.Lab, addr string, kind netsim.Cut) []*survivor {
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	defer cancel()
	publish(b, l, child.Monotonic())
	first := feed.Cursor{Epoch: l.Feed.Head().Epoch, ID: l.Feed.Head().ID - 1}
	last := first.ID + 3
	cut := new(atomic.Int64)
	var all []*survivor
	var connecting, reading sync.WaitGroup
	for i := range 10 {
		s := &survivor{reader: reader{IDs: stats.IDs{Next: first.ID + 1}, last: last}, cut: cut, rtt: l.Network.Settings().RTT}
		all = append(all, s)
		connecting.Add(1)
		reading.Go(func() {
			has := sync.OnceFunc(connecting.Done)
			defer has()
			time.Sleep(beat * time.Duration(i) / 10)
			query := map[string]string{"longpoll": "?wait=", "sse": "?heartbeat=", "websocket": "?heartbeat="}[w.Name]
			if query != "" {
				query += beat.String()
			}
			access := lab.Access{URL: "http://" + addr + "/" + w.Name + query, Dial: s.dial, Cursor: first}
			messages := w.Client(access).Messages
			if w.Name == "polling" {
				messages = (&polling.Client{URL: access.URL, Dial: s.dial, Cursor: first, Interval: beat}).Messages
			}
			for s.Next <= last && ctx.Err() == nil {
				for m, err := range messages(ctx) {
					if err != nil {
						s.note(&s.noticed)
						break
					}
					s.take(m)
					has()
					if m.ID == last {
						break
					}
				}
			}
		})
	}
	connecting.Wait()
	time.Sleep(3*l.Network.Settings().RTT + rand.N(beat/10)) // a long-poll is back

	publish(b, l, child.Monotonic())
	time.Sleep(10 * time.Millisecond)
	cut.Store(child.Monotonic())
	lasting := time.Duration(0)
	if kind == netsim.Silence {
		lasting = time.Hour
	}
	for _, conn := range l.Network.Conns() {
		if err := conn.Cut(kind, lasting); err != nil {
			b.Error(err)
		}
	}
	time.Sleep(time.Millisecond)
	publish(b, l, child.Monotonic())
	reading.Wait()
	if ctx.Err() != nil {
		b.Fatalf("not all had message %d in %v", last, patience)
	}
	return all
}

// A survivor is a reader that tells, by what it does with its connections, when it
// noticed a cut and when it was connected again.
type survivor struct {
	reader
	rtt                time.Duration
	cut                *atomic.Int64 // by the monotonic clock; 0: not yet
	noticed, connected atomic.Int64
}

// note takes the first time after the cut.
func (s *survivor) note(what *atomic.Int64) {
	if s.cut.Load() > 0 {
		what.CompareAndSwap(0, child.Monotonic())
	}
}

func (s *survivor) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	time.Sleep(s.rtt)
	if err == nil {
		s.note(&s.connected)
	}
	return &survived{conn, s}, err
}

// survived is a connection that is closed when nothing came for two beats.
type survived struct {
	net.Conn
	s *survivor
}

func (c *survived) Read(b []byte) (int, error) {
	defer time.AfterFunc(2*beat, func() { c.Conn.Close() }).Stop()
	n, err := c.Conn.Read(b)
	if err != nil {
		c.s.note(&c.s.noticed)
	}
	return n, err
}
