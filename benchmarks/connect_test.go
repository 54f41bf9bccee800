//go:build linux

package benchmarks

import (
	"context"
	"testing"
	"time"

	"fourwires/feed"
)

// BenchmarkConnect asks what it costs the server that a reader connects, receives the one message that there is, and
// leaves, and how long that message takes. It is fair in that each reader has a client and a connection of its own, one
// after the other; the time includes the client's work.
func BenchmarkConnect(b *testing.B) {
	for _, transport := range transports {
		b.Run("transport="+transport, func(b *testing.B) {
			s := startServer(b, false)
			connect := func() (took int64) {
				start := time.Now()
				err := s.follow(context.Background(), transport, func(feed.Message) bool {
					took = time.Since(start).Nanoseconds()
					return false
				})
				if err != nil {
					b.Fatal(err)
				}
				return took
			}
			for range 100 {
				connect()
			}
			var times []int64
			before := s.time()
			for b.Loop() {
				times = append(times, connect())
			}
			after := s.time()
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(after.CPU-before.CPU)/float64(b.N), "cpu-ns/connect")
			reportQuantiles(b, times)
		})
	}
}
