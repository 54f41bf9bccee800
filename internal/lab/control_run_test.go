package lab_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab/labtest"
	"fourwires/internal/netsim"
)

// While a page has a run, only that page changes the feed's settings and the network. When it ends the run, or has not
// renewed it for 20 s, both are as they were before.
func TestRunAPI(t *testing.T) {
	labtest.Virtual(t, labtest.Quiet(feed.Keep), netsim.Settings{}, func(t *testing.T, s *labtest.VirtualServer) {
		client := &http.Client{Transport: &http.Transport{DialContext: s.DialControl}}
		defer client.CloseIdleConnections()
		expect := func(request, body string, status int, want string) {
			t.Helper()
			method, path, _ := strings.Cut(request, " ")
			req, err := http.NewRequestWithContext(t.Context(), method, "http://localhost/control/"+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			got, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != status || !strings.Contains(string(got), want) {
				t.Errorf("%s: %d %s, %v, want %d %s", request, resp.StatusCode, got, err, status, want)
			}
		}
		const busy = `{"error":"another page runs a step or an experiment: try again when it has ended"}`
		asBefore := func() {
			t.Helper()
			expect("GET feed", "", 200, `"source":"none","rate":2,`)
			expect("GET network", "", 200, `{"rtt":"0s","jitter":"0s","kbps":0,"set":false}`)
		}

		expect("PUT run", "", 400, `{"error":"a run is a page's: name it, as in ?page=7f3a"}`)
		expect("DELETE run?page=a", "", 409, `{"error":"page \"a\" has no run"}`)
		expect("PUT run?page=a", "", 200, `{"for":"20s","page":"a"}`)
		expect("PUT run?page=b", "", 409, busy)
		expect("DELETE run?page=b", "", 409, `{"error":"page \"b\" has no run"}`)
		expect("PATCH feed?page=b", `{"rate":3}`, 409, busy)
		expect("PATCH feed", `{"rate":3}`, 409, busy)
		expect("PUT network?page=b", `{"rtt":"1s"}`, 409, busy)
		expect("DELETE network", "", 409, busy)
		expect("POST restart", "", 409, busy)
		expect("PATCH feed?page=a", `{"source":"market","rate":9}`, 200, `"source":"market","rate":9,`)
		expect("PUT network?page=a", `{"rtt":"100ms"}`, 200, `{"rtt":"100ms","jitter":"0s","kbps":0,"set":true}`)
		expect("DELETE run?page=a", "", 204, "")
		asBefore()

		expect("PUT run?page=a", "", 200, "")
		time.Sleep(15 * time.Second)
		expect("PUT run?page=a", "", 200, "")
		expect("PATCH feed?page=a", `{"source":"market","rate":9}`, 200, "")
		time.Sleep(15 * time.Second)
		expect("GET feed", "", 200, `"source":"market","rate":9,`)
		time.Sleep(6 * time.Second)
		asBefore()
		expect("DELETE run?page=a", "", 409, "has no run")
		expect("PUT run?page=b", "", 200, "")
	})
}
