package benchmarks

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// BenchmarkFanout asks what it costs the server to bring one message to one of
// many readers, and how long that takes. It is fair in that the schedule waits
// for nobody and the server's CPU time counts the kernel's work too.
func BenchmarkFanout(b *testing.B) {
	const gap = 100 * time.Millisecond // on average
	for _, transport := range transports {
		for _, n := range []int{1, 100, 1000} {
			b.Run(fmt.Sprintf("transport=%s/readers=%d", transport, n), func(b *testing.B) {
				s := startServer(b)
				r := s.read(transport, n)
				random := rand.New(rand.NewPCG(1, 1))
				before := s.usage()
				published := int64(0)
				for next := time.Now(); b.Loop(); published++ {
					time.Sleep(time.Until(next))
					s.publish(1)
					next = next.Add(time.Duration(random.ExpFloat64() * float64(gap)))
				}
				want := published * int64(n)
				lost := r.drain(want)
				after := s.usage()
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(float64(after.CPU-before.CPU)/float64(want), "cpu-ns/msg")
				b.ReportMetric(float64(lost)/float64(published), "lost/op")
				r.mu.Lock()
				defer r.mu.Unlock()
				b.ReportMetric(float64(r.latency.ValueAtQuantile(50)), "p50-ns")
				if r.latency.TotalCount() >= 100 {
					b.ReportMetric(float64(r.latency.ValueAtQuantile(99)), "p99-ns")
				}
			})
		}
	}
}
