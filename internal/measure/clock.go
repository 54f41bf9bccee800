package measure

import "time"

const (
	clockKept   = 16 // samples that a clock remembers
	clockEnough = 8  // samples that it needs to have an estimate
)

// A Clock estimates how far another machine's clock is from ours, by NTP's four timestamps (RFC 5905, section 8). Of
// the last 16 samples it takes the one with the shortest round trip. The page's clock, web/static/lab/clock.js, is the
// same. The zero Clock has no sample. It may not be used by several goroutines at once.
type Clock struct {
	samples []Offset
}

// An Offset is an estimate: the other clock is Ahead of ours, or less or more by Error at most. The error is half the
// round trip, as if all of it had been spent in one direction. It leaves out how far a clock drifts between the sample
// and its use.
type Offset struct {
	Ahead, Error time.Duration
}

// Estimate returns the offset that one question and its answer give: we asked at asked by our clock, the other received
// the question at received and answered at sent by its own, and we had the answer at answered. A negative round trip is
// no sample (ok is false): one of the clocks was set meanwhile.
func Estimate(asked, received, sent, answered time.Time) (o Offset, ok bool) {
	trip := answered.Sub(asked) - sent.Sub(received)
	if trip < 0 {
		return Offset{}, false
	}
	return Offset{(received.Sub(asked) + sent.Sub(answered)) / 2, (trip + 1) / 2}, true
}

// Add adds a sample, unless [Estimate] has none.
func (c *Clock) Add(asked, received, sent, answered time.Time) {
	o, ok := Estimate(asked, received, sent, answered)
	if !ok {
		return
	}
	c.samples = append(c.samples, o)
	if len(c.samples) > clockKept {
		c.samples = c.samples[1:]
	}
}

// Best returns the estimate with the least error, the newest of equals. Before there are eight samples, ok is false.
func (c *Clock) Best() (best Offset, ok bool) {
	if len(c.samples) < clockEnough {
		return Offset{}, false
	}
	best = c.samples[0]
	for _, o := range c.samples {
		if o.Error <= best.Error {
			best = o
		}
	}
	return best, true
}
