package lab_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net"
	"net/http"
	"path"
	"regexp"
	"strings"
	"testing"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/lab/labtest"
	"fourwires/web"
)

// A pretender is a listener that returns another address as its own, or as its clients'. "" returns the true one.
type pretender struct {
	net.Listener
	own, clients string
}

func (p pretender) Addr() net.Addr { return pretended(p.own, p.Listener.Addr()) }

func (p pretender) Accept() (net.Conn, error) {
	conn, err := p.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return pretending{conn, pretended(p.clients, conn.RemoteAddr())}, nil
}

type pretending struct {
	net.Conn
	remote net.Addr
}

func (p pretending) RemoteAddr() net.Addr { return p.remote }

func pretended(addr string, instead net.Addr) net.Addr {
	if addr == "" {
		return instead
	}
	tcp, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		panic(err)
	}
	return tcp
}

// The page gets its own URLs, and that of the control API only if it can use that. Its policy allows it to connect to
// these and, as far as a policy can say so, to nothing else.
func TestPageURLs(t *testing.T) {
	const rest = "; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
	for _, test := range []struct {
		name                   string
		lanes, tls, control    string // listen there; "" is 127.0.0.1
		client                 string // its address; "" is this machine
		host                   string
		plain, secure, allowed string
		controlled, barred     string
	}{
		{name: "as it listens", lanes: "127.0.0.1:8080", tls: "127.0.0.1:8443", control: "127.0.0.1:8081", host: "127.0.0.1:8080",
			plain: "http://127.0.0.1:8080", secure: "https://127.0.0.1:8443", controlled: "http://127.0.0.1:8081",
			allowed: "ws://127.0.0.1:8080 wss://127.0.0.1:8080 http://127.0.0.1:8081 ws://127.0.0.1:8081"},
		{name: "by another of its names", lanes: "127.0.0.1:8080", tls: "127.0.0.1:8443", control: "127.0.0.1:8081", host: "localhost:8080",
			plain: "http://localhost:8080", secure: "https://127.0.0.1:8443", controlled: "http://127.0.0.1:8081",
			allowed: "ws://localhost:8080 wss://localhost:8080 http://127.0.0.1:8081 ws://127.0.0.1:8081"},
		{name: "with TLS", lanes: "127.0.0.1:8080", tls: "127.0.0.1:8443", control: "127.0.0.1:8081", host: "localhost:8443",
			plain: "http://127.0.0.1:8080", secure: "https://localhost:8443", controlled: "http://127.0.0.1:8081",
			allowed: "ws://localhost:8443 wss://localhost:8443 http://127.0.0.1:8081 ws://127.0.0.1:8081"},
		{name: "at the scheme's own port", lanes: "127.0.0.1:80", tls: "127.0.0.1:443", control: "127.0.0.1:8081", host: "localhost",
			plain: "http://localhost", secure: "https://localhost", controlled: "http://127.0.0.1:8081",
			allowed: "ws://localhost wss://localhost http://127.0.0.1:8081 ws://127.0.0.1:8081"},
		{name: "behind another port", lanes: "127.0.0.1:8080", tls: "127.0.0.1:8443", control: "127.0.0.1:8081", host: "127.0.0.1:9000",
			plain: "http://127.0.0.1:8080", secure: "https://127.0.0.1:8443", allowed: "ws://127.0.0.1:9000 wss://127.0.0.1:9000",
			barred: "the controls are at the lab’s own address, http://127.0.0.1:8080/, not behind another port or a proxy"},
		{name: "everywhere, behind another port", lanes: "0.0.0.0:8080", tls: "0.0.0.0:8443", control: "0.0.0.0:8081", host: "localhost:9000",
			plain: "http://localhost:8080", secure: "https://localhost:8443", allowed: "ws://localhost:9000 wss://localhost:9000",
			barred: "the controls are at the lab’s own address, http://localhost:8080/, not behind another port or a proxy"},
		{name: "everywhere, from another machine", lanes: "0.0.0.0:8080", tls: "0.0.0.0:8443", control: "0.0.0.0:8081", client: "192.0.2.7:50000", host: "localhost:8080",
			plain: "http://localhost:8080", secure: "https://localhost:8443", controlled: "http://localhost:8081",
			allowed: "ws://localhost:8080 wss://localhost:8080 http://localhost:8081 ws://localhost:8081"},
		{name: "the lanes everywhere, from another machine", lanes: "0.0.0.0:8080", tls: "0.0.0.0:8443", control: "127.0.0.1:8081", client: "192.0.2.7:50000", host: "localhost:8080",
			plain: "http://localhost:8080", secure: "https://localhost:8443", allowed: "ws://localhost:8080 wss://localhost:8080",
			barred: "the controls are on the page that the lab’s own machine shows, since --control 127.0.0.1:8081 is for that machine alone"},
		{name: "IPv6", lanes: "[::1]:8080", tls: "[::1]:8443", control: "[::1]:8081", host: "[::1]:8080",
			plain: "http://[::1]:8080", secure: "https://[::1]:8443", controlled: "http://[::1]:8081", allowed: "ws://*:8080 wss://*:8080 http://*:8081 ws://*:8081"},
		{name: "IPv6, control by IPv4", lanes: "[::1]:8080", tls: "[::1]:8443", control: "127.0.0.1:8081", host: "[::1]:8080",
			plain: "http://[::1]:8080", secure: "https://[::1]:8443", controlled: "http://127.0.0.1:8081", allowed: "ws://*:8080 wss://*:8080 http://127.0.0.1:8081 ws://127.0.0.1:8081"},
	} {
		t.Run(test.name, func(t *testing.T) {
			on, err := lab.Loopback(true)
			if err != nil {
				t.Fatal(err)
			}
			url := "http://" + on.Lanes.Addr().String() + "/"
			on.Lanes, on.TLS, on.Control = pretender{on.Lanes, test.lanes, test.client}, pretender{on.TLS, test.tls, ""}, pretender{on.Control, test.control, ""}
			labtest.StartOn(t, labtest.Quiet(feed.Keep), on)
			resp, body := ask(t, "GET", url, "", "Host: "+test.host)
			for name, want := range map[string]string{"plain": test.plain, "secure": test.secure, "control": test.controlled, "barred": test.barred} {
				if found := regexp.MustCompile(fmt.Sprintf(`<meta name="%s" content="(.*?)">`, name)).FindStringSubmatch(body); found == nil || found[1] != want {
					t.Errorf("the page has %q, want %s %q", found, name, want)
				}
			}
			_, allowed, _ := strings.Cut(resp.Header.Get("Content-Security-Policy"), "connect-src 'self' ")
			if allowed != test.allowed+rest {
				t.Errorf("the policy allows %s, want %s", allowed, test.allowed+rest)
			}
		})
	}
}

// The lab has media types of its own for its files: with a machine's table that calls a module text/plain, no browser
// would run it.
func TestMediaTypes(t *testing.T) {
	for _, extension := range []string{".js", ".css", ".svg", ".png"} {
		was := mime.TypeByExtension(extension)
		if err := mime.AddExtensionType(extension, "text/plain"); err != nil {
			t.Fatal(err)
		}
		defer mime.AddExtensionType(extension, was)
	}
	_, lanes, _ := onLoopback(t, labtest.Quiet(feed.Keep))
	urls := []string{lanes + "/docs/page.png"}
	err := fs.WalkDir(web.Static(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			urls = append(urls, lanes+"/static/"+name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for stem := range strings.FieldsSeq(" 05-never-lose reference") {
		_, page := ask(t, "GET", lanes+"/docs/"+stem, "")
		for _, found := range regexp.MustCompile(`(?:src|href)="(/docs/[^"#]+\.\w+)"`).FindAllStringSubmatch(page, -1) {
			urls = append(urls, lanes+found[1])
		}
	}
	want := map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png"}
	seen := map[string]bool{}
	for _, url := range urls {
		resp, _ := ask(t, http.MethodHead, url, "")
		if got := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || got == "" || got != want[path.Ext(url)] {
			t.Errorf("%s: %s, Content-Type %q, want %q", url, resp.Status, got, want[path.Ext(url)])
		}
		seen[path.Ext(url)] = true
	}
	if len(seen) != len(want) {
		t.Errorf("files of %v were asked for, want one of each of %v", seen, want)
	}
}

// A file goes compressed to a client that takes that, and then whole; to any other as it is, and a part where it asks
// for one.
func TestCompressed(t *testing.T) {
	_, lanes, _ := onLoopback(t, labtest.Quiet(feed.Keep))
	file, err := fs.ReadFile(web.Static(), "main.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		accepts string
		coding  string
	}{
		{"gzip", "gzip"},
		{"gzip;q=0.5, br", "gzip"},
		{"*", "gzip"},
		{"br;q=1, gzip;q=0", ""},
		{"gzip; q=0.000", ""},
		{"gzip;q=0, *;q=1", ""},
		{"identity", ""},
	} {
		for _, headers := range [][]string{nil, {"Range: bytes=100-199"}} {
			resp, body := ask(t, "GET", lanes+"/static/main.js", "", append(headers, "Accept-Encoding: "+test.accepts)...)
			status, want := 200, string(file)
			if headers != nil && test.coding == "" {
				status, want = 206, want[100:200]
			}
			if resp.StatusCode != status || resp.Header.Get("Content-Encoding") != test.coding || resp.Header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("Accept-Encoding %q, %s: %s %v", test.accepts, headers, resp.Status, resp.Header)
				continue
			}
			if test.coding == "gzip" {
				plain, err := gzip.NewReader(strings.NewReader(body))
				if err != nil {
					t.Error(err)
					continue
				}
				text, err := io.ReadAll(plain)
				if body = string(text); err != nil {
					t.Error(err)
				}
			}
			if body != want {
				t.Errorf("Accept-Encoding %q, %s: %d bytes, want %d", test.accepts, headers, len(body), len(want))
			}
		}
	}
}

// The page's policy lets it connect to the lab and to nothing else.
func TestPage(t *testing.T) {
	_, lanes, control := onLoopback(t, labtest.Quiet(feed.Keep))
	resp, body := ask(t, "GET", lanes+"/", "")
	host := strings.TrimPrefix(lanes, "http://")
	for name, want := range map[string]string{
		"Content-Type": "text/html; charset=utf-8",
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' ws://" + host + " wss://" + host + " " + control +
			" ws://" + strings.TrimPrefix(control, "http://") + "; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Embedder-Policy": "require-corp",
		"X-Content-Type-Options":       "nosniff",
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if resp.StatusCode != 200 || !strings.Contains(body, control) {
		t.Errorf("the page: %d, and does it name %s? %s", resp.StatusCode, control, body)
	}
	for _, url := range []string{lanes + "/healthz", control + "/healthz"} {
		if resp, body := ask(t, "GET", url, ""); resp.StatusCode != 200 || body != `{"status":"ok"}` {
			t.Errorf("%s: %d %s", url, resp.StatusCode, body)
		}
	}
}
