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
	"fourwires/internal/lab/labtest"
	"fourwires/internal/netsim"
	"fourwires/internal/stats"
)

// beat is how often each reader of Recovery receives something while nothing is cut: a heartbeat, the end of a
// long-poll, the answer to a poll.
const beat = time.Second

// BenchmarkRecovery asks how long a cut lasts, in three parts: until the reader notices, until it is connected again,
// and until it has all messages. An op cuts ten readers at once, each at a phase of its own, while a message is under
// way to them; another is published 1 ms later. The figures are medians, counted from the cut.
//
// A silence tells nobody, and here it does not end. The four clients bear it for 10 s (polling), 40 s and 70 s
// (longpoll). That is not measured, but the usual rule of an application: its reader receives something every second,
// and closes the connection when it has received nothing for two. To connect, the kernel of the loopback interface
// takes no round trip: the network delays the first byte by it instead, and the reader's dial waits for as long.
func BenchmarkRecovery(b *testing.B) {
	const rtt = 100 * time.Millisecond
	for _, v := range variants(1) {
		if v.interval == pollEvery {
			continue
		}
		for _, cut := range []netsim.Cut{netsim.FIN, netsim.RST, netsim.Silence} {
			b.Run("transport="+v.Name+"/cut="+string(cut), func(b *testing.B) {
				s := network(b, rtt)
				var noticed, connected, caught []int64
				var all faults
				for b.Loop() {
					for _, r := range cutReaders(b, v, s, cut) {
						cut := r.cut.Load()
						noticed = append(noticed, r.noticed.Load()-cut)
						connected = append(connected, r.connected.Load()-cut)
						caught = append(caught, r.arrivals[len(r.arrivals)-1].received-cut)
						all.add(r.faults(r.last))
					}
				}
				b.ReportMetric(0, "ns/op")
				times := map[string][]int64{"noticed-ns": noticed, "connected-ns": connected, "caught-ns": caught}
				for unit, times := range times {
					slices.Sort(times)
					b.ReportMetric(float64(stats.Quantile(times, 0.5)), unit)
				}
				all.report(b)
			})
		}
	}
}

// cutReaders cuts ten readers and returns them when they have received all that was published.
func cutReaders(b *testing.B, v variant, s *labtest.Server, kind netsim.Cut) []*cutReader {
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	defer cancel()
	publish(b, s.Feed, child.Monotonic())
	start := feed.Cursor{Epoch: s.Feed.Head().Epoch, ID: s.Feed.Head().ID - 1}
	last := start.ID + 3
	cut := new(atomic.Int64)
	var all []*cutReader
	var connecting, reading sync.WaitGroup
	for i := range 10 {
		r := &cutReader{
			reader: reader{IDs: stats.IDs{Next: start.ID + 1}, last: last}, cut: cut, rtt: s.Network.Settings().RTT,
		}
		all = append(all, r)
		connecting.Add(1)
		reading.Go(func() {
			connected := sync.OnceFunc(connecting.Done)
			defer connected()
			time.Sleep(beat * time.Duration(i) / 10)
			query := map[string]string{"longpoll": "?wait=", "sse": "?heartbeat=", "websocket": "?heartbeat="}[v.Name]
			if query != "" {
				query += beat.String()
			}
			messages := v.Client(lab.Access{
				URL: "http://" + s.Lanes + "/" + v.Name + query, Dial: r.dial, Cursor: start, Interval: beat,
			}).Messages
			for r.Next <= last && ctx.Err() == nil {
				for m, err := range messages(ctx) {
					if err != nil {
						r.note(&r.noticed)
						break
					}
					r.take(m)
					connected()
					if m.ID == last {
						break
					}
				}
			}
		})
	}
	connecting.Wait()
	time.Sleep(3*s.Network.Settings().RTT + rand.N(beat/10)) // the next long-poll is at the server

	publish(b, s.Feed, child.Monotonic())
	time.Sleep(10 * time.Millisecond)
	cut.Store(child.Monotonic())
	length := time.Duration(0)
	if kind == netsim.Silence {
		length = time.Hour
	}
	for _, conn := range s.Network.Conns() {
		if err := conn.Cut(kind, length); err != nil {
			b.Error(err)
		}
	}
	time.Sleep(time.Millisecond)
	publish(b, s.Feed, child.Monotonic())
	reading.Wait()
	if ctx.Err() != nil {
		b.Fatalf("not all had message %d in %v", last, patience)
	}
	return all
}

// A cutReader is a reader that notes when it noticed a cut, and when it was connected again. Its connections show both.
type cutReader struct {
	reader
	rtt                time.Duration
	cut                *atomic.Int64 // by the monotonic clock; 0: not yet
	noticed, connected atomic.Int64
}

// note takes the first time after the cut.
func (r *cutReader) note(instant *atomic.Int64) {
	if r.cut.Load() > 0 {
		instant.CompareAndSwap(0, child.Monotonic())
	}
}

func (r *cutReader) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	time.Sleep(r.rtt)
	if err == nil {
		r.note(&r.connected)
	}
	return &watchedConn{conn, r}, err
}

// A watchedConn is closed when it has received nothing for two beats.
type watchedConn struct {
	net.Conn
	reader *cutReader
}

func (c *watchedConn) Read(b []byte) (int, error) {
	defer time.AfterFunc(2*beat, func() { c.Conn.Close() }).Stop()
	n, err := c.Conn.Read(b)
	if err != nil {
		c.reader.note(&c.reader.noticed)
	}
	return n, err
}
