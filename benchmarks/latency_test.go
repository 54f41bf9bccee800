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
	"fourwires/internal/lab/labtest"
	"fourwires/internal/netsim"
	"fourwires/internal/stats"
)

// rtts are the round trips of the networks that are compared.
var rtts = []time.Duration{0, 20 * time.Millisecond, 100 * time.Millisecond}

// BenchmarkLatency asks how long a message takes over a network. An op is 100 messages in 4 s, at random instants that
// wait neither for a receipt nor for a poll. The time of each counts from when it is due, so that waiting for a poll
// counts in full, and a late server counts as late.
func BenchmarkLatency(b *testing.B) {
	for _, rtt := range rtts {
		for _, v := range variants(1, 2) {
			b.Run(v.over(rtt), func(b *testing.B) {
				s := network(b, rtt)
				var all faults
				var latencies []int64
				for b.Loop() {
					own := v.read(b, s, 4*time.Second)
					all.add(own.faults(own.last))
					for _, a := range own.arrivals {
						latencies = append(latencies, a.latency())
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

// BenchmarkLoop asks the same question twice, of a client that polls every 20 ms without a network. loop=closed
// publishes when the message before has been received, which is just after a poll: each message waits for the whole
// interval, and only because of the benchmark. loop=open publishes regardless of the polls, as a real source does.
func BenchmarkLoop(b *testing.B) {
	polling, _ := lab.Find("polling")
	v := variant{polling, 1, 20 * time.Millisecond}
	b.Run("loop=closed", func(b *testing.B) {
		s := network(b, 0)
		var latencies []int64
		for b.Loop() {
			publish(b, s.Feed, child.Monotonic())
			var r reader
			for m, err := range v.client(s, nil)(b.Context()) {
				if err != nil {
					b.Fatal(err)
				}
				if r.take(m); len(r.arrivals) > 100 {
					break
				}
				publish(b, s.Feed, child.Monotonic())
			}
			for _, a := range r.arrivals[1:] { // the first message was published before the first poll
				latencies = append(latencies, a.latency())
			}
		}
		b.ReportMetric(0, "ns/op")
		reportQuantiles(b, latencies)
	})
	b.Run("loop=open", func(b *testing.B) {
		s := network(b, 0)
		var latencies []int64
		for b.Loop() {
			for _, a := range v.read(b, s, 2*time.Second).arrivals {
				latencies = append(latencies, a.latency())
			}
		}
		b.ReportMetric(0, "ns/op")
		reportQuantiles(b, latencies)
	})
}

// A variant is a transport by one version of HTTP and, where it has one, at one interval.
type variant struct {
	lab.Transport
	http     int
	interval time.Duration
}

// variants are those of the four by these versions of HTTP; polling is there at two intervals.
func variants(http ...int) (all []variant) {
	for _, t := range lab.Transports {
		for _, version := range versions(t) {
			switch {
			case !slices.Contains(http, version):
			case t.Interval:
				all = append(all, variant{t, version, 200 * time.Millisecond}, variant{t, version, pollEvery})
			default:
				all = append(all, variant{t, version, 0})
			}
		}
	}
	return all
}

// over names the variant over a network. Only polling has an interval; benchstat -col /transport,/interval shows the
// others as having none.
func (v variant) over(rtt time.Duration) string {
	name := fmt.Sprintf("transport=%s/http=%d/rtt=%v", v.Name, v.http, rtt)
	if v.Interval {
		name += fmt.Sprintf("/interval=%v", v.interval)
	}
	return name
}

// client returns a client that first receives the newest message there is.
func (v variant) client(s *labtest.Server, dial lab.Dial) func(context.Context) iter.Seq2[feed.Message, error] {
	cursor := s.Feed.Head()
	cursor.ID--
	return v.Client(lab.Access{
		URL: "http://" + s.Lanes + "/" + v.Name, Dial: dial, Cursor: cursor, Interval: v.interval, HTTP2: v.http == 2,
	}).Messages
}

// network opens a lab behind a network, until the benchmark ends.
func network(b *testing.B, rtt time.Duration) *labtest.Server {
	b.Helper()
	s, _ := open(b, lab.Settings{Keep: feed.Keep, Untapped: true, Network: netsim.Settings{RTT: rtt}}, false)
	return s
}

// publish publishes a message that is due at an instant.
func publish(b *testing.B, f *feed.Feed, at int64) {
	if _, err := f.Publish(stamped(at)); err != nil {
		b.Error(err)
	}
}

// read has a connected reader receive 100 messages, which are published at random over a time, and returns what it
// received. The instants are those of a Poisson process of which the number is known. They begin at any phase of the
// polls and last for a whole number of intervals, so that all phases count alike.
func (v variant) read(b *testing.B, s *labtest.Server, over time.Duration) reader {
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
	publish(b, s.Feed, child.Monotonic())
	first := s.Feed.Head().ID
	last := first + uint64(len(instants))
	r := reader{IDs: stats.IDs{Next: first}, last: last}
	var publishing sync.WaitGroup
	defer publishing.Wait()
	for m, err := range v.client(s, nil)(ctx) {
		if err != nil {
			b.Fatalf("after message %d of %d: %v", r.Next-first, len(instants), err)
		}
		if r.take(m); m.ID == first {
			r.arrivals = nil
			settled := 2 * s.Network.Settings().RTT // the next long-poll is at the server
			start := child.Monotonic() + int64(settled+rand.N(v.interval+time.Millisecond))
			publishing.Go(func() {
				// And one more, after which none of the others is received.
				for _, instant := range append(instants, over) {
					if err := timer.SleepUntil(b.Context(), start+int64(instant)); err != nil {
						b.Error(err)
					}
					publish(b, s.Feed, start+int64(instant))
				}
			})
		}
		if m.ID > last {
			break
		}
	}
	r.arrivals = slices.DeleteFunc(r.arrivals, func(a arrival) bool { return a.id > last })
	return r
}
