package browser_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"testing"
	"time"
)

// TestDispatch lets a real Chromium read the stream of chapter 6's exercise, and reconnect when it ends.
func TestDispatch(t *testing.T) {
	t.Parallel()
	stream, err := os.ReadFile("../../testdata/exercises/06-sse/stream.txt")
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
	visit(t, server.URL+"/")

	for _, want := range []string{`7 message "first"`, `7 message "second"`, `9 gap "third\nline"`,
		"again, Last-Event-ID: 9"} {
		select {
		case got := <-said:
			fmt.Fprintln(t.Output(), got)
			if got != want {
				t.Errorf("the browser: %s, want %s", got, want)
			}
		case <-time.After(time.Minute):
			t.Fatalf("the browser has not said: %s", want)
		}
	}
}
