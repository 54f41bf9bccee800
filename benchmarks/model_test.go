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

	"fourwires/internal/lab"
	"fourwires/internal/measure"
	"fourwires/internal/wire"
)

// What lab decide has to know besides: see TestModel.

// BenchmarkVain asks what a poll costs in bytes that brings nothing, which is
// answered 204. An op is 100 of them on a warm connection.
func BenchmarkVain(b *testing.B) {
	for _, s := range speeches("polling") {
		if s.Heads.Cookie > 0 {
			continue
		}
		b.Run(fmt.Sprintf("headers=%s/http=%d/tls=%d", s.Heads.Set, s.HTTP, digit(s.TLS)), func(b *testing.B) {
			var all wire.Parts
			for b.Loop() {
				all = vain(b, s)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(all.Total)/100, "wire-B/poll")
		})
	}
}

func vain(b *testing.B, s measure.Speech) (all wire.Parts) {
	l, addr, end := open(b, lab.Settings{Keep: 1, Untapped: true}, s.TLS)
	defer end()
	for range 1000 { // ids of four digits
		if _, err := l.Feed.Publish([]byte(`""`)); err != nil {
			b.Fatal(err)
		}
	}
	var ledger wire.Ledger
	dial := s.Dial("polling", &ledger, nil)
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
	modelEach(b, measure.Options{Direction: measure.Up, Rate: 500, Payload: 128, Clients: 100, Interval: time.Second}, "sse", "websocket")
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
	o.Speech = measure.Speech{HTTP: version, Heads: measure.Heads{Set: measure.Go}}
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
					before, _ := s.settle()
					idle := s.read(n, transport)
					after, _ := s.settle()
					idle.close()
					warm.close()
					b.ReportMetric(float64(after-before)/n, "B/reader")
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
		raw, err := os.ReadFile("results/" + file + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		r, err := parse(string(raw))
		if err != nil {
			t.Fatal(err)
		}
		files[file] = &look{results: r}
	}
	model := map[string]float64{}
	set := func(key, file, from string, less float64) {
		model[key] = math.Round((files[file].median(from)-less)*1000) / 1000
	}
	for _, headers := range []string{measure.Go, measure.Chrome} {
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
	const path = "../internal/measure/model.json"
	got, err := os.ReadFile(path)
	if *update {
		if err := os.WriteFile(path, want, 0o666); err != nil {
			t.Fatal(err)
		}
	} else if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what the results say (%v): go test ./benchmarks -run Model -update", path, err)
	}
}

// TestModelHolds compares what lab decide works out with what was measured, where
// that is known besides: bytes within two of them and one in a hundred, how late the
// latest of a hundred messages is within a twentieth, CPU time within a factor of 1.6.
func TestModelHolds(t *testing.T) {
	values := map[string]results{}
	for _, file := range []string{"overhead", "latency", "all"} {
		raw, err := os.ReadFile("results/" + file + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		if values[file], err = parse(string(raw)); err != nil {
			t.Fatal(err)
		}
	}
	measured := func(file, key string) float64 {
		if len(values[file].values[key]) == 0 {
			t.Fatalf("results/%s.txt has no %q", file, key)
		}
		median, _ := median(values[file].values[key])
		return median
	}
	way := func(n measure.Need, transport string) measure.Way {
		for _, w := range n.Ways() {
			if strings.HasPrefix(w.Name, transport) {
				return w
			}
		}
		t.Fatalf("%s is no way of %+v", transport, n)
		return measure.Way{}
	}

	for _, transport := range []string{"longpoll", "sse", "websocket"} {
		for _, size := range []int{20, 128, 2048} {
			for _, headers := range []string{measure.Go, measure.Chrome} {
				for _, version := range []int{1, 2} {
					if transport == "websocket" && version == 2 {
						continue
					}
					// Each message by itself; and so many that heartbeats do not count.
					n := measure.Need{Rate: 1000, Size: size, Direction: measure.Down, Clients: 1, Late: time.Second, HTTP: version, Headers: headers}
					got := way(n, transport).Bits / 8 / n.Rate
					want := measured("overhead", fmt.Sprintf("Overhead/transport=%s/payload=%d/headers=%s/cookie=0/http=%d/tls=1 wire-B/msg", transport, size, headers, version))
					if math.Abs(got-want) > 2+want/100 {
						t.Errorf("%s, %d bytes, HTTP/%d, %s: %.1f bytes a message, measured were %.1f", transport, size, version, headers, got, want)
					}
				}
			}
		}
	}

	for _, rtt := range []time.Duration{20 * time.Millisecond, 100 * time.Millisecond} {
		for transport, interval := range map[string]time.Duration{"polling": 2 * time.Second, "longpoll": 0, "sse": 0, "websocket": 0} {
			n := measure.Need{Rate: 25, Size: 128, Direction: measure.Down, Clients: 1, Late: interval + rtt/2, RTT: rtt, HTTP: 1, Headers: measure.Go}
			key := fmt.Sprintf("Latency/transport=%s/http=1/rtt=%v", transport, rtt)
			if interval > 0 {
				key += fmt.Sprintf("/interval=%v", interval)
			}
			got, want := way(n, transport).Most.Seconds(), measured("latency", key+" p99-ns")/1e9 // the very latest is the machine's doing
			if math.Abs(got-want) > 0.003+want/20 {                                               // timers are up to a millisecond late
				t.Errorf("%s over %v: late by at most %.4f s, measured were %.4f (p99)", transport, rtt, got, want)
			}
		}
	}

	for _, transport := range transportNames() {
		n := measure.Need{Rate: 10, Size: 128, Direction: measure.Down, Clients: 1000, Late: 2 * time.Second, HTTP: 1, Headers: measure.Go}
		got := way(n, transport).CPU / n.Rate / 1000 * 1e9
		want := measured("all", fmt.Sprintf("Fanout/transport=%s/readers=1000 cpu-ns/msg", transport))
		if ratio := got / want; ratio < 1/1.6 || ratio > 1.6 {
			t.Errorf("%s: %.0f ns of CPU a message, measured were %.0f", transport, got, want)
		}
		memory := way(n, transport).Memory / 1000
		if want := measured("all", fmt.Sprintf("Idle/transport=%s/readers=1000 B/reader", transport)); memory < want/1.6 || memory > want*1.6 {
			t.Errorf("%s: %.0f bytes a reader, measured were %.0f", transport, memory, want)
		}
	}
}
