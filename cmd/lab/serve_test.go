package main_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/needs"

	gorilla "github.com/gorilla/websocket"
)

// start starts a lab, until the test ends, and returns the address of its lanes.
func start(t *testing.T, cmd *exec.Cmd, args ...string) string {
	t.Helper()
	text := read(t, cmd, append(args, "--tls=false")...)
	match := regexp.MustCompile(`^The lab is open: http://(\S+)/\nIts control API:  http://\S+/control/feed\n` +
		`Ctrl-C closes it.\n$`).FindStringSubmatch(text)
	if match == nil {
		t.Fatalf("the program begins with %q, want what to open", text)
	}
	return match[1]
}

// startTLS starts a lab with TLS too, and returns both addresses.
func startTLS(t *testing.T, cmd *exec.Cmd, args ...string) (lanes, secured string) {
	t.Helper()
	text := read(t, cmd, append(args, "--tls-addr", "127.0.0.1:0")...)
	match := regexp.MustCompile(`^The lab is open: http://(\S+)/\nIts control API:  http://\S+/control/feed\n` +
		`With HTTP/2:      https://(\S+)/ \(self-signed certificate: browsers warn, curl needs -k\)\n` +
		`Ctrl-C closes it.\n$`).FindStringSubmatch(text)
	if match == nil {
		t.Fatalf("the program begins with %q, want what to open, with TLS and without", text)
	}
	return match[1], match[2]
}

// The address over TLS has port 8443 of the host of --addr. A lab that finds it in use, and was not asked for it, says
// so and serves without.
func TestDefaultTLS(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.8:8443") // a loopback address of this test alone
	if err != nil {
		needs.Missing(t, fmt.Sprintf("this machine has no 127.0.0.8: %v", err), "give it that address")
	}
	text := read(t, exec.Command(program(t)), "--addr", "127.0.0.8:0")
	want := regexp.MustCompile(`/control/feed\nWithout HTTP/2:   127\.0\.0\.8:8443 is in use; --tls-addr takes another ` +
		`address\nCtrl-C closes it.\n$`)
	if !want.MatchString(text) {
		t.Errorf("where port 8443 is in use, the program begins with %q", text)
	}
	code, _, stderr := execute(t, "--addr 127.0.0.8:0 --control 127.0.0.1:0 --tls")
	if code != 1 || !strings.HasPrefix(stderr, "lab: --tls-addr: listen tcp 127.0.0.8:8443: ") {
		t.Errorf("asked for TLS where port 8443 is in use, the program exits %d with %q", code, stderr)
	}
	taken.Close()
	text = read(t, exec.Command(program(t)), "--addr", "127.0.0.8:0")
	if !strings.Contains(text, "\nWith HTTP/2:      https://127.0.0.8:8443/ (self-signed") {
		t.Errorf("the program begins with %q, want an address over TLS", text)
	}
}

// read starts a lab on free ports, and returns what it prints until it serves.
func read(t *testing.T, cmd *exec.Cmd, args ...string) (text string) {
	t.Helper()
	cmd.Args = append(append(cmd.Args, "--addr", "127.0.0.1:0", "--control", "127.0.0.1:0"), args...)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			cmd.Process.Kill()
			cmd.Wait()
		}
	})
	lines := bufio.NewReader(stdout)
	for !strings.HasSuffix(text, "Ctrl-C closes it.\n") {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("the program prints %q, and then %v", text+line, err)
		}
		text += line
	}
	return text
}

// Either signal ends the program within a second, with 400 clients and a silent connection, and each client learns of
// it: over HTTP/1.1, and over TLS, by HTTP/2 where the transport can. One of three tries has to be as quick: a machine
// that is busy, as with these clients, is late now and then; a program that waits for a timer is late each time. For
// the same reason no other test runs beside it.
func TestSignals(t *testing.T) {
	for _, test := range []struct {
		signal os.Signal
		scheme string
	}{{syscall.SIGINT, "http"}, {syscall.SIGTERM, "http"}, {syscall.SIGTERM, "https"}} {
		t.Run(test.signal.String()+"/"+test.scheme, func(t *testing.T) {
			took := endCrowded(t, test.signal, test.scheme)
			for try := 1; took > time.Second; try++ {
				if try == 3 {
					t.Fatalf("three times the end took more than a second, the last time %v", took)
				}
				took = endCrowded(t, test.signal, test.scheme)
			}
		})
	}
}

// endCrowded ends a program that has 400 clients and a silent connection, and returns how long that took.
func endCrowded(t *testing.T, signal os.Signal, scheme string) time.Duration {
	cmd := exec.Command(program(t))
	addr, secured := startTLS(t, cmd, "--rate", "10")
	if scheme == "https" {
		addr = secured
	}
	silent, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	var served, ended sync.WaitGroup
	for _, transport := range lab.Transports {
		access := lab.Access{URL: scheme + "://" + addr + "/" + transport.Name, Interval: time.Second / 4}
		if scheme == "https" {
			access.HTTP2 = transport.HTTP2
			access.Dial = (&tls.Dialer{Config: anyCertificate(transport.HTTP2)}).DialContext
		}
		for range 100 {
			served.Add(1)
			ended.Go(func() {
				var once sync.Once
				for _, err := range transport.Client(access).Messages(t.Context()) {
					once.Do(served.Done)
					if err != nil && !ending(transport, err) {
						t.Errorf("%s: %v", transport.Name, err)
					}
				}
			})
		}
	}
	served.Wait()
	took := end(t, cmd, signal)
	ended.Wait()
	return took
}

// ending reports whether an error is how a client of a transport learns that the server has ended.
func ending(transport lab.Transport, err error) bool {
	switch transport.Name {
	case "sse":
		return errors.Is(err, io.EOF)
	case "websocket":
		return gorilla.IsCloseError(errors.Unwrap(err), gorilla.CloseGoingAway)
	}
	var refused *net.OpError
	return errors.As(err, &refused) // the next poll is refused
}

// end ends the program by a signal, and returns how long that took.
func end(t *testing.T, cmd *exec.Cmd, signal os.Signal) time.Duration {
	t.Helper()
	begin := time.Now()
	if err := cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the program ended with %v", err)
	}
	return time.Since(begin)
}

// anyCertificate returns the settings of a client that trusts any certificate, and may speak HTTP/2.
func anyCertificate(http2 bool) *tls.Config {
	config := &tls.Config{InsecureSkipVerify: true}
	if http2 {
		config.NextProtos = []string{"h2"}
	}
	return config
}

// A hundred streams of one connection end too, each in order.
func TestSignalOneConnection(t *testing.T) {
	cmd := exec.Command(program(t))
	_, addr := startTLS(t, cmd, "--rate", "10")
	var dials atomic.Int64
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		dials.Add(1)
		return (&tls.Dialer{Config: anyCertificate(true)}).DialContext(ctx, network, addr)
	}
	transport := &http.Transport{ForceAttemptHTTP2: true, DialTLSContext: dial}
	defer transport.CloseIdleConnections()
	var ended sync.WaitGroup
	for range 100 { // the second finds the connection of the first
		resp, err := (&http.Client{Transport: transport}).Get("https://" + addr + "/sse")
		if err != nil {
			t.Fatal(err)
		}
		if resp.ProtoMajor != 2 {
			t.Fatalf("a stream over %s", resp.Proto)
		}
		ended.Go(func() {
			defer resp.Body.Close()
			if n, err := io.Copy(io.Discard, resp.Body); n == 0 || err != nil {
				t.Errorf("after %d bytes: %v, want the stream's end", n, err)
			}
		})
	}
	if n := dials.Load(); n != 1 {
		t.Errorf("100 streams took %d connections", n)
	}
	if took := end(t, cmd, syscall.SIGTERM); took > time.Second {
		t.Errorf("the end took %v, want a second at most", took)
	}
	ended.Wait()
}

// With TLS a lab speaks both versions of HTTP: curl chooses HTTP/2 by ALPN, or HTTP/1.1 where a flag has it. Without
// TLS it speaks HTTP/2 with clients that begin with it (prior knowledge).
func TestTLS(t *testing.T) {
	t.Parallel()
	curl := needs.Program(t, "apt-get install curl", "curl")
	lanes, secured := startTLS(t, exec.Command(program(t)), "--source", "none")
	for _, test := range []struct{ args, want string }{
		{"-k https://" + secured + "/healthz", `{"status":"ok"} 2`},
		{"-k --http2 https://" + secured + "/polling", `{"epoch":"\w+","head":0,"messages":\[\]} 2`},
		{"-k --http1.1 https://" + secured + "/polling", `{"epoch":"\w+","head":0,"messages":\[\]} 1.1`},
		{"-k --tls-max 1.2 https://" + secured + "/healthz", `{"status":"ok"} 2`},
		{"-k -d 1 https://" + secured + "/publish", `{"at":\d+,"id":1} 2`},
		{"-k https://" + secured + "/polling?after=0", `{"epoch":"\w+","messages":\[{"id":1,"at":\d+,"data":1}\]} 2`},
		{"http://" + lanes + "/healthz", `{"status":"ok"} 1.1`},
		{"--http2 http://" + lanes + "/healthz", `{"status":"ok"} 1.1`}, // h2c by upgrade: RFC 9113 has it no more
		{"--http2-prior-knowledge http://" + lanes + "/polling?after=0", `{"epoch":"\w+","messages":\[{"id":1,"at":\d+,"data":1}\]} 2`},
		{"http://" + secured + "/polling", `{"error":"this address speaks TLS: ask https://"} 1.1`},
		{"https://" + secured + "/healthz", ` 0`}, // nobody vouches for it
		{"-k https://" + lanes + "/healthz", ` 0`},
	} {
		args := append([]string{"-s", "--max-time", "10", "-w", " %{http_version}"}, strings.Fields(test.args)...)
		out, _ := exec.Command(curl, args...).Output()
		if got := string(out); !regexp.MustCompile(`^(?:` + test.want + `)$`).MatchString(got) {
			t.Errorf("curl %s: %q, want %s", test.args, got, test.want)
		}
	}
}

// The sources of the README are started as there.
func TestServe(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{"host": `"memory":`, "market": `"symbol":`} {
		addr := start(t, exec.Command(program(t)), "serve", "--source", source, "--rate", "10")
		c := lab.Transports[2].Client(lab.Access{URL: "http://" + addr + "/sse"})
		n := 0
		for m, err := range c.Messages(t.Context()) {
			if err != nil || !strings.Contains(string(m.Data), want) {
				t.Errorf("%s: %s, %v, want data with %s", source, m.Data, err, want)
			}
			if n++; n == 3 {
				break
			}
		}
	}
}

// A lab publishes each line of its stdin as a message; a second lab relays the first; a third replays what the first
// sent.
func TestInputs(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(program(t))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	first := start(t, cmd, "--source", "stdin")
	second := start(t, exec.Command(program(t)), "--source", "relay", "--url", "http://"+first+"/sse?after=0")
	if _, err := io.WriteString(in, "64 bytes from localhost\n\n{\"seq\": 2}\n"); err != nil {
		t.Fatal(err)
	}
	want := []string{`"64 bytes from localhost"`, `{"seq":2}`}
	file, err := os.Create(filepath.Join(t.TempDir(), "recording"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, m := range readFirst(t, first, 2, want) {
		file.Write(append(m.JSON(), '\n'))
	}
	for i, m := range readFirst(t, second, 2, nil) { // the whole message of the first is the data of the second
		inner, err := feed.Decode(m.Data)
		if err != nil || string(inner.Data) != want[i] {
			t.Errorf("relayed: %s, %v, want %s in it", m.Data, err, want[i])
		}
	}
	third := start(t, exec.Command(program(t)), "--source", "replay", "--file", file.Name(), "--speed", "100")
	readFirst(t, third, 2, want)
	in.Close()
}

// A relay uses the proxy that the environment names, and sends its name as User-Agent.
func TestRelayThroughProxy(t *testing.T) {
	t.Parallel()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, "data: %s by %s\n\n", r.RequestURI, r.UserAgent())
	}))
	defer proxy.Close()
	cmd := exec.Command(program(t))
	cmd.Env = append(os.Environ(), "HTTP_PROXY="+proxy.URL, "NO_PROXY=", "no_proxy=")
	addr := start(t, cmd, "--source", "relay", "--url", "http://stream.example/sse")
	readFirst(t, addr, 1, []string{`"http://stream.example/sse by fourwires-relay"`})
}

// readFirst returns the first n messages of a lab, whose data is want, if any.
func readFirst(t *testing.T, addr string, n int, want []string) (msgs []feed.Message) {
	t.Helper()
	c := lab.Transports[2].Client(lab.Access{URL: "http://" + addr + "/sse?after=0"})
	for m, err := range c.Messages(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if want != nil && string(m.Data) != want[len(msgs)] {
			t.Errorf("message %d is %s, want %s", m.ID, m.Data, want[len(msgs)])
		}
		if msgs = append(msgs, m); len(msgs) == n {
			break
		}
	}
	return msgs
}
