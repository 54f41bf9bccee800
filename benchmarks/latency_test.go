//go:build linux

package benchmarks

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"fourwires/feed"
	"fourwires/internal/child"
	"fourwires/internal/lab"
	"fourwires/internal/netsim"
	"fourwires/internal/stats"
	"fourwires/polling"
)

// rtts are the round trips of the networks that are compared.
var rtts = []time.Duration{0, 20 * time.Millisecond, 100 * time.Millisecond}

// BenchmarkLatency asks how long news is on its way over a network. An op is 100
// messages in 4 s, at random instants that wait neither for a receipt nor for a
// poll, and the time of each counts from when it was to be published: a message
// that waits for a poll is counted with all its waiting, a late server as late.
func BenchmarkLatency(b *testing.B) {
	for _, rtt := range rtts {
		for _, w := range ways(1, 2) {
			b.Run(w.over(rtt), func(b *testing.B) {
				l, addr := network(b, rtt)
				var all faults
				var latencies []int64
				for b.Loop() {
					own := w.read(b, l, addr, 4*time.Second)
					all.add(own.faults(own.last))
					for _, m := range own.came {
						latencies = append(latencies, m.came-m.sent)
					}
				}
				b.ReportMetric(0, "ns/op")
				all.report(b)
				reportQuantiles(b, latencies)
				b.ReportMetric(float64(slices.Max(latencies)), "max-ns")
			})
		}
	}
}

// BenchmarkLoop asks the same question twice, of a client that polls every 20 ms
// and no network. loop=closed publishes when the message before has come, which is
// just behind a poll: each waits for all of the interval, and it is the benchmark
// that makes it wait. loop=open does not know of the polls, as no news does.
func BenchmarkLoop(b *testing.B) {
	w := way{lab.Transports[0], 1, 20 * time.Millisecond}
	b.Run("loop=closed", func(b *testing.B) {
		l, addr := network(b, 0)
		var latencies []int64
		for b.Loop() {
			publish(b, l, child.Monotonic())
			var r reader
			for m, err := range w.client(l, addr, nil)(b.Context()) {
				if err != nil {
					b.Fatal(err)
				}
				if r.take(m); len(r.came) > 100 {
					break
				}
				publish(b, l, child.Monotonic())
			}
			for _, m := range r.came[1:] { // the first poll found one waiting
				latencies = append(latencies, m.came-m.sent)
			}
		}
		b.ReportMetric(0, "ns/op")
		reportQuantiles(b, latencies)
	})
	b.Run("loop=open", func(b *testing.B) {
		l, addr := network(b, 0)
		var latencies []int64
		for b.Loop() {
			for _, m := range w.read(b, l, addr, 2*time.Second).came {
				latencies = append(latencies, m.came-m.sent)
			}
		}
		b.ReportMetric(0, "ns/op")
		reportQuantiles(b, latencies)
	})
}

// A way is how a reader reads.
type way struct {
	lab.Transport
	http     int
	interval time.Duration // of polling
}

// ways are the four over these versions of HTTP, and polling at two intervals.
func ways(versions ...int) (all []way) {
	for _, t := range lab.Transports {
		for _, http := range versions {
			switch {
			case t.Name == "polling":
				all = append(all, way{t, http, 200 * time.Millisecond}, way{t, http, pollEvery})
			case t.Name != "websocket" || http == 1:
				all = append(all, way{t, http, 0})
			}
		}
	}
	return all
}

// over names the way over a network. Only polling has an interval; benchstat
// -col /transport,/interval takes the others for one of none.
func (w way) over(rtt time.Duration) string {
	name := fmt.Sprintf("transport=%s/http=%d/rtt=%v", w.Name, w.http, rtt)
	if w.interval > 0 {
		name += fmt.Sprintf("/interval=%v", w.interval)
	}
	return name
}

// client returns a client whose first message is the newest there is.
func (w way) client(l *lab.Lab, addr string, dial lab.Dial) func(context.Context) iter.Seq2[feed.Message, error] {
	cursor := l.Feed.Head()
	cursor.ID--
	url := "http://" + addr + "/" + w.Name
	if w.interval > 0 {
		return (&polling.Client{URL: url, Dial: dial, Cursor: cursor, Interval: w.interval, HTTP2: w.http == 2}).Messages
	}
	return w.Client(lab.Access{URL: url, Dial: dial, Cursor: cursor, HTTP2: w.http == 2}).Messages
}

// network opens a lab behind a network, until the benchmark ends.
func network(b *testing.B, rtt time.Duration) (l *lab.Lab, addr string) {
	b.Helper()
	l, addr, close := open(b, lab.Settings{Keep: feed.Keep, Untapped: true, Network: netsim.Settings{RTT: rtt}}, false)
	b.Cleanup(close)
	return l, addr
}

// publish publishes a message that was to be published at an instant.
func publish(b *testing.B, l *lab.Lab, at int64) {
	if _, err := l.Feed.Publish(stamped(at)); err != nil {
		b.Error(err)
	}
}

// read has a reader that is connected read 100 messages, which are published at
// random over a time, and returns what came. They are the instants of a Poisson
// process of which the number is known. They begin at any phase of the polls and
// last for a whole number of their intervals, so that all phases count alike.
func (w way) read(b *testing.B, l *lab.Lab, addr string, over time.Duration) reader {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	defer cancel()
	instants := make([]time.Duration, 100)
	for i := range instants {
		instants[i] = rand.N(over)
	}
	slices.Sort(instants)

	timer, err := child.NewTimer()
	if err != nil {
		b.Fatal(err)
	}
	defer timer.Close()
	publish(b, l, child.Monotonic())
	first := l.Feed.Head().ID
	last := first + uint64(len(instants))
	r := reader{IDs: stats.IDs{Next: first}, last: last}
	var publishing sync.WaitGroup
	defer publishing.Wait()
	for m, err := range w.client(l, addr, nil)(ctx) {
		if err != nil {
			b.Fatalf("behind message %d of %d: %v", r.Next-first, len(instants), err)
		}
		if r.take(m); m.ID == first {
			r.came = nil
			start := child.Monotonic() + int64(2*l.Network.Settings().RTT+rand.N(w.interval+time.Millisecond)) // a long-poll is back
			publishing.Go(func() {
				for _, instant := range append(instants, over) { // and one more, behind which none of them comes
					if err := timer.SleepUntil(b.Context(), start+int64(instant)); err != nil {
						b.Error(err)
					}
					publish(b, l, start+int64(instant))
				}
			})
		}
		if m.ID > last {
			break
		}
	}
	r.came = slices.DeleteFunc(r.came, func(m arrival) bool { return m.id > last })
	return r
}
