//go:build linux

package benchmarks

import (
	"fmt"
	"testing"
)

// BenchmarkIdle asks what the server's process holds for a reader to whom
// nothing comes; for polling, that is a connection between two polls. It is fair
// in that the same number is connected for all, beyond some that have warmed the
// server up. It cannot see what the kernel holds: a socket and its buffers.
func BenchmarkIdle(b *testing.B) {
	const n = 1000
	for _, transport := range transports {
		b.Run(fmt.Sprintf("transport=%s/readers=%d", transport, n), func(b *testing.B) {
			var bytes, goroutines int
			for b.Loop() {
				s := startServer(b, false)
				warm := s.read(100, transport)
				bytesBefore, goroutinesBefore := s.settle()
				idle := s.read(n, transport)
				bytesAfter, goroutinesAfter := s.settle()
				bytes += bytesAfter - bytesBefore
				goroutines += goroutinesAfter - goroutinesBefore
				idle.close()
				warm.close()
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(bytes)/float64(b.N)/n, "B/reader")
			b.ReportMetric(float64(goroutines)/float64(b.N)/n, "goroutines/reader")
		})
	}
}

// settle returns the server's memory once its goroutines come and go no more.
func (s *server) settle() (bytes, goroutines int) {
	for before := -1; before != goroutines; {
		before = goroutines
		bytes, goroutines = s.memory()
	}
	return bytes, goroutines
}
