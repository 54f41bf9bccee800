package browser_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"fourwires/docs/blocks"
	"fourwires/feed"
	"fourwires/internal/lab"

	gorilla "github.com/gorilla/websocket"
)

// watching is a page that reads the feed at an address by fetch, by EventSource and by WebSocket, and reports which of
// them succeeded.
const watching = `
	const feed = %q;
	const reads = {
		fetch: async () => (await fetch(feed + "/polling?after=0", { cache: "no-store" })).text(),
		stream: () => new Promise((received, failed) => {
			const stream = new EventSource(feed + "/sse?after=0");
			stream.onmessage = () => (stream.close(), received());
			stream.onerror = () => (stream.close(), failed());
		}),
		socket: (path) => new Promise((received, failed) => {
			const socket = new WebSocket(feed.replace("http", "ws") + path);
			socket.onmessage = () => (socket.close(), received());
			socket.onclose = failed;
		}),
	};
	const result = (read) => read.then(() => "in", () => "–");
	await fetch("/report", { method: "POST", body: JSON.stringify([
		await result(reads.fetch()), await result(reads.stream()), await result(reads.socket("/websocket")), await result(reads.socket("/open")),
	]) });
	const next = new URLSearchParams(location.search).getAll("next");
	if (next.length) location = next[0] + "/?" + next.slice(1).map((origin) => "next=" + origin).join("&");
`

// TestPages lets a real browser open pages of three origins, each of which reads the same feed: which of them may, and
// which of the user's cookies are sent?
func TestPages(t *testing.T) {
	t.Parallel()
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
		fmt.Fprintf(w, `<!doctype html><link rel="icon" href="data:,"><script type="module">`+watching+`</script>`,
			own.URL)
	})
	own.Start()
	defer own.Close()
	other := httptest.NewServer(handlers)
	defer other.Close()
	defer log.Close()
	visit(t, own.URL+"/?next="+other.URL+"&next="+strings.Replace(other.URL, "127.0.0.1", "localhost", 1))

	var report strings.Builder
	fmt.Fprintf(&report, "%-26s %5s %12s %10s %10s   %s\n", "a page of", "fetch", "EventSource", "WebSocket",
		"unguarded", "and its cookies")
	for _, page := range []string{"the feed's own origin", "another port of that host", "another site"} {
		select {
		case r := <-reports:
			fmt.Fprintf(&report, "%-26s %5s %12s %10s %10s   %s\n", page, r[0], r[1], r[2], r[3], <-cookies)
		case <-time.After(time.Minute):
			t.Fatal("the page says nothing")
		}
	}
	blocks.Printed(t, report.String())
}
