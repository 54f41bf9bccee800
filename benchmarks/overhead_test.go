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
)

// BenchmarkOverhead asks what a message costs in bytes beside itself. An op is 100 messages with ids of the same
// length, each published when the one before has been received, so that a poll finds one message and no poll is empty.
// The bytes before them are paid once: opening-B, and first-B, the headers of the first poll and its answer.
//
// It is exact on HTTP/1.1. On HTTP/2 the headers are a byte longer or shorter by the letters of the epoch, since the
// Huffman code has short and long letters, and the answer's date is written out when a second has passed. The server's
// timing decides how many TLS records carry an answer.
func BenchmarkOverhead(b *testing.B) {
	fmt.Println("Unit envelope-B/msg assume=exact\nUnit framing-B/msg assume=exact")
	for _, t := range lab.Transports {
		for _, payload := range []int{20, 128, 2048} {
			for _, p := range protocols(t) {
				name := fmt.Sprintf("transport=%s/payload=%d/headers=%s/cookie=%d/http=%d/tls=%d",
					t.Name, payload, p.Headers.Set, p.Headers.Cookie, p.HTTP, digit(p.TLS))
				b.Run(name, func(b *testing.B) {
					var first, each wire.Parts
					for b.Loop() {
						first, each = overhead(b, t, payload, p)
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

// protocols are those that the client of a transport can speak.
func protocols(t lab.Transport) (all []protocol.Settings) {
	for _, http := range versions(t) {
		for _, tls := range []bool{false, true} {
			for _, headers := range []string{protocol.Go, protocol.Chrome} {
				for _, cookie := range []int{0, 512, 4096} {
					all = append(all, protocol.Settings{
						HTTP: http, TLS: tls, Insecure: true, Headers: protocol.Headers{Set: headers, Cookie: cookie},
					})
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

// overhead receives 101 messages, each with so many bytes of data. It returns what crossed the connection until the
// first message was received, and after it, up and down.
func overhead(b *testing.B, t lab.Transport, payload int, p protocol.Settings) (first, each wire.Parts) {
	s, addr := open(b, lab.Settings{Keep: 1, Untapped: true}, p.TLS)
	defer s.Close()
	data := []byte(`"` + strings.Repeat("x", payload-len(`""`)) + `"`)
	publish := func() {
		if _, err := s.Feed.Publish(data); err != nil {
			b.Error(err)
		}
	}
	for range 1000 { // ids of four digits from here on
		publish()
	}

	var ledger wire.Ledger
	version := p.Version(t.HTTP2)
	c := t.Client(lab.Access{
		URL: p.Scheme() + "://" + addr + "/" + t.Name, Dial: p.Dialer(version, &ledger, nil),
		Cursor: feed.Cursor{Epoch: s.Feed.Head().Epoch, ID: 999}, HTTP2: version == 2,
		Interval: time.Microsecond, // when one message has been received, the next is there
	})
	for m, err := range c.Messages(b.Context()) {
		if err != nil {
			b.Fatal(err)
		}
		if m.ID == 1000 {
			first = crossed(&ledger)
		}
		if m.ID == 1100 {
			each = crossed(&ledger).Sub(first)
			break
		}
		publish()
	}
	if want := int64(100 * (payload + len(`{"id":1000,"at":1700000000000000,"data":}`))); each.Payload != want {
		b.Errorf("%d bytes of messages were counted, want %d", each.Payload, want)
	}
	return first, each
}

// crossed returns what has crossed all connections of a ledger, up and down.
func crossed(ledger *wire.Ledger) (all wire.Parts) {
	for _, row := range ledger.Snapshot().Rows {
		all = all.Add(row.Up).Add(row.Down)
	}
	return all
}
