package decide

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/feed"
	"fourwires/internal/netsim"
	"fourwires/internal/protocol"
	"fourwires/internal/scenario"
	"fourwires/longpoll"
)

// In virtual time this repository's long-polling handler and client confirm what rearm returns: how many requests a
// client sends, which share of the messages finds none waiting, and which share of the requests brings nothing. Counts
// may be off by four standard deviations. With the slowest feeds nearly every re-arm gap follows an answer without a
// message.
func TestRearm(t *testing.T) {
	for _, test := range []struct {
		rate float64
		rtt  time.Duration
	}{
		{0.005, time.Second}, {0.02, time.Second}, {0.2, 100 * time.Millisecond}, {2, 100 * time.Millisecond},
		{10, 100 * time.Millisecond}, {200, 100 * time.Millisecond},
	} {
		const published = 2000
		var sent, news, received, late atomic.Int64
		synctest.Test(t, func(t *testing.T) {
			ctx, end := context.WithCancel(t.Context())
			f := feed.New(feed.Keep)
			var network netsim.Network
			if err := network.Set(netsim.Settings{RTT: test.rtt}); err != nil {
				t.Fatal(err)
			}
			memory, handler := network.Memory(), &longpoll.Handler{Feed: f, Sent: func([]feed.Message, int) { news.Add(1) }}
			server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				sent.Add(1)
				handler.ServeHTTP(w, r)
			})}
			go server.Serve(memory)
			go func() {
				client := longpoll.Client{URL: "http://127.0.0.1/longpoll?after=0", Dial: memory.Dial}
				for m, err := range client.Messages(ctx) {
					if err != nil {
						return // the end
					}
					received.Add(1)
					if time.Now().UnixMicro()-m.At > (test.rtt / 2).Microseconds() {
						late.Add(1)
					}
				}
			}()
			draw := rand.New(rand.NewPCG(1, 1))
			time.Sleep(time.Minute) // virtual
			for range published {
				time.Sleep(time.Duration(draw.ExpFloat64() / test.rate * float64(time.Second)))
				if _, err := f.Publish([]byte("1")); err != nil {
					t.Error(err)
				}
			}
			time.Sleep(2 * test.rtt)
			end()
			f.Close()
			server.Close()
			time.Sleep(time.Minute) // until the last connection is closed
		})
		requests, missed, empty := rearm(test.rate, test.rtt.Seconds())
		over := published / test.rate
		within := func(what string, got int64, of, share float64) {
			if want := of * share; math.Abs(float64(got)-want) > 4*math.Sqrt(of*share*(1-share))+3 {
				t.Errorf("%v messages a second, %v: %d %s, want %.0f", test.rate, test.rtt, got, what, want)
			}
		}
		if got, want := float64(sent.Load()), requests*over; math.Abs(got-want) > 4*math.Sqrt(published)*want/published {
			t.Errorf("%v messages a second, %v: %.0f requests, want %.0f", test.rate, test.rtt, got, want)
		}
		if received.Load() != published {
			t.Errorf("%v messages a second, %v: %d messages received of %d", test.rate, test.rtt, received.Load(), published)
		}
		within("messages found no request waiting", late.Load(), published, missed)
		within("requests brought nothing", sent.Load()-news.Load(), float64(sent.Load()), empty)
	}
}

func TestPollCPU(t *testing.T) {
	for _, pace := range []float64{1, 100, 1000, 5000, 1e6} {
		want := fitted("polling/1 cpu-ns at %.0f/s", min(max(pace, 100), 5000)) / 1e9
		if got := pollCPU(1, pace); math.Abs(got-want) > 1e-12 {
			t.Errorf("%v polls a second: %v s each, want %v", pace, got, want)
		}
	}
	if a, b, c := pollCPU(2, 100), pollCPU(2, 300), pollCPU(2, 1000); !(a > b && b > c) {
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

// For every need the answer makes sense: a figure is a number above 0, and the choice is in time.
func TestCandidates(t *testing.T) {
	for _, direction := range []string{scenario.Down, scenario.Both, scenario.Up} {
		for _, http := range []int{1, 2} {
			for _, headers := range []string{protocol.Go, protocol.Chrome} {
				for _, rate := range []float64{1e-6, 0.1, 10, 10_000} {
					for _, size := range []int{2, 200, 65_536} {
						for _, late := range []time.Duration{time.Microsecond, 50 * time.Millisecond, time.Second, time.Hour} {
							for _, rtt := range []time.Duration{0, 40 * time.Millisecond, time.Minute} {
								n := Need{rate, size, direction, 1000, late, rtt, http, headers}
								candidates := n.Candidates()
								for _, c := range candidates {
									for _, x := range []float64{c.Bits, c.Memory, c.CPU} {
										if !(x > 0) || math.IsInf(x, 0) {
											t.Fatalf("%+v: %+v", n, c)
										}
									}
									if c.InTime != (c.Most <= late) || c.Mean > c.Most || c.InTime != (c.Times >= 1) {
										t.Fatalf("%+v: %+v", n, c)
									}
								}
								choice := Choose(candidates)
								possible := rtt/2 <= late && direction != scenario.Both
								if choice == nil && possible || choice != nil && !choice.InTime {
									t.Fatalf("%+v: chose %+v", n, choice)
								}
							}
						}
					}
				}
			}
		}
	}
}

// A need that a one-way delay alone does not meet has no candidate in time.
func TestAdviseNone(t *testing.T) {
	n := Usual()
	n.Late = 10 * time.Millisecond
	var b strings.Builder
	if err := n.Advise(&b); err != nil || !strings.Contains(b.String(), "Take none: a trip alone takes 20ms.\n") {
		t.Errorf("%v\n%s", err, b.String())
	}
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 7: "7ns", 464_060 * time.Microsecond: "464ms", 20_120 * time.Microsecond: "20.1ms",
		time.Hour: "1h0m0s", 1_234_567_890: "1.23s",
	} {
		if got := short(d); got != want {
			t.Errorf("%v is printed %s, want %s", int64(d), got, want)
		}
	}
	for x, want := range map[float64]string{
		1: "1", 0.98: "0.98", 1234.5: "1234", 99.8: "99.8", 0.0236: "0.0236", 100: "100",
	} {
		if got := fmt.Sprint(digits(x)); got != want {
			t.Errorf("%v is printed %s, want %s", x, got, want)
		}
	}
}
