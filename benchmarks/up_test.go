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

// BenchmarkUp asks what the way up costs: a POST to /publish, which polling,
// long-polling and SSE need, against a frame of a WebSocket. An op is 100 messages
// of 128 bytes, one after the other on a warm connection. The bytes are those up
// and of the answers; what the WebSocket is sent as a reader is none. The time is
// from the call that sends until the feed has the message, by one clock.
func BenchmarkUp(b *testing.B) {
	each(b, func(b *testing.B, c *caller) {
		cursor := c.lab.Feed.Head()
		var took []int64
		for b.Loop() {
			for range 100 {
				begun := time.Now()
				accepted := make(chan error, 1)
				go func() {
					var err error
					_, cursor, err = c.lab.Feed.Wait(b.Context(), cursor, nil)
					took = append(took, int64(time.Since(begun)))
					accepted <- err
				}()
				c.up(news)
				if err := <-accepted; err != nil {
					b.Fatal(err)
				}
			}
		}
		c.report(b, took, !strings.Contains(b.Name(), "websocket"))
	})
}

// BenchmarkEcho asks how long a text of 128 bytes is on its way there and back, and
// what that costs: a POST to /echo against a frame on /websocket/echo.
func BenchmarkEcho(b *testing.B) {
	each(b, func(b *testing.B, c *caller) {
		var took []int64
		for b.Loop() {
			for range 100 {
				begun := time.Now()
				c.echo(news)
				took = append(took, int64(time.Since(begun)))
			}
		}
		c.report(b, took, true)
	})
}

// BenchmarkRoundTrip asks the same over a network: how many of its round trips an
// echo takes. An op is one echo, on a warm connection as above, since a way that
// opened a connection each time would measure that.
func BenchmarkRoundTrip(b *testing.B) {
	for _, rtt := range rtts[1:] { // without a network it is what Echo asks
		for _, way := range waysUp {
			b.Run(fmt.Sprintf("by=%s/http=%d/rtt=%v", way.name, way.http, rtt), func(b *testing.B) {
				c := call(b, way.name, protocol.Settings{HTTP: way.http}, rtt)
				var took []int64
				for b.Loop() {
					begun := time.Now()
					c.echo(news)
					took = append(took, int64(time.Since(begun)))
				}
				b.ReportMetric(0, "ns/op")
				reportQuantiles(b, took)
				b.ReportMetric(float64(stats.Quantile(took, 0.5))/float64(rtt), "round-trips")
			})
		}
	}
}

// news is a message of 128 bytes of JSON.
var news = `"` + strings.Repeat("x", 126) + `"`

// A caller has a way up to a lab, and a ledger of it.
type caller struct {
	lab      *lab.Lab
	ledger   wire.Ledger
	warm     wire.Snapshot // when a message had gone each way
	up, echo func(text string)
}

// waysUp are the ways up.
var waysUp = []struct {
	name string
	http int
}{{"post", 1}, {"post", 2}, {"websocket", 1}}

// each runs a benchmark over the ways up.
func each(b *testing.B, run func(*testing.B, *caller)) {
	for _, way := range waysUp {
		for _, tls := range []bool{false, true} {
			b.Run(fmt.Sprintf("transport=%s/http=%d/tls=%d", way.name, way.http, digit(tls)), func(b *testing.B) {
				run(b, call(b, way.name, protocol.Settings{HTTP: way.http, TLS: tls, Insecure: true}, 0))
			})
		}
	}
}

// call returns a caller, warmed up, to a lab behind a network, until the benchmark
// ends.
func call(b *testing.B, by string, s protocol.Settings, rtt time.Duration) *caller {
	limits := lab.DefaultLimits()
	limits.Publishes = 0 // any number
	l, addr, close := open(b, lab.Settings{Keep: feed.Keep, Untapped: true, Limits: limits, Network: netsim.Settings{RTT: rtt}}, s.TLS)
	b.Cleanup(close)
	c := &caller{lab: l}
	url := s.Scheme() + "://" + addr
	dial := s.Dialer(s.HTTP, &c.ledger, nil)
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
		transport.Protocols.SetHTTP1(s.HTTP == 1)
		transport.Protocols.SetUnencryptedHTTP2(s.HTTP == 2)
		b.Cleanup(transport.CloseIdleConnections)
		c.up = func(text string) { post(b, transport, url+"/publish", text) }
		c.echo = func(text string) { post(b, transport, url+"/echo", text) }
	}
	c.up(news)
	c.echo(news)
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

// report reports what each of these messages took, and what crossed the connection
// for them: up, and down as an answer.
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
