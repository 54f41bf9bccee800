package experiments_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"fourwires/docs/blocks"
	"fourwires/feed"
	"fourwires/sse"
)

// TestEvent is the experiment of chapter 6: the bytes that the shortest events add to a message of 50 bytes.
func TestEvent(t *testing.T) {
	var report strings.Builder
	fmt.Fprintf(&report, "bytes around a message of 50       as text   HTTP/1.1   HTTP/2\n")
	for _, shape := range []string{"data:*\n\n", "data: *\n\n", "id:7\ndata:*\n\n", "event:gap\ndata:*\n\n"} {
		message := `{"id":1,"at":946684801000000,"data":{"cpu":12.5}}`
		message += strings.Repeat(" ", 50-len(message))
		event := strings.Replace(shape, "*", message, 1)
		fmt.Fprintf(&report, "%-32q %9d", shape, len(event)-50)
		for _, http2 := range []bool{false, true} {
			p := play{until: 2 * time.Second,
				serve: func(*feed.Feed) *http.Server {
					server := &http.Server{Protocols: new(http.Protocols),
						Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
							w.Header().Set("Content-Type", "text/event-stream")
							control := http.NewResponseController(w)
							control.Flush()
							time.Sleep(time.Second) // virtual
							io.WriteString(w, event)
							control.Flush()
							<-r.Context().Done()
						})}
					server.Protocols.SetHTTP1(true)
					server.Protocols.SetUnencryptedHTTP2(true)
					return server
				},
				read: func(ctx context.Context, dial dialer, _ func(uint64)) {
					stream := sse.Stream{URL: "http://127.0.0.1:8080/sse", Dial: dial, HTTP2: http2}
					for range stream.Events(ctx) {
					}
				}}
			for _, flight := range p.record(t).flights {
				if !flight.up && flight.sent > time.Second {
					fmt.Fprintf(&report, " %9d", len(flight.data)-50)
				}
			}
		}
		fmt.Fprintln(&report)
	}
	blocks.Printed(t, report.String())
}
