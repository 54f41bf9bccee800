package main_test

import (
	"bufio"
	"bytes"
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

	gorilla "github.com/gorilla/websocket"
)

// binary is the program, built as a newcomer would build it.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "lab")
	if err == nil {
		binary = filepath.Join(dir, "lab")
		err = exec.Command("go", "build", "-o", binary, ".").Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "building the program:", err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func TestCommandLine(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, test := range []struct {
		args   string
		code   int
		stdout string // a regular expression for all of it
		stderr string
	}{
		{"version", 0, `fourwires \S+ go\S+ \w+/\w+\n`, ""},
		{"--help", 0, `(?s)Fourwires puts.*Usage:\n  lab \[flags\]\n.*--addr.*--control.*--keep.*--payload.*--phase.*--rate.*--seed.*--source.*`, ""},
		{"serve --help", 0, `(?s)Serve the feed.*--addr.*--control.*--source.*--rate.*--phase.*--payload.*--seed.*--keep.*`, ""},
		{"--nope", 2, "", `lab: unknown flag: --nope \(lab --help says what there is\)\n`},
		{"serve --nope", 2, "", `lab: unknown flag: --nope \(lab serve --help says what there is\)\n`},
		{"nope", 2, "", `lab: unknown command "nope" for "lab" \(lab --help says what there is\)\n`},
		{"serve nope", 2, "", `lab: unknown command "nope" for "lab serve" \(lab serve --help says what there is\)\n`},
		{"help nope", 2, "", `lab: unknown command "nope" for "lab" \(lab --help says what there is\)\n`},
		{"help measure nope", 2, "", `lab: unknown command "measure nope" for "lab" \(lab --help says what there is\)\n`},
		{"help measure", 0, `(?s)Measure the four.*`, ""},
		{"--rate fast", 2, "", `lab: invalid argument "fast" for "--rate".* \(lab --help says what there is\)\n`},
		{"--rate 11", 2, "", `lab: rate 11: host takes at most 10 readings a second\n`},
		{"--rate 0", 2, "", `lab: rate 0: .*\n`},
		{"--source market --rate 10001", 2, "", `lab: rate 10001: .*\n`},
		{"--source stars", 2, "", `lab: source "stars": must be one of host, market, none\n`},
		{"wire", 2, "", `lab: wire "": must be one of polling, longpoll, sse, websocket\n`},
		{"wire pigeon", 2, "", `lab: wire "pigeon": must be one of polling, longpoll, sse, websocket\n`},
		{"wire sse websocket", 2, "", `lab: wire "sse websocket": must be one of polling, longpoll, sse, websocket\n`},
		{"--source relay", 2, "", `lab: --source relay: --url says which stream\n`},
		{"--source replay", 2, "", `lab: --source replay: --file says which file\n`},
		{"--url ftp://localhost/", 2, "", `lab: .*ftp.*\n`},
		{"--file nothing.jsonl", 2, "", `lab: .*nothing.jsonl.*\n`},
		{"--file main.go --speed 0", 2, "", `lab: .*speed 0.*\n`},
		{"--max-clients 0", 2, "", `lab: max-clients 0: must be at least 1\n`},
		{"--allow-origin localhost", 2, "", `lab: allow-origin "localhost": .*\n`},
		{"--phase full", 2, "", `lab: phase "full": must be one of poisson, even\n`},
		{"--payload -1", 2, "", `lab: payload -1: .*\n`},
		{"--seed -1", 2, "", `lab: invalid argument "-1" for "--seed".*\n`},
		{"--keep 0", 2, "", `lab: keep 0: a feed keeps 1 to 4096 messages\n`},
		{"--addr 8080", 2, "", `lab: --addr: address 8080: missing port in address\n`},
		{"--addr 127.0.0.1:99999", 2, "", `lab: --addr: address 99999: invalid port\n`},
		{"--tls --tls-addr nowhere", 2, "", `lab: --tls-addr: address nowhere: missing port in address\n`},
		{"--tls-addr 127.0.0.1:99999", 2, "", `lab: --tls-addr: address 99999: invalid port\n`},
		{"--control nowhere", 2, "", `lab: --control: address nowhere: missing port in address\n`},
		{"--addr " + taken.Addr().String(), 1, "", `lab: --addr: listen tcp .*: address already in use: .* give --addr a free port\n`},
		{"--addr " + taken.Addr().String() + " --control 127.0.0.1:6667", 1, "", `--control 127.0.0.1:6667: browsers ask for nothing at port 6667 .*\nlab: --addr: listen .*\n`},
		{"--addr 127.0.0.1:0 --tls-addr " + taken.Addr().String(), 1, "", `lab: --tls-addr: listen tcp .*: address already in use: .* give --tls-addr a free port\n`},
		{"--addr 127.0.0.1:0 --control " + taken.Addr().String(), 1, "", `lab: --control: listen tcp .*: address already in use: .* give --control a free port\n`},
	} {
		cmd := exec.Command(binary, strings.Fields(test.args)...)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		err := cmd.Run()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		matches := func(pattern, text string) bool { return regexp.MustCompile(`^(?:` + pattern + `)$`).MatchString(text) }
		if code := cmd.ProcessState.ExitCode(); code != test.code || !matches(test.stdout, stdout.String()) || !matches(test.stderr, stderr.String()) {
			t.Errorf("lab %s: exit %d\n%s%s\nwant %d\n%s%s", test.args, code, stdout.String(), stderr.String(), test.code, test.stdout, test.stderr)
		}
	}
}

// start starts the program and returns it with the address of its lanes.
func start(t *testing.T, args ...string) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.Command(binary)
	return cmd, launch(t, cmd, args...)
}

// launch starts the program, until the test ends, and returns the address of
// its lanes.
func launch(t *testing.T, cmd *exec.Cmd, args ...string) string {
	t.Helper()
	said := opened(t, cmd, args...)
	match := regexp.MustCompile(`^The lab is open: http://(\S+)/\nIts control API:  http://\S+/control/feed\nCtrl-C closes it.\n$`).FindStringSubmatch(said)
	if match == nil {
		t.Fatalf("the program begins with %q, want what to open", said)
	}
	return match[1]
}

// launchTLS starts the program with --tls too, and returns both addresses.
func launchTLS(t *testing.T, cmd *exec.Cmd, args ...string) (lanes, secured string) {
	t.Helper()
	said := opened(t, cmd, append(args, "--tls", "--tls-addr", "127.0.0.1:0")...)
	match := regexp.MustCompile(`http://(\S+)/\n(?s:.*)https://(\S+)/ \(self-signed: a browser warns once, curl wants -k\)\nCtrl-C closes it.\n$`).FindStringSubmatch(said)
	if match == nil {
		t.Fatalf("the program begins with %q, want what to open, with TLS and without", said)
	}
	return match[1], match[2]
}

// opened starts the program on free ports, and returns what it says until it
// serves.
func opened(t *testing.T, cmd *exec.Cmd, args ...string) (said string) {
	t.Helper()
	cmd.Args = append(append(cmd.Args, args...), "--addr", "127.0.0.1:0", "--control", "127.0.0.1:0")
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
	for !strings.HasSuffix(said, "Ctrl-C closes it.\n") {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("the program says %q, and then %v", said+line, err)
		}
		said += line
	}
	return said
}

// Either signal ends the program within a second, with 400 clients and a silent
// connection, and each client is told: over HTTP/1.1, and over TLS, by HTTP/2
// where there is such a thing. The second counts in one of three tries: a machine that
// is busy, as with these clients, is late now and then, a program that waits for a
// timer is each time.
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

// endCrowded ends a program that has 400 clients and a silent connection, and returns
// how long that took.
func endCrowded(t *testing.T, signal os.Signal, scheme string) time.Duration {
	cmd := exec.Command(binary)
	addr, secured := launchTLS(t, cmd, "--rate", "10")
	access := lab.Access{URL: "http://" + addr}
	if scheme == "https" {
		addr = secured
		access = lab.Access{URL: "https://" + addr, HTTP2: true, Dial: (&tls.Dialer{Config: anyone()}).DialContext}
	}
	silent, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	var served, ended sync.WaitGroup
	for _, transport := range lab.Transports {
		for range 100 {
			served.Add(1)
			ended.Go(func() {
				var once sync.Once
				access := access
				access.URL += "/" + transport.Name
				if transport.Name == "websocket" && scheme == "https" {
					access.Dial = (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext
				}
				c := transport.Client(access)
				for _, err := range c.Messages(t.Context()) {
					once.Do(served.Done)
					if err == nil {
						continue
					}
					var refused *net.OpError
					told := errors.As(err, &refused) // polls: the next finds nobody
					switch transport.Name {
					case "sse":
						told = errors.Is(err, io.EOF)
					case "websocket":
						told = gorilla.IsCloseError(errors.Unwrap(err), gorilla.CloseGoingAway)
					}
					if !told {
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

// anyone returns the settings of a client that takes any certificate, and would
// speak HTTP/2.
func anyone() *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}
}

// A hundred streams of one connection end too, each in order.
func TestSignalOneConnection(t *testing.T) {
	cmd := exec.Command(binary)
	_, addr := launchTLS(t, cmd, "--rate", "10")
	var dials atomic.Int64
	transport := &http.Transport{ForceAttemptHTTP2: true, DialTLSContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		dials.Add(1)
		return (&tls.Dialer{Config: anyone()}).DialContext(ctx, network, addr)
	}}
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

// With TLS the same is there twice: for curl, which chooses HTTP/2 by ALPN, and
// HTTP/1.1 if it is told to; and without TLS HTTP/2 is there for who knows it.
func TestTLS(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Fatalf("this calls curl: install it and have it on the PATH (%v)", err)
	}
	lanes, secured := launchTLS(t, exec.Command(binary), "--source", "none")
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
		out, _ := exec.Command("curl", args...).Output()
		if got := string(out); !regexp.MustCompile(`^(?:` + test.want + `)$`).MatchString(got) {
			t.Errorf("curl %s: %q, want %s", test.args, got, test.want)
		}
	}
}

// The README's sources, as they are started: host by itself, market in a hurry.
func TestServe(t *testing.T) {
	for source, want := range map[string]string{"host": `"memory":`, "market": `"symbol":`} {
		_, addr := start(t, "serve", "--source", source, "--rate", "10")
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

// What is piped in is published, a line a message; a second lab relays it; and
// what came out of that one is replayed by a third.
func TestInputs(t *testing.T) {
	cmd := exec.Command(binary)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	first := launch(t, cmd, "--source", "stdin")
	second := launch(t, exec.Command(binary), "--source", "relay", "--url", "http://"+first+"/sse?after=0")
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
	third := launch(t, exec.Command(binary), "--source", "replay", "--file", file.Name(), "--speed", "100")
	readFirst(t, third, 2, want)
	in.Close()
}

// A relay goes through the proxy of the environment, and says what it is.
func TestRelayThroughProxy(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, "data: %s by %s\n\n", r.RequestURI, r.UserAgent())
	}))
	defer proxy.Close()
	cmd := exec.Command(binary)
	cmd.Env = append(os.Environ(), "HTTP_PROXY="+proxy.URL, "NO_PROXY=", "no_proxy=")
	addr := launch(t, cmd, "--source", "relay", "--url", "http://stream.example/sse")
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

// Every byte of the exchange is named, and the lines add up to the sums.
func TestWire(t *testing.T) {
	for _, transport := range lab.Transports {
		for _, flags := range []string{"", "--http 2", "--tls", "--http 2 --tls --headers chrome --cookie 9"} {
			name := strings.TrimSpace(transport.Name + " " + flags)
			var stdout, stderr bytes.Buffer
			cmd := exec.Command(binary, append([]string{"wire", transport.Name}, strings.Fields(flags)...)...)
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if err := cmd.Run(); err != nil {
				t.Fatal(name, err, stderr.String())
			}
			sections := strings.Split(stdout.String(), "\n\n")
			added := map[string]int{}
			for line := range strings.Lines(sections[0]) {
				var mark, unit, part string
				var n int
				if _, err := fmt.Sscan(line, &mark, &n, &unit, &part); err != nil {
					t.Fatalf("%s: line %q: %v", name, line, err)
				}
				added[mark+part] += n
				added[mark+"total"] += n
			}
			seen := 0
			for line := range strings.Lines(sections[1]) {
				var part string
				var up, down int
				if _, err := fmt.Sscanf(line, "%s %d B %d B", &part, &up, &down); err != nil {
					continue // the heading, and the last line
				}
				seen++
				if up != added[">"+part] || down != added["<"+part] {
					t.Errorf("%s: %s is %d and %d B, the lines add up to %d and %d", name, part, up, down, added[">"+part], added["<"+part])
				}
			}
			if seen < 4 || added["<payload"] == 0 || !strings.HasSuffix(strings.TrimSpace(sections[1]), "\nunaccounted: 0 B") {
				t.Errorf("%s: %d sums, want some, and nothing unaccounted:\n%s", name, seen, sections[1])
			}
			polls := !transport.Stream && strings.Contains(flags, "2")
			if compared := len(sections) == 6; compared != polls || len(sections) > 2 != polls {
				t.Errorf("%s: %d sections, want 6 where polls on HTTP/2 are compared, and else 2", name, len(sections))
			}
			if strings.Contains(flags, "tls") != (added[">tls"] > 0) || strings.Contains(flags, "tls") && added["<opening"] < 500 {
				t.Errorf("%s: %d B of TLS and %d B of opening", name, added[">tls"], added["<opening"])
			}
		}
	}
}

// The first poll by HTTP/2 has its price, and the next ones their discount; a
// cookie of 512 bytes is paid once, one of 4 096 each time.
func TestWireHeads(t *testing.T) {
	out, err := exec.Command(binary, "wire", "polling", "--http", "2", "--headers", "chrome").Output()
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(out), "request, with a cookie      0 B     512 B    4096 B\n")
	var n, none, some, many [3]int
	for i := range n {
		line, rest, _ := strings.Cut(table, "\n")
		if _, err := fmt.Sscan(line, &n[i], &none[i], &some[i], &many[i]); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		table = rest
	}
	if n != [3]int{1, 2, 5} || none[0] < 6*none[1] || some[0] < none[0]+300 || some[2] > none[2]+3 || many[1] < 3500 || many[2] < 3500 {
		t.Errorf("requests %v cost %v, with a cookie of 512 B %v, of 4 096 B %v", n, none, some, many)
	}
}
