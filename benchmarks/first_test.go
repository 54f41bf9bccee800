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

// BenchmarkFirstMessage asks how long a reader waits for its first message, and how
// many round trips that is. An op is one reader, with nothing behind it when it
// starts cold. One that starts warm is given a connection that has been open for a
// while, as to a site that was visited before; but no WebSocket can have that.
func BenchmarkFirstMessage(b *testing.B) {
	for _, rtt := range rtts[1:] { // without a network it is what Connect asks
		for _, w := range ways(1, 2) {
			if w.interval == pollEvery {
				continue // the first poll knows of no interval
			}
			for _, start := range []string{"cold", "warm"} {
				b.Run(fmt.Sprintf("transport=%s/http=%d/rtt=%v/start=%s", w.Name, w.http, rtt, start), func(b *testing.B) {
					l, addr := network(b, rtt)
					publish(b, l, child.Monotonic())
					var times []int64
					for b.Loop() {
						dial := new(net.Dialer).DialContext
						if start == "warm" && w.Name != "websocket" {
							conn, err := net.Dial("tcp", addr)
							if err != nil {
								b.Fatal(err)
							}
							time.Sleep(2 * rtt) // it is connected, and both know
							dial = func(context.Context, string, string) (net.Conn, error) { return conn, nil }
						}
						begun := time.Now()
						for _, err := range w.client(l, addr, dial)(b.Context()) {
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
