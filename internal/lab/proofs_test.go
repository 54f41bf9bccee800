package lab_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/lab/labtest"
	"fourwires/internal/netsim"
	"fourwires/internal/source"
	"fourwires/internal/stats"
	"fourwires/sse"

	gorilla "github.com/gorilla/websocket"
)

const (
	ms  = time.Millisecond
	rtt = 100 * ms // of the network in all proofs; a one-way delay is half of it
)

// TestProofs proves what a network does to each of the four transports, with a whole lab and their own clients in
// virtual time. A figure is exact, and the same on every machine; a seed decides what is random. This prints the table
// of all:
//
//	go test ./internal/lab -run Proofs -v
func TestProofs(t *testing.T) {
	var table strings.Builder
	fmt.Fprintf(&table, "over a network of %v each way, on HTTP/1.1 and HTTP/2\n%-42s", rtt/2, "")
	for _, transport := range lab.Transports {
		fmt.Fprintf(&table, " %20s", transport.Name)
	}
	fmt.Fprintln(&table)
	for _, part := range []struct {
		name  string
		prove func(*testing.T, io.Writer)
	}{
		{"Lone", proveLone},
		{"Pair", provePair},
		{"First", proveFirst},
		{"Recovery", proveRecovery},
		{"Heartbeats", proveHeartbeats},
		{"Staleness", proveStaleness},
		{"Naive", proveNaive},
		{"Stampede", proveStampede},
	} {
		t.Run(part.name, func(t *testing.T) { part.prove(t, &table) })
	}
	fmt.Fprint(t.Output(), table.String())
}

// row writes a row of the table: what is found for each of the four. It fails the test where that is not what is
// wanted, or differs on HTTP/2.
func row(t *testing.T, table io.Writer, title string, want map[string]string, find func(t *testing.T, p proof) string) {
	t.Helper()
	fmt.Fprintf(table, "%-42s", title)
	for _, transport := range lab.Transports {
		want, given := want[transport.Name]
		if !given {
			fmt.Fprintf(table, " %20s", "–")
			continue
		}
		var found string
		for _, http2 := range []bool{false, true} {
			if http2 && !transport.HTTP2 {
				continue
			}
			over(t, suite{Transport: transport, http2: http2}, labtest.Quiet(feed.Keep), func(t *testing.T, p proof) {
				if found = find(t, p); found != want {
					t.Errorf("%s: %s, HTTP/2 %v: %s, want %s", title, transport.Name, http2, found, want)
				}
			})
		}
		fmt.Fprintf(table, " %20s", found)
	}
	fmt.Fprintln(table)
}

// A proof is the lab, the network and the transport of one proof.
type proof struct {
	suite
	wires *netsim.Network
}

// over runs a test in a virtual time of its own, with a lab behind a network.
func over(t *testing.T, s suite, settings lab.Settings, test func(t *testing.T, p proof)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := proof{s, &netsim.Network{Seed: 1}}
		if err := p.wires.Set(netsim.Settings{RTT: rtt}); err != nil {
			t.Fatal(err)
		}
		p.network = p.wires.Memory()
		p.lab = labtest.StartOn(t, settings, lab.Listeners{Lanes: p.network, Control: netsim.Listen()})
		test(t, p)
		p.lab.Close()
		p.wires.Clear()
		time.Sleep(time.Minute) // until the last connection is closed
	})
}

// delays publishes messages at these times, ten seconds after a reader began to
// connect, and returns how many ms after its publishing each arrived.
func (p proof) delays(t *testing.T, at ...time.Duration) string {
	start := time.Now().Add(10 * time.Second)
	go func() {
		for i, at := range at {
			time.Sleep(time.Until(start.Add(at)))
			publish1(t, p.lab.Feed, i)
		}
	}()
	var delays []string
	for m, err := range p.client("").Messages(t.Context()) {
		if err != nil {
			t.Error(err)
			break
		}
		published := start.Add(at[m.ID-1])
		delays = append(delays, fmt.Sprint(float64(time.Since(published))/float64(ms)))
		if len(delays) == len(at) {
			break
		}
	}
	return strings.Join(delays, " ")
}

// A lone message takes a one-way delay; but by polling it waits for the next poll. The polls reach the server at
// 10.05 s and 12.05 s, and the message is published at 10.101 s.
func proveLone(t *testing.T, table io.Writer) {
	want := map[string]string{"polling": "1999", "longpoll": "50", "sse": "50", "websocket": "50"}
	row(t, table, "a lone message (ms)", want, func(t *testing.T, p proof) string {
		return p.delays(t, 101*ms)
	})
}

// Of two messages 10 ms apart the second finds no long-poll waiting. The first is still under way for 40 ms, then the
// next request for 50, and then the second message for 50. The closer the two messages, the closer that is to three
// one-way delays.
func provePair(t *testing.T, table io.Writer) {
	want := map[string]string{"polling": "1999 1989", "longpoll": "50 140", "sse": "50 50", "websocket": "50 50"}
	row(t, table, "two messages 10 ms apart (ms)", want, func(t *testing.T, p proof) string {
		return p.delays(t, 101*ms, 111*ms)
	})
	want = map[string]string{"polling": "1999 1998.999", "longpoll": "50 149.999", "sse": "50 50", "websocket": "50 50"}
	row(t, table, "two messages 1 µs apart (ms)", want, func(t *testing.T, p proof) string {
		return p.delays(t, 101*ms, 101*ms+time.Microsecond)
	})
}

// The first message of a reader without a connection (cold) takes two round trips, one of them to connect. A reader
// with an open connection (warm) does not need that one; but a WebSocket always opens its own connection.
func proveFirst(t *testing.T, table io.Writer) {
	want := map[string]string{"polling": "2", "longpoll": "2", "sse": "2", "websocket": "2"}
	row(t, table, "the first message, cold (round trips)", want, func(t *testing.T, p proof) string {
		publish1(t, p.lab.Feed, 1)
		start := time.Now()
		read(t.Context(), p.client("0"), 1)
		return fmt.Sprint(float64(time.Since(start)) / float64(rtt))
	})
	want = map[string]string{"polling": "1", "longpoll": "1", "sse": "1", "websocket": "2"}
	row(t, table, "the first message, warm (round trips)", want, func(t *testing.T, p proof) string {
		publish1(t, p.lab.Feed, 1)
		transport := &http.Transport{DialContext: p.network.Dial, Protocols: new(http.Protocols)}
		transport.Protocols.SetHTTP1(!p.http2)
		transport.Protocols.SetUnencryptedHTTP2(p.http2)
		defer transport.CloseIdleConnections()
		ask := func(path, until string) {
			req, _ := http.NewRequestWithContext(t.Context(), "GET", "http://localhost"+path, nil)
			resp, err := transport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			for lines := bufio.NewScanner(resp.Body); lines.Scan() && !strings.Contains(lines.Text(), until); {
			}
		}
		ask("/healthz", "}")
		start := time.Now()
		if p.Name == "websocket" {
			read(t.Context(), p.client("0"), 1)
		} else {
			ask("/"+p.Name+"?after=0", `"data":`)
		}
		return fmt.Sprint(float64(time.Since(start)) / float64(rtt))
	})
}

// A witness records when a client notices a cut and when it reconnects, judged by what it does with its connections.
type witness struct {
	dial lab.Dial

	mu                 sync.Mutex
	cut                time.Time
	noticed, connected time.Duration // after the cut; 0: not yet
}

func (w *witness) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := w.dial(ctx, network, addr)
	w.note(&w.connected)
	return &witnessed{conn, w}, err
}

// note takes the first time after the cut.
func (w *witness) note(what *time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.cut.IsZero() && *what == 0 {
		*what = max(1, time.Since(w.cut)) // at once, but noticed
	}
}

type witnessed struct {
	net.Conn
	witness *witness
}

func (c *witnessed) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		c.witness.note(&c.witness.noticed)
	}
	return n, err
}

func (c *witnessed) Close() error {
	c.witness.note(&c.witness.noticed)
	return c.Conn.Close()
}

// survive cuts the connection of a reader 15.201 s after it began. Message 2 arrived
// 1 ms before, and message 3 is published 1 ms later. It returns when the reader
// noticed, when it was reconnected, and when it had message 3.
func (p proof) survive(t *testing.T, kind netsim.Cut, lasting time.Duration, follow func(w *witness, take func(id uint64))) string {
	publish1(t, p.lab.Feed, 1)
	w := &witness{dial: p.network.Dial}
	time.AfterFunc(15_150*ms, func() { publish1(t, p.lab.Feed, 2) })
	time.AfterFunc(15_201*ms, func() {
		w.mu.Lock()
		w.cut = time.Now()
		w.mu.Unlock()
		for _, c := range p.wires.Conns() {
			if err := c.Cut(kind, lasting); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(ms)
		publish1(t, p.lab.Feed, 3)
	})
	var ids []uint64
	var times []string
	follow(w, func(id uint64) {
		if ids = append(ids, id); id != 3 {
			return
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, d := range []time.Duration{w.noticed, w.connected, time.Since(w.cut)} {
			if d == 0 {
				times = append(times, "–")
			} else {
				times = append(times, fmt.Sprintf("%.3f", d.Seconds()))
			}
		}
	})
	if !slices.Equal(ids, []uint64{1, 2, 3}) {
		t.Errorf("%s, %s: messages %v, want 1, 2 and 3", kind, p.Name, ids)
	}
	return strings.Join(times, " ")
}

// follow reads with the transport's client, and resumes after each error, until it
// has message 3.
func (p proof) follow(t *testing.T, w *witness, take func(id uint64)) {
	c := p.Client(lab.Access{URL: "http://localhost/" + p.Name + "?after=0", Dial: w.Dial, HTTP2: p.http2})
	for {
		for m, err := range c.Messages(t.Context()) {
			if err != nil {
				w.note(&w.noticed)
				continue
			}
			if take(m.ID); m.ID == 3 {
				return
			}
		}
	}
}

// A client that resumes from its cursor loses nothing, whatever the cut. It
// notices a FIN as soon as that arrives, and a RST at once. No error follows a
// silence: the clients of the streams give up 40 s after the last byte, and those
// that poll when http.Client's Timeout is over, 10 s and 70 s after the request.
// Polling connects when the next poll is due, or has failed.
func proveRecovery(t *testing.T, table io.Writer) {
	for _, cut := range []struct {
		title   string
		kind    netsim.Cut
		lasting time.Duration
		want    map[string]string
	}{
		{"fin: noticed, connected, has all (s)", netsim.FIN, 0, map[string]string{
			"polling": "0.050 0.899 0.999", "longpoll": "0.050 0.150 0.250", "sse": "0.050 0.150 0.250", "websocket": "0.050 0.150 0.250",
		}},
		{"rst", netsim.RST, 0, map[string]string{
			"polling": "0.000 0.899 0.999", "longpoll": "0.000 0.100 0.200", "sse": "0.000 0.100 0.200", "websocket": "0.000 0.100 0.200",
		}},
		{"silence for good", netsim.Silence, time.Hour, map[string]string{
			"polling": "10.799 10.899 10.999", "longpoll": "69.999 70.099 70.199", "sse": "39.999 40.099 40.199", "websocket": "39.999 40.099 40.199",
		}},
		{"silence of 5 s", netsim.Silence, 5 * time.Second, map[string]string{ // shorter than all time-outs: messages are late, and no more
			"polling": "– – 5.050", "longpoll": "– – 5.050", "sse": "– – 5.000", "websocket": "– – 5.000",
		}},
	} {
		row(t, table, cut.title, cut.want, func(t *testing.T, p proof) string {
			return p.survive(t, cut.kind, cut.lasting, func(w *witness, take func(id uint64)) { p.follow(t, w, take) })
		})
	}
}

// An application in a browser sees neither pings nor comments. With heartbeats that it can see, every 5 s, it gives up
// a silent stream when two are missing; without heartbeats it waits until the silence is over.
func proveHeartbeats(t *testing.T, table io.Writer) {
	for _, test := range []struct {
		title, query string
		patience     time.Duration
		want         string
	}{
		{"silence of 10 min, heartbeats of 5 s seen", "&heartbeat=5s", 10 * time.Second, "9.999 10.099 10.199"},
		{"silence of 10 min, no heartbeats seen", "", time.Hour, "– – 600.000"},
	} {
		row(t, table, test.title, map[string]string{"sse": test.want, "websocket": test.want}, func(t *testing.T, p proof) string {
			return p.survive(t, netsim.Silence, 10*time.Minute, func(w *witness, take func(id uint64)) {
				for last := uint64(0); last < 3; {
					last = p.browse(t, w, fmt.Sprintf("?after=%d%s", last, test.query), test.patience, last, take)
				}
			})
		})
	}
}

// browse reads a stream as browser code does, until nothing that it can see has arrived
// for as long as its patience. It returns the last id that it has.
func (p proof) browse(t *testing.T, w *witness, query string, patience time.Duration, last uint64, take func(id uint64)) uint64 {
	var next func() (data string, err error)
	var leave func() error
	if p.Name == "sse" {
		transport := &http.Transport{DialContext: w.Dial, Protocols: new(http.Protocols)}
		transport.Protocols.SetHTTP1(!p.http2)
		transport.Protocols.SetUnencryptedHTTP2(p.http2)
		defer transport.CloseIdleConnections()
		req, _ := http.NewRequestWithContext(t.Context(), "GET", "http://localhost/sse"+query, nil)
		resp, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		events := sse.NewParser(resp.Body)
		next = func() (string, error) {
			event, err := events.Next()
			return event.Data, err
		}
		leave = resp.Body.Close
	} else {
		dialer := gorilla.Dialer{NetDialContext: w.Dial}
		conn, _, err := dialer.DialContext(t.Context(), "ws://localhost/websocket"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		next = func() (string, error) {
			_, frame, err := conn.ReadMessage()
			return string(frame), err
		}
		leave = conn.Close
	}
	defer leave()
	timer := time.AfterFunc(patience, func() { leave() })
	defer timer.Stop()
	for last < 3 {
		data, err := next()
		if err != nil {
			break
		}
		timer.Reset(patience)
		if m, err := feed.Decode([]byte(data)); err == nil { // neither heartbeat nor hello
			take(m.ID)
			last = m.ID
		}
	}
	return last
}

// How late messages are by polling every 2 s. Messages at all phases of the interval wait for any part of it, evenly
// distributed, and take a one-way delay; so do messages at random instants. But messages in step with the polls are all
// equally late, by luck.
func proveStaleness(t *testing.T, table io.Writer) {
	const n, interval = 100, 2 * time.Second
	staleness := func(settings lab.Settings, publish func(t *testing.T, f *feed.Feed), count int) (delays []time.Duration) {
		over(t, suite{Transport: lab.Transports[0]}, settings, func(t *testing.T, p proof) {
			go publish(t, p.lab.Feed)
			for m, err := range p.client("0").Messages(t.Context()) {
				if err != nil {
					t.Error(err)
					break
				}
				delays = append(delays, time.Since(time.UnixMicro(m.At)))
				if len(delays) == count {
					break
				}
			}
		})
		slices.Sort(delays)
		return delays
	}
	line := func(title string, delays []time.Duration) {
		quantile := func(q float64) float64 { return stats.Quantile(delays, q).Seconds() }
		var sum time.Duration
		for _, d := range delays {
			sum += d
		}
		fmt.Fprintf(table, "%-42s min %.3f p10 %.3f p50 %.3f p90 %.3f max %.3f mean %.3f\n", title,
			quantile(0), quantile(0.1), quantile(0.5), quantile(0.9), quantile(1), sum.Seconds()/float64(len(delays)))
	}

	// One message an interval, each a hundredth of it later. Polls are on the
	// server 50 ms into each interval.
	phases := staleness(labtest.Quiet(feed.Keep), func(t *testing.T, f *feed.Feed) {
		for i := range n {
			time.Sleep(interval)
			time.AfterFunc(interval/n*time.Duration(i)+5*ms, func() { publish1(t, f, i) })
		}
	}, n)
	for i, d := range phases {
		if want := rtt/2 + 5*ms + interval/n*time.Duration(i); d != want {
			t.Errorf("delay %d of %d is %v, want %v", i, n, d, want)
		}
	}
	line("polling every 2 s, all phases (s)", phases)

	settings := labtest.Quiet(feed.Keep)
	settings.Source = source.Settings{Source: source.Market, Rate: 2, Phase: source.Poisson, Seed: 1}
	random := staleness(settings, func(*testing.T, *feed.Feed) {}, 1000)
	for i, d := range random {
		// The most by which a sample of 1 000 may differ from the even distribution: one sample in a thousand differs
		// by more (Kolmogorov and Smirnov).
		share, even := float64(i)/1000, (d-rtt/2).Seconds()/interval.Seconds()
		if math.Abs(share-even) > 1.95/math.Sqrt(1000) {
			t.Errorf("a share of %v of the messages is late by at most %v", share, d)
			break
		}
	}
	line("the same, at random instants (poisson)", random)

	for _, phase := range []time.Duration{100 * ms, 1500 * ms} {
		steps := staleness(labtest.Quiet(feed.Keep), func(t *testing.T, f *feed.Feed) {
			time.Sleep(phase)
			for i := range n {
				time.Sleep(interval)
				publish1(t, f, i)
			}
		}, n)
		if want := interval + rtt - phase; steps[0] != want || steps[n-1] != want {
			t.Errorf("in step, phase %v: delays from %v to %v, want %v", phase, steps[0], steps[n-1], want)
		}
		line(fmt.Sprintf("the same, in step, %v after a poll (s)", phase-rtt/2), steps)
	}
}

// A long-poll without a cursor loses what is published while no request waits, which is a whole round trip: of 200
// messages a second it gets one in 21. With a cursor it loses nothing.
func proveNaive(t *testing.T, table io.Writer) {
	settings := labtest.Quiet(feed.Keep)
	settings.Source = source.Settings{Source: source.Market, Rate: 200, Phase: source.Poisson, Seed: 1}
	for _, test := range []struct {
		title, want string
		read        func(ctx context.Context, p proof) []uint64
	}{
		{"longpoll without a cursor, 200 messages/s", "3726 of 3915 lost", naive},
		{"the same, with a cursor", "0 of 3912 lost", withCursor},
	} {
		over(t, suite{Transport: lab.Transports[1]}, settings, func(t *testing.T, p proof) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			ids := test.read(ctx, p)
			all := int(ids[len(ids)-1] - ids[0] + 1)
			got := fmt.Sprintf("%d of %d lost", all-len(ids), all)
			if got != test.want {
				t.Errorf("%s: %s, want %s", test.title, got, test.want)
			}
			fmt.Fprintf(table, "%-42s %s\n", test.title, got)
		})
	}
}

// naive long-polls without a cursor, so the server does not know what it has.
func naive(ctx context.Context, p proof) (ids []uint64) {
	client := http.Client{Transport: &http.Transport{DialContext: p.network.Dial}}
	defer client.CloseIdleConnections()
	for {
		req, _ := http.NewRequestWithContext(ctx, "GET", "http://localhost/longpoll", nil)
		resp, err := client.Do(req)
		if err != nil {
			return ids
		}
		var answer struct{ Messages []feed.Message }
		err = json.NewDecoder(resp.Body).Decode(&answer)
		resp.Body.Close()
		if err != nil {
			return ids
		}
		for _, m := range answer.Messages {
			ids = append(ids, m.ID)
		}
	}
}

func withCursor(ctx context.Context, p proof) (ids []uint64) {
	for m, err := range p.client("").Messages(ctx) {
		if err == nil {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// A thousand readers whose connections end at the same instant reconnect at the same instant, unless each waits for a
// random time.
func proveStampede(t *testing.T, table io.Writer) {
	const readers, step = 1000, 100 * ms
	over(t, suite{Transport: lab.Transports[2]}, labtest.Quiet(feed.Keep), func(t *testing.T, p proof) {
		var mu sync.Mutex
		var least, more time.Duration // what a reader waits, and at random so much more
		var connects map[time.Duration]int
		start := time.Now()
		dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := p.network.Dial(ctx, network, addr)
			mu.Lock()
			defer mu.Unlock()
			connects[time.Since(start)/step]++
			return conn, err
		}
		ctx, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for i := range readers {
			random := rand.New(rand.NewPCG(1, uint64(i)))
			all.Go(func() {
				c := p.Client(lab.Access{URL: "http://localhost/sse", Dial: dial})
				for ctx.Err() == nil {
					for range c.Messages(ctx) {
					}
					mu.Lock()
					wait := least + time.Duration(random.Float64()*float64(more))
					mu.Unlock()
					select {
					case <-time.After(wait):
					case <-ctx.Done():
					}
				}
			})
		}
		for _, test := range []struct {
			title       string
			least, more time.Duration
			peak        int
		}{
			{"after 3 s (retry: 3000)", 3 * time.Second, 0, 1000},
			{"after 0 to 6 s", 0, 6 * time.Second, 26},
			{"after 0 to 0.5 s", 0, 500 * ms, 219},
		} {
			mu.Lock()
			least, more, connects = test.least, test.more, map[time.Duration]int{}
			mu.Unlock()
			time.Sleep(10 * time.Second) // all are connected
			mu.Lock()
			clear(connects)
			mu.Unlock()
			for _, c := range p.wires.Conns() {
				if err := c.Cut(netsim.FIN, 0); err != nil {
					t.Error(err)
				}
			}
			time.Sleep(10 * time.Second)
			mu.Lock()
			peak, sum := 0, 0
			for _, n := range connects {
				peak, sum = max(peak, n), sum+n
			}
			mu.Unlock()
			if peak != test.peak || sum != readers {
				t.Errorf("%s: %d connects, %d at most in %v, want %d and %d", test.title, sum, peak, step, readers, test.peak)
			}
			fmt.Fprintf(table, "%-42s at most %d connects in %v\n", "1 000 sse cut, back "+test.title, peak, step)
		}
		leave()
		all.Wait()
	})
}
