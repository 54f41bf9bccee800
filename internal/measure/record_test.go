package measure

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

var record = flag.Bool("record", false, "write testdata/chrome-headers.txt anew, as the Chromium on this machine sends it")

// page makes the requests that the lab's own page makes.
const page = `<script>
(async () => {
	await (await fetch("/fetch?after=abcdef-1", { cache: "no-store" })).text();
	new EventSource("/eventsource?after=abcdef-1");
	new WebSocket("ws://" + location.host + "/websocket?after=abcdef-1");
})();
</script>`

// TestRecord records what Chromium sends. It has a window, if nowhere on a
// screen: with --headless, it would say so in its User-Agent.
func TestRecord(t *testing.T) {
	if !*record {
		t.Skip("only with -record")
	}
	heads := make(chan string, 16)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, page)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	server.Listener = listener{server.Listener, heads}
	server.Start()
	defer server.Close()

	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	browser := exec.CommandContext(ctx, "chromium", "--ozone-platform=headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
		"--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--user-data-dir="+t.TempDir(), server.URL)
	browser.Cancel = func() error { return browser.Process.Signal(syscall.SIGTERM) } // in order, it leaves no files behind
	browser.WaitDelay = 10 * time.Second
	if err := browser.Start(); err != nil {
		t.Fatal(err)
	}
	defer browser.Wait()
	defer stop()

	host := strings.TrimPrefix(server.URL, "http://")
	found := map[string]string{}
	for len(found) < 3 {
		select {
		case head := <-heads:
			lines := strings.Split(head, "\n")
			kind := regexp.MustCompile(`^GET /(\w+)\?`).FindStringSubmatch(lines[0])
			if kind == nil {
				continue // the page itself, or its icon
			}
			head = strings.ReplaceAll(strings.Join(lines[1:], "\n"), host, "{host}")
			found[kind[1]] = regexp.MustCompile(`(?m)^(Sec-WebSocket-Key: ).*`).ReplaceAllString(head, "${1}{key}")
		case <-ctx.Done():
			t.Fatalf("Chromium made %d of 3 requests", len(found))
		}
	}
	var text strings.Builder
	for _, kind := range []string{"fetch", "eventsource", "websocket"} {
		fmt.Fprintf(&text, "[%s]\n%s\n\n", kind, found[kind])
	}
	if err := os.WriteFile("testdata/chrome-headers.txt", []byte(text.String()), 0o666); err != nil {
		t.Fatal(err)
	}
}

// A listener tells the heads of the requests that come.
type listener struct {
	net.Listener
	heads chan string
}

func (l listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return &recorded{Conn: conn, heads: l.heads}, err
}

type recorded struct {
	net.Conn
	heads chan string
	text  []byte
}

func (c *recorded) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.text = append(c.text, b[:n]...)
	for {
		head, rest, found := bytes.Cut(c.text, []byte("\r\n\r\n"))
		if !found {
			return n, err
		}
		c.heads <- strings.ReplaceAll(string(head), "\r\n", "\n")
		c.text = rest
	}
}
