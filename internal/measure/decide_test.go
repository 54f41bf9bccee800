package measure

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

// How often a long-poll is sent, and how many messages find none, is what chapter 4
// has by experiment in virtual time (docs, TestRearm), over 100 ms a round trip, but for
// what is chance there.
func TestRearm(t *testing.T) {
	for _, test := range []struct{ rate, requests, atOnce float64 }{
		{0.2, 1.01, 0.98}, {2, 0.98, 0.79}, {10, 0.73, 0.28}, {50, 0.20, 0}, {200, 0.05, 0},
	} {
		requests, missed, _ := rearm(test.rate, 0.1)
		if got := requests / test.rate; math.Abs(got-test.requests) > 0.011 {
			t.Errorf("%v messages a second: %.3f requests for each, want %v", test.rate, got, test.requests)
		}
		if got := 1 - missed; math.Abs(got-test.atOnce) > 0.015 {
			t.Errorf("%v messages a second: a share of %.3f find one waiting, want %v", test.rate, got, test.atOnce)
		}
	}
}

func TestPollPace(t *testing.T) {
	for _, pace := range []float64{1, 100, 1000, 5000, 1e6} {
		want := fitted("polling/1 cpu-ns at %.0f/s", min(max(pace, 100), 5000)) / 1e9
		if got := poll(1, pace); math.Abs(got-want) > 1e-12 {
			t.Errorf("%v polls a second: %v s each, want %v", pace, got, want)
		}
	}
	if a, b, c := poll(2, 100), poll(2, 300), poll(2, 1000); !(a > b && b > c) {
		t.Errorf("polls cost %v, %v, %v", a, b, c)
	}
}

func TestNeedCheck(t *testing.T) {
	for _, test := range []struct {
		set  func(n *Need)
		want string
	}{
		{func(n *Need) {}, ""},
		{func(n *Need) { n.Rate = 0 }, "rate 0: must be above 0 and at most 10000 messages a second"},
		{func(n *Need) { n.Rate = math.NaN() }, "rate NaN: must be above 0 and at most 10000 messages a second"},
		{func(n *Need) { n.Size = 1 }, "size 1: must be from 2 to 65536 bytes"},
		{func(n *Need) { n.Direction = "sideways" }, `direction "sideways": must be down, both or up`},
		{func(n *Need) { n.Clients = 0 }, "clients 0: must be from 1 to 1000000"},
		{func(n *Need) { n.Late = 0 }, "late 0s: must be above 0 and at most 1h"},
		{func(n *Need) { n.RTT = -1 }, "rtt -1ns: must be from 0s to 1m"},
		{func(n *Need) { n.HTTP = 3 }, "http 3: must be 1 or 2"},
		{func(n *Need) { n.Headers = "curl" }, `headers "curl": must be go or chrome`},
	} {
		n, got := Usual(), ""
		test.set(&n)
		if err := n.Check(); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}

// Whatever is asked for, the answer has sense: a figure is a number above 0, what is
// taken is in time, and nothing simpler is as good.
func TestWays(t *testing.T) {
	for _, direction := range []string{Down, Both, Up} {
		for _, http := range []int{1, 2} {
			for _, headers := range []string{Go, Chrome} {
				for _, rate := range []float64{1e-6, 0.1, 10, 10_000} {
					for _, size := range []int{2, 200, 65_536} {
						for _, late := range []time.Duration{time.Microsecond, 50 * time.Millisecond, time.Second, time.Hour} {
							for _, rtt := range []time.Duration{0, 40 * time.Millisecond, time.Minute} {
								n := Need{rate, size, direction, 1000, late, rtt, http, headers}
								ways := n.Ways()
								for _, w := range ways {
									for _, x := range []float64{w.Bits, w.Memory, w.CPU} {
										if !(x > 0) || math.IsInf(x, 0) {
											t.Fatalf("%+v: %+v", n, w)
										}
									}
									if w.InTime != (w.Most <= late) || w.Mean > w.Most || w.InTime != (w.Times >= 1) {
										t.Fatalf("%+v: %+v", n, w)
									}
								}
								if take := Take(ways); take == nil && rtt/2 <= late && direction != Both || take != nil && !take.InTime {
									t.Fatalf("%+v: took %+v", n, take)
								}
							}
						}
					}
				}
			}
		}
	}
}

// A way that polls is told when it may not be late by more than a trip.
func TestDecideNone(t *testing.T) {
	n := Usual()
	n.Late = 10 * time.Millisecond
	var b strings.Builder
	if err := n.Decide(&b); err != nil || !strings.Contains(b.String(), "Take none: a trip alone takes 20ms.\n") {
		t.Errorf("%v\n%s", err, b.String())
	}
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0s", 7: "7ns", 464_060 * time.Microsecond: "464ms", 20_120 * time.Microsecond: "20.1ms", time.Hour: "1h0m0s", 1_234_567_890: "1.23s"} {
		if got := short(d); got != want {
			t.Errorf("%v is printed %s, want %s", int64(d), got, want)
		}
	}
	for x, want := range map[float64]string{1: "1", 0.98: "0.98", 1234.5: "1234", 99.8: "99.8", 0.0236: "0.0236", 100: "100"} {
		if got := fmt.Sprint(digits(x)); got != want {
			t.Errorf("%v is printed %s, want %s", x, got, want)
		}
	}
}
