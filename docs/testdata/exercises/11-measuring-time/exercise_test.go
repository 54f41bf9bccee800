package clock

import (
	"math/rand/v2"
	"testing"
)

// question returns the sample of a question that takes so long up, at the server,
// and down, where the server's clock is ahead.
func question(at, up, work, down, ahead float64) sample {
	return sample{at, at + up + ahead, at + up + work + ahead, at + up + work + down}
}

func TestAhead(t *testing.T) {
	for _, test := range []struct {
		name       string
		samples    []sample
		ahead, off float64
		ok         bool
	}{
		{"50 ms each way", []sample{question(0, 50, 0, 50, 80)}, 80, 50, true},
		{"a clock that is behind", []sample{question(0, 50, 0, 50, -80)}, -80, 50, true},
		{"a server that thinks for 30 ms", []sample{question(0, 50, 30, 50, 80)}, 80, 50, true},
		{"90 ms up and 10 down", []sample{question(0, 90, 0, 10, 80)}, 120, 50, true},
		{"the quickest of three counts", []sample{question(0, 400, 0, 50, 80), question(1000, 52, 0, 52, 80), question(2000, 50, 0, 90, 80)}, 80, 52, true},
		{"our clock was set back meanwhile", []sample{{1000, 2050, 2050, 900}, question(0, 50, 0, 50, 80)}, 80, 50, true},
		{"and there is no other sample", []sample{{1000, 2050, 2050, 900}}, 0, 0, false},
		{"no samples", nil, 0, 0, false},
	} {
		if ahead, off, ok := ahead(test.samples); ahead != test.ahead || off != test.off || ok != test.ok {
			t.Errorf("%s: %v ± %v, %v; want %v ± %v, %v", test.name, ahead, off, ok, test.ahead, test.off, test.ok)
		}
	}
}

// However a network is, the truth is within what may be wrong.
func TestAheadBounds(t *testing.T) {
	draw := rand.New(rand.NewPCG(1, 1))
	for range 10_000 {
		truth := 1000 * draw.NormFloat64()
		var samples []sample
		for range 8 {
			samples = append(samples, question(1e6*draw.Float64(), 100*draw.ExpFloat64(), 10*draw.Float64(), 100*draw.ExpFloat64(), truth))
		}
		if ahead, off, ok := ahead(samples); !ok || ahead-off > truth+1e-6 || ahead+off < truth-1e-6 {
			t.Fatalf("%v ± %v, and the truth is %v: %v", ahead, off, truth, samples)
		}
	}
}
