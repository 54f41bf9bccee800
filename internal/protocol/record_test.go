package protocol

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/hex"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"fourwires/internal/wire"

	"golang.org/x/net/http2"
)

var record = flag.Bool("record", false, "write testdata/chrome-*.txt anew, as the Chromium on this machine sends it")

// page makes the requests that the lab's own page makes, polls and POSTs with a cookie too. The last request, /done,
// ends the recording.
var page = `<script>
(async () => {
	const poll = async (id) => (await fetch("/fetch?after=abcdef-" + id, { cache: "no-store" })).text();
	const post = async (text) => (await fetch("/post?page=abcdef", { method: "POST", body: text })).text();
	for (let id = 1; id <= 4; id++) await poll(id);
	for (const text of ["hello", '{"n":12}\r\n\r\nGET']) await post(text);
	await new Promise((opened) => {
		const source = new EventSource("/eventsource?after=abcdef-1");
		source.onerror = () => { source.close(); opened(); };
	});
	for (const size of [512, 4096]) {
		document.cookie = "c=" + "` + strings.TrimPrefix(cookie(4096), "c=") + `".slice(0, size - 2) + "; path=/";
		for (let id = 5; id <= 8; id++) await poll(id);
		await post("hello, hello");
	}
	await new Promise((closed) => {
		new WebSocket(location.origin.replace("http", "ws") + "/websocket?after=abcdef-1").onclose = closed;
	});
	await fetch("/done");
})();
</script>`

// TestRecord records what Chromium sends by HTTP/1.1 and by HTTP/2. It runs with a window, on no screen: with
// --headless its User-Agent would be another.
func TestRecord(t *testing.T) {
	if !*record {
		t.Skip("only with -record")
	}
	var heads strings.Builder
	found := map[string]string{}
	for _, c := range browse(t, false) {
		for rest := c.String(); rest != ""; {
			head, behind, _ := strings.Cut(rest, "\r\n\r\n")
			rest = behind
			if length := regexp.MustCompile(`\r\nContent-Length: (\d+)`).FindStringSubmatch(head); length != nil {
				n, _ := strconv.Atoi(length[1])
				rest = rest[n:]
			}
			lines := strings.Split(head, "\r\n")
			kind := regexp.MustCompile(`^(?:GET|POST) /(\w+)\?`).FindStringSubmatch(lines[0])
			if kind == nil || found[kind[1]] != "" {
				continue // the page itself, its icon, or a kind that is found
			}
			head = regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(strings.Join(lines[1:], "\n"), "{host}")
			head = regexp.MustCompile(`(?m)^Cookie: .*\n`).ReplaceAllString(head, "")
			head = regexp.MustCompile(`(?m)^(Content-Length: ).*`).ReplaceAllString(head, "${1}{length}")
			found[kind[1]] = regexp.MustCompile(`(?m)^(Sec-WebSocket-Key: ).*`).ReplaceAllString(head, "${1}{key}")
		}
	}
	for _, kind := range kinds {
		fmt.Fprintf(&heads, "[%s]\n%s\n\n", kind, found[kind])
	}
	if err := os.WriteFile("testdata/chrome-headers.txt", []byte(heads.String()), 0o666); err != nil {
		t.Fatal(err)
	}

	var blocks strings.Builder
	for _, c := range browse(t, true) {
		if !strings.HasPrefix(c.String(), http2.ClientPreface) {
			continue // the WebSocket's
		}
		c.Next(len(http2.ClientPreface))
		framer := http2.NewFramer(nil, c)
		var block []byte
		for {
			frame, err := framer.ReadFrame()
			if err != nil {
				break
			}
			switch f := frame.(type) {
			case *http2.HeadersFrame:
				block = bytes.Clone(f.HeaderBlockFragment())
				if f.HeadersEnded() {
					fmt.Fprintf(&blocks, "%s\n", hex.EncodeToString(block))
				}
			case *http2.ContinuationFrame:
				block = append(block, f.HeaderBlockFragment()...)
				if f.HeadersEnded() {
					fmt.Fprintf(&blocks, "%s\n", hex.EncodeToString(block))
				}
			}
		}
	}
	if err := os.WriteFile("testdata/chrome-http2.txt", []byte(blocks.String()), 0o666); err != nil {
		t.Fatal(err)
	}
}

// browse has Chromium show the page, and returns what it has sent on each
// connection.
func browse(t *testing.T, secure bool) []*bytes.Buffer {
	t.Helper()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url, listener := "http://"+tcp.Addr().String(), &recorder{Listener: tcp}
	if secure {
		url = "https://" + tcp.Addr().String()
		certified := httptest.NewTLSServer(nil)
		defer certified.Close()
		config := &tls.Config{Certificates: certified.TLS.Certificates, NextProtos: []string{"h2", "http/1.1"}}
		listener.Listener = (*wire.Ledger)(nil).ListenTLS(tcp, config, nil)
	}
	done := make(chan struct{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, page)
		case "/done":
			close(done)
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	})
	server := &http.Server{Protocols: new(http.Protocols), Handler: handler}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	go server.Serve(listener)
	defer server.Close()

	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	browser := exec.CommandContext(ctx, "chromium", "--ozone-platform=headless", "--no-sandbox", "--disable-gpu",
		"--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
		"--disable-sync", "--ignore-certificate-errors", "--user-data-dir="+t.TempDir(), url)
	browser.Cancel = func() error { return browser.Process.Signal(syscall.SIGTERM) } // in order, it leaves no files behind
	browser.WaitDelay = 10 * time.Second
	if err := browser.Start(); err != nil {
		t.Fatal(err)
	}
	defer browser.Wait()
	defer stop()
	select {
	case <-done:
	case <-ctx.Done():
		t.Fatal("Chromium has not made all requests")
	}
	listener.mu.Lock()
	defer listener.mu.Unlock()
	var all []*bytes.Buffer
	for _, c := range listener.conns {
		all = append(all, bytes.NewBuffer(bytes.Clone(c.Bytes())))
	}
	return all
}

// A recorder is a listener that keeps what its connections receive.
type recorder struct {
	net.Listener
	mu    sync.Mutex
	conns []*bytes.Buffer
}

func (r *recorder) Accept() (net.Conn, error) {
	conn, err := r.Listener.Accept()
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conns = append(r.conns, new(bytes.Buffer))
	return &recordedConn{conn, r, r.conns[len(r.conns)-1]}, nil
}

type recordedConn struct {
	net.Conn
	recorder *recorder
	text     *bytes.Buffer
}

func (c *recordedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.recorder.mu.Lock()
	defer c.recorder.mu.Unlock()
	c.text.Write(b[:n])
	return n, err
}
