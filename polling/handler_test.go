package polling_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/feed"
	"fourwires/polling"
)

// publish publishes the numbers from … to.
func publish(t *testing.T, f *feed.Feed, from, to int) {
	t.Helper()
	for n := from; n <= to; n++ {
		if _, err := f.Publish(fmt.Append(nil, n)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := feed.New(3)
		publish(t, f, 1, 5) // keeps 3 to 5
		epoch := f.Head().Epoch
		tag := `"` + epoch + `-5"`
		transport := &http.Transport{DialContext: serve(t, f)}
		defer transport.CloseIdleConnections()
		message := func(id int) string { return fmt.Sprintf(`{"id":%d,"at":946684800000000,"data":%[1]d}`, id) }
		answer := func(entries ...string) string {
			return `{"epoch":"` + epoch + `","messages":[` + strings.Join(entries, ",") + `]}`
		}
		const (
			noCursor = `{"error":"feed: a cursor is a number, or an epoch, \"-\" and a number"}`
			ahead    = `{"error":"feed: the cursor lies ahead of the feed"}`
			gap      = `{"gap":{"from":%d,"to":2}}`
		)
		for _, test := range []struct {
			query, ifNoneMatch string
			status             int
			etag, body         string
		}{
			{"", "", 200, tag, `{"epoch":"` + epoch + `","head":5,"messages":[]}`},
			{"?after=4", "", 200, tag, answer(message(5))},
			{"?after=" + epoch + "-3", "", 200, tag, answer(message(4), message(5))},
			{"?after=5", "", 204, "", ""},
			{"?after=1", "", 200, tag, answer(fmt.Sprintf(gap, 2), message(3), message(4), message(5))},
			{"?after=gone-9", "", 200, tag, answer(fmt.Sprintf(gap, 1), message(3), message(4), message(5))},
			{"?after=5", tag, 304, tag, ""},
			{"?after=5", `"x", W/` + tag, 304, tag, ""},
			{"?after=5", `"x,",` + tag + `,W/"y"`, 304, tag, ""},
			{"?after=5", "*", 304, tag, ""},
			{"?after=5", `"` + epoch + `-5-gzip"`, 204, "", ""},
			{"?after=5", epoch + "-5", 204, "", ""},
			{"?after=5", `"` + epoch + `-4"`, 204, "", ""},
			{"?after=4", `"` + epoch + `-4"`, 200, tag, answer(message(5))},
			{"?after=6", "", 400, "", ahead},
			{"?after=" + epoch + "-6", "", 400, "", ahead},
			{"?after=", "", 400, "", noCursor},
			{"?after=-1", "", 400, "", noCursor},
		} {
			req, _ := http.NewRequest("GET", "http://lab/polling"+test.query, nil)
			if test.ifNoneMatch != "" {
				req.Header.Set("If-None-Match", test.ifNoneMatch)
			}
			resp, err := transport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			etag := resp.Header.Get("ETag")
			if err != nil || resp.StatusCode != test.status || string(body) != test.body || etag != test.etag {
				t.Errorf("%q with %q: %d %s %s %v, want %d %s %s", test.query, test.ifNoneMatch,
					resp.StatusCode, etag, body, err, test.status, test.etag, test.body)
			}
			if test.status < 400 && resp.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%q: Cache-Control is %q, want no-store", test.query, resp.Header.Get("Cache-Control"))
			}
		}
	})
}

// A response has one read of the feed, 64 KiB. Its head says that there are more messages: the client polls at once,
// without waiting for its interval.
func TestLongResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := feed.New(feed.Keep)
		for range 100 {
			if _, err := f.Publish([]byte(`"` + strings.Repeat("x", 25_000) + `"`)); err != nil {
				t.Fatal(err)
			}
		}
		dial := serve(t, f)
		transport := &http.Transport{DialContext: dial}
		defer transport.CloseIdleConnections()
		req, _ := http.NewRequest("GET", "http://lab/polling?after=0", nil)
		resp, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if err != nil || n < feed.MaxRead-25_100 || n > feed.MaxRead+100 {
			t.Errorf("the response has %d bytes, %v, want just under 64 KiB", n, err)
		}

		start := time.Now()
		client := polling.Client{URL: "http://lab/polling?after=0", Dial: dial}
		last := uint64(0)
		for m, err := range client.Messages(t.Context()) {
			if err != nil || m.ID != last+1 {
				t.Fatalf("message %d, %v after message %d", m.ID, err, last)
			}
			if last = m.ID; last == 100 {
				break
			}
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("100 messages took %v, want no time", took)
		}
	})
}
