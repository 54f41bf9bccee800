package longpoll

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/feed"
)

func TestServe(t *testing.T) {
	for _, test := range []struct {
		name             string
		published, leave time.Duration // after the request; 0: never
		status, messages int
		took             time.Duration
	}{
		{"news after a second", time.Second, 0, 200, 1, time.Second},
		{"no news", 0, 0, 204, 0, 25 * time.Second},
		{"a client that leaves", 0, 3 * time.Second, 204, 0, 3 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := feed.New(10)
			start := time.Now()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if test.published > 0 {
				time.AfterFunc(test.published, func() { f.Publish([]byte(`1`)) })
			}
			if test.leave > 0 {
				time.AfterFunc(test.leave, cancel)
			}
			w := httptest.NewRecorder()
			serve(w, httptest.NewRequestWithContext(ctx, "GET", "/", nil), f, f.Head())
			got := strings.Count(w.Body.String(), "\n")
			if took := time.Since(start); w.Code != test.status || got != test.messages || took != test.took {
				t.Errorf("%s: %d with %d messages after %v, want %d with %d after %v",
					test.name, w.Code, got, took, test.status, test.messages, test.took)
			}
		})
	}

	// What is there already is not waited for.
	synctest.Test(t, func(t *testing.T) {
		f := feed.New(10)
		after, start := f.Head(), time.Now()
		f.Publish([]byte(`1`))
		f.Publish([]byte(`2`))
		w := httptest.NewRecorder()
		serve(w, httptest.NewRequest("GET", "/", nil), f, after)
		if got, took := strings.Count(w.Body.String(), "\n"), time.Since(start); got != 2 || took != 0 {
			t.Errorf("two messages that were there: %d after %v", got, took)
		}
	})
}
