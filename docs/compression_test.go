package docs_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fourwires/internal/needs"
)

// TestCompression has the lab behind Express and its compression: that holds back what of a stream it compresses, and
// "no-transform" keeps it from that (RFC 9111, section 5.2.2.6). Each event is read before the next is published.
// Polls' answers are compressed, and come whole.
func TestCompression(t *testing.T) {
	node := needs.Program(t, "apt-get install nodejs", "node")
	modules := os.Getenv("NODE_MODULES")
	if modules == "" {
		needs.Missing(t, "NODE_MODULES does not name the folder of express and its compression",
			"npm install express compression http-proxy-middleware; NODE_MODULES=$PWD/node_modules")
	}
	dir := t.TempDir() // where Node looks for modules
	script, err := os.ReadFile(filepath.Join("testdata", "express.mjs"))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "express.mjs"), script, 0o666)
	}
	if err == nil {
		err = os.Symlink(modules, filepath.Join(dir, "node_modules"))
	}
	if err != nil {
		t.Fatal(err)
	}
	lanes, _ := open(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	express := exec.CommandContext(ctx, node, filepath.Join(dir, "express.mjs"), "0", lanes)
	express.Stderr = os.Stderr
	out, err := express.StdoutPipe()
	if err == nil {
		err = express.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		express.Process.Kill()
		express.Wait()
	}()
	proxy, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	proxy = strings.TrimSpace(proxy)

	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	do := func(method, url, body string) *http.Response {
		t.Helper()
		req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept-Encoding", "gzip")
		resp, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(method, url, err)
		}
		return resp
	}
	long := strings.Repeat("x", 10_000)
	for _, test := range []struct{ method, path, body, coding string }{
		{"POST", "/echo", long, "gzip"}, // it does compress
		{"POST", "/publish", `"` + long + `"`, ""},
		{"GET", "/polling?after=0", "", "gzip"},
		{"GET", "/longpoll?after=0", "", "gzip"},
	} {
		resp := do(test.method, proxy+test.path, test.body)
		io.Copy(io.Discard, resp.Body)
		if resp.Body.Close(); resp.Header.Get("Content-Encoding") != test.coding || resp.StatusCode >= 300 {
			t.Errorf("%s %s: %s %v, want Content-Encoding %q", test.method, test.path, resp.Status, resp.Header,
				test.coding)
		}
	}

	stream := do("GET", proxy+"/sse", "")
	defer stream.Body.Close()
	if coding := stream.Header.Get("Content-Encoding"); coding != "" {
		t.Errorf("the stream comes as %s", coding)
	}
	lines := bufio.NewScanner(stream.Body)
	for n := range 5 {
		do("POST", lanes+"/publish", fmt.Sprint(n)).Body.Close()
		for want := fmt.Sprintf(`"data":%d}`, n); !strings.HasSuffix(lines.Text(), want); {
			if !lines.Scan() {
				t.Fatalf("message %d does not come: %v", n, lines.Err())
			}
		}
	}
}
