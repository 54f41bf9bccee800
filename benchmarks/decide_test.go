//go:build linux

package benchmarks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"fourwires/internal/decide"
	"fourwires/internal/lab"
	"fourwires/internal/protocol"
	"fourwires/internal/scenario"
)

// TestModel holds the model of lab decide to the results that it is made of:
//
//	go test ./benchmarks -run Model -update
func TestModel(t *testing.T) {
	files := map[string]*results{}
	for _, file := range []string{"overhead", "up", "all", "model"} {
		files[file] = recorded(t, file)
	}
	model := map[string]float64{}
	// set sets a key of the model to the median of a benchmark, less a constant.
	set := func(key, file, benchmark string, less float64) {
		model[key] = math.Round((files[file].median(benchmark)-less)*1000) / 1000
	}
	for _, transport := range lab.Transports {
		for _, http := range versions(transport) {
			name := fmt.Sprintf("transport=%s/http=%d", transport.Name, http)
			for _, headers := range []string{protocol.Go, protocol.Chrome} {
				for _, part := range []string{"head", "envelope", "framing", "tls"} {
					set(fmt.Sprintf("%s/%s/%d %s-B", transport.Name, headers, http, part), "overhead",
						overheadKey(transport.Name, 128, headers, http, part+"-B/msg"), 0)
				}
			}
			set(fmt.Sprintf("%s/%d memory-B", transport.Name, http), "model", "Memory/"+name+" B/reader", 0)
			if !transport.Interval {
				set(fmt.Sprintf("%s/%d cpu-ns", transport.Name, http), "model", "Send/"+name+" cpu-ns/msg", 0)
			}
		}
	}
	for _, http := range []int{1, 2} {
		for _, headers := range []string{protocol.Go, protocol.Chrome} {
			set(fmt.Sprintf("empty poll/%s/%d B", headers, http), "model",
				fmt.Sprintf("EmptyPoll/headers=%s/http=%d/tls=1 wire-B/poll", headers, http), 0)
		}
		for _, polls := range []int{100, 1000, 5000} {
			set(fmt.Sprintf("polling/%d cpu-ns at %d/s", http, polls), "model",
				fmt.Sprintf("Pace/http=%d/polls=%d cpu-ns/poll", http, polls), 0)
		}
	}
	for _, u := range upstreamKinds {
		key := fmt.Sprintf("up/%s/%d", u.name, u.http)
		set(key+" B", "up", fmt.Sprintf("Up/transport=%s/http=%d/tls=1 wire-B/msg", u.name, u.http), 128)
		reader := map[string]string{"post": "sse", "websocket": "websocket"}[u.name] // the client that was measured
		set(key+" cpu-ns", "model", fmt.Sprintf("Take/transport=%s/http=%d cpu-ns/msg", reader, u.http), 0)
	}
	for _, transport := range []string{"polling", "longpoll"} {
		set(transport+" joined cpu-ns", "all", fmt.Sprintf("CatchUp/transport=%s cpu-ns/msg", transport), 0)
	}
	for file, r := range files {
		if err := r.complete(); err != nil {
			t.Fatalf("results/%s.txt: %v", file, err)
		}
	}
	want, err := json.MarshalIndent(model, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	const path = "../internal/decide/model.json"
	got, err := os.ReadFile(path)
	if *update {
		if err := os.WriteFile(path, want, 0o666); err != nil {
			t.Fatal(err)
		}
	} else if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not that of the results (%v): go test ./benchmarks -run Model -update", path, err)
	}
}

// overheadKey is what Overhead calls a figure without a cookie, over TLS.
func overheadKey(transport string, payload int, headers string, http int, unit string) string {
	return fmt.Sprintf("Overhead/transport=%s/payload=%d/headers=%s/cookie=0/http=%d/tls=1 %s",
		transport, payload, headers, http, unit)
}

// The other tests of the model compare what lab decide calculates with what was measured, where that is known besides.

// TestModelBytes compares the bytes of a message by itself, within two bytes and one in a hundred.
func TestModelBytes(t *testing.T) {
	measured := recorded(t, "overhead")
	for _, transport := range lab.Transports {
		if transport.Interval {
			continue
		}
		for _, size := range []int{20, 128, 2048} {
			for _, headers := range []string{protocol.Go, protocol.Chrome} {
				for _, http := range versions(transport) {
					// Each message by itself, and so many that heartbeats do not count.
					n := decide.Need{Rate: 1000, Size: size, Direction: scenario.Down, Clients: 1,
						Late: time.Second, HTTP: http, Headers: headers}
					got := candidate(t, n, transport.Name).Bits / 8 / n.Rate
					key := overheadKey(transport.Name, size, headers, http, "wire-B/msg")
					if want := measured.median(key); !(math.Abs(got-want) <= 2+want/100) {
						t.Errorf("%s: %.1f by the model, %.1f measured", key, got, want)
					}
				}
			}
		}
	}
	if err := measured.complete(); err != nil {
		t.Error(err)
	}
}

// ticks are by how many seconds timers may be late: the publisher's, and the network's upstream and downstream, 1 ms
// each.
const ticks = 0.003

// TestModelLateness compares the model's delays with those of messages that were published at random instants. The
// latest of a hundred messages comes close to the model's bound. The machine's pauses can only make it later, so the
// round with the earliest one counts. There it is no later than the bound, and earlier by at most a tenth of the
// longest waiting, since even the unluckiest message misses the worst moment by some time. The median is as the model's
// mean has it, within a fifteenth of the longest waiting.
func TestModelLateness(t *testing.T) {
	measured := recorded(t, "latency")
	for _, rtt := range rtts {
		for _, v := range variants(1, 2) {
			n := decide.Need{Rate: 25, Size: 128, Direction: scenario.Down, Clients: 1,
				Late: v.interval + rtt/2, RTT: rtt, HTTP: v.http, Headers: protocol.Go}
			c := candidate(t, n, v.Name)
			key := "Latency/" + v.over(rtt)
			most, waiting := c.Most.Seconds(), (c.Most - rtt/2).Seconds()
			if got := measured.least(key+" max-ns") / 1e9; !(got >= most-waiting/10 && got <= most+ticks) {
				t.Errorf("%s: the latest message is late by %.4f s by the model, by %.4f s in the quietest round",
					key, most, got)
			}
			half := medianDelay(c, rtt/2)
			if got := measured.median(key+" p50-ns") / 1e9; !(math.Abs(got-half) <= ticks+waiting/15) {
				t.Errorf("%s: half of the messages are late by %.4f s by the model, by %.4f s measured", key, half, got)
			}
		}
	}
	if err := measured.complete(); err != nil {
		t.Error(err)
	}
}

// medianDelay returns the median delay in seconds. A share of the messages waits before its one-way delay, for a time
// that is evenly distributed up to the longest.
func medianDelay(c decide.Candidate, oneWay time.Duration) float64 {
	share := 2 * (c.Mean - oneWay).Seconds() / (c.Most - oneWay).Seconds()
	if !(share > 0.5) { // NaN: nothing waits
		return oneWay.Seconds()
	}
	return oneWay.Seconds() + (c.Most-oneWay).Seconds()*(1-0.5/share)
}

// TestModelCost compares the CPU time and memory of a thousand readers, within a factor of 1.6.
func TestModelCost(t *testing.T) {
	measured := recorded(t, "all")
	for _, transport := range transportNames() {
		n := decide.Need{Rate: 10, Size: 128, Direction: scenario.Down, Clients: 1000,
			Late: 2 * time.Second, HTTP: 1, Headers: protocol.Go}
		c := candidate(t, n, transport)
		for key, got := range map[string]float64{
			"Fanout/transport=" + transport + "/readers=1000 cpu-ns/msg": c.CPU / n.Rate / 1000 * 1e9,
			"Idle/transport=" + transport + "/readers=1000 B/reader":     c.Memory / 1000,
		} {
			if want := measured.median(key); !(got >= want/1.6 && got <= want*1.6) {
				t.Errorf("%s: %.0f by the model, %.0f measured", key, got, want)
			}
		}
	}
	if err := measured.complete(); err != nil {
		t.Error(err)
	}
}

// TestModelScenarios compares the six uses, over 40 ms a round trip and without TLS.
//
//	bytes     within one in twelve; the model's heartbeats are left out, which five seconds do not have
//	lateness  of half of the messages, as in TestModelLateness, in the quietest round
//	CPU time  at least the model's, which is of hundreds of readers: with a few, most of it wakes the server.
//	          Whatever costs three times as much by the model costs more
//
// The model knows nothing of bursts, of which a long-poll brings several messages.
func TestModelScenarios(t *testing.T) {
	const oneWay = 20 * time.Millisecond
	measured, down, up := recorded(t, "scenario"), recorded(t, "overhead"), recorded(t, "up")
	for _, s := range scenario.All {
		clients := float64(s.Clients)
		type cost struct {
			key             string
			model, measured float64
		}
		var costs []cost
		for _, transport := range lab.Transports {
			for _, http := range versions(transport) {
				n := decide.Need{Rate: s.Rate, Size: s.Payload, Direction: s.Direction, Clients: s.Clients,
					Late: s.Interval + oneWay, RTT: 2 * oneWay, HTTP: http, Headers: protocol.Go}
				if s.Direction == scenario.Both {
					n.Late += oneWay
				}
				c := candidate(t, n, transport.Name)
				key := fmt.Sprintf("Scenario/scenario=%s/transport=%s/http=%d", s.Name, transport.Name, http)

				// TLS is in the model, and an echo is not.
				bytes, requests := c.Bits/8/clients, c.Requests
				if s.Direction != scenario.Down {
					by := "transport=websocket/http=1"
					if transport.Name != "websocket" {
						by = fmt.Sprintf("transport=post/http=%d", http)
						requests -= s.Rate
					}
					wire := up.median("Up/" + by + "/tls=0 wire-B/msg")
					bytes -= s.Rate / clients * (up.median("Up/"+by+"/tls=1 wire-B/msg") - wire)
					if s.Direction == scenario.Up {
						echo := up.median("Echo/" + by + "/tls=0 wire-B/msg")
						bytes += s.Rate / clients * (echo - wire + float64(s.Payload-128))
					}
				}
				if s.Direction != scenario.Up {
					reads := s.Rate
					if !transport.Stream {
						reads = requests / clients
					}
					bytes -= reads * down.median(overheadKey(transport.Name, 128, protocol.Go, http, "tls-B/msg"))
				}
				bursts := transport.Name == "longpoll" && s.Burst > 1
				if got := measured.median(key + " wire-B/client-s"); !bursts && !(math.Abs(got-bytes) <= 5+got/12) {
					t.Errorf("%s: %.0f bytes a client and second by the model, %.0f measured", key, bytes, got)
				}

				half, waiting := medianDelay(c, n.RTT/2), (c.Most - oneWay).Seconds()
				switch s.Direction {
				case scenario.Both:
					half, waiting = medianDelay(c, n.RTT), (c.Most - n.RTT).Seconds()
				case scenario.Up:
					half += oneWay.Seconds() // measured until the echo is back
				}
				if got := measured.least(key+" p50-ns") / 1e9; !bursts && !(math.Abs(got-half) <= ticks+waiting/15) {
					t.Errorf("%s: half of the messages are late by %.4f s by the model, by %.4f s in the quietest round",
						key, half, got)
				}

				costs = append(costs, cost{key, c.CPU / clients * 1e9, measured.median(key + " cpu-ns/client-s")})
			}
		}
		for _, a := range costs {
			if !(a.model <= a.measured) {
				t.Errorf("%s: %.0f ns of CPU time a client and second by the model, %.0f measured",
					a.key, a.model, a.measured)
			}
			for _, b := range costs {
				if a.model > 3*b.model && !(a.measured > b.measured) {
					t.Errorf("%s takes %.1f times the CPU time of %s by the model, %.2f times measured",
						a.key, a.model/b.model, b.key, a.measured/b.measured)
				}
			}
		}
	}
	for _, r := range []*results{measured, down, up} {
		if err := r.complete(); err != nil {
			t.Error(err)
		}
	}
}

// candidate returns how the model meets a need by a transport, or by the POST beside it.
func candidate(t *testing.T, n decide.Need, transport string) decide.Candidate {
	t.Helper()
	name := transport
	if n.Direction == scenario.Up && transport != "websocket" {
		name = "POST"
	}
	for _, c := range n.Candidates() {
		if strings.HasPrefix(c.Name, name) {
			return c
		}
	}
	t.Fatalf("%+v has no candidate %s", n, name)
	return decide.Candidate{}
}
