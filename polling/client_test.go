package polling_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/feed"
	"fourwires/polling"
)

// The interval runs from the start of one poll to the start of the next.
func TestClientInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := feed.New(feed.Keep)
		client := polling.Client{URL: "http://lab/polling", Interval: 500 * time.Millisecond, Dial: serve(t, f)}
		start := time.Now()
		for _, at := range []time.Duration{100, 600, 700, 1500} {
			time.AfterFunc(at*time.Millisecond, func() { publish(t, f, 1, 1) })
		}
		var got []string
		for m, err := range client.Messages(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprint(m.ID, " ", time.Since(start)))
			if m.ID == 3 {
				break
			}
		}
		if got, want := strings.Join(got, ", "), "1 500ms, 2 1s, 3 1s"; got != want {
			t.Errorf("messages arrived at %s, want %s", got, want)
		}
	})
}

// The error of a refusal has the server's own words.
func TestClientRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := feed.New(3)
		dial := serve(t, f)
		client := polling.Client{URL: "http://lab/polling?after=7", Dial: dial}
		for _, err := range client.Messages(t.Context()) {
			want := `polling: 400 Bad Request: {"error":"feed: the cursor lies ahead of the feed"}`
			if err == nil || err.Error() != want {
				t.Errorf("got %v, want %s", err, want)
			}
		}
	})
}
