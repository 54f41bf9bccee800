package longpoll_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/feed"
	"fourwires/longpoll"
)

// A message in the re-arm gap, between two requests, is not lost: the next request brings the cursor.
func TestRearm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := feed.New(feed.Keep)
		client := longpoll.Client{URL: "http://lab/longpoll?after=0", Dial: serve(t, f)}
		start := time.Now()
		publish(t, f, 1, 1)
		time.AfterFunc(10*time.Millisecond, func() { publish(t, f, 2, 3) })
		var got []string
		for m, err := range client.Messages(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprint(m.ID, " ", time.Since(start)))
			if m.ID == 1 {
				time.Sleep(30 * time.Millisecond) // the client is busy when 2 and 3 are published
			}
			if m.ID == 3 {
				break
			}
		}
		if got, want := strings.Join(got, ", "), "1 0s, 2 30ms, 3 30ms"; got != want {
			t.Errorf("messages arrived at %s, want %s", got, want)
		}
	})
}

// A client that leaves while its request is held leaves nothing running in the server.
func TestClientLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := feed.New(feed.Keep)
		dial := serve(t, f)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		client := longpoll.Client{URL: "http://lab/longpoll", Dial: dial}
		start := time.Now()
		for _, err := range client.Messages(ctx) {
			if err != context.DeadlineExceeded {
				t.Errorf("got %v, want the context's error", err)
			}
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("it took %v, want 1s", took)
		}
	})
}
