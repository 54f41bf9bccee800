package measure

import (
	"testing"
)

// A latency between two clocks is no more exact than they are known.
func TestLatencyText(t *testing.T) {
	us := func(v float64) *float64 { return &v }
	for _, test := range []struct {
		us, off *float64
		want    string
	}{
		{us(51_200), nil, "51.2 ms"}, {us(51_200), us(300), "51.2 ms"}, {us(1000), us(200), "1.0 ms"},
		{us(1000), us(201), "< 1.2 ms"}, {us(-50), us(300), "< 250 µs"}, {nil, us(1), "–"},
	} {
		if got := latency(test.us, test.off); got != test.want {
			t.Errorf("%v ± %v: %q, want %q", test.us, test.off, got, test.want)
		}
	}
}
