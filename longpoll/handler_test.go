package longpoll_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/feed"
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
	for _, test := range []struct {
		query, ifNoneMatch string // E stands for the epoch
		status             int
		ids                string
		took               time.Duration // message 6 is published after 2 s
	}{
		{"", "", 200, "6", 2 * time.Second},
		{"?wait=1s", "", 200, "", time.Second}, // no news, but the head
		{"?after=3", "", 200, "4 5", 0},
		{"?after=E-5", "", 200, "6", 2 * time.Second},
		{"?after=5&wait=60s", "", 200, "6", 2 * time.Second},
		{"?after=5&wait=1500ms", "", 204, "", 1500 * time.Millisecond},
		{"?after=5&wait=1s", `"E-5"`, 304, "", time.Second},
		{"?after=3&wait=1s", `"E-5"`, 304, "", time.Second}, // it has the response with 4 and 5
		{"?after=3", `"E-5"`, 200, "4 5 6", 2 * time.Second},
		{"?after=5&wait=0s", "", 204, "", 0},
		{"?after=0", "", 200, "gap 3 4 5", 0},
		{"?after=gone-9", "", 200, "gap 3 4 5", 0},
		{"?after=6", "", 400, "", 0},
		{"?after=x", "", 400, "", 0},
		{"?wait=61s", "", 400, "", 0},
		{"?wait=-1s", "", 400, "", 0},
		{"?wait=5", "", 400, "", 0},
		{"?wait=", "", 400, "", 0},
	} {
		t.Run(test.query+test.ifNoneMatch, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := feed.New(3)
				publish(t, f, 1, 5) // keeps 3 to 5
				transport := &http.Transport{DialContext: serve(t, f)}
				defer transport.CloseIdleConnections()
				epoch := strings.NewReplacer("E", f.Head().Epoch)
				req, _ := http.NewRequest("GET", "http://lab/longpoll"+epoch.Replace(test.query), nil)
				if test.ifNoneMatch != "" {
					req.Header.Set("If-None-Match", epoch.Replace(test.ifNoneMatch))
				}
				start := time.Now()
				time.AfterFunc(2*time.Second, func() { publish(t, f, 6, 6) })
				resp, err := transport.RoundTrip(req)
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				took := time.Since(start)
				var answer struct {
					Messages []struct {
						ID  int
						Gap *struct{}
					}
				}
				json.Unmarshal(body, &answer) // an error has no messages
				var got []string
				for _, m := range answer.Messages {
					if m.Gap != nil {
						got = append(got, "gap")
					} else {
						got = append(got, strconv.Itoa(m.ID))
					}
				}
				if err != nil || resp.StatusCode != test.status || strings.Join(got, " ") != test.ids || took != test.took {
					t.Errorf("%d with %q after %v (%v), want %d with %q after %v: %s",
						resp.StatusCode, got, took, err, test.status, test.ids, test.took, body)
				}
				if resp.StatusCode == 200 && resp.Header.Get("ETag") != `"`+f.Head().String()+`"` {
					t.Errorf("ETag is %s, want the head %v", resp.Header.Get("ETag"), f.Head())
				}
			})
		})
	}
}
