//go:build linux

package benchmarks

import (
	"context"
	"sync"
	"testing"

	"fourwires/feed"
	"fourwires/internal/stats"
)

// BenchmarkCatchUp asks how fast the server brings readers up to date that lack all that it keeps, 4 096 messages:
// deliveries for each second of its CPU time. It is fair in that the readers' CPU time does not count, so that their
// pace does not matter. An op is 16 readers at once.
func BenchmarkCatchUp(b *testing.B) {
	const n = 16
	for _, transport := range transports {
		b.Run("transport="+transport, func(b *testing.B) {
			s := startServer(b, false)
			s.publish(feed.Keep-1, 0)
			s.time() // then all is published
			catchUp := func() {
				ctx, stop := context.WithTimeout(context.Background(), patience)
				defer stop()
				var all sync.WaitGroup
				for range n {
					all.Go(func() {
						own := reader{IDs: stats.IDs{Next: 1}}
						on := func(m feed.Message) bool {
							own.take(m)
							return own.Next <= s.head
						}
						var err error
						if transport == "tcp" {
							err = followTCP(ctx, s.All, on)
						} else {
							err = s.follow(ctx, transport, on)
						}
						if got := own.faults(s.head); err != nil || got != (faults{}) {
							b.Errorf("after message %d, %+v: %v", own.Next-1, got, err)
						}
					})
				}
				all.Wait()
			}
			catchUp()
			before := s.time()
			for b.Loop() {
				catchUp()
			}
			after := s.time()
			cpu, delivered := float64(after.CPU-before.CPU), float64(b.N)*n*feed.Keep
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(cpu/delivered, "cpu-ns/msg")
			b.ReportMetric(delivered/cpu*1e9, "msg/cpu-s")
		})
	}
}
