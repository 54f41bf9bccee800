//go:build linux

package benchmarks

import (
	"math"
	"testing"
	"time"
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
			var sum, peak float64
			for b.Loop() {
				mean, most := ages(w.read(b, l, addr, 4*time.Second))
				sum, peak = sum+mean, max(peak, most)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(sum/float64(b.N), "mean-ns")
			b.ReportMetric(peak, "peak-ns")
		})
	}
}

// ages returns the age of the newest message that a reader had, its mean over
// time and its peak, until the last came that is not behind the newest instant.
func ages(r reader) (mean, peak float64) {
	came := r.came
	for end := came[len(came)-1].sent; len(came) > 2 && came[len(came)-1].came > end; {
		came = came[:len(came)-1]
	}
	area := 0.0
	for i, m := range came[:len(came)-1] {
		until := came[i+1].came
		young, old := float64(m.came-m.sent), float64(until-m.sent)
		area += (young + old) / 2 * float64(until-m.came)
		peak = max(peak, old)
	}
	return area / float64(came[len(came)-1].came-came[0].came), peak
}

func TestAges(t *testing.T) {
	// Ages 1 to 11 for 10, 1 to 21 for 20; and what came when there was no news.
	mean, peak := ages(reader{came: []arrival{{1, 0, 1}, {2, 10, 11}, {3, 30, 31}, {4, 32, 90}}})
	if want := (6.0*10 + 11*20) / 30; math.Abs(mean-want) > 1e-9 || peak != 21 {
		t.Errorf("mean %v, peak %v, want %v and 21", mean, peak, want)
	}
}
