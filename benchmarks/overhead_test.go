package benchmarks

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/protocol"
	"fourwires/internal/wire"
	"fourwires/polling"
)

// BenchmarkOverhead asks what a message costs in bytes beside itself. An op is 100
// messages with ids of the same length, each published when the one before has
// come, so a poll finds one message and none is in vain. What was before them is
// paid once: opening-B, and first-B, the heads of the first poll and its answer.
//
// It is exact on HTTP/1.1. On HTTP/2 a head is a byte longer or shorter by the
// letters of the epoch, since the Huffman code has short ones and long ones, and
// the answer's date is written out when a second has passed. How many records of
// TLS carry an answer is a matter of the server's timing.
func BenchmarkOverhead(b *testing.B) {
	fmt.Println("Unit envelope-B/msg assume=exact\nUnit framing-B/msg assume=exact")
	for _, t := range lab.Transports {
		for _, payload := range []int{20, 128, 2048} {
			for _, s := range speeches(t.Name) {
				name := fmt.Sprintf("transport=%s/payload=%d/headers=%s/cookie=%d/http=%d/tls=%d", t.Name, payload, s.Headers.Set, s.Headers.Cookie, s.HTTP, digit(s.TLS))
				b.Run(name, func(b *testing.B) {
					var first, each wire.Parts
					for b.Loop() {
						first, each = overhead(b, t, payload, s)
					}
					if first.Unaccounted+each.Unaccounted != 0 {
						b.Errorf("%d bytes are unaccounted", first.Unaccounted+each.Unaccounted)
					}
					b.ReportMetric(0, "ns/op")
					b.ReportMetric(float64(each.Head)/100, "head-B/msg")
					b.ReportMetric(float64(each.Framing)/100, "framing-B/msg")
					b.ReportMetric(float64(each.Envelope)/100, "envelope-B/msg")
					b.ReportMetric(float64(each.Control)/100, "control-B/msg")
					b.ReportMetric(float64(each.TLS)/100, "tls-B/msg")
					b.ReportMetric(float64(each.Total)/100, "wire-B/msg")
					b.ReportMetric(float64(first.Opening), "opening-B")
					b.ReportMetric(float64(first.Head), "first-B")
				})
			}
		}
	}
}

// speeches are what the clients of a transport can speak.
func speeches(transport string) (all []protocol.Settings) {
	for _, http := range []int{1, 2} {
		if http == 2 && transport == "websocket" {
			continue
		}
		for _, tls := range []bool{false, true} {
			for _, headers := range []string{protocol.Go, protocol.Chrome} {
				for _, cookie := range []int{0, 512, 4096} {
					all = append(all, protocol.Settings{HTTP: http, TLS: tls, Insecure: true, Headers: protocol.Headers{Set: headers, Cookie: cookie}})
				}
			}
		}
	}
	return all
}

func digit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// overhead reads 101 messages, each with so many bytes of data, and returns what
// crossed the connection until the first had come, and then, up and down.
func overhead(b *testing.B, t lab.Transport, payload int, s protocol.Settings) (first, each wire.Parts) {
	l, addr, close := open(b, lab.Settings{Keep: 1, Untapped: true}, s.TLS)
	defer close()
	data := []byte(`"` + strings.Repeat("x", payload-len(`""`)) + `"`)
	publish := func() {
		if _, err := l.Feed.Publish(data); err != nil {
			b.Error(err)
		}
	}
	for range 1000 { // ids of four digits from here on
		publish()
	}

	var ledger wire.Ledger
	version := s.Version(t.HTTP2)
	dial := s.Dialer(version, &ledger, nil)
	url := s.Scheme() + "://" + addr + "/" + t.Name
	http2 := version == 2
	c := t.Client(lab.Access{URL: url, Dial: dial, Cursor: feed.Cursor{Epoch: l.Feed.Head().Epoch, ID: 999}, HTTP2: http2})
	if t.Name == "polling" { // as soon as one has come, the next is there
		p := &polling.Client{URL: url, Dial: dial, Cursor: *c.Cursor, Interval: time.Microsecond, HTTP2: http2}
		c.Messages = p.Messages
	}
	crossed := func() (all wire.Parts) {
		for _, row := range ledger.Snapshot().Rows {
			all = all.Add(row.Up).Add(row.Down)
		}
		return all
	}
	for m, err := range c.Messages(b.Context()) {
		if err != nil {
			b.Fatal(err)
		}
		if m.ID == 1000 {
			first = crossed()
		}
		if m.ID == 1100 {
			each = crossed().Sub(first)
			break
		}
		publish()
	}
	if want := int64(100 * (payload + len(`{"id":1000,"at":1700000000000000,"data":}`))); each.Payload != want {
		b.Errorf("%d bytes of messages were counted, want %d", each.Payload, want)
	}
	return first, each
}
