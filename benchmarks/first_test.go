//go:build linux

package benchmarks

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"fourwires/internal/child"
	"fourwires/internal/stats"
)

// BenchmarkFirstMessage asks how long a reader waits for its first message, and how many round trips that is. An op is
// one reader. A cold one starts from nothing. A warm one gets a connection that has been open for a while, as a browser
// reuses one to a site that it has visited before; no WebSocket can reuse one.
func BenchmarkFirstMessage(b *testing.B) {
	for _, rtt := range rtts[1:] { // without a network Connect asks this
		for _, v := range variants(1, 2) {
			if v.interval == pollEvery {
				continue // the first poll does not depend on the interval
			}
			for _, start := range []string{"cold", "warm"} {
				title := fmt.Sprintf("transport=%s/http=%d/rtt=%v/start=%s", v.Name, v.http, rtt, start)
				b.Run(title, func(b *testing.B) {
					s := network(b, rtt)
					publish(b, s.Feed, child.Monotonic())
					var times []int64
					for b.Loop() {
						dial := new(net.Dialer).DialContext
						if start == "warm" && v.Name != "websocket" {
							conn, err := net.Dial("tcp", s.Lanes)
							if err != nil {
								b.Fatal(err)
							}
							time.Sleep(2 * rtt) // then both ends know that it is connected
							dial = func(context.Context, string, string) (net.Conn, error) { return conn, nil }
						}
						begun := time.Now()
						for _, err := range v.client(s, dial)(b.Context()) {
							if err != nil {
								b.Fatal(err)
							}
							break
						}
						times = append(times, int64(time.Since(begun)))
					}
					b.ReportMetric(0, "ns/op")
					reportQuantiles(b, times)
					b.ReportMetric(float64(stats.Quantile(times, 0.5))/float64(rtt), "round-trips")
				})
			}
		}
	}
}
