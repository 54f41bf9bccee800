//go:build linux

package benchmarks

import (
	"fmt"
	"os"
	"testing"
	"time"

	"fourwires/internal/lab"
	"fourwires/internal/measure"
	"fourwires/internal/netsim"
	"fourwires/internal/protocol"
	"fourwires/internal/scenario"
)

// BenchmarkScenario asks what six uses of a live feed get from each transport, over a network of 40 ms a round trip:
// the age of the newest message, the latency of the latest in a hundred, the bytes and the server's CPU time. An op is
// five seconds of the use, as lab measure --scenario runs it: the server is a process of its own, and nothing waits for
// receipts.
func BenchmarkScenario(b *testing.B) {
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	for _, s := range scenario.All {
		for _, t := range lab.Transports {
			for _, http := range versions(t) {
				b.Run(fmt.Sprintf("scenario=%s/transport=%s/http=%d", s.Name, t.Name, http), func(b *testing.B) {
					o := measure.Options{
						For: 5 * time.Second, Network: netsim.Settings{RTT: 40 * time.Millisecond},
						Protocol: protocol.Settings{HTTP: http, Headers: protocol.Headers{Set: protocol.Go}},
						Targets:  []measure.Target{{Transport: t.Name}},
						Server:   []string{"env", asServer + "=" + measuring, self},
					}.With(s)
					var r measure.Result
					for b.Loop() {
						err := measure.Run(b.Context(), o, func(one measure.Result) error { r = one; return nil })
						if err != nil {
							b.Fatal(err)
						}
					}
					per := float64(s.Clients) * r.Took.Seconds()
					b.ReportMetric(0, "ns/op")
					for unit, us := range map[string]*float64{"p50-ns": r.P50, "p99-ns": r.P99, "age-ns": r.Age} {
						if us != nil {
							b.ReportMetric(*us*1e3, unit)
						}
					}
					b.ReportMetric(float64(r.Up.Total+r.Down.Total-r.Up.Opening-r.Down.Opening)/per, "wire-B/client-s")
					b.ReportMetric(*r.CPU*1e3/per, "cpu-ns/client-s")
					b.ReportMetric(float64(r.Lost), "lost/op")
				})
			}
		}
	}
}
