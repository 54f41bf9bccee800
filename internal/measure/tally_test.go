package measure

import (
	"testing"
	"time"

	"fourwires/internal/child"
	"fourwires/internal/scenario"
)

// Latency counts from the instant at which a message was due, once.
func TestTally(t *testing.T) {
	c := newTally(2, 1)
	c.take(0, 1, nil, 0)
	c.take(1, 1, nil, 0)
	c.begin(2, 1000, []time.Duration{0, time.Millisecond}, scenario.Down)
	c.take(0, 2, nil, 1000+int64(3*time.Millisecond))
	c.take(0, 2, nil, 1000+int64(9*time.Millisecond))
	c.take(0, 3, nil, 1000+int64(4*time.Millisecond))
	c.take(1, 2, nil, 1000+int64(3*time.Millisecond))
	var r Result
	c.into(&r, 3)
	if r.Delivered != 3 || r.Duplicated != 1 || r.Lost != 1 || c.latency.TotalCount() != 3 {
		t.Errorf("%+v, of %d latencies", r, c.latency.TotalCount())
	}
	if child.Shared && (r.P50 == nil || *r.P50 < 2990 || *r.P50 > 3010 || r.P99 != nil) {
		t.Errorf("p50 %v, p99 %v, want 3 ms and none", r.P50, r.P99)
	}
	// From 3 ms on the first client's newest message was as old, until at 4 ms it was 4.
	if child.Shared && (r.Age == nil || *r.Age != 3500) {
		t.Errorf("age %v, want 3.5 ms", r.Age)
	}
}
