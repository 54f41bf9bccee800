package sse_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/feed"
	"fourwires/sse"
)

// A stream ends when the deadline of its request has passed, and does not send a heartbeat instead.
func TestRequestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		w := httptest.NewRecorder()
		(&sse.Handler{Feed: feed.New(1)}).ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/sse", nil))
		if took := time.Since(start); took != time.Second {
			t.Errorf("the stream ended after %v: %q", took, w.Body)
		}
	})
}
