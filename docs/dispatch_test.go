package docs_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"
)

// browse opens an address in a real Chromium, until the test is over.
func browse(t *testing.T, address string) {
	t.Helper()
	path := os.Getenv("CHROMIUM")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"} {
		if found, err := exec.LookPath(name); err == nil && path == "" {
			path = found
		}
	}
	if path == "" {
		const advice = "NO BROWSER IS TESTED: this needs a Chromium (apt-get install chromium, or CHROMIUM=/path/to/chrome)"
		if os.Getenv("CI") == "true" {
			t.Fatal(advice)
		}
		t.Skip(advice)
	}
	ctx, cancel := context.WithCancel(context.Background())
	browser := exec.CommandContext(ctx, path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--user-data-dir="+t.TempDir(), address)
	browser.Cancel = func() error { return browser.Process.Signal(os.Interrupt) } // closed in order, it leaves no files behind
	browser.WaitDelay = patience
	if err := browser.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		browser.Wait()
	})
}

// TestDispatch has a real Chromium read the stream of chapter 6's exercise, and
// come back when it ends.
func TestDispatch(t *testing.T) {
	stream, err := os.ReadFile("testdata/exercises/06-sse/stream.txt")
	if err != nil {
		t.Fatal(err)
	}
	var streams atomic.Int64
	said := make(chan string, 10)
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><title>stream</title><script>
			let last = Promise.resolve(); // one after the other, in order
			const say = ({ lastEventId, type, data }) =>
				last = last.then(() => fetch("/said", { method: "POST", body: lastEventId + " " + type + " " + JSON.stringify(data) }));
			const source = new EventSource("/stream");
			source.addEventListener("message", say);
			source.addEventListener("gap", say);
		</script>`)
	})
	mux.HandleFunc("/said", func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		said <- string(text)
	})
	mux.HandleFunc("/stream", func(w http.ResponseWriter, r *http.Request) {
		if streams.Add(1) > 1 {
			said <- "again, Last-Event-ID: " + r.Header.Get("Last-Event-ID")
			w.WriteHeader(http.StatusNoContent) // and no more
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		w.Write(stream)
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	browse(t, server.URL+"/")

	for _, want := range []string{`7 message "first"`, `7 message "second"`, `9 gap "third\nline"`, "again, Last-Event-ID: 9"} {
		select {
		case got := <-said:
			fmt.Fprintln(t.Output(), got)
			if got != want {
				t.Errorf("the browser: %s, want %s", got, want)
			}
		case <-time.After(4 * patience):
			t.Fatalf("the browser has not said: %s", want)
		}
	}
}
