package measure

import (
	"math/rand/v2"
	"testing"
	"time"
)

const ms = time.Millisecond

// ask adds a sample: at the instant at, by our clock, the other clock is ahead by offset, and a question takes there
// upstream, 1 ms on the other machine, and its answer takes back downstream.
func ask(c *Clock, at, offset, there, back time.Duration) {
	zero := time.Unix(1_700_000_000, 0)
	received := zero.Add(at + there + offset)
	c.Add(zero.Add(at), received, received.Add(ms), zero.Add(at+there+ms+back))
}

func best(t *testing.T, c *Clock, want Offset) {
	t.Helper()
	if got, ok := c.Best(); !ok || got != want {
		t.Errorf("the best is %+v, %v, want %+v", got, ok, want)
	}
}

// The cases of web/testdata/clock.test.js.

func TestClockNeedsEight(t *testing.T) {
	var c Clock
	for i := range time.Duration(7) {
		ask(&c, i*time.Second, 250*ms, 4*ms, 4*ms)
	}
	if got, ok := c.Best(); ok {
		t.Errorf("after seven samples the best is %+v, want none", got)
	}
	ask(&c, 7*time.Second, 250*ms, 4*ms, 4*ms)
	best(t, &c, Offset{250 * ms, 4 * ms})
}

func TestClockLeastTrip(t *testing.T) {
	var c Clock
	for i := range time.Duration(16) {
		switch {
		case i < 7:
			ask(&c, i*time.Second, -250*ms, 80*ms, 4*ms)
		case i == 7:
			ask(&c, i*time.Second, -250*ms, 3*ms, 3*ms)
		default:
			ask(&c, i*time.Second, -250*ms, 4*ms, 80*ms)
		}
	}
	best(t, &c, Offset{-250 * ms, 3 * ms})
}

func TestClockForgets(t *testing.T) {
	var c Clock
	ask(&c, 0, ms, ms, ms)
	for i := range time.Duration(15) {
		ask(&c, (i+1)*time.Second, 9*ms, 5*ms, 5*ms)
	}
	best(t, &c, Offset{ms, ms})
	ask(&c, 16*time.Second, 9*ms, 5*ms, 5*ms)
	best(t, &c, Offset{9 * ms, 5 * ms})
}

// However wrong the other clock is, and however different the two one-way delays are, the truth lies within the error.
func TestClockSkewed(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		var c Clock
		offset := time.Duration(random.Int64N(int64(2*time.Hour))) - time.Hour
		for i := range time.Duration(16) {
			there, back := time.Duration(random.Int64N(int64(50*ms))), time.Duration(random.Int64N(int64(50*ms)))
			ask(&c, i*time.Second, offset, there, back)
		}
		got, ok := c.Best()
		if off := (got.Ahead - offset).Abs(); !ok || off > got.Error {
			t.Fatalf("the other clock is ahead by %v, the best is %+v: off by %v", offset, got, off)
		}
	}
	var c Clock // all of the round trip in one direction: wrong by all of the error
	for i := range time.Duration(8) {
		ask(&c, i*time.Second, 0, 50*ms, 0)
	}
	best(t, &c, Offset{25 * ms, 25 * ms})
}

// The estimate follows a clock that drifts: it is wrong by its error at most, and by what the clock drifts while
// sixteen samples are remembered.
func TestClockDrifts(t *testing.T) {
	const perSecond = 200 * time.Microsecond // 200 ppm, much more than a quartz does
	random := rand.New(rand.NewPCG(1, 2))
	var c Clock
	for i := range time.Duration(3600) {
		offset := 250*ms + i*perSecond
		ask(&c, i*time.Second, offset, time.Duration(random.Int64N(int64(20*ms))), time.Duration(random.Int64N(int64(20*ms))))
		if got, ok := c.Best(); ok {
			if off, most := (got.Ahead - offset).Abs(), got.Error+15*perSecond; off > most {
				t.Fatalf("after %d s the estimate is off by %v, want %v at most", i, off, most)
			}
		}
	}
	if got, _ := c.Best(); got.Ahead < 900*ms {
		t.Errorf("after an hour the estimate is %+v: it does not follow", got)
	}
}

func TestClockWasSet(t *testing.T) {
	var c Clock
	for i := range time.Duration(20) {
		ask(&c, i*time.Second, 0, -20*ms, 10*ms)
	}
	if got, ok := c.Best(); ok {
		t.Errorf("negative round trips give %+v, want nothing", got)
	}
}
