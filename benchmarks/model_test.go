//go:build linux

package benchmarks

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"testing"
	"time"

	"fourwires/internal/lab"
	"fourwires/internal/measure"
	"fourwires/internal/protocol"
	"fourwires/internal/scenario"
	"fourwires/internal/wire"
)

// What lab decide must know beside the other benchmarks; see TestModel.

// BenchmarkEmptyPoll asks what a poll costs in bytes that finds no message and is answered 204. An op is 100 of them on
// a warm connection.
func BenchmarkEmptyPoll(b *testing.B) {
	polling, _ := lab.Find("polling")
	for _, p := range protocols(polling) {
		if p.Headers.Cookie > 0 {
			continue
		}
		b.Run(fmt.Sprintf("headers=%s/http=%d/tls=%d", p.Headers.Set, p.HTTP, digit(p.TLS)), func(b *testing.B) {
			var all wire.Parts
			for b.Loop() {
				all = emptyPolls(b, p)
			}
			if all.Unaccounted != 0 {
				b.Errorf("%d bytes are unaccounted", all.Unaccounted)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(all.Total)/100, "wire-B/poll")
		})
	}
}

// emptyPolls returns what 100 empty polls cost.
func emptyPolls(b *testing.B, p protocol.Settings) wire.Parts {
	s, addr := open(b, lab.Settings{Keep: 1, Untapped: true}, p.TLS)
	defer s.Close()
	for range 1000 { // ids of four digits
		if _, err := s.Feed.Publish([]byte(`""`)); err != nil {
			b.Fatal(err)
		}
	}
	var ledger wire.Ledger
	dial := p.Dialer(p.HTTP, &ledger, nil)
	client := &http.Transport{
		DialContext: dial, DialTLSContext: dial, DisableCompression: true, Protocols: new(http.Protocols),
	}
	client.Protocols.SetHTTP1(p.HTTP == 1)
	client.Protocols.SetHTTP2(p.HTTP == 2)
	client.Protocols.SetUnencryptedHTTP2(p.HTTP == 2)
	defer client.CloseIdleConnections()
	url := p.Scheme() + "://" + addr + "/polling?after=" + s.Feed.Head().String()
	poll := func() {
		req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url, nil)
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
			b.Fatalf("an empty poll is answered %s", resp.Status)
		}
	}
	poll()
	poll()
	before := crossed(&ledger)
	for range 100 {
		poll()
	}
	return crossed(&ledger).Sub(before)
}

// BenchmarkPace asks what a poll costs the server in CPU time, at a hundred, a thousand and five thousand a second of
// all readers together: the more there are, the less often one has to wake the server.
func BenchmarkPace(b *testing.B) {
	polling, _ := lab.Find("polling")
	for _, http := range versions(polling) {
		for _, pace := range []struct {
			readers  int
			interval time.Duration
		}{{100, time.Second}, {500, 500 * time.Millisecond}, {500, 100 * time.Millisecond}} {
			polls := float64(pace.readers) / pace.interval.Seconds()
			b.Run(fmt.Sprintf("http=%d/polls=%.0f", http, polls), func(b *testing.B) {
				o := measure.Options{Rate: 1, Payload: 128, Clients: pace.readers, Interval: pace.interval}
				for b.Loop() {
					r := measureOne(b, "polling", o, http)
					b.ReportMetric(*r.CPU*1e3/float64(r.Requests), "cpu-ns/poll")
				}
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// BenchmarkSend asks what it costs the server in CPU time to send a message to one of 500 readers.
func BenchmarkSend(b *testing.B) {
	o := measure.Options{Rate: 10, Payload: 128, Clients: 500, Interval: time.Second}
	measureEach(b, o, "longpoll", "sse", "websocket")
}

// BenchmarkTake asks what it costs the server in CPU time to take a message from a client and confirm it.
func BenchmarkTake(b *testing.B) {
	o := measure.Options{Direction: scenario.Up, Rate: 500, Payload: 128, Clients: 100, Interval: time.Second}
	measureEach(b, o, "sse", "websocket")
}

// measureEach reports the CPU time for each message, by these transports.
func measureEach(b *testing.B, o measure.Options, transports ...string) {
	for _, transport := range transports {
		t, _ := lab.Find(transport)
		for _, http := range versions(t) {
			b.Run(fmt.Sprintf("transport=%s/http=%d", transport, http), func(b *testing.B) {
				for b.Loop() {
					r := measureOne(b, transport, o, http)
					b.ReportMetric(*r.CPU*1e3/float64(r.Delivered), "cpu-ns/msg")
				}
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// measureOne measures a transport by a version of HTTP for 4 s, as lab measure does.
func measureOne(b *testing.B, transport string, o measure.Options, http int) (r measure.Result) {
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	o.For = 4 * time.Second
	o.Protocol = protocol.Settings{HTTP: http, Headers: protocol.Headers{Set: protocol.Go}}
	o.Targets = []measure.Target{{Transport: transport}}
	o.Server = []string{"env", asServer + "=" + measuring, self}
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	if err := measure.Run(ctx, o, func(one measure.Result) error { r = one; return nil }); err != nil {
		b.Fatal(err)
	}
	if r.CPU == nil || r.Delivered == 0 || r.Lost > 0 {
		b.Fatalf("%d messages were delivered, %d lost, CPU time known: %v", r.Delivered, r.Lost, r.CPU != nil)
	}
	return r
}

// BenchmarkMemory asks what Idle asks, by either version of HTTP.
func BenchmarkMemory(b *testing.B) {
	const n = 500
	for _, t := range lab.Transports {
		for _, http := range versions(t) {
			b.Run(fmt.Sprintf("transport=%s/http=%d", t.Name, http), func(b *testing.B) {
				for b.Loop() {
					s := startServer(b, false)
					s.http2 = http == 2
					warm := s.read(100, t.Name)
					before := s.settle()
					idle := s.read(n, t.Name)
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
