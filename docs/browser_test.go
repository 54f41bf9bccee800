package docs_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"

	gorilla "github.com/gorilla/websocket"

	browsers "fourwires/internal/chromium"
)

// chromium returns the path of a Chromium, or skips the test.
func chromium(t *testing.T) string {
	t.Helper()
	return browsers.Path(t, "THE BROWSER IS NOT ASKED")
}

// visit opens a page in a real browser until the test ends. Cookies go along as
// their servers allow; left to itself, a Chromium keeps back those of other sites.
func visit(t *testing.T, url string, flags ...string) {
	t.Helper()
	profile, err := os.MkdirTemp("", "fourwires-browser-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(profile, "Default"), 0o777); err != nil {
		t.Fatal(err)
	}
	const preferences = `{"profile":{"cookie_controls_mode":0,"block_third_party_cookies":false}}`
	if err := os.WriteFile(filepath.Join(profile, "Default", "Preferences"), []byte(preferences), 0o666); err != nil {
		t.Fatal(err)
	}
	flags = append(flags, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--user-data-dir="+profile, url)
	cmd := exec.Command(chromium(t), flags...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // with all its children
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait()
		os.RemoveAll(profile)
	})
}

// shows compares what a test has printed with what a page shows, where … stands
// for anything.
func shows(t *testing.T, page, got string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	all, _ := blocks(page, string(text))
	for _, b := range all {
		if strings.Contains(strings.Join(b.lines, "\n"), "-run "+t.Name()+" ") {
			var want []string
			for _, line := range b.lines {
				if line, ok := strings.CutPrefix(line, "    "); ok {
					want = append(want, line)
				}
			}
			if !pattern(want, false).MatchString(got) {
				t.Errorf("%s:%d shows\n%s\nand it is\n%s", page, b.line, strings.Join(want, "\n"), got)
			}
			return
		}
	}
	t.Errorf("%s does not show go test ./docs -run %s -v", page, t.Name())
}

// A counter answers each request, and accepts each WebSocket, after it has held it
// for a tenth of a second, and knows how many it held together at most. One whose query is
// never, it holds until it is closed.
type counter struct {
	closed       chan struct{}
	mu           sync.Mutex
	holding, top int
	reports      chan json.RawMessage
}

const held = 100 * time.Millisecond

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
	c.holding++
	c.top = max(c.top, c.holding)
	c.mu.Unlock()
	var over <-chan time.Time
	if r.URL.RawQuery != "never" {
		over = time.After(held)
	}
	select {
	case <-over:
	case <-c.closed:
	}
	c.mu.Lock()
	c.holding--
	c.mu.Unlock()
	if r.URL.Path == "/websocket" {
		upgrader := gorilla.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
		if conn, err := upgrader.Upgrade(w, r, nil); err == nil {
			conn.Close() // it was open
		}
	}
}

// together returns how many were held together since it was asked last.
func (c *counter) together() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	top := c.top
	c.top = 0
	return top
}

// opening has a page open eight of a kind at once, and report after how many
// milliseconds each was open; for the last row, how many are after a second.
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

// TestHandshakes has a real browser open eight WebSockets at once, and a program.
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
			conn, _, err := gorilla.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(server.URL, "http")+"/websocket", nil)
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
	for _, who := range []string{"a browser's requests", "its WebSockets", "its WebSockets, to two names of the server"} {
		all := next()
		if last := all[7]; (last >= 8*100) != strings.Contains(who, "WebSockets") { // in milliseconds
			t.Errorf("the last of %s is open after %.0f ms", who, last)
		}
		fmt.Fprintf(&report, "%-43s %10d %14.2f %.2f s\n", who, c.together(), all[0]/1000, all[7]/1000)
	}
	open := next()[0]
	fmt.Fprintf(&report, "%-43s %10d      %.0f of 8 in 1 s\n", "its WebSockets, and one is not answered", c.together(), open)

	fmt.Fprintf(&report, "%-43s %10d %14.2f %.2f s\n", "a program's WebSockets", program, slices.Min(all), slices.Max(all))
	printed(t, &report)
	shows(t, "docs/13-http2-and-the-pool.md", report.String())
}

// watching has a page read a feed, whose address is %s, by each way, and say what
// came of it.
const watching = `
	const feed = %q;
	const ways = {
		fetch: async () => (await fetch(feed + "/polling?after=0", { cache: "no-store" })).text(),
		stream: () => new Promise((heard, failed) => {
			const stream = new EventSource(feed + "/sse?after=0");
			stream.onmessage = () => (stream.close(), heard());
			stream.onerror = () => (stream.close(), failed());
		}),
		socket: (path) => new Promise((heard, failed) => {
			const socket = new WebSocket(feed.replace("http", "ws") + path);
			socket.onmessage = () => (socket.close(), heard());
			socket.onclose = failed;
		}),
	};
	const came = (way) => way.then(() => "in", () => "–");
	await fetch("/report", { method: "POST", body: JSON.stringify([
		await came(ways.fetch()), await came(ways.stream()), await came(ways.socket("/websocket")), await came(ways.socket("/open")),
	]) });
	const next = new URLSearchParams(location.search).getAll("next");
	if (next.length) location = next[0] + "/?" + next.slice(1).map((origin) => "next=" + origin).join("&");
`

// TestPages has a real browser open pages of three origins, and each read the same
// feed: may it? And which of the user's cookies go along?
func TestPages(t *testing.T) {
	chromium(t)
	log := feed.New(1)
	if _, err := log.Publish([]byte(`"mine"`)); err != nil {
		t.Fatal(err)
	}
	reports, cookies := make(chan []string, 3), make(chan string, 3)
	handlers := http.NewServeMux()
	for _, transport := range lab.Transports {
		handlers.Handle("/"+transport.Name, transport.Handler(log, nil))
	}
	open := gorilla.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	handlers.HandleFunc("/open", func(w http.ResponseWriter, r *http.Request) {
		var names []string
		for _, cookie := range r.Cookies() {
			names = append(names, cookie.Name)
		}
		slices.Sort(names)
		cookies <- strings.Join(names, ", ")
		if conn, err := open.Upgrade(w, r, nil); err == nil {
			defer conn.Close()
			conn.WriteMessage(gorilla.TextMessage, []byte(`"mine"`))
		}
	})
	own := httptest.NewUnstartedServer(handlers)
	handlers.HandleFunc("POST /report", func(w http.ResponseWriter, r *http.Request) {
		var report []string
		json.NewDecoder(r.Body).Decode(&report)
		reports <- report
	})
	handlers.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if "http://"+r.Host == own.URL {
			http.SetCookie(w, &http.Cookie{Name: "Strict", Value: "1", SameSite: http.SameSiteStrictMode})
			http.SetCookie(w, &http.Cookie{Name: "Lax", Value: "1", SameSite: http.SameSiteLaxMode})
			http.SetCookie(w, &http.Cookie{Name: "None", Value: "1", SameSite: http.SameSiteNoneMode, Secure: true})
		}
		fmt.Fprintf(w, `<!doctype html><link rel="icon" href="data:,"><script type="module">`+watching+`</script>`, own.URL)
	})
	own.Start()
	defer own.Close()
	other := httptest.NewServer(handlers)
	defer other.Close()
	defer log.Close()
	visit(t, own.URL+"/?next="+other.URL+"&next="+strings.Replace(other.URL, "127.0.0.1", "localhost", 1))

	var report strings.Builder
	fmt.Fprintf(&report, "%-26s %5s %12s %10s %10s   %s\n", "a page of", "fetch", "EventSource", "WebSocket", "unguarded", "and its cookies")
	for _, page := range []string{"the feed's own origin", "another port of that host", "another site"} {
		select {
		case r := <-reports:
			fmt.Fprintf(&report, "%-26s %5s %12s %10s %10s   %s\n", page, r[0], r[1], r[2], r[3], <-cookies)
		case <-time.After(time.Minute):
			t.Fatal("the page says nothing")
		}
	}
	printed(t, &report)
	shows(t, "docs/09-the-way-up.md", report.String())
}

// looking is a page that polls by a timer, hears a stream, and hides behind another
// tab when it is told to.
const looking = `
	setInterval(() => fetch("/poll", { cache: "no-store" }), 200);
	const stream = new EventSource("/events");
	stream.onmessage = () => fetch("/heard", { cache: "no-store" });
	stream.addEventListener("hide", () => open("/behind"));
`

// TestHiddenTab has a real browser hide a page. That it sleeps deeper after a while
// is put forward, from five minutes to twelve seconds.
func TestHiddenTab(t *testing.T) {
	chromium(t)
	t.Parallel()
	var polls, heard atomic.Int64
	begun, hide, behind, over := make(chan struct{}, 1), make(chan struct{}), make(chan struct{}, 1), make(chan struct{})
	handlers := http.NewServeMux()
	handlers.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><link rel="icon" href="data:,"><script type="module">%s</script>`, looking)
	})
	handlers.HandleFunc("/behind", func(w http.ResponseWriter, r *http.Request) { behind <- struct{}{} })
	handlers.HandleFunc("/poll", func(http.ResponseWriter, *http.Request) { polls.Add(1) })
	handlers.HandleFunc("/heard", func(http.ResponseWriter, *http.Request) { heard.Add(1) })
	handlers.HandleFunc("/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		begun <- struct{}{}
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				fmt.Fprint(w, "data: news\n\n")
			case <-hide:
				fmt.Fprint(w, "event: hide\ndata:\n\n")
			case <-over:
				return
			}
			if http.NewResponseController(w).Flush() != nil {
				return
			}
		}
	})
	server := httptest.NewServer(handlers)
	defer server.Close()
	defer close(over)
	visit(t, server.URL+"/", "--disable-popup-blocking", "--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/12")

	until := func(done <-chan struct{}) {
		select {
		case <-done:
		case <-time.After(time.Minute):
			t.Fatal("the page does nothing")
		}
	}
	var report strings.Builder
	fmt.Fprintf(&report, "a page that polls every 0.2 s, and hears 5 events a second\n")
	fmt.Fprintf(&report, "%-34s %16s %18s\n", "it is", "polls a second", "events a second")
	watch := func(is string, seconds int, least, most float64) {
		polls.Store(0)
		heard.Store(0)
		<-time.After(time.Duration(seconds) * time.Second)
		asked, had := float64(polls.Load())/float64(seconds), float64(heard.Load())/float64(seconds)
		if asked < least || asked > most || had < 4 || had > 6 {
			t.Errorf("%s, it asked %.1f times a second, want %g to %g; it heard %.1f events", is, asked, least, most, had)
		}
		fmt.Fprintf(&report, "%-34s %16.0f %18.0f\n", is, asked, had)
	}
	until(begun)
	<-time.After(time.Second)
	watch("in front", 8, 4, 6)
	hide <- struct{}{}
	until(behind)
	<-time.After(1500 * time.Millisecond)
	watch("behind another tab", 8, 0.6, 1.4)
	<-time.After(5 * time.Second)
	watch("behind it for long", 8, 0, 0.13)
	printed(t, &report)
	shows(t, "docs/12-bad-networks.md", report.String())
}

// TestKeepAlive looks into the kernel, which knows when it will ask whether the
// other side of a quiet connection is still there.
func TestKeepAlive(t *testing.T) {
	chromium(t)
	const connections = "/proc/net/tcp"
	if _, err := os.Stat(connections); err != nil {
		t.Skipf("only Linux tells: %v", err)
	}
	handlers := http.NewServeMux()
	handlers.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, `<!doctype html><link rel="icon" href="data:,"><script>new EventSource("/events")</script>`)
	})
	streams, over := make(chan string), make(chan struct{})
	handlers.HandleFunc("/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		http.NewResponseController(w).Flush()
		streams <- r.RemoteAddr
		<-over
	})
	server := httptest.NewServer(handlers)
	defer server.Close()
	defer close(over)
	address := func(addr string) string { // as the kernel writes it
		at := netip.MustParseAddrPort(addr)
		ip := at.Addr().As4()
		return fmt.Sprintf("%02X%02X%02X%02X:%04X", ip[3], ip[2], ip[1], ip[0], at.Port())
	}
	// asks returns after how many seconds of silence the end of a connection asks.
	asks := func(local, remote string) float64 {
		<-time.After(300 * time.Millisecond) // until nothing is under way
		text, err := os.ReadFile(connections)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(text), "\n") {
			columns := strings.Fields(line)
			if len(columns) < 6 || columns[1] != address(local) || columns[2] != address(remote) {
				continue
			}
			timer, when, _ := strings.Cut(columns[5], ":")
			ticks, err := strconv.ParseInt(when, 16, 64)
			if timer != "02" || err != nil {
				return 0 // it never asks
			}
			return 5 * math.Ceil(float64(ticks)/100/5) // a busy machine looks late
		}
		t.Fatalf("the kernel does not know the connection from %s to %s", local, remote)
		return 0
	}
	own := strings.TrimPrefix(server.URL, "http://")
	var report strings.Builder
	fmt.Fprintf(&report, "whose end of a quiet connection           asks after\n")
	row := func(who string, after float64) { fmt.Fprintf(&report, "%-36s %13.0f s\n", who, after) }

	visit(t, server.URL+"/")
	browser := <-streams
	row("a browser's", asks(browser, own))

	ctx, end := context.WithCancel(t.Context())
	defer end()
	curl := exec.CommandContext(ctx, "curl", "-sN", server.URL+"/events")
	if err := curl.Start(); err != nil {
		t.Fatal(err)
	}
	defer curl.Wait()
	defer end()
	from := <-streams
	row("curl's", asks(from, own))
	row("a server's in Go", asks(own, from))
	printed(t, &report)
	shows(t, "docs/12-bad-networks.md", report.String())
}
