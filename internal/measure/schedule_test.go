package measure

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"fourwires/internal/scenario"
)

func TestSchedule(t *testing.T) {
	var o Options
	a := o.schedule(1, 1000, time.Second)
	if !slices.Equal(a, o.schedule(1, 1000, time.Second)) || slices.Equal(a, o.schedule(2, 1000, time.Second)) {
		t.Error("a schedule is that of its seed")
	}
	if !slices.IsSorted(a) || a[0] < 0 || a[999] >= time.Second ||
		a[0] > 50*time.Millisecond || a[999] < 950*time.Millisecond {
		t.Errorf("from %v to %v", a[0], a[999])
	}
	bursts := Options{Burst: 4, Apart: time.Millisecond}.schedule(1, 12, time.Hour)
	for i, instant := range bursts {
		if i%4 > 0 && instant != bursts[i-1]+time.Millisecond {
			t.Errorf("%v, want bursts of four", bursts)
		}
	}
}

// A message with its number in it is counted by the number, in whatever order it was received.
func TestNumbered(t *testing.T) {
	for _, n := range []int{0, 7, 123456} {
		data := numbered(n, 30)
		if len(data) != 30 || !json.Valid(data) || numberOf(data) != n {
			t.Errorf("%d: %s has the number %d", n, data, numberOf(data))
		}
	}
	for _, data := range []string{"", "1", `{"n":x,}`, `{"n":`} {
		if n := numberOf([]byte(data)); n != -1 {
			t.Errorf("%q has the number %d", data, n)
		}
	}
	c := newTally(1, 1)
	c.begin(1, 0, []time.Duration{0, time.Second}, scenario.Both)
	c.take(0, 1, numbered(1, 20), int64(time.Second+time.Millisecond))
	if got := c.latency.Max(); got > 1_010_000 {
		t.Errorf("the latency of number 1 is %d ns, want 1 ms", got)
	}
}
