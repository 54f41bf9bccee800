//go:build linux

package benchmarks

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	"fourwires/internal/child"
	"fourwires/internal/stats"
)

// BenchmarkFanout asks what it costs the server to bring one message to one of many readers, and how long that takes.
// It is fair in that the schedule waits for nobody and the server's CPU time includes the kernel's work.
func BenchmarkFanout(b *testing.B) {
	for _, transport := range transports {
		for _, n := range []int{1, 100, 1000} {
			b.Run(fmt.Sprintf("transport=%s/readers=%d", transport, n), func(b *testing.B) {
				fanout(b, startServer(b, false), transport, n)
			})
		}
	}
}

// BenchmarkTap asks what it costs the server to name and count every byte, as a lab does by default. It is fair in that
// the two servers are alike otherwise.
func BenchmarkTap(b *testing.B) {
	for _, v := range variants(1, 2) {
		if !v.Stream {
			continue
		}
		for _, tap := range []string{"off", "on"} {
			b.Run(fmt.Sprintf("transport=%s/http=%d/tap=%s", v.Name, v.http, tap), func(b *testing.B) {
				s := startServer(b, tap == "on")
				s.http2 = v.http == 2
				fanout(b, s, v.Name, 1000)
			})
		}
	}
}

// BenchmarkRecording asks what it costs the server to record the exchanges of a page and to stream them to one reader, as
// a lab does while somebody looks at the page. All readers of the feed are of that page. It is fair in that the two
// servers are alike, and both have the tap.
func BenchmarkRecording(b *testing.B) {
	for _, v := range variants(1, 2) {
		if v.Interval {
			continue
		}
		for _, recording := range []string{"off", "on"} {
			b.Run(fmt.Sprintf("transport=%s/http=%d/recording=%s", v.Name, v.http, recording), func(b *testing.B) {
				s := startServer(b, true)
				s.http2, s.tag = v.http == 2, "&page=a"
				if recording == "on" {
					resp, err := http.Get("http://" + s.Control + "/control/exchanges?page=a")
					if err != nil {
						b.Fatal(err)
					}
					defer resp.Body.Close()
					go io.Copy(io.Discard, resp.Body)
				}
				fanout(b, s, v.Name, 1000)
			})
		}
	}
}

func fanout(b *testing.B, s *server, transport string, n int) {
	const gap = 100 * time.Millisecond // on average
	const warmUp = 20                  // messages: at this pace, longer than a polling interval
	r := s.read(n, transport)
	at := child.Monotonic()
	publish := func() {
		time.Sleep(time.Duration(at - child.Monotonic())) // so that one message is announced ahead
		at += int64(rand.ExpFloat64() * float64(gap))
		s.publish(1, at)
	}
	for range warmUp {
		publish()
	}
	first := s.head + 1
	before := s.time()
	for b.Loop() {
		publish()
	}
	after := s.time()
	last := s.head
	r.expect(last + 1)
	s.publish(1, 0) // after it none of the others is received
	r.await()
	r.close()

	// The CPU time is divided by what was received in the same time, whenever published: an empty poll, or a message
	// from before, is a part of the cost.
	within := 0
	var latencies []int64
	for _, own := range r.each {
		for _, a := range own.arrivals {
			if a.received > before.Monotonic && a.received <= after.Monotonic {
				within++
			}
			if a.id >= first && a.id <= last {
				latencies = append(latencies, a.latency())
			}
		}
	}
	faults := r.faults(transport)
	if within == 0 || len(latencies) == 0 || faults.duplicated > 0 || faults.reordered > 0 {
		b.Fatalf("%d messages were received while CPU time was read, %d of the schedule, %+v",
			within, len(latencies), faults)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(after.CPU-before.CPU)/float64(within), "cpu-ns/msg")
	b.ReportMetric(float64(faults.lost)/float64(b.N), "lost/op")
	reportQuantiles(b, latencies)
}

// reportQuantiles reports p50-ns, and p99-ns where there are enough values.
func reportQuantiles(b *testing.B, values []int64) {
	slices.Sort(values)
	b.ReportMetric(float64(stats.Quantile(values, 0.5)), "p50-ns")
	if stats.Enough(len(values), 0.99) {
		b.ReportMetric(float64(stats.Quantile(values, 0.99)), "p99-ns")
	}
}
