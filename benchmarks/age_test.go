//go:build linux

package benchmarks

import (
	"math"
	"testing"
	"time"

	"fourwires/internal/stats"
)

// BenchmarkAge asks how old the newest message is that a reader holds, at any time and not only when a message is
// received. An op is the traffic of Latency. The age is weighted by time, from the first message received to the last
// that was received while more were to be published, so that whole polling intervals count.
func BenchmarkAge(b *testing.B) {
	const rtt = 100 * time.Millisecond
	for _, v := range variants(1) {
		b.Run(v.over(rtt), func(b *testing.B) {
			s := network(b, rtt)
			var sum float64
			var peak int64
			for b.Loop() {
				age := ageOf(v.read(b, s, 4*time.Second))
				mean, _ := age.Mean()
				sum, peak = sum+mean, max(peak, age.Peak())
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(sum/float64(b.N), "mean-ns")
			b.ReportMetric(float64(peak), "peak-ns")
		})
	}
}

// ageOf returns the age of the newest message that a reader has. It ends with the last message that was received before
// the newest was due.
func ageOf(r reader) (age stats.Age) {
	all := r.arrivals
	for end := all[len(all)-1].due; len(all) > 2 && all[len(all)-1].received > end; {
		all = all[:len(all)-1]
	}
	for _, a := range all {
		age.Take(a.due, a.received)
	}
	return age
}

func TestAgeOf(t *testing.T) {
	// Ages 1 to 11 for 10, 1 to 21 for 20; and a message that was received when no more was to be published.
	age := ageOf(reader{arrivals: []arrival{{1, 0, 1}, {2, 10, 11}, {3, 30, 31}, {4, 32, 90}}})
	if mean, _ := age.Mean(); math.Abs(mean-(6.0*10+11*20)/30) > 1e-9 || age.Peak() != 21 {
		t.Errorf("mean %v, peak %v, want 9⅓ and 21", mean, age.Peak())
	}
}
