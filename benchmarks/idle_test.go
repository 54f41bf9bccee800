//go:build linux

package benchmarks

import (
	"fmt"
	"testing"
)

// BenchmarkIdle asks what memory the server's process holds for an idle reader; for polling, that is a connection
// between two polls. It is fair in that all have the same number of readers, beside some that have warmed the server
// up. It does not see what the kernel holds: a socket and its buffers.
func BenchmarkIdle(b *testing.B) {
	const n = 1000
	for _, transport := range transports {
		b.Run(fmt.Sprintf("transport=%s/readers=%d", transport, n), func(b *testing.B) {
			var all footprint
			for b.Loop() {
				s := startServer(b, false)
				warm := s.read(100, transport)
				before := s.settle()
				idle := s.read(n, transport)
				after := s.settle()
				all.Bytes += after.Bytes - before.Bytes
				all.Goroutines += after.Goroutines - before.Goroutines
				idle.close()
				warm.close()
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(all.Bytes)/float64(b.N)/n, "B/reader")
			b.ReportMetric(float64(all.Goroutines)/float64(b.N)/n, "goroutines/reader")
		})
	}
}

// settle returns what the server takes as soon as its number of goroutines does not change.
func (s *server) settle() (f footprint) {
	for before := -1; before != f.Goroutines; {
		before = f.Goroutines
		f = s.memory()
	}
	return f
}
