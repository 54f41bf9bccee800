package benchmarks

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/measure"
	"fourwires/internal/source"
	"fourwires/internal/wire"
	"fourwires/polling"
)

// BenchmarkOverhead asks what a message costs in bytes beside itself. It is
// exact: an op is 100 messages with ids of the same length, each published when
// the one before has come, so a poll finds one message and none is in vain.
func BenchmarkOverhead(b *testing.B) {
	fmt.Println("Unit head-B/msg assume=exact\nUnit framing-B/msg assume=exact\nUnit envelope-B/msg assume=exact\nUnit wire-B/msg assume=exact\nUnit opening-B assume=exact")
	for _, t := range lab.Transports {
		for _, payload := range []int{20, 128, 2048} {
			for _, headers := range []string{measure.Go, measure.Chrome} {
				for _, cookie := range []int{0, 512, 4096} {
					heads := measure.Heads{Set: headers, Cookie: cookie}
					b.Run(fmt.Sprintf("transport=%s/payload=%d/headers=%s/cookie=%d", t.Name, payload, headers, cookie), func(b *testing.B) {
						var up, down wire.Parts
						for b.Loop() {
							up, down = overhead(b, t, payload, heads)
						}
						const n = 100
						once := up.Opening + down.Opening
						if lost := up.Unaccounted + down.Unaccounted; lost != 0 {
							b.Errorf("%d bytes are unaccounted", lost)
						}
						b.ReportMetric(0, "ns/op")
						b.ReportMetric(float64(up.Head+down.Head)/n, "head-B/msg")
						b.ReportMetric(float64(up.Framing+down.Framing)/n, "framing-B/msg")
						b.ReportMetric(float64(up.Envelope+down.Envelope)/n, "envelope-B/msg")
						b.ReportMetric(float64(up.Total+down.Total-once-up.Control-down.Control)/n, "wire-B/msg")
						b.ReportMetric(float64(once), "opening-B")
					})
				}
			}
		}
	}
}

// overhead reads 100 messages, each with so many bytes of data, and returns what
// crossed the connection.
func overhead(b *testing.B, t lab.Transport, payload int, heads measure.Heads) (up, down wire.Parts) {
	settings := lab.Settings{Keep: 1, Source: source.Default(), Untapped: true}
	settings.Source.Source = source.None
	l, err := lab.New(settings)
	if err != nil {
		b.Fatal(err)
	}
	var listeners [2]net.Listener
	for i := range listeners {
		if listeners[i], err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			b.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(b.Context())
	served := make(chan error, 1)
	go func() { served <- l.Serve(ctx, lab.Listeners{Lanes: listeners[0], Control: listeners[1]}) }()
	defer func() {
		stop()
		if err := <-served; err != nil {
			b.Error(err)
		}
	}()
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
	dial := heads.Dial(t.Name, ledger.Tap((&net.Dialer{}).DialContext, nil))
	url := "http://" + listeners[0].Addr().String() + "/" + t.Name
	c := t.Client(lab.Access{URL: url, Dial: dial, Cursor: feed.Cursor{Epoch: l.Feed.Head().Epoch, ID: 999}})
	if t.Name == "polling" { // as soon as one has come, the next is there
		p := &polling.Client{URL: url, Dial: dial, Cursor: *c.Cursor, Interval: time.Microsecond}
		c.Messages = p.Messages
	}
	for m, err := range c.Messages(ctx) {
		if err != nil {
			b.Fatal(err)
		}
		if m.ID == 1099 {
			break
		}
		publish()
	}
	for _, row := range ledger.Snapshot().Rows {
		if row.Delivered != 100 {
			b.Errorf("%d messages were counted, want 100", row.Delivered)
		}
		up, down = row.Up, row.Down
	}
	return up, down
}
