package browser_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fourwires/docs/blocks"

	gorilla "github.com/gorilla/websocket"
)

// A counter responds to each request, and accepts each WebSocket, after a tenth of a second, and counts how many wait at
// once. A request whose query is "never" waits until closed is closed.
type counter struct {
	closed        chan struct{}
	mu            sync.Mutex
	waiting, most int
	reports       chan json.RawMessage
}

const delay = 100 * time.Millisecond

func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><link rel="icon" href="data:,"><script type="module">%s</script>`, opening)
		return
	case "/report":
		var report json.RawMessage
		json.NewDecoder(r.Body).Decode(&report)
		c.reports <- report
		return
	}
	c.mu.Lock()
	c.waiting++
	c.most = max(c.most, c.waiting)
	c.mu.Unlock()
	var over <-chan time.Time
	if r.URL.RawQuery != "never" {
		over = time.After(delay)
	}
	select {
	case <-over:
	case <-c.closed:
	}
	c.mu.Lock()
	c.waiting--
	c.mu.Unlock()
	if r.URL.Path == "/websocket" {
		upgrader := gorilla.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
		if conn, err := upgrader.Upgrade(w, r, nil); err == nil {
			conn.Close() // it was open
		}
	}
}

// together returns how many waited at once, at most, since the last call.
func (c *counter) together() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	most := c.most
	c.most = 0
	return most
}

// opening is a page that opens eight of a kind at once and reports after how many milliseconds each was open; for the last
// row, how many are open after a second.
const opening = `
	const post = (report) => fetch("/report", { method: "POST", body: JSON.stringify(report) });
	const eight = async (open) => {
		const start = performance.now();
		await post(await Promise.all(Array.from({ length: 8 }, async (_, i) => (await open(i), performance.now() - start))));
	};
	const socket = (host, query = "") => new Promise((opened) => {
		new WebSocket("ws://" + host + "/websocket" + query).onopen = opened;
	});
	await eight((i) => fetch("/hold?" + i, { cache: "no-store" }));
	await eight(() => socket(location.host));
	await eight((i) => socket(i % 2 ? location.host : location.host.replace("127.0.0.1", "localhost")));
	let open = 0;
	for (let i = 0; i < 8; i++) socket(location.host, i ? "" : "?never").then(() => open++);
	await new Promise((go) => setTimeout(go, 1000));
	await post([open]);
`

// TestHandshakes lets a real browser, and a program, open eight WebSockets at once.
func TestHandshakes(t *testing.T) {
	chromium(t)
	c := &counter{closed: make(chan struct{}), reports: make(chan json.RawMessage)}
	server := httptest.NewServer(c)
	defer server.Close()
	defer close(c.closed)
	start := time.Now()
	var dials sync.WaitGroup
	var mu sync.Mutex
	var all []float64
	for range 8 {
		dials.Go(func() {
			conn, _, err := gorilla.DefaultDialer.DialContext(t.Context(),
				"ws"+strings.TrimPrefix(server.URL, "http")+"/websocket", nil)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			all = append(all, time.Since(start).Seconds())
			mu.Unlock()
			conn.Close()
		})
	}
	dials.Wait()
	program := c.together()

	visit(t, server.URL+"/")
	next := func() (all []float64) {
		select {
		case report := <-c.reports:
			if err := json.Unmarshal(report, &all); err != nil {
				t.Fatal(err)
			}
		case <-time.After(time.Minute):
			t.Fatal("the page says nothing")
		}
		slices.Sort(all)
		return all
	}
	var report strings.Builder
	fmt.Fprintf(&report, "eight at once; each takes the server 0.1 s   under way   open, first and last\n")
	for _, who := range []string{"a browser's requests", "its WebSockets",
		"its WebSockets, to two names of the server"} {
		all := next()
		if last := all[7]; (last >= 8*100) != strings.Contains(who, "WebSockets") { // in milliseconds
			t.Errorf("the last of %s is open after %.0f ms", who, last)
		}
		fmt.Fprintf(&report, "%-43s %10d %14.2f %.2f s\n", who, c.together(), all[0]/1000, all[7]/1000)
	}
	open := next()[0]
	fmt.Fprintf(&report, "%-43s %10d      %.0f of 8 in 1 s\n", "its WebSockets, and one is not answered", c.together(),
		open)

	fmt.Fprintf(&report, "%-43s %10d %14.2f %.2f s\n", "a program's WebSockets", program, slices.Min(all),
		slices.Max(all))
	blocks.Printed(t, report.String())
}
