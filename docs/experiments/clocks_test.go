package experiments_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/docs/blocks"
	"fourwires/internal/lab/labtest"
	"fourwires/internal/measure"
	"fourwires/internal/netsim"
	"fourwires/internal/stats"
	"fourwires/polling"
	"fourwires/sse"
	"fourwires/websocket"
)

// ahead is how far the server's clock is ahead of the client's, in chapter 11.
const ahead = 80 * ms

// A path is a network between two clocks.
type path struct {
	title    string
	network  netsim.Settings
	up, down time.Duration // a delay upstream, and one downstream, beside the network's
}

var paths = []path{
	{"50 ms each way", netsim.Settings{RTT: 100 * ms}, 0, 0},
	{"and up to 40 ms more, at random", netsim.Settings{RTT: 100 * ms, Jitter: 40 * ms}, 0, 0},
	{"90 ms up, 10 ms down", netsim.Settings{RTT: 20 * ms}, 80 * ms, 0},
	{"10 ms up, 90 ms down", netsim.Settings{RTT: 20 * ms}, 0, 80 * ms},
}

// A reading is what the client of such a network finds.
type reading struct {
	stamps            [4]time.Duration // of the first request, since the start; two are by the server's clock
	first, best       measure.Offset   // by the first request, and by the one of least round trip
	took, subtracted  time.Duration    // the delay of a message, and now − at
	firstOff, bestOff time.Duration    // the errors of the two estimates
}

// read requests the server's time 16 times, and then reads a message.
func (p path) read(t *testing.T) (r reading) {
	labtest.Virtual(t, unlimited(), p.network, func(t *testing.T, l *labtest.VirtualServer) {
		start := time.Now()
		slow := func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := l.Dial(ctx, network, addr)
			return &slowConn{conn, p.up, p.down}, err
		}
		echo, err := websocket.DialEcho(t.Context(), "http://127.0.0.1:8080/websocket/echo?stamps=1", slow)
		if err != nil {
			t.Fatal(err)
		}
		var clock measure.Clock
		for i := range 16 {
			asked, received, sent, answered, err := echo.Stamps(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			received, sent = received.Add(ahead), sent.Add(ahead)
			clock.Add(asked, received, sent, answered)
			if i == 0 {
				r.first, _ = measure.Estimate(asked, received, sent, answered)
				for i, at := range []time.Time{asked, received, sent, answered} {
					r.stamps[i] = at.Sub(start)
				}
			}
		}
		echo.Close()
		r.best, _ = clock.Best()
		r.firstOff, r.bestOff = r.first.Ahead-ahead, r.best.Ahead-ahead

		ctx, leave := context.WithCancel(t.Context())
		var published time.Time
		time.AfterFunc(2*time.Second, func() { // virtual
			published = time.Now()
			if _, err := l.Feed.Publish([]byte(`1`)); err != nil {
				t.Error(err)
			}
		})
		for m, err := range (&sse.Client{URL: "http://127.0.0.1:8080/sse", Dial: slow}).Messages(ctx) {
			if err != nil {
				t.Error(err)
				break
			}
			r.took = time.Since(published)
			r.subtracted = time.Since(time.UnixMicro(m.At).Add(ahead))
			break
		}
		leave()
	})
	return r
}

// A slowConn delays what it writes, and what it reads.
type slowConn struct {
	net.Conn
	up, down time.Duration
}

func (c *slowConn) Write(b []byte) (int, error) {
	time.Sleep(c.up) // virtual
	return c.Conn.Write(b)
}

func (c *slowConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	time.Sleep(c.down)
	return n, err
}

// TestClocks is an experiment of chapter 11: a client estimates how far the server's clock is ahead.
func TestClocks(t *testing.T) {
	var report strings.Builder
	fmt.Fprintf(&report, "the server's clock is ahead by %v\n", ahead)
	fmt.Fprintf(&report, "%-32s %5s %9s   %-12s %6s   %-12s %6s %8s\n", "(ms)", "took", "now − at", "one question",
		"off", "best of 16", "off", "so took")
	for _, p := range paths {
		r := p.read(t)
		in := func(d time.Duration) float64 { return float64(d) / float64(ms) }
		show := func(o measure.Offset) string { return fmt.Sprintf("%5.1f ± %.1f", in(o.Ahead), in(o.Error)) }
		fmt.Fprintf(&report, "%-32s %5.1f %9.1f   %-12s %6.1f   %-12s %6.1f %8.1f\n",
			p.title, in(r.took), in(r.subtracted),
			show(r.first), in(r.firstOff), show(r.best), in(r.bestOff), in(r.subtracted+r.best.Ahead))
		if r.bestOff.Abs() > r.best.Error || r.firstOff.Abs() > r.first.Error {
			t.Errorf("%s: wrong by more than it says", p.title)
		}
	}
	blocks.Printed(t, report.String())
}

// summary returns a row of a table of latencies.
func summary(all []time.Duration) string {
	all = slices.Sorted(slices.Values(all))
	sum := time.Duration(0)
	for _, d := range all {
		sum += d
	}
	in := func(d time.Duration) float64 { return float64(d) / float64(ms) }
	return fmt.Sprintf("%5d %6.1f %6.1f %6.1f %6.1f %7.1f", len(all), in(sum/time.Duration(len(all))),
		in(stats.Quantile(all, 0.5)), in(stats.Quantile(all, 0.9)),
		in(stats.Quantile(all, 0.99)), in(stats.Quantile(all, 1)))
}

const summaryHead = "    n   mean    p50    p90    p99     max"

// TestLoops is an experiment of chapter 11: the same client and the same feed are measured twice. The closed loop
// publishes each message when the one before has arrived, the open loop at random instants.
func TestLoops(t *testing.T) {
	var report strings.Builder
	fmt.Fprintf(&report, "%-42s %s\n", "a poll every 20 ms, no network; ms", summaryHead)
	fmt.Fprintf(&report, "%-42s %s\n", "closed: published when the last has come", summary(loop(t, false)))
	fmt.Fprintf(&report, "%-42s %s\n", "open: published when there is news", summary(loop(t, true)))
	blocks.Printed(t, report.String())
}

// loop returns how late a thousand messages were.
func loop(t *testing.T, open bool) (late []time.Duration) {
	const many = 1000
	labtest.Virtual(t, unlimited(), netsim.Settings{}, func(t *testing.T, l *labtest.VirtualServer) {
		published := map[uint64]time.Time{}
		var mu sync.Mutex
		publish := func() {
			mu.Lock()
			defer mu.Unlock()
			m, err := l.Feed.Publish([]byte(`1`))
			if err != nil {
				t.Error(err)
			}
			published[m.ID] = time.Now()
		}
		ctx, leave := context.WithCancel(t.Context())
		var publishing sync.WaitGroup
		publishing.Go(func() {
			time.Sleep(ms)
			publish()
			draw := rand.New(rand.NewPCG(1, 1))
			for i := 1; open && i < many; i++ {
				time.Sleep(time.Duration(draw.ExpFloat64() * float64(25*ms)))
				publish()
			}
		})
		client := polling.Client{URL: "http://127.0.0.1:8080/polling", Dial: l.Dial, Interval: 20 * ms}
		for m, err := range client.Messages(ctx) {
			if err != nil {
				t.Error(err)
				break
			}
			mu.Lock()
			late = append(late, time.Since(published[m.ID]))
			mu.Unlock()
			if len(late) == many {
				break
			}
			if !open {
				publish()
			}
		}
		leave()
		publishing.Wait()
	})
	return late
}

// TestStall is an experiment of chapter 11: a server responds after 1 ms, except that for one second out of ten it
// responds to nobody.
func TestStall(t *testing.T) {
	var report strings.Builder
	fmt.Fprintf(&report, "%-42s %s\n", "a question every 10 ms, for 10 s; ms", summaryHead)
	fmt.Fprintf(&report, "%-42s %s\n", "closed: waits for its answer, then asks", summary(stalled(t, false)))
	fmt.Fprintf(&report, "%-42s %s\n", "open: asks on time, whatever is under way", summary(stalled(t, true)))
	blocks.Printed(t, report.String())
}

// TestCorrected is an exercise of chapter 11: it adds the requests that a closed loop did not make.
func TestCorrected(t *testing.T) {
	var report strings.Builder
	closed := stalled(t, false)
	corrected := slices.Clone(closed)
	for _, took := range closed {
		for missing := took - 10*ms; missing > 0; missing -= 10 * ms {
			corrected = append(corrected, missing)
		}
	}
	fmt.Fprintf(&report, "%-42s %s\n", "a question every 10 ms, for 10 s; ms", summaryHead)
	fmt.Fprintf(&report, "%-42s %s\n", "closed", summary(closed))
	fmt.Fprintf(&report, "%-42s %s\n", "closed, and what it did not ask", summary(corrected))
	fmt.Fprintf(&report, "%-42s %s\n", "open", summary(stalled(t, true)))
	blocks.Printed(t, report.String())
}

func stalled(t *testing.T, open bool) (took []time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var wires netsim.Network
		memory := wires.Memory()
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if now := time.Since(start); now >= 5*time.Second && now < 6*time.Second {
				time.Sleep(6*time.Second - now)
			}
			time.Sleep(ms)
		})}
		var loops sync.WaitGroup
		loops.Go(func() { server.Serve(memory) })
		transport := &http.Transport{DialContext: memory.Dial, MaxIdleConnsPerHost: 1000}
		ask := func() {
			req, _ := http.NewRequest(http.MethodGet, "http://127.0.0.1:8080/", nil)
			resp, err := transport.RoundTrip(req)
			if err != nil {
				t.Error(err)
				return
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		var mu sync.Mutex
		var asking sync.WaitGroup
		for due := start; due.Before(start.Add(10 * time.Second)); due = due.Add(10 * ms) {
			if time.Now().After(due) {
				continue // a closed loop has missed it
			}
			time.Sleep(time.Until(due))
			one := func() {
				ask()
				mu.Lock()
				defer mu.Unlock()
				took = append(took, time.Since(due))
			}
			if open {
				asking.Go(one)
			} else {
				one()
			}
		}
		asking.Wait()
		transport.CloseIdleConnections()
		server.Close()
		loops.Wait()
		time.Sleep(time.Minute) // until the last connection is closed
	})
	return took
}

// fourStamps draws the first request over three networks, and the estimates.
func fourStamps(t *testing.T) *svg {
	const panel, top, high = 262.0, 58.0, 1.5 // pixels a millisecond
	s := &svg{width: 3*panel + 20, height: 376}
	in := func(d time.Duration) float64 { return float64(d) / float64(ms) }
	for i, p := range []path{paths[0], paths[2], paths[3]} {
		r := p.read(t)
		left := 10 + panel*float64(i)
		client, server := left+66, left+196
		y := func(at time.Duration) float64 { return top + high*in(at) }
		there := r.stamps[1] - ahead - r.stamps[0] // by one clock
		s.text(left+panel/2, 18, "middle", "name", p.title)
		s.text(client, 40, "middle", "soft", "client")
		s.text(server, 40, "middle", "soft", "server")
		s.line(client, 48, client, y(100*ms)+14, "pole")
		s.line(server, 48, server, y(100*ms)+14, "pole")
		s.arrow(client, y(0), server, y(there), "websocket")
		s.arrow(server, y(there), client, y(r.stamps[3]-r.stamps[0]), "websocket")
		stamp := func(x, at float64, anchor string, n int) {
			s.text(x, at+4, anchor, "", fmt.Sprintf("t%d %g", n, in(r.stamps[n]-r.stamps[0])))
		}
		stamp(client-8, y(0), "end", 0)
		stamp(server+8, y(there)-8, "start", 1)
		stamp(server+8, y(there)+10, "start", 2)
		stamp(client-8, y(100*ms), "end", 3)

		// The range of the estimate, its middle, and the true value.
		x := func(d time.Duration) float64 { return left + 40 + in(d) }
		s.line(x(-20*ms), 294, x(200*ms), 294, "grid")
		for at := time.Duration(0); at <= 160*ms; at += 80 * ms {
			s.line(x(at), 290, x(at), 298, "axis")
			s.text(x(at), 314, "middle", "soft", fmt.Sprint(in(at)))
		}
		s.add(`<g class="websocket"><path d="M%.1f 288h%.1fv12h%.1fZ" class="tip" fill-opacity="0.3"/></g>`,
			x(r.first.Ahead-r.first.Error), in(2*r.first.Error), -in(2*r.first.Error))
		s.add(`<g class="websocket"><circle cx="%.1f" cy="294" r="5" class="tip"/></g>`, x(r.first.Ahead))
		s.line(x(ahead), 280, x(ahead), 302, "polling")
		s.text(left+panel/2, 340, "middle", "websocket",
			fmt.Sprintf("estimated: %g ± %g", in(r.first.Ahead), in(r.first.Error)))
		s.text(left+panel/2, 360, "middle", "polling", fmt.Sprintf("so it is: %g", in(ahead)))
	}
	return s
}

// loops draws the delays of messages, as the closed loop and the open loop measure them.
func loops(t *testing.T) *svg {
	s := &svg{width: 760, height: 320}
	const left, right, bottom = 60.0, 700.0, 262.0
	x, y := s.shares(left, right, bottom, 5, "ms")
	for _, l := range []struct {
		open        bool
		lane, label string
		x, y        float64
		anchor      string
	}{
		{false, "polling", "closed loop", x(20) - 10, y(0.4), "end"},
		{true, "sse", "open loop", x(10) - 14, y(0.6), "end"},
	} {
		late := loop(t, l.open)
		slices.Sort(late)
		path := fmt.Sprintf("M%.1f %.1f", left, bottom)
		for percent := 1; percent <= 100; percent++ {
			path += fmt.Sprintf("H%.1fV%.1f", x(float64(late[percent*len(late)/100-1])/float64(ms)),
				y(float64(percent)/100))
		}
		s.add(`<path d="%sH%.1f" class="%s"/>`, path, right, l.lane)
		s.text(l.x, l.y, l.anchor, l.lane+" name", l.label)
	}
	return s
}
