package sse_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/feed"
	"fourwires/sse"
)

// A client notices that its server is silent.
func TestClientNoticesSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial := serveRaw("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nid: x-1\n\n")
		start := time.Now()
		client := sse.Client{URL: "http://lab/sse", Dial: dial}
		for _, err := range client.Messages(t.Context()) {
			if took := time.Since(start); !errors.Is(err, sse.ErrSilent) || took != 40*time.Second {
				t.Errorf("got %v after %v, want ErrSilent after 40s", err, took)
			}
		}
		if want := (feed.Cursor{Epoch: "x", ID: 1}); client.Cursor != want {
			t.Errorf("the cursor is %v, want %v, which the first block set", client.Cursor, want)
		}
	})
}
