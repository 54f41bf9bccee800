//go:build linux

package benchmarks

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/netsim"
	"fourwires/internal/protocol"
	"fourwires/internal/stats"
	"fourwires/internal/wire"

	gorilla "github.com/gorilla/websocket"
)

// BenchmarkUp asks what a message upstream costs: a POST to /publish, which polling, long-polling and SSE need, against
// a frame of a WebSocket. An op is 100 messages of 128 bytes, one after the other on a warm connection. The bytes are
// those upstream and, of a POST, its answer; the messages that the WebSocket receives as a reader are no answers. The
// time is from the call that sends until the feed has the message, by one clock.
func BenchmarkUp(b *testing.B) {
	each(b, func(b *testing.B, c *caller) {
		cursor := c.feed.Head()
		var took []int64
		for b.Loop() {
			for range 100 {
				begun := time.Now()
				accepted := make(chan error, 1)
				go func() {
					var err error
					_, cursor, err = c.feed.Wait(b.Context(), cursor, nil)
					took = append(took, int64(time.Since(begun)))
					accepted <- err
				}()
				c.up(text)
				if err := <-accepted; err != nil {
					b.Fatal(err)
				}
			}
		}
		c.report(b, took, !strings.Contains(b.Name(), "websocket"))
	})
}

// BenchmarkEcho asks how long a text of 128 bytes takes there and back, and what that costs: a POST to /echo against a
// frame on /websocket/echo.
func BenchmarkEcho(b *testing.B) {
	each(b, func(b *testing.B, c *caller) {
		var took []int64
		for b.Loop() {
			for range 100 {
				begun := time.Now()
				c.echo(text)
				took = append(took, int64(time.Since(begun)))
			}
		}
		c.report(b, took, true)
	})
}

// BenchmarkRoundTrip asks the same over a network: how many of its round trips an echo takes. An op is one echo, on a
// warm connection as above; a new connection each time would be what is measured.
func BenchmarkRoundTrip(b *testing.B) {
	for _, rtt := range rtts[1:] { // without a network Echo asks this
		for _, u := range upstreamKinds {
			b.Run(fmt.Sprintf("by=%s/http=%d/rtt=%v", u.name, u.http, rtt), func(b *testing.B) {
				c := call(b, u.name, protocol.Settings{HTTP: u.http}, rtt)
				var took []int64
				for b.Loop() {
					begun := time.Now()
					c.echo(text)
					took = append(took, int64(time.Since(begun)))
				}
				b.ReportMetric(0, "ns/op")
				reportQuantiles(b, took)
				b.ReportMetric(float64(stats.Quantile(took, 0.5))/float64(rtt), "round-trips")
			})
		}
	}
}

// text is a message of 128 bytes of JSON.
var text = `"` + strings.Repeat("x", 126) + `"`

// A caller sends messages upstream to a lab, with a ledger of its connections.
type caller struct {
	feed     *feed.Feed
	ledger   wire.Ledger
	warm     wire.Snapshot // after the first message and the first echo
	up, echo func(text string)
}

// each runs a benchmark over the kinds of upstream, without TLS and over it.
func each(b *testing.B, run func(*testing.B, *caller)) {
	for _, u := range upstreamKinds {
		for _, tls := range []bool{false, true} {
			b.Run(fmt.Sprintf("transport=%s/http=%d/tls=%d", u.name, u.http, digit(tls)), func(b *testing.B) {
				run(b, call(b, u.name, protocol.Settings{HTTP: u.http, TLS: tls, Insecure: true}, 0))
			})
		}
	}
}

// call returns a caller, warmed up, of a lab behind a network, until the benchmark ends.
func call(b *testing.B, by string, p protocol.Settings, rtt time.Duration) *caller {
	limits := lab.DefaultLimits()
	limits.Publishes = 0 // any number
	s, addr := open(b, lab.Settings{
		Keep: feed.Keep, Untapped: true, Limits: limits, Network: netsim.Settings{RTT: rtt},
	}, p.TLS)
	c := &caller{feed: s.Feed}
	url := p.Scheme() + "://" + addr
	dial := p.Dialer(p.HTTP, &c.ledger, nil)
	if by == "websocket" {
		up, echo := socket(b, dial, url+"/websocket"), socket(b, dial, url+"/websocket/echo")
		b.Cleanup(func() {
			up.Close()
			echo.Close()
		})
		go io.Copy(io.Discard, up.NetConn()) // it is a reader too
		c.up = func(text string) { send(b, up, text) }
		c.echo = func(text string) {
			send(b, echo, text)
			if _, _, err := echo.ReadMessage(); err != nil {
				b.Fatal(err)
			}
		}
	} else {
		transport := &http.Transport{DialContext: dial, DialTLSContext: dial, Protocols: new(http.Protocols)}
		transport.Protocols.SetHTTP1(p.HTTP == 1)
		transport.Protocols.SetUnencryptedHTTP2(p.HTTP == 2)
		b.Cleanup(transport.CloseIdleConnections)
		c.up = func(text string) { post(b, transport, url+"/publish", text) }
		c.echo = func(text string) { post(b, transport, url+"/echo", text) }
	}
	c.up(text)
	c.echo(text)
	c.warm = c.ledger.Snapshot()
	return c
}

// post makes a request and reads its answer.
func post(b *testing.B, transport *http.Transport, url, text string) {
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(text))
	if err != nil {
		b.Fatal(err)
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode >= 300 {
		b.Fatal(resp.Status, err)
	}
}

// socket opens a WebSocket.
func socket(b *testing.B, dial wire.Dial, url string) *gorilla.Conn {
	dialer := gorilla.Dialer{NetDialContext: dial, NetDialTLSContext: dial}
	conn, _, err := dialer.Dial(strings.Replace(url, "http", "ws", 1), nil)
	if err != nil {
		b.Fatal(err)
	}
	return conn
}

func send(b *testing.B, conn *gorilla.Conn, text string) {
	if err := conn.WriteMessage(gorilla.TextMessage, []byte(text)); err != nil {
		b.Fatal(err)
	}
}

// report reports the time of each of these messages, and what crossed the connection for it: upstream, and downstream
// where it is answered.
func (c *caller) report(b *testing.B, took []int64, answered bool) {
	now := c.ledger.Snapshot()
	var parts wire.Parts
	for _, s := range []struct {
		rows []wire.Row
		add  func(wire.Parts, wire.Parts) wire.Parts
	}{{now.Rows, wire.Parts.Add}, {c.warm.Rows, wire.Parts.Sub}} {
		for _, row := range s.rows {
			parts = s.add(parts, row.Up)
			if answered {
				parts = s.add(parts, row.Down)
			}
		}
	}
	if parts.Unaccounted != 0 {
		b.Errorf("%d bytes are unaccounted", parts.Unaccounted)
	}
	n := float64(len(took))
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(parts.Total)/n, "wire-B/msg")
	b.ReportMetric(float64(parts.Head)/n, "head-B/msg")
	reportQuantiles(b, took)
}
