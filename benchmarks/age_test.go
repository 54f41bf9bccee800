//go:build linux

package benchmarks

import (
	"math"
	"testing"
	"time"

	"fourwires/internal/stats"
)

// BenchmarkAge asks how old the newest is that a reader has, at any time and not
// only when something comes. An op is the traffic of Latency; the age is weighted
// by time, from the first message to the last that came while there was news, so
// that what it takes of a polling interval is whole.
func BenchmarkAge(b *testing.B) {
	const rtt = 100 * time.Millisecond
	for _, w := range ways(1) {
		b.Run(w.over(rtt), func(b *testing.B) {
			l, addr := network(b, rtt)
			var sum float64
			var peak int64
			for b.Loop() {
				age := ages(w.read(b, l, addr, 4*time.Second))
				mean, _ := age.Mean()
				sum, peak = sum+mean, max(peak, age.Peak())
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(sum/float64(b.N), "mean-ns")
			b.ReportMetric(float64(peak), "peak-ns")
		})
	}
}

// ages returns the age of the newest message that a reader had, until the last came that is not behind the newest
// instant.
func ages(r reader) (age stats.Age) {
	came := r.came
	for end := came[len(came)-1].sent; len(came) > 2 && came[len(came)-1].came > end; {
		came = came[:len(came)-1]
	}
	for _, m := range came {
		age.Take(m.sent, m.came)
	}
	return age
}

func TestAges(t *testing.T) {
	// Ages 1 to 11 for 10, 1 to 21 for 20; and what came when there was no news.
	age := ages(reader{came: []arrival{{1, 0, 1}, {2, 10, 11}, {3, 30, 31}, {4, 32, 90}}})
	if mean, _ := age.Mean(); math.Abs(mean-(6.0*10+11*20)/30) > 1e-9 || age.Peak() != 21 {
		t.Errorf("mean %v, peak %v, want 9⅓ and 21", mean, age.Peak())
	}
}
