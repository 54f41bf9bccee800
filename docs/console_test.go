package docs_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
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

	"fourwires/docs/blocks"
	"fourwires/docs/python"
	"fourwires/internal/needs"
)

const patience = 30 * time.Second // with a command

// TestConsole runs the console blocks.
func TestConsole(t *testing.T) {
	tools := map[string]string{"sh": "dash", "curl": "curl", "nc": "netcat-openbsd", "openssl": "openssl"}
	for tool, of := range tools {
		needs.Program(t, "apt-get install "+of, tool)
	}
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range blocks.Pages(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "docs/16-python.md" {
				python.Need(t)
			}
			r := &reader{t: t, lab: path, tmp: t.TempDir(), at: map[string]string{}}
			defer r.leave()
			all, _ := blocks.Of(name, text)
			for _, b := range all {
				if folder, test, ok := b.Experiment(); ok {
					printed(t, b, folder, test)
				} else if b.Kind == "console" {
					r.read(b)
				}
			}
		})
	}
}

// printed checks that an experiment's command runs one test alone, and that this test compares what it prints.
func printed(t *testing.T, b blocks.Block, folder, test string) {
	if b.Kind != "console" {
		t.Errorf("%s:%d: the block of an experiment is marked console", b.Page, b.Line)
	}
	var source strings.Builder
	files, err := filepath.Glob(filepath.Join(root, folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(text)
	}
	run := test
	if strings.Contains(b.Lines[0], "$'") {
		run += "$"
	}
	body := regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\) \{\n(?s:.*?)^\}`)
	var found []string
	for _, function := range body.FindAllStringSubmatch(source.String(), -1) {
		if regexp.MustCompile(run).MatchString(function[1]) {
			found = append(found, function[1])
		}
		if function[1] == test && !strings.Contains(function[0], "blocks.Printed(t, ") {
			t.Errorf("%s:%d: %s in %s does not call blocks.Printed", b.Page, b.Line, test, folder)
		}
	}
	if !slices.Equal(found, []string{test}) {
		t.Errorf("%s:%d: %s runs %q", b.Page, b.Line, b.Lines[0], found)
	}
}

// A reader runs the commands of a page.
type reader struct {
	t    *testing.T
	lab  string            // the program
	tmp  string            // a folder, for what the page writes into /tmp
	at   map[string]string // the addresses in use, by those that the page names
	open []func()          // each ends a program that is kept running
}

// leave ends the programs that run, the latest first.
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
	needs.Program(r.t, "apt-get install nginx", "nginx")
	text, err := os.ReadFile(filepath.Join("testdata", shown[1]))
	if err != nil {
		r.t.Fatal(err)
	}
	for _, found := range regexp.MustCompile(`listen (\S+?)(?: ssl http2)?;`).FindAllSubmatch(text, -1) {
		free := r.unused()
		defer free.Close()
		r.at[string(found[1])] = free.Addr().String()
	}
	conf := filepath.Join(r.tmp, shown[1])
	if err := os.WriteFile(conf, []byte(r.here(string(text))), 0o666); err != nil {
		r.t.Fatal(err)
	}
	return strings.NewReplacer(shown[0], conf, prefix, "-p "+r.tmp+" ").Replace(command)
}

// unused listens on a port below those that Linux gives to outgoing connections (net.ipv4.ip_local_port_range). So no
// connection of another test has it between the end of this listener and the start of nginx.
func (r *reader) unused() net.Listener {
	r.t.Helper()
	var err error
	for range 100 {
		var free net.Listener
		if free, err = net.Listen("tcp", fmt.Sprint("127.0.0.1:", 20_000+rand.IntN(12_000))); err == nil {
			return free
		}
	}
	r.t.Fatal(err)
	return nil
}

var settings = regexp.MustCompile(`"\$PWD/docs/testdata/(nginx[a-z-]*\.conf)"`)

// here replaces the addresses that the page names by those in use, and /tmp by a folder of its own.
func (r *reader) here(text string) string {
	text = strings.ReplaceAll(text, "/tmp/nginx-", filepath.Join(r.tmp, "nginx-"))
	for named, used := range r.at {
		text = strings.ReplaceAll(text, named, used)
		asArguments := strings.NewReplacer(":", " ").Replace // of netcat
		text = strings.ReplaceAll(text, asArguments(named), asArguments(used))
	}
	return text
}

// there replaces the addresses in use by those that the page names.
func (r *reader) there(text string) string {
	for named, used := range r.at {
		text = strings.ReplaceAll(text, used, named)
	}
	return text
}

func (r *reader) read(b blocks.Block) {
	for i := 0; i < len(b.Lines); {
		line := b.Line + 1 + i
		command, ok := strings.CutPrefix(b.Lines[i], "$ ")
		if !ok {
			r.t.Fatalf("%s:%d: a console block begins with a $ command", b.Page, line)
		}
		for strings.HasSuffix(command, `\`) && i+1 < len(b.Lines) {
			i++
			command += "\n" + b.Lines[i]
		}
		var want []string
		for i++; i < len(b.Lines) && !strings.HasPrefix(b.Lines[i], "$ "); i++ {
			want = append(want, b.Lines[i])
		}
		if got, ok := r.run(command, want); !ok {
			r.t.Errorf("%s:%d: $ %s\n got:\n%s\nwant:\n%s", b.Page, line, command, got, strings.Join(want, "\n"))
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
	if flags, ours := strings.CutPrefix(command, "go test ./internal/lab "); ours {
		tests, err := labTests()
		if err != nil {
			r.t.Fatal(err)
		}
		late = time.After(patience) // from here on
		flags = regexp.MustCompile(`(^| )-(run|v)\b`).ReplaceAllString(flags, "$1-test.$2")
		command = "cd internal/lab && exec " + tests + " " + flags
	}
	command = r.here(strings.NewReplacer("go run ./cmd/lab", r.lab, "./lab ", r.lab+" ").Replace(command))
	if opens {
		command += " --addr 127.0.0.1:0 --control 127.0.0.1:0 --tls-addr 127.0.0.1:0"
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

	expression := blocks.Pattern(want, endless)
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
				r.at = map[string]string{"127.0.0.1:8080": at[1], "127.0.0.1:8081": at[2], "127.0.0.1:8443": at[3]}
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

var opened = regexp.MustCompile(`http://(\S+)/\n.*http://(\S+)/control/feed\n.*https://(\S+)/ .*\n`)

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

// TestMeter finds commands that would print more than the page shows: curl draws a progress meter where its output does
// not go to the terminal. TestConsole cannot see that, since nothing it runs has a terminal.
func TestMeter(t *testing.T) {
	away := regexp.MustCompile(`(^|[ (])curl [^;|]*(-o /|\||\))`)
	quiet := regexp.MustCompile(`curl (.* )?-[a-zA-Z]*s|2>`)
	for name, text := range blocks.Pages(t) {
		all, _ := blocks.Of(name, text)
		for _, b := range all {
			for i := 0; b.Kind == "console" && i < len(b.Lines); i++ {
				begin, command := i, b.Lines[i]
				for ; strings.HasSuffix(command, "\\") && i+1 < len(b.Lines); i++ {
					command = strings.TrimSuffix(command, "\\") + b.Lines[i+1]
				}
				if strings.HasPrefix(command, "$ ") && away.MatchString(command) && !quiet.MatchString(command) {
					t.Errorf("%s:%d: %s: give curl -s, or it shows its progress", name, b.Line+1+begin, command)
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
	"docs/reference.md: {\"gap\":{\"from\":1,\"to\":5}}":                                                                                   "a shape",
	"docs/reference.md: curl -sN http://127.0.0.1:8080/sse | sed -un 's/^data: //p' > recording":                                           "TestRecording runs it",
	"docs/howto.md: go build -o lab ./cmd/lab":                                                                                             "it leaves a program in the folder",
	"docs/16-python.md: apt-get install daphne python3-aiohttp python3-django-channels python3-flask python3-flask-sockets \\":             ".ci/run does",
	"docs/16-python.md: go run ./cmd/lab measure --for 3s --url polling=http://127.0.0.1:8090/polling --url sse=http://127.0.0.1:8090/sse": "needs a server beside it; TestPython measures all of them so",
	"docs/16-python.md: import unittest":                                                                                                   "TestPythonEvents runs it",
	"docs/16-python.md:     sockets.url_map.add(Rule(\"/websocket\", endpoint=websocket, websocket=True))":                                 "TestFlaskSocketsRule compares it with the script",
	"docs/16-python.md: class Events:":                                                                                                     "TestPythonEvents runs it",
	"docs/16-python.md: async def websocket(ws, after, head):":                                                                             "TestPythonChat runs it",
}

// TestNotRun finds blocks that no test runs and that notRun gives no reason for.
func TestNotRun(t *testing.T) {
	left := maps.Clone(notRun)
	for name, text := range blocks.Pages(t) {
		all, _ := blocks.Of(name, text)
		for _, b := range all {
			if b.Kind == "console" || file(b) != "" {
				continue
			}
			key := name + ": " + strings.Join(b.Lines[:min(len(b.Lines), 1)], "")
			if _, listed := notRun[key]; !listed {
				t.Errorf("%s:%d: mark the block console, so that it is run, or file=, so that it is compared, or list it in notRun: %q", name, b.Line, key)
			}
			delete(left, key)
		}
	}
	for key := range left {
		t.Errorf("notRun lists %q, which is gone", key)
	}
}
