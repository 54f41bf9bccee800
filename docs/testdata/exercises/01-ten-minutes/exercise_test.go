package ages

import "testing"

// A news is a message that became the newest one that a reader has.
type news struct{ published, seen float64 } // in seconds

func TestAges(t *testing.T) {
	for _, test := range []struct {
		name       string
		all        []news
		end        float64
		mean, peak float64
	}{
		{"one message, received at once", []news{{0, 0}}, 4, 2, 4},
		{"received at once", []news{{0, 0}, {1, 1}, {2, 2}, {3, 3}}, 4, 0.5, 1},
		{"asked every 2 s", []news{{1.5, 2}, {3.5, 4}}, 6, 1.5, 2.5},
		{"two in one answer", []news{{0.5, 2}, {1.5, 2}, {3.5, 4}}, 6, 1.5, 2.5},
		{"a silence", []news{{0, 0}, {1, 1}, {5, 5}}, 6, 1.5, 4},
	} {
		mean, peak := ages(test.all, test.end)
		if mean != test.mean || peak != test.peak {
			t.Errorf("%s: mean %v and peak %v, want %v and %v", test.name, mean, peak, test.mean, test.peak)
		}
	}
}
