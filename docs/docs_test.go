// Package docs_test keeps README.md and the pages of docs/ true: it runs what
// they show.
//
// A block marked console is run, on a lab that its page has to itself:
//
//	$ command
//	what it prints
//
// In what it prints, … stands for any text, with the spaces around it, and alone
// on a line for one line or more. A last line ^C says that the command goes on until the reader ends it.
// A command that opens the lab gets free ports in place of 8080, 8081 and 8443,
// and runs until the next one opens a lab or the page ends.
//
// A block of any other kind stands in notRun, with the reason.
package docs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/netsim"
	"fourwires/internal/source"
	"fourwires/polling"

	"go.uber.org/goleak"
)

// notRun has the blocks that are not console, by page and first line.
var notRun = map[string]string{
	"README.md: $ go test ./...":                                                                                                           "this test is a part of it",
	"README.md: ping localhost | go run ./cmd/lab serve --source stdin":                                                                    "needs ping; cmd/lab's test pipes lines in",
	"README.md: python3 -uc '":                                                                                                             "needs Python, which the tests do not ask for",
	"README.md: node --experimental-websocket -e '":                                                                                        "needs Node, which the tests do not ask for",
	"README.md: new EventSource(\"/sse\").onmessage = ({ data }) => console.log(data)":                                                     "needs a browser; those tests are in web",
	"docs/reference.md: {\"gap\":{\"from\":1,\"to\":5}}":                                                                                   "a shape",
	"docs/01-ten-minutes.md: $ go test ./docs -run TestLive -v":                                                                            "TestLive compares it",
	"docs/01-ten-minutes.md: package ages":                                                                                                 "TestExercise runs it",
	"docs/01-ten-minutes.md: func ages(all []news, end float64) (mean, peak float64) {":                                                    "TestExercise runs it",
	"docs/16-python.md: apt-get install daphne python3-aiohttp python3-django-channels python3-flask python3-flask-sockets \\":             ".ci/run does",
	"docs/16-python.md: $ go test ./docs -run TestPython -v":                                                                               "TestPython compares it",
	"docs/16-python.md: go run ./cmd/lab measure --for 3s --url polling=http://127.0.0.1:8090/polling --url sse=http://127.0.0.1:8090/sse": "needs a server beside it; TestPython measures all of them so",
	"docs/16-python.md: import unittest":                                                                                                   "TestEventsInPython runs it",
	"docs/16-python.md:     sockets.url_map.add(Rule(\"/websocket\", endpoint=websocket, websocket=True))":                                 "TestFlaskSocketsRule compares it with the script",
	"docs/16-python.md: class Events:":                                                                                                     "TestEventsInPython runs it",
	"docs/16-python.md: async def websocket(ws, after):":                                                                                   "TestChatInPython runs it",
}

const (
	root     = ".."
	patience = 10 * time.Second // with a command
)

var bin string // a directory for the program, and for the settings of curl

func TestMain(m *testing.M) {
	var err error
	if bin, err = os.MkdirTemp("", "fourwires-docs-"); err != nil {
		panic(err)
	}
	// Curl shows its progress where it does not print to a terminal.
	if err := os.WriteFile(filepath.Join(bin, ".curlrc"), []byte("silent\nshow-error\n"), 0o666); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(bin)
		os.Exit(code)
	}))
}

// program builds the lab, once, and returns its path.
var program = sync.OnceValues(func() (string, error) {
	path := filepath.Join(bin, "lab")
	build := exec.Command("go", "build", "-o", path, "./cmd/lab")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %v\n%s", err, out)
	}
	return path, nil
})

// A block is what stands between two fences.
type block struct {
	page, kind string
	line       int // of the first fence
	lines      []string
}

// pages returns the text of every page, by its path from the root.
func pages(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	pages := map[string]string{}
	for _, path := range append(paths, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name, _ := filepath.Rel(root, path)
		pages[filepath.ToSlash(name)] = string(text)
	}
	return pages
}

// blocks takes a page apart: its blocks, and the prose without them.
func blocks(page, text string) (blocks []block, prose string) {
	inside := false
	for i, line := range strings.Split(text, "\n") {
		kind, fence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case fence && !inside:
			blocks = append(blocks, block{page: page, kind: kind, line: i + 1})
			inside = true
		case fence:
			inside = false
		case inside:
			b := &blocks[len(blocks)-1]
			b.lines = append(b.lines, line)
		default:
			prose += line + "\n"
		}
	}
	return blocks, prose
}

// TestConsole runs the console blocks.
func TestConsole(t *testing.T) {
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	for _, tool := range []string{"sh", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("the pages call %s: install it and have it on the PATH (%v)", tool, err)
		}
	}
	for name, text := range pages(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == pythonChapter {
				needPython(t)
			}
			r := &reader{t: t, lab: path, leave: func() {}}
			defer func() { r.leave() }()
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
	t              *testing.T
	lab            string // the program
	lanes, control string // addresses of the lab that is open
	secured        string // and the one with TLS, if it has one
	leave          func() // ends that lab
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
	endless := opens || len(want) > 0 && want[len(want)-1] == "^C"
	if opens {
		r.leave()
	} else if endless {
		want = want[:len(want)-1]
	}
	command = strings.NewReplacer(
		"go run ./cmd/lab", r.lab, "./lab", r.lab, "127.0.0.1:8080", r.lanes, "127.0.0.1:8081", r.control, "127.0.0.1:8443", r.secured,
	).Replace(command)
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

	late := time.After(patience)
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
				r.lanes, r.control, r.secured = at[1], at[2], at[3]
			}
		}
		for addr, usual := range map[string]string{r.lanes: "127.0.0.1:8080", r.control: "127.0.0.1:8081", r.secured: "127.0.0.1:8443"} {
			if addr != "" {
				got = strings.ReplaceAll(got, addr, usual)
			}
		}
		if ok = expression.MatchString(got); ok && endless {
			break
		}
	}
	if !opens || !ok {
		stop()
		return got, ok
	}
	r.leave = func() {
		r.leave = func() {}
		stop()
		if code := cmd.ProcessState.ExitCode(); code != 0 {
			r.t.Errorf("$ %s: ended by ^C it exits %d", command, code)
		}
	}
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

// TestNotRun says which blocks nobody runs and nobody has given a reason for.
func TestNotRun(t *testing.T) {
	left := maps.Clone(notRun)
	for name, text := range pages(t) {
		blocks, _ := blocks(name, text)
		for _, b := range blocks {
			if b.kind == "console" {
				continue
			}
			key := name + ": " + strings.Join(b.lines[:min(len(b.lines), 1)], "")
			if _, listed := notRun[key]; !listed {
				t.Errorf("%s:%d: mark the block console, so that it is run, or list it in notRun: %q", name, b.line, key)
			}
			delete(left, key)
		}
	}
	for key := range left {
		t.Errorf("notRun lists %q, which is gone", key)
	}
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	code    = regexp.MustCompile("`[^`\n]*`")
	noSlug  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// TestLinks follows the links that do not leave the repository.
func TestLinks(t *testing.T) {
	pages := pages(t)
	for name, text := range pages {
		_, prose := blocks(name, text)
		for _, found := range link.FindAllStringSubmatch(code.ReplaceAllString(prose, ""), -1) {
			target, anchor, _ := strings.Cut(found[1], "#")
			if strings.Contains(target, ":") {
				continue
			}
			to := name
			if target != "" {
				to = filepath.ToSlash(filepath.Join(filepath.Dir(name), target))
			}
			if _, err := os.Stat(filepath.Join(root, to)); err != nil {
				t.Errorf("%s: link to %s: %v", name, found[1], err)
			} else if anchor != "" && !slices.Contains(anchors(pages[to]), anchor) {
				t.Errorf("%s: link to %s: %s has no such heading", name, found[1], to)
			}
		}
	}
}

// anchors returns the names by which the headings of a page are linked to.
func anchors(page string) []string {
	_, prose := blocks("", page)
	var all []string
	for _, found := range heading.FindAllStringSubmatch(prose, -1) {
		all = append(all, strings.ReplaceAll(noSlug.ReplaceAllString(strings.ToLower(found[1]), ""), " ", "-"))
	}
	return all
}

// TestFlags compares the reference's tables of flags with what the program says.
func TestFlags(t *testing.T) {
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	for command, heading := range map[string]string{"serve": "Flags of `lab` and `lab serve`:", "measure": "Flags of `lab measure`:"} {
		help, err := exec.Command(path, command, "--help").Output()
		if err != nil {
			t.Fatal(err)
		}
		_, table, found := strings.Cut(pages(t)["docs/reference.md"], "\n"+heading+"\n\n")
		if !found {
			t.Errorf("docs/reference.md has no %q", heading)
		}
		table, _, _ = strings.Cut(table, "\n\n")
		var got, want []string
		for _, row := range regexp.MustCompile("(?m)^\\| `((?:-., )?--.*?)` \\| (.*?) \\|").FindAllStringSubmatch(table, -1) {
			standard := strings.Trim(row[2], "`")
			if standard == "–" {
				standard = ""
			}
			got = append(got, row[1]+" = "+standard)
		}
		for _, flag := range regexp.MustCompile(`(?m)^ +((?:-., )?--\S+(?: \w+)?) {2,}.*?(?: \(default "?(.*?)"?\))?$`).FindAllStringSubmatch(string(help), -1) {
			want = append(want, flag[1]+" = "+flag[2])
		}
		if !slices.Equal(got, want) {
			t.Errorf("docs/reference.md has the flags\n%s\nlab %s --help has\n%s", strings.Join(got, "\n"), command, strings.Join(want, "\n"))
		}
	}
}

// TestEndpoints compares the reference's table of endpoints with the routes
// that are in the source, and with what a lab answers.
func TestEndpoints(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "internal", "lab", "routes.go"))
	if err != nil {
		t.Fatal(err)
	}
	routes := map[string]bool{}
	for _, found := range regexp.MustCompile(`\.(GET|POST|PUT|PATCH|DELETE)\("(/[^"]*)",`).FindAllStringSubmatch(string(text), -1) {
		routes[found[1]+" "+found[2]] = true
	}
	for _, transport := range lab.Transports {
		routes["GET /"+transport.Name] = true
	}

	lanes, control := open(t)
	methods := map[string][]string{} // that a URL takes, by the table
	rows := regexp.MustCompile("(?m)^\\| (lanes|control) \\| `([A-Z]+) (/\\S*)` \\| (.*?) \\|").FindAllStringSubmatch(pages(t)["docs/reference.md"], -1)
	listed := map[string]bool{}
	for _, row := range rows {
		address, method, path, query := row[1], row[2], row[3], row[4]
		listed[method+" "+path] = true
		url := map[string]string{"lanes": lanes, "control": control}[address] + strings.ReplaceAll(path, "*file", "main.js")
		methods[url] = append(methods[url], method)
		_, said := ask(t, method, url+"?zzz=1")
		var names []string
		for _, name := range strings.Fields(query) {
			names = append(names, strings.Trim(name, "`"))
		}
		if want := fmt.Sprintf("%s does not know %q; it knows %q", path, "zzz", names); said != want {
			t.Errorf("%s %s: the table has %q, the lab says %q", method, url, want, said)
		}
	}
	for url, methods := range methods {
		head, _ := ask(t, "DELETE", url)
		if got, want := head.Get("Allow"), strings.Join(methods, ", "); got != want {
			t.Errorf("%s takes %q, the table has %q", url, got, want)
		}
	}
	if !maps.Equal(listed, routes) {
		t.Errorf("the table lists %v\nroutes.go registers %v", slices.Sorted(maps.Keys(listed)), slices.Sorted(maps.Keys(routes)))
	}
}

// open opens a lab that publishes nothing, until the test ends, and returns the
// URLs of its two addresses.
func open(t *testing.T) (lanes, control string) {
	settings := source.Default()
	settings.Source = source.None
	l, err := lab.New(lab.Settings{Keep: 1, Source: settings, Profiles: true})
	if err != nil {
		t.Fatal(err)
	}
	var listeners [2]net.Listener
	for i := range listeners {
		if listeners[i], err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	served := make(chan error)
	ctx, stop := context.WithCancel(context.Background())
	go func() { served <- l.Serve(ctx, lab.Listeners{Lanes: listeners[0], Control: listeners[1]}) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return "http://" + listeners[0].Addr().String(), "http://" + listeners[1].Addr().String()
}

// ask makes a request and returns the answer's header and error sentence.
func ask(t *testing.T, method, url string) (http.Header, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var said struct{ Error string }
	if err := json.Unmarshal(body, &said); err != nil {
		t.Errorf("%s %s: an answer that is no JSON: %q", method, url, body)
	}
	return resp.Header, said.Error
}

// TestLive is the experiment of chapter 1: the real handlers and clients over a
// network in memory, in virtual time, so that its figures are the same
// everywhere. The chapter shows what it prints.
func TestLive(t *testing.T) {
	var report strings.Builder
	for _, part := range []struct {
		title, phase string
		lanes        []live
	}{
		{"a message every 0.5 s on average, at random instants", source.Poisson, []live{
			{"polling every 2 s", "polling", 2, 0.1},
			{"polling every 0.2 s", "polling", 0.2, 0.1},
			{"longpoll", "longpoll", 0, 0.1},
			{"sse", "sse", 0, 0.1},
			{"websocket", "websocket", 0, 0.1},
		}},
		{"a message every 0.5 s, evenly", source.Even, []live{
			{"polling every 2 s", "polling", 2, 0.1},
			{"the same, 0.3 s later", "polling", 2, 0.4},
			{"sse", "sse", 0, 0.1},
		}},
	} {
		fmt.Fprintf(&report, "%s; 10 minutes\n", part.title)
		fmt.Fprintf(&report, "%-21s messages requests  delay p10   p50   p90   max  age mean  peak\n", "(seconds)")
		for _, l := range part.lanes {
			l.watch(t, part.phase, &report)
		}
	}
	fmt.Fprint(t.Output(), report.String())

	const chapter = "docs/01-ten-minutes.md"
	shown := "    " + strings.ReplaceAll(strings.TrimSpace(report.String()), "\n", "\n    ")
	if !strings.Contains(pages(t)[chapter], shown) {
		t.Errorf("%s shows something else", chapter)
	}
}

// A live is a lane of some transport, opened some seconds after the feed.
type live struct {
	label, transport string
	every, after     float64 // every is polling's interval
}

// watch reads a feed for ten minutes and reports what that was like.
func (l live) watch(t *testing.T, phase string, report io.Writer) {
	const end = 600.001 // a message may be due at 600
	var requests int
	var all []news
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), seconds(end))
		defer cancel()
		start := time.Now()
		f := feed.New(feed.Keep)
		pump, err := source.New(f, source.Settings{Source: source.Market, Rate: 2, Phase: phase, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(lab.Transports, func(transport lab.Transport) bool { return transport.Name == l.transport })
		network, handler := netsim.Listen(), lab.Transports[i].Handler(f, nil)
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests++
			handler.ServeHTTP(w, r)
		})}
		var loops sync.WaitGroup
		loops.Go(func() { pump.Run(ctx) })
		loops.Go(func() { server.Serve(network) })

		time.Sleep(seconds(l.after)) // virtual
		messages := lab.Transports[i].Client(lab.Access{URL: "http://lab/" + l.transport, Dial: network.Dial}).Messages
		if l.every > 0 {
			messages = (&polling.Client{URL: "http://lab/polling", Dial: network.Dial, Interval: seconds(l.every)}).Messages
		}
		for m, err := range messages(ctx) {
			if err != nil {
				break // the ten minutes are over
			}
			all = append(all, news{time.UnixMicro(m.At).Sub(start).Seconds(), time.Since(start).Seconds()})
		}
		server.Close()
		loops.Wait()
	})
	var delays []float64
	for _, n := range all {
		delays = append(delays, n.seen-n.published)
	}
	slices.Sort(delays)
	quantile := func(q float64) float64 { return delays[int(math.Ceil(q*float64(len(delays))))-1] }
	mean, peak := ages(all, end)
	fmt.Fprintf(report, "%-21s %8d %8d %10.2f %5.2f %5.2f %5.2f %9.2f %5.2f\n",
		l.label, len(all), requests, quantile(0.1), quantile(0.5), quantile(0.9), quantile(1), mean, peak)
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// TestExercise says whether chapter 1's code exercise can be solved, and not by
// doing nothing: its skeleton compiles and fails, and with its solution, which
// is the function that TestLive uses, it passes.
func TestExercise(t *testing.T) {
	const chapter = "docs/01-ten-minutes.md"
	var skeleton, solution string
	blocks, _ := blocks(chapter, pages(t)[chapter])
	for _, b := range blocks {
		text := strings.Join(b.lines, "\n") + "\n"
		switch {
		case b.kind != "go":
		case strings.HasPrefix(text, "package "):
			skeleton = text
		default:
			solution = text
		}
	}
	own, err := os.ReadFile("docs_test.go")
	if err != nil {
		t.Fatal(err)
	}
	if solution == "" || !strings.Contains(string(own), solution) {
		t.Errorf("%s solves the exercise otherwise than docs_test.go", chapter)
	}
	empty := regexp.MustCompile(`(?ms)^func ages\(.*?^}\n`)
	if !empty.MatchString(skeleton) {
		t.Fatalf("%s: the skeleton has no func ages", chapter)
	}
	for name, file := range map[string]string{
		"ok": empty.ReplaceAllLiteralString(skeleton, solution), "--- FAIL: TestAges": skeleton,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "ages_test.go")
			if err := os.WriteFile(path, []byte(file), 0o666); err != nil {
				t.Fatal(err)
			}
			test := exec.CommandContext(t.Context(), "go", "test", "ages_test.go")
			test.Dir = filepath.Dir(path)
			out, _ := test.Output()
			if !strings.HasPrefix(string(out), name) {
				t.Errorf("go test prints\n%s\nwant %s", out, name)
			}
		})
	}
}

// What chapter 1 has the reader write.

type news struct{ published, seen float64 } // in seconds

func ages(all []news, end float64) (mean, peak float64) {
	area := 0.0
	for i, n := range all {
		until := end // when n stops being the newest
		if i+1 < len(all) {
			until = all[i+1].seen
		}
		young, old := n.seen-n.published, until-n.published
		area += (young + old) / 2 * (until - n.seen)
		peak = max(peak, old)
	}
	return area / (end - all[0].seen), peak
}
