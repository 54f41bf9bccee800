package browser_test

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"fourwires/docs/blocks"
	"fourwires/internal/needs"
)

// TestKeepAlive reads from the kernel when it will probe whether the other end of a quiet connection is still there.
func TestKeepAlive(t *testing.T) {
	t.Parallel()
	chromium(t)
	const connections = "/proc/net/tcp"
	if _, err := os.Stat(connections); err != nil {
		needs.Missing(t, "this kernel does not show its timers: "+err.Error(), "run it on Linux")
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
	// asks returns after how many seconds of silence the end of a connection sends a probe.
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
				return 0 // it never does
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
	curl := exec.CommandContext(ctx, needs.Program(t, "apt-get install curl", "curl"), "-sN", server.URL+"/events")
	if err := curl.Start(); err != nil {
		t.Fatal(err)
	}
	defer curl.Wait()
	defer end()
	from := <-streams
	row("curl's", asks(from, own))
	row("a server's in Go", asks(own, from))
	blocks.Printed(t, report.String())
}
