//go:build linux

package benchmarks

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"fourwires/internal/decide"
	"fourwires/internal/lab"
	"fourwires/internal/measure"
	"fourwires/internal/protocol"
	"fourwires/internal/scenario"
	"fourwires/internal/wire"
)

// What lab decide has to know besides: see TestModel.

// BenchmarkVain asks what a poll costs in bytes that brings nothing, which is
// answered 204. An op is 100 of them on a warm connection.
func BenchmarkVain(b *testing.B) {
	for _, s := range speeches("polling") {
		if s.Headers.Cookie > 0 {
			continue
		}
		b.Run(fmt.Sprintf("headers=%s/http=%d/tls=%d", s.Headers.Set, s.HTTP, digit(s.TLS)), func(b *testing.B) {
			var all wire.Parts
			for b.Loop() {
				all = vain(b, s)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(all.Total)/100, "wire-B/poll")
		})
	}
}

func vain(b *testing.B, s protocol.Settings) (all wire.Parts) {
	l, addr, end := open(b, lab.Settings{Keep: 1, Untapped: true}, s.TLS)
	defer end()
	for range 1000 { // ids of four digits
		if _, err := l.Feed.Publish([]byte(`""`)); err != nil {
			b.Fatal(err)
		}
	}
	var ledger wire.Ledger
	dial := s.Dialer(s.HTTP, &ledger, nil)
	client := &http.Transport{DialContext: dial, DialTLSContext: dial, DisableCompression: true, Protocols: new(http.Protocols)}
	client.Protocols.SetHTTP1(s.HTTP == 1)
	client.Protocols.SetHTTP2(s.HTTP == 2)
	client.Protocols.SetUnencryptedHTTP2(s.HTTP == 2)
	defer client.CloseIdleConnections()
	poll := func() {
		req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, s.Scheme()+"://"+addr+"/polling?after="+l.Feed.Head().String(), nil)
		if err != nil {
			b.Fatal(err)
		}
		resp, err := client.RoundTrip(req)
		if err != nil {
			b.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusNoContent {
			b.Fatalf("a poll in vain is answered %s", resp.Status)
		}
	}
	crossed := func() (all wire.Parts) {
		for _, row := range ledger.Snapshot().Rows {
			all = all.Add(row.Up).Add(row.Down)
		}
		return all
	}
	poll()
	poll()
	before := crossed()
	for range 100 {
		poll()
	}
	all = crossed().Sub(before)
	if all.Unaccounted != 0 {
		b.Errorf("%d bytes are unaccounted", all.Unaccounted)
	}
	return all
}

// BenchmarkPace asks what a poll costs the server in CPU time, at a hundred, a
// thousand and five thousand a second of all readers together: the more there are,
// the less often the server has to be woken for one.
func BenchmarkPace(b *testing.B) {
	for _, version := range []int{1, 2} {
		for _, pace := range []struct {
			readers  int
			interval time.Duration
		}{{100, time.Second}, {500, 500 * time.Millisecond}, {500, 100 * time.Millisecond}} {
			b.Run(fmt.Sprintf("http=%d/polls=%.0f", version, float64(pace.readers)/pace.interval.Seconds()), func(b *testing.B) {
				for b.Loop() {
					r := modelled(b, "polling", measure.Options{Rate: 1, Payload: 128, Clients: pace.readers, Interval: pace.interval}, version)
					b.ReportMetric(*r.CPU*1e3/float64(r.Requests), "cpu-ns/poll")
				}
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// BenchmarkSend asks what it costs the server in CPU time to bring a message to one
// of 500 readers, and BenchmarkTake to take one from a client and say that it came.
func BenchmarkSend(b *testing.B) {
	modelEach(b, measure.Options{Rate: 10, Payload: 128, Clients: 500, Interval: time.Second}, "longpoll", "sse", "websocket")
}

func BenchmarkTake(b *testing.B) {
	modelEach(b, measure.Options{Direction: scenario.Up, Rate: 500, Payload: 128, Clients: 100, Interval: time.Second}, "sse", "websocket")
}

func modelEach(b *testing.B, o measure.Options, transports ...string) {
	for _, transport := range transports {
		for _, version := range []int{1, 2} {
			if version == 2 && transport == "websocket" {
				continue
			}
			b.Run(fmt.Sprintf("transport=%s/http=%d", transport, version), func(b *testing.B) {
				for b.Loop() {
					r := modelled(b, transport, o, version)
					b.ReportMetric(*r.CPU*1e3/float64(r.Delivered), "cpu-ns/msg")
				}
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

func modelled(b *testing.B, transport string, o measure.Options, version int) (r measure.Result) {
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	o.For = 4 * time.Second
	o.Protocol = protocol.Settings{HTTP: version, Headers: protocol.Headers{Set: protocol.Go}}
	o.Targets = []measure.Target{{Transport: transport}}
	o.Server = []string{"env", asServer + "=" + measuring, self}
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	if err := measure.Run(ctx, o, func(one measure.Result) error { r = one; return nil }); err != nil {
		b.Fatal(err)
	}
	if r.CPU == nil || r.Delivered == 0 || r.Lost > 0 {
		b.Fatalf("%d messages came, %d were lost, CPU known: %v", r.Delivered, r.Lost, r.CPU != nil)
	}
	return r
}

// BenchmarkHeld asks what Idle does, by either version of HTTP.
func BenchmarkHeld(b *testing.B) {
	const n = 500
	for _, transport := range transportNames() {
		for _, version := range []int{1, 2} {
			if version == 2 && transport == "websocket" {
				continue
			}
			b.Run(fmt.Sprintf("transport=%s/http=%d", transport, version), func(b *testing.B) {
				for b.Loop() {
					s := startServer(b, false)
					s.http2 = version == 2
					warm := s.read(100, transport)
					before := s.settle()
					idle := s.read(n, transport)
					after := s.settle()
					idle.close()
					warm.close()
					b.ReportMetric(float64(after.Bytes-before.Bytes)/n, "B/reader")
				}
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// TestModel holds the model of lab decide to the results that it is made from:
//
//	go test ./benchmarks -run Model -update
func TestModel(t *testing.T) {
	files := map[string]*look{}
	for _, file := range []string{"overhead", "up", "all", "model"} {
		files[file] = recorded(t, file)
	}
	model := map[string]float64{}
	set := func(key, file, from string, less float64) {
		model[key] = math.Round((files[file].median(from)-less)*1000) / 1000
	}
	for _, headers := range []string{protocol.Go, protocol.Chrome} {
		for _, version := range []int{1, 2} {
			for _, transport := range transportNames() {
				if transport == "websocket" && version == 2 {
					continue
				}
				for _, part := range []string{"head", "envelope", "framing", "tls"} {
					set(fmt.Sprintf("%s/%s/%d %s-B", transport, headers, version, part), "overhead",
						fmt.Sprintf("Overhead/transport=%s/payload=128/headers=%s/cookie=0/http=%d/tls=1 %s-B/msg", transport, headers, version, part), 0)
				}
			}
			set(fmt.Sprintf("vain/%s/%d B", headers, version), "model", fmt.Sprintf("Vain/headers=%s/http=%d/tls=1 wire-B/poll", headers, version), 0)
		}
	}
	for _, version := range []int{1, 2} {
		for _, polls := range []int{100, 1000, 5000} {
			set(fmt.Sprintf("polling/%d cpu-ns at %d/s", version, polls), "model", fmt.Sprintf("Pace/http=%d/polls=%d cpu-ns/poll", version, polls), 0)
		}
		for _, transport := range transportNames() {
			if transport == "websocket" && version == 2 {
				continue
			}
			set(fmt.Sprintf("%s/%d held-B", transport, version), "model", fmt.Sprintf("Held/transport=%s/http=%d B/reader", transport, version), 0)
			if transport != "polling" {
				set(fmt.Sprintf("%s/%d cpu-ns", transport, version), "model", fmt.Sprintf("Send/transport=%s/http=%d cpu-ns/msg", transport, version), 0)
			}
		}
		set(fmt.Sprintf("up/post/%d B", version), "up", fmt.Sprintf("Up/transport=post/http=%d/tls=1 wire-B/msg", version), 128)
		set(fmt.Sprintf("up/post/%d cpu-ns", version), "model", fmt.Sprintf("Take/transport=sse/http=%d cpu-ns/msg", version), 0)
	}
	set("up/websocket/1 B", "up", "Up/transport=websocket/http=1/tls=1 wire-B/msg", 128)
	set("up/websocket/1 cpu-ns", "model", "Take/transport=websocket/http=1 cpu-ns/msg", 0)
	for _, transport := range []string{"polling", "longpoll"} {
		set(transport+" joined cpu-ns", "all", fmt.Sprintf("CatchUp/transport=%s cpu-ns/msg", transport), 0)
	}
	for file, l := range files {
		if err := l.lacks(); err != nil {
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
		t.Errorf("%s is not what the results say (%v): go test ./benchmarks -run Model -update", path, err)
	}
}

// The other tests of the model compare what lab decide works out with what was
// measured, where that is known besides.

// TestModelBytes: a message by itself, within two bytes and one in a hundred.
func TestModelBytes(t *testing.T) {
	measured := recorded(t, "overhead")
	for _, transport := range []string{"longpoll", "sse", "websocket"} {
		for _, size := range []int{20, 128, 2048} {
			for _, headers := range []string{protocol.Go, protocol.Chrome} {
				for _, version := range []int{1, 2} {
					if transport == "websocket" && version == 2 {
						continue
					}
					// Each message by itself; and so many that heartbeats do not count.
					n := decide.Need{Rate: 1000, Size: size, Direction: scenario.Down, Clients: 1, Late: time.Second, HTTP: version, Headers: headers}
					got := modelOf(t, n, transport).Bits / 8 / n.Rate
					key := fmt.Sprintf("Overhead/transport=%s/payload=%d/headers=%s/cookie=0/http=%d/tls=1 wire-B/msg", transport, size, headers, version)
					if want := measured.median(key); !(math.Abs(got-want) <= 2+want/100) {
						t.Errorf("%s: the model says %.1f, measured were %.1f", key, got, want)
					}
				}
			}
		}
	}
	if err := measured.lacks(); err != nil {
		t.Error(err)
	}
}

// ticks is by how much timers may be late: that of the publisher, and those of the
// network on the way up and on the way down, a millisecond each.
const ticks = 0.003

// TestModelLateness: of a hundred messages at random instants the latest comes at the
// bound, where the machine lets it. Its pauses can only add to that, so it is looked
// for in the round that had the fewest: there it is no later than the bound, and is not
// earlier by more than a tenth of the waiting, for it is chance by how much the
// unluckiest message misses the worst moment. The one in the middle is where the mean
// says, within a fifteenth of the waiting.
func TestModelLateness(t *testing.T) {
	measured := recorded(t, "latency")
	for _, rtt := range rtts {
		for _, w := range ways(1, 2) {
			n := decide.Need{Rate: 25, Size: 128, Direction: scenario.Down, Clients: 1, Late: w.interval + rtt/2, RTT: rtt, HTTP: w.http, Headers: protocol.Go}
			way := modelOf(t, n, w.Name)
			waiting := (way.Most - rtt/2).Seconds()
			key := "Latency/" + w.over(rtt)
			most := way.Most.Seconds()
			if got := measured.least(key+" max-ns") / 1e9; !(got >= most-waiting/10 && got <= most+ticks) {
				t.Errorf("%s: the model says that the latest message is late by %.4f s, in the quietest round it was by %.4f s", key, most, got)
			}
			half := middle(way, rtt/2)
			if got := measured.median(key+" p50-ns") / 1e9; !(math.Abs(got-half) <= ticks+waiting/15) {
				t.Errorf("%s: the model says that half of the messages are late by %.4f s, measured were %.4f s", key, half, got)
			}
		}
	}
	if err := measured.lacks(); err != nil {
		t.Error(err)
	}
}

// middle returns by how many seconds half of the messages are late, of which a share
// waits before its trip, for any part of the longest time.
func middle(w decide.Candidate, trip time.Duration) float64 {
	share := 2 * (w.Mean - trip).Seconds() / (w.Most - trip).Seconds()
	if !(share > 0.5) { // NaN: nothing waits
		return trip.Seconds()
	}
	return trip.Seconds() + (w.Most-trip).Seconds()*(1-0.5/share)
}

// TestModelCost: CPU time and memory of a thousand readers, within a factor of 1.6.
func TestModelCost(t *testing.T) {
	measured := recorded(t, "all")
	for _, transport := range transportNames() {
		n := decide.Need{Rate: 10, Size: 128, Direction: scenario.Down, Clients: 1000, Late: 2 * time.Second, HTTP: 1, Headers: protocol.Go}
		way := modelOf(t, n, transport)
		for key, got := range map[string]float64{
			"Fanout/transport=" + transport + "/readers=1000 cpu-ns/msg": way.CPU / n.Rate / 1000 * 1e9,
			"Idle/transport=" + transport + "/readers=1000 B/reader":     way.Memory / 1000,
		} {
			if want := measured.median(key); !(got >= want/1.6 && got <= want*1.6) {
				t.Errorf("%s: the model says %.0f, measured were %.0f", key, got, want)
			}
		}
	}
	if err := measured.lacks(); err != nil {
		t.Error(err)
	}
}

// TestModelScenarios: the six uses, over 40 ms a round trip and without TLS.
//
//	bytes     within one in twelve, and of heartbeats, which five seconds do not have
//	lateness  of half of the messages, as in TestModelLateness, in the quietest round
//	CPU time  at least what the model says: it is of hundreds of readers, and of a few
//	          most is to wake up. What costs three times as much by it, costs more
//
// It knows nothing of bursts, of which a long-poll brings several messages.
func TestModelScenarios(t *testing.T) {
	const trip = 20 * time.Millisecond
	measured, down, up := recorded(t, "scenario"), recorded(t, "overhead"), recorded(t, "up")
	for _, s := range scenario.All {
		clients := float64(s.Clients)
		type cost struct {
			key             string
			model, measured float64
		}
		var costs []cost
		for _, transport := range transportNames() {
			for _, version := range []int{1, 2} {
				if transport == "websocket" && version == 2 {
					continue
				}
				n := decide.Need{Rate: s.Rate, Size: s.Payload, Direction: s.Direction, Clients: s.Clients, Late: s.Interval + trip, RTT: 2 * trip, HTTP: version, Headers: protocol.Go}
				if s.Direction == scenario.Both {
					n.Late += trip
				}
				way := modelOf(t, n, transport)
				key := fmt.Sprintf("Scenario/scenario=%s/transport=%s/http=%d", s.Name, transport, version)

				// TLS is in the model, and an echo is not.
				bytes, requests := way.Bits/8/clients, way.Requests
				if s.Direction != scenario.Down {
					by := "transport=websocket/http=1"
					if transport != "websocket" {
						by = fmt.Sprintf("transport=post/http=%d", version)
						requests -= s.Rate
					}
					wire := up.median("Up/" + by + "/tls=0 wire-B/msg")
					bytes -= s.Rate / clients * (up.median("Up/"+by+"/tls=1 wire-B/msg") - wire)
					if s.Direction == scenario.Up {
						bytes += s.Rate / clients * (up.median("Echo/"+by+"/tls=0 wire-B/msg") - wire + float64(s.Payload-128))
					}
				}
				if s.Direction != scenario.Up {
					reads := s.Rate
					if transport == "polling" || transport == "longpoll" {
						reads = requests / clients
					}
					bytes -= reads * down.median(fmt.Sprintf("Overhead/transport=%s/payload=128/headers=go/cookie=0/http=%d/tls=1 tls-B/msg", transport, version))
				}
				bursts := transport == "longpoll" && s.Burst > 1
				if got := measured.median(key + " wire-B/client-s"); !bursts && !(math.Abs(got-bytes) <= 5+got/12) {
					t.Errorf("%s: the model says %.0f bytes a client and second, measured were %.0f", key, bytes, got)
				}

				half, waiting := middle(way, n.RTT/2), (way.Most - trip).Seconds()
				switch s.Direction {
				case scenario.Both:
					half, waiting = middle(way, n.RTT), (way.Most - n.RTT).Seconds()
				case scenario.Up:
					half += trip.Seconds() // what is measured is until the echo is back
				}
				if got := measured.least(key+" p50-ns") / 1e9; !bursts && !(math.Abs(got-half) <= ticks+waiting/15) {
					t.Errorf("%s: the model says that half of the messages are late by %.4f s, in the quietest round it was %.4f s", key, half, got)
				}

				costs = append(costs, cost{key, way.CPU / clients * 1e9, measured.median(key + " cpu-ns/client-s")})
			}
		}
		for _, a := range costs {
			if !(a.model <= a.measured) {
				t.Errorf("%s: the model says %.0f ns of CPU time a client and second, measured were %.0f", a.key, a.model, a.measured)
			}
			for _, b := range costs {
				if a.model > 3*b.model && !(a.measured > b.measured) {
					t.Errorf("%s takes %.1f times the CPU time of %s by the model, measured were %.2f times", a.key, a.model/b.model, b.key, a.measured/b.measured)
				}
			}
		}
	}
	for _, l := range []*look{measured, down, up} {
		if err := l.lacks(); err != nil {
			t.Error(err)
		}
	}
}

// recorded are the results of a file.
func recorded(t *testing.T, file string) *look {
	t.Helper()
	raw, err := os.ReadFile("results/" + file + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	r, err := parse(string(raw))
	if err != nil {
		t.Fatal(err)
	}
	return &look{results: r}
}

// modelOf is what the model says of a need met by a transport, or by the POST beside
// it.
func modelOf(t *testing.T, n decide.Need, transport string) decide.Candidate {
	t.Helper()
	name := transport
	if n.Direction == scenario.Up && transport != "websocket" {
		name = "POST"
	}
	for _, w := range n.Candidates() {
		if strings.HasPrefix(w.Name, name) {
			return w
		}
	}
	t.Fatalf("%s is no way of %+v", name, n)
	return decide.Candidate{}
}
