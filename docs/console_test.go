package docs_test

import (
	"bytes"
	"context"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	patience  = 30 * time.Second // with a command
	compiling = 4 * time.Minute  // with one that has Go compile something
)

// TestConsole runs the console blocks.
func TestConsole(t *testing.T) {
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	for tool, of := range map[string]string{"sh": "dash", "curl": "curl", "nc": "netcat-openbsd", "openssl": "openssl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("the pages call %s: install it (apt-get install %s) and have it on the PATH (%v)", tool, of, err)
		}
	}
	for name, text := range pages(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == pythonChapter {
				needPython(t)
			}
			r := &reader{t: t, lab: path, tmp: t.TempDir(), at: map[string]string{}}
			defer r.leave()
			blocks, _ := blocks(name, text)
			for _, b := range blocks {
				if b.kind == "console" {
					r.read(b)
				}
			}
		})
	}
}

// A reader does what a page says.
type reader struct {
	t    *testing.T
	lab  string            // the program
	tmp  string            // a folder, for what the page writes into /tmp
	at   map[string]string // the addresses in use, by those that the page names
	open []func()          // each ends a program that is kept running
}

// leave ends what is kept running, the latest first.
func (r *reader) leave() {
	for _, end := range slices.Backward(r.open) {
		end()
	}
	r.open = nil
}

// proxy returns the command of an nginx with free ports and the addresses in use.
func (r *reader) proxy(command string) string {
	const prefix = "-p /tmp "
	shown := settings.FindStringSubmatch(command)
	if shown == nil || !strings.Contains(command, prefix) {
		r.t.Fatalf(`$ %s: nginx is called with %s-c "$PWD/docs/testdata/nginx….conf"`, command, prefix)
	}
	if _, err := exec.LookPath("nginx"); err != nil {
		const advice = "THE PROXY IS NOT TESTED: this page needs nginx (apt-get install nginx)"
		if os.Getenv("CI") == "true" {
			r.t.Fatal(advice)
		}
		r.t.Skip(advice)
	}
	text, err := os.ReadFile(filepath.Join("testdata", shown[1]))
	if err != nil {
		r.t.Fatal(err)
	}
	for _, found := range regexp.MustCompile(`listen (\S+?)(?: ssl http2)?;`).FindAllSubmatch(text, -1) {
		free, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			r.t.Fatal(err)
		}
		defer free.Close()
		r.at[string(found[1])] = free.Addr().String()
	}
	conf := filepath.Join(r.tmp, shown[1])
	if err := os.WriteFile(conf, []byte(r.here(string(text))), 0o666); err != nil {
		r.t.Fatal(err)
	}
	return strings.NewReplacer(shown[0], conf, prefix, "-p "+r.tmp+" ").Replace(command)
}

var settings = regexp.MustCompile(`"\$PWD/docs/testdata/(nginx[a-z-]*\.conf)"`)

// here puts the addresses in use in place of those that the page names, and a
// folder of its own in place of /tmp for what the page writes there.
func (r *reader) here(text string) string {
	text = strings.ReplaceAll(text, "/tmp/nginx-", filepath.Join(r.tmp, "nginx-"))
	for named, used := range r.at {
		text = strings.ReplaceAll(text, named, used)
		text = strings.ReplaceAll(text, strings.ReplaceAll(named, ":", " "), strings.ReplaceAll(used, ":", " ")) // for netcat
	}
	return text
}

// there is the way back.
func (r *reader) there(text string) string {
	for named, used := range r.at {
		text = strings.ReplaceAll(text, used, named)
	}
	return text
}

func (r *reader) read(b block) {
	for i := 0; i < len(b.lines); {
		line := b.line + 1 + i
		command, ok := strings.CutPrefix(b.lines[i], "$ ")
		if !ok {
			r.t.Fatalf("%s:%d: a console block begins with a $ command", b.page, line)
		}
		for strings.HasSuffix(command, `\`) && i+1 < len(b.lines) {
			i++
			command += "\n" + b.lines[i]
		}
		var want []string
		for i++; i < len(b.lines) && !strings.HasPrefix(b.lines[i], "$ "); i++ {
			want = append(want, b.lines[i])
		}
		if got, ok := r.run(command, want); !ok {
			r.t.Errorf("%s:%d: $ %s\n got:\n%s\nwant:\n%s", b.page, line, command, got, strings.Join(want, "\n"))
		}
	}
}

// run runs a command and returns what it printed and whether that was wanted.
func (r *reader) run(command string, want []string) (got string, ok bool) {
	opens := len(want) > 0 && strings.HasPrefix(want[0], "The lab is open")
	proxies := strings.HasPrefix(command, "nginx ")
	stays := opens || proxies
	endless := stays || len(want) > 0 && want[len(want)-1] == "^C"
	switch {
	case opens:
		r.leave()
	case proxies:
		command = r.proxy(command)
	case endless:
		want = want[:len(want)-1]
	}
	late := time.After(patience)
	if strings.HasPrefix(command, "go test ") {
		late = time.After(compiling)
	}
	command = r.compiled(command)
	command = r.here(strings.NewReplacer("go run ./cmd/lab", r.lab, "./lab ", r.lab+" ").Replace(command))
	if opens {
		command += " --addr 127.0.0.1:0 --control 127.0.0.1:0"
		if strings.Contains(command, "--tls") {
			command += " --tls-addr 127.0.0.1:0"
		}
	}
	if endless {
		command = "exec " + command // so that the signal reaches it
	}

	ctx, end := context.WithCancel(r.t.Context())
	cmd := exec.CommandContext(ctx, "sh", "-c", command)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CURL_HOME="+bin)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = patience
	var out screen
	out.news = make(chan struct{}, 1)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		cmd.Wait()
		close(ended)
	}()
	stop := func() {
		end()
		<-ended
	}

	expression := pattern(want, endless)
	for running := true; running; {
		select {
		case <-out.news:
		case <-ended:
			running = false
		case <-late:
			running = false
		}
		got = out.String()
		if opens {
			if at := opened.FindStringSubmatch(got); at != nil {
				r.at = map[string]string{"127.0.0.1:8080": at[1], "127.0.0.1:8081": at[2]}
				if at[3] != "" {
					r.at["127.0.0.1:8443"] = at[3]
				}
			}
		}
		got = r.there(got)
		if ok = expression.MatchString(got); ok && endless {
			break
		}
	}
	if !stays || !ok {
		stop()
		return got, ok
	}
	r.open = append(r.open, func() {
		stop()
		if code := cmd.ProcessState.ExitCode(); code != 0 {
			r.t.Errorf("$ %s: ended by ^C it exits %d", command, code)
		}
	})
	return got, ok
}

var opened = regexp.MustCompile(`http://(\S+)/\n.*http://(\S+)/control/feed\n(?:.*https://(\S+)/ .*\n)?`)

var some = regexp.MustCompile(` *…[ …]*`)

// pattern returns an expression for what is wanted.
func pattern(want []string, endless bool) *regexp.Regexp {
	var lines []string
	for _, line := range want {
		if line == "…" {
			lines = append(lines, `(?s:.*)`)
		} else {
			lines = append(lines, some.ReplaceAllString(regexp.QuoteMeta(line), ".*"))
		}
	}
	end := `\n*\z`
	if endless {
		end = ""
	}
	return regexp.MustCompile(`\A` + strings.Join(lines, "\n") + end)
}

// A screen holds what a command has printed so far.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
	news chan struct{} // holds one
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(b)
	select {
	case s.news <- struct{}{}:
	default:
	}
	return len(b), nil
}

// String returns the text with the line ends of this file.
func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.ReplaceAll(s.text.String(), "\r\n", "\n")
}

// TestMeter says which commands show more than the page does: curl draws a meter
// of its progress where what it gets does not go to the terminal. TestConsole
// cannot see that, since nothing it runs has one.
func TestMeter(t *testing.T) {
	away := regexp.MustCompile(`(^|[ (])curl [^;|]*(-o /|\||\))`)
	quiet := regexp.MustCompile(`curl (.* )?-[a-zA-Z]*s|2>`)
	for name, text := range pages(t) {
		blocks, _ := blocks(name, text)
		for _, b := range blocks {
			for i := 0; b.kind == "console" && i < len(b.lines); i++ {
				begin, command := i, b.lines[i]
				for ; strings.HasSuffix(command, "\\") && i+1 < len(b.lines); i++ {
					command = strings.TrimSuffix(command, "\\") + b.lines[i+1]
				}
				if strings.HasPrefix(command, "$ ") && away.MatchString(command) && !quiet.MatchString(command) {
					t.Errorf("%s:%d: %s: give curl -s, or it shows its progress", name, b.line+1+begin, command)
				}
			}
		}
	}
}

// notRun has the blocks that nothing runs or compares, by page and first line.
var notRun = map[string]string{
	"README.md: $ go test ./...":                                                                                                           "this test is a part of it",
	"README.md: ping localhost | go run ./cmd/lab serve --source stdin":                                                                    "needs ping; cmd/lab's test pipes lines in",
	"README.md: curl -X PUT -d '{\"rtt\":\"300ms\",\"jitter\":\"20ms\"}' http://127.0.0.1:8081/control/network":                            "the reference's are run",
	"README.md: python3 -uc '":                                                                                                             "needs Python, which the tests do not ask for",
	"README.md: node --experimental-websocket -e '":                                                                                        "needs Node, which the tests do not ask for",
	"README.md: new EventSource(\"/sse\").onmessage = ({ data }) => console.log(data)":                                                     "needs a browser; those tests are in web",
	"docs/10-counting-bytes.md: $ go test ./web -run TransferSize -v":                                                                      "needs a browser; that test compares it",
	"docs/09-the-way-up.md: $ go test ./docs -run TestPages -v":                                                                            "needs a browser; that test compares it",
	"docs/12-bad-networks.md: $ go test ./docs -run TestHiddenTab -v":                                                                      "needs a browser; that test compares it",
	"docs/12-bad-networks.md: $ go test ./docs -run TestKeepAlive -v":                                                                      "needs a browser; that test compares it",
	"docs/13-http2-and-the-pool.md: $ go test ./docs -run TestHandshakes -v":                                                               "needs a browser; that test compares it",
	"docs/reference.md: {\"gap\":{\"from\":1,\"to\":5}}":                                                                                   "a shape",
	"docs/reference.md: curl -sN http://127.0.0.1:8080/sse | sed -un 's/^data: //p' > recording":                                           "TestRecording runs it",
	"docs/howto.md: go build -o lab ./cmd/lab":                                                                                             "it leaves a program in the folder",
	"docs/16-python.md: apt-get install daphne python3-aiohttp python3-django-channels python3-flask python3-flask-sockets \\":             ".ci/run does",
	"docs/16-python.md: $ go test ./docs -run 'TestPython$' -v":                                                                            "TestPython compares it",
	"docs/16-python.md: go run ./cmd/lab measure --for 3s --url polling=http://127.0.0.1:8090/polling --url sse=http://127.0.0.1:8090/sse": "needs a server beside it; TestPython measures all of them so",
	"docs/16-python.md: import unittest":                                                                                                   "TestPythonEvents runs it",
	"docs/16-python.md:     sockets.url_map.add(Rule(\"/websocket\", endpoint=websocket, websocket=True))":                                 "TestFlaskSocketsRule compares it with the script",
	"docs/16-python.md: class Events:":                                                                                                     "TestPythonEvents runs it",
	"docs/16-python.md: async def websocket(ws, after, head):":                                                                             "TestPythonChat runs it",
}

// TestNotRun says which blocks nobody runs and nobody has given a reason for.
func TestNotRun(t *testing.T) {
	left := maps.Clone(notRun)
	for name, text := range pages(t) {
		blocks, _ := blocks(name, text)
		for _, b := range blocks {
			if b.kind == "console" || b.file() != "" {
				continue
			}
			key := name + ": " + strings.Join(b.lines[:min(len(b.lines), 1)], "")
			if _, listed := notRun[key]; !listed {
				t.Errorf("%s:%d: mark the block console, so that it is run, or file=, so that it is compared, or list it in notRun: %q", name, b.line, key)
			}
			delete(left, key)
		}
	}
	for key := range left {
		t.Errorf("notRun lists %q, which is gone", key)
	}
}
