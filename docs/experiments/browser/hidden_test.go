package browser_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fourwires/docs/blocks"
)

// hiding is a page that polls by a timer, reads a stream, and hides behind another tab when an event asks for it.
const hiding = `
	setInterval(() => fetch("/poll", { cache: "no-store" }), 200);
	const stream = new EventSource("/events");
	stream.onmessage = () => fetch("/event", { cache: "no-store" });
	stream.addEventListener("hide", () => open("/behind"));
`

// TestHiddenTab hides a page in a real browser. A hidden page is slowed down further after five minutes; here that is
// five seconds.
func TestHiddenTab(t *testing.T) {
	chromium(t)
	t.Parallel()
	var polls, events atomic.Int64
	begun, behind := make(chan struct{}, 1), make(chan struct{}, 1)
	hide, over := make(chan struct{}), make(chan struct{})
	handlers := http.NewServeMux()
	handlers.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><link rel="icon" href="data:,"><script type="module">%s</script>`, hiding)
	})
	handlers.HandleFunc("/behind", func(w http.ResponseWriter, r *http.Request) { behind <- struct{}{} })
	handlers.HandleFunc("/poll", func(http.ResponseWriter, *http.Request) { polls.Add(1) })
	handlers.HandleFunc("/event", func(http.ResponseWriter, *http.Request) { events.Add(1) })
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
	visit(t, server.URL+"/", "--disable-popup-blocking",
		"--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/5")

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
	watch := func(is string, lasting time.Duration, least, most float64) {
		polls.Store(0)
		events.Store(0)
		start := time.Now()
		<-time.After(lasting)
		seconds := time.Since(start).Seconds()
		asked, had := float64(polls.Load())/seconds, float64(events.Load())/seconds
		if asked < least || asked > most || had < 4 || had > 6 {
			t.Errorf("%s, it asked %.1f times a second, want %g to %g; it heard %.1f events", is, asked, least, most,
				had)
		}
		fmt.Fprintf(&report, "%-34s %16.0f %18.0f\n", is, asked, had)
	}
	until(begun)
	<-time.After(time.Second)
	watch("in front", 4*time.Second, 4, 6)
	hide <- struct{}{}
	until(behind)
	<-time.After(500 * time.Millisecond)
	watch("behind another tab", 4*time.Second, 0.6, 1.4)
	<-time.After(2 * time.Second)
	watch("behind it for long", 8*time.Second, 0, 0.13)
	blocks.Printed(t, report.String())
}
