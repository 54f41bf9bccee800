package docs_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/measure"
	"fourwires/internal/source"
	"fourwires/internal/wire"
	"fourwires/polling"
	"fourwires/websocket"
)

const (
	pythonChapter = "docs/16-python.md"
	python        = "/usr/bin/python3" // the one that Debian's packages are for, and that the scripts name
)

// pythonModules has what the scripts import, and Debian's package of it.
var pythonModules = []struct{ module, debian string }{
	{"aiohttp", "python3-aiohttp"},
	{"channels", "python3-django-channels"},
	{"daphne", "daphne"},
	{"flask", "python3-flask"},
	{"flask_sockets", "python3-flask-sockets"},
	{"tornado", "python3-tornado"},
	{"websockets", "python3-websockets"},
}

// needPython skips the test where Python or one of these is missing, but fails it
// under CI=true: there, what was not tested must not look green.
func needPython(t *testing.T) {
	t.Helper()
	scripts, err := filepath.Glob(filepath.Join(root, "docs", "python", "*.py"))
	if err != nil || len(scripts) == 0 {
		t.Fatalf("%d scripts in docs/python, %v", len(scripts), err)
	}
	for _, script := range scripts { // Python reads them; go test repeats a result unless it sees that they have changed
		if _, err := os.ReadFile(script); err != nil {
			t.Fatal(err)
		}
	}
	var names, packages []string
	for _, m := range pythonModules {
		names = append(names, m.module)
		packages = append(packages, m.debian)
	}
	code := `import importlib.util as u, sys; print(*[m for m in sys.argv[1:] if not u.find_spec(m)])`
	out, err := exec.CommandContext(t.Context(), python, append([]string{"-c", code}, names...)...).Output()
	why := ""
	if err != nil {
		why = err.Error()
	} else if missing := strings.TrimSpace(string(out)); missing != "" {
		why = python + " does not have " + strings.ReplaceAll(missing, " ", ", ")
	}
	if why == "" {
		return
	}
	advice := "PYTHON IS NOT TESTED: " + why + "\n\nOn Debian, get what the scripts of docs/python need with\n\n\tapt-get install python3 " + strings.Join(packages, " ")
	if os.Getenv("CI") == "true" {
		t.Fatal(advice)
	}
	t.Skip(advice)
}

// TestPython runs the scripts of docs/python: each client against labs that are
// cut off, forget and begin anew, and each server under lab measure. The chapter
// shows what it prints.
func TestPython(t *testing.T) {
	needPython(t)
	program, err := program()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()

	var all sync.WaitGroup
	room := make(chan struct{}, 6) // of so many at once: they mostly wait
	do := func(what string, f func() error) {
		all.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			if err := f(); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		})
	}
	for i := range pythonServers {
		s := &pythonServers[i]
		do(cmp.Or(s.script, "the lab"), func() error { return s.measure(ctx, program) })
	}
	for i := range pythonClients {
		c := &pythonClients[i]
		do(c.script+" "+c.transport, func() error { return c.read(ctx) })
	}
	var refused string
	do("flask_sockets_server.py --as-packaged", func() (err error) {
		refused, err = asPackaged(ctx)
		return err
	})
	all.Wait()
	if t.Failed() {
		return
	}

	var report strings.Builder
	fmt.Fprintf(&report, "%-21s %-10s %-19s %s\n", "client, at the lab", "transport", "connections", "head of a request, bytes")
	for _, c := range pythonClients {
		fmt.Fprintf(&report, "%-21s %-10s %-18s %5d\n", c.script, c.transport, c.connections, c.head)
	}
	fmt.Fprintf(&report, "\nbytes around a message of %d:\n", sizeAlone)
	fmt.Fprint(&report, "server, by the lab's clients       poll  connections   event  opening   frame  opening\n")
	for _, s := range pythonServers {
		fmt.Fprintf(&report, "%s\n", s.row())
	}
	fmt.Fprintf(&report, "\n%s\n", refused)
	fmt.Fprint(t.Output(), report.String())
	shown := "    " + strings.ReplaceAll(strings.TrimSpace(report.String()), "\n", "\n    ")
	shown = regexp.MustCompile(`(?m) +$`).ReplaceAllString(shown, "")
	if !strings.Contains(pages(t)[pythonChapter], shown) {
		t.Errorf("%s shows something else; that is so, too, where the packages are of other versions than those in the table", pythonChapter)
	}
}

// pythonBlock returns the chapter's block that begins with this line.
func pythonBlock(t *testing.T, first string) string {
	t.Helper()
	all, _ := blocks(pythonChapter, pages(t)[pythonChapter])
	i := slices.IndexFunc(all, func(b block) bool { return b.kind == "python" && b.lines[0] == first })
	if i < 0 {
		t.Fatalf("%s has no block that begins with %q", pythonChapter, first)
	}
	return strings.Join(all[i].lines, "\n") + "\n"
}

// replaced returns a script with another in place of what the pattern finds.
func replaced(t *testing.T, script, pattern, by string) string {
	t.Helper()
	found := regexp.MustCompile(pattern)
	if len(found.FindAllString(script, -1)) != 1 {
		t.Fatalf("%s is not there once", pattern)
	}
	return found.ReplaceAllLiteralString(script, by)
}

// TestPythonEvents says whether the code exercise can be solved, and not by doing
// nothing: its skeleton fails, and passes with its solution, which is what the
// clients use.
func TestPythonEvents(t *testing.T) {
	needPython(t)
	skeleton, solution := pythonBlock(t, "import unittest"), pythonBlock(t, "class Events:")
	used, err := os.ReadFile(filepath.Join(root, "docs", "python", "events.py"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(string(used), "\n"+solution) {
		t.Errorf("%s solves the exercise otherwise than events.py", pythonChapter)
	}
	for want, script := range map[string]string{
		"FAILED": skeleton, "OK": replaced(t, skeleton, `(?s)class Events:.*return None\n`, solution),
	} {
		command := exec.CommandContext(t.Context(), python, "-")
		command.Stdin = strings.NewReader(script)
		out, _ := command.CombinedOutput()
		if lines := strings.Split(strings.TrimSpace(string(out)), "\n"); !strings.HasPrefix(lines[len(lines)-1], want) {
			t.Errorf("want %s, it prints\n%s", want, out)
		}
	}
}

// TestFlaskSocketsRule says that the chapter adds the rule as the script does.
func TestFlaskSocketsRule(t *testing.T) {
	rule := pythonBlock(t, `    sockets.url_map.add(Rule("/websocket", endpoint=websocket, websocket=True))`)
	script, err := os.ReadFile(filepath.Join(root, "docs", "python", "flask_sockets_server.py"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(script), rule) {
		t.Errorf("%s shows %q, which flask_sockets_server.py does not have", pythonChapter, rule)
	}
}

// TestPythonChat says whether the last exercise's solution is one: what is sent
// comes back as a message, and what is no JSON is refused.
func TestPythonChat(t *testing.T) {
	needPython(t)
	server, err := os.ReadFile(filepath.Join(root, "docs", "python", "websockets_server.py"))
	if err != nil {
		t.Fatal(err)
	}
	chat := replaced(t, string(server), `(?s)async def websocket\(ws, after, head\):\n.*?\n\n\n`, pythonBlock(t, "async def websocket(ws, after, head):")+"\n\n")
	path := filepath.Join(t.TempDir(), "chat.py")
	if err := os.WriteFile(path, []byte(replaced(t, chat, `import asyncio\n`, "import asyncio\nimport json\n")), 0o666); err != nil {
		t.Fatal(err)
	}
	folder, err := filepath.Abs(filepath.Join(root, "docs", "python"))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PYTHONPATH", folder)
	p, err := start(t.Context(), path, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer p.end(os.Kill)
	line, err := p.line()
	_, url, found := strings.Cut(line, " listens: ")
	if !found {
		t.Fatalf("it prints %q: %v", line, err)
	}
	for text, want := range map[string]string{`"hello"`: `,"data":"hello"}`, "hello": "received 1007"} {
		client, err := start(t.Context(), "websockets_send.py", url+"websocket", text)
		if err != nil {
			t.Fatal(err)
		}
		line, _ := client.line()
		client.end(syscall.Signal(0)) // it ends by itself
		if !strings.Contains(line+client.errors(), want) {
			t.Errorf("to %s comes %q and %q, want %s", text, line, client.errors(), want)
		}
	}
	if err := p.end(syscall.SIGTERM); err != nil || p.errors() != "" {
		t.Errorf("it ends with %v, and says:\n%s", err, p.errors())
	}
}

// A process is a script that runs.
type process struct {
	cmd      *exec.Cmd
	lines    chan string // of its standard output; closed when that ends
	mu       sync.Mutex
	said     bytes.Buffer // on standard error
	copying  sync.WaitGroup
	released context.CancelFunc
}

func start(ctx context.Context, args ...string) (*process, error) {
	p := &process{lines: make(chan string, 1000)}
	ctx, p.released = context.WithCancel(ctx)
	p.cmd = exec.CommandContext(ctx, python, args...)
	p.cmd.Dir = filepath.Join(root, "docs", "python")
	p.cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.cmd.Stderr = p
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	p.copying.Go(func() {
		defer close(p.lines)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			p.lines <- scanner.Text()
		}
	})
	return p, nil
}

// Write takes what the process says on standard error.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.Write(b)
}

func (p *process) errors() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.String()
}

// line returns the next line of its standard output.
func (p *process) line() (string, error) {
	select {
	case line, open := <-p.lines:
		if open {
			return line, nil
		}
		return "", fmt.Errorf("it has ended, and said:\n%s", p.errors())
	case <-time.After(patience):
		return "", fmt.Errorf("it has said nothing for %v but:\n%s", patience, p.errors())
	}
}

// end asks it to end, and returns how it did. It may be called again.
func (p *process) end(signal os.Signal) error {
	defer p.released()
	if p.cmd.ProcessState != nil {
		return nil
	}
	p.cmd.Process.Signal(signal)
	defer time.AfterFunc(patience, p.released).Stop() // which kills it
	p.copying.Wait()
	return p.cmd.Wait()
}

// A pythonClient is a script that reads a lab by a transport.
type pythonClient struct {
	script, transport string

	connections string // for its requests
	head        int64  // bytes of one of them
}

var pythonClients = []pythonClient{
	{script: "urllib_client.py", transport: "polling"},
	{script: "urllib_client.py", transport: "longpoll"},
	{script: "urllib_client.py", transport: "sse"},
	{script: "aiohttp_client.py", transport: "polling"},
	{script: "aiohttp_client.py", transport: "longpoll"},
	{script: "aiohttp_client.py", transport: "sse"},
	{script: "aiohttp_client.py", transport: "websocket"},
	{script: "tornado_client.py", transport: "polling"},
	{script: "tornado_client.py", transport: "longpoll"},
	{script: "tornado_client.py", transport: "sse"},
	{script: "tornado_client.py", transport: "websocket"},
	{script: "websockets_client.py", transport: "websocket"},
}

// read has the client read from a lab that keeps five messages. It is cut off from
// it twice, the second time for longer than the lab remembers, and in the end the
// lab is another. Every message has to come once and in order, and what could not
// come has to be said.
func (c *pythonClient) read(ctx context.Context) error {
	first, err := serveLab(5)
	if err != nil {
		return err
	}
	defer first.end()
	second, err := serveLab(5)
	if err != nil {
		return err
	}
	defer second.end()
	cable, err := lay(first.addr)
	if err != nil {
		return err
	}
	defer cable.end()
	first.publish(3)
	p, err := start(ctx, c.script, c.transport, "http://"+cable.listener.Addr().String(), "0")
	if err != nil {
		return err
	}
	defer p.end(os.Kill)

	if err := expect(p, 1, 3); err != nil {
		return err
	}
	if err := c.count(first); err != nil {
		return err
	}
	if err := expect(p, 4, 4); err != nil {
		return err
	}

	cable.plug("")
	first.publish(2)
	cable.plug(first.addr)
	if err := expect(p, 5, 6); err != nil {
		return fmt.Errorf("after a cut: %w", err)
	}

	cable.plug("")
	first.publish(10)
	cable.plug(first.addr)
	if err := expect(p, 12, 16); err != nil {
		return fmt.Errorf("after a gap: %w", err)
	}

	second.publish(2)
	cable.plug(second.addr)
	if err := expect(p, 1, 2); err != nil {
		return fmt.Errorf("of another lab: %w", err)
	}
	second.publish(1)
	if err := expect(p, 3, 3); err != nil {
		return fmt.Errorf("of another lab: %w", err)
	}
	for _, want := range []string{
		"gone: messages 7 to 11",
		fmt.Sprintf("the feed %s is gone; %s is read from its beginning", first.lab.Feed.Head().Epoch, second.lab.Feed.Head().Epoch),
	} {
		if !strings.Contains(p.errors(), want) {
			return fmt.Errorf("it does not say %q, but:\n%s", want, p.errors())
		}
	}
	p.end(os.Interrupt)
	if said := p.errors(); strings.Contains(said, "Traceback") {
		return fmt.Errorf("ended by ^C it says:\n%s", said)
	}
	if line, more := <-p.lines; more {
		return fmt.Errorf("it prints more: %s", line)
	}
	return nil
}

// expect takes the messages with these ids from what a client prints.
func expect(p *process, from, to uint64) error {
	for id := from; id <= to; id++ {
		line, err := p.line()
		if err != nil {
			return fmt.Errorf("message %d: %w", id, err)
		}
		if m, err := feed.Decode([]byte(line)); err != nil || m.ID != id {
			return fmt.Errorf("%q, want message %d (%v)", line, id, err)
		}
	}
	return nil
}

// count learns how many connections the client's requests take, and how long one
// of them is, from the lab's ledger; message 4 is published meanwhile. The requests
// after the first are equally long.
func (c *pythonClient) count(l *servedLab) error {
	var begun, now wire.Row
	row := func() wire.Row {
		rows := l.lab.Ledger.Snapshot().Rows
		if i := slices.IndexFunc(rows, func(r wire.Row) bool { return r.Transport == c.transport }); i >= 0 {
			return rows[i]
		}
		return wire.Row{}
	}
	stream := c.transport == "sse" || c.transport == "websocket"
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(5 * time.Millisecond) // another process has to come so far
	defer tick.Stop()
	for ; ; <-tick.C {
		now = row()
		requests := now.Requests - begun.Requests
		switch {
		case time.Now().After(deadline):
			return fmt.Errorf("after %v the ledger has %+v", patience, now)
		case stream && now.Requests == 1:
			l.publish(1)
			c.connections, c.head = "1", now.Up.Opening
			return nil
		case begun.Requests == 0 && now.Requests >= 2:
			begun = now
			l.publish(1)
		case begun.Requests > 0 && requests > 0 && (now.Up.Head-begun.Up.Head)%requests == 0:
			c.head = (now.Up.Head - begun.Up.Head) / requests
			switch now.Connections {
			case 1:
				c.connections = "1 for all requests"
			case now.Requests:
				c.connections = "1 for each request"
			default:
				return fmt.Errorf("%d connections for %d requests", now.Connections, now.Requests)
			}
			return nil
		}
	}
}

// A servedLab is a lab that publishes what it is told.
type servedLab struct {
	lab  *lab.Lab
	addr string
	end  func() error
}

func serveLab(keep int) (*servedLab, error) {
	settings := source.Default()
	settings.Source = source.None
	l, err := lab.New(lab.Settings{Keep: keep, Source: settings})
	if err != nil {
		return nil, err
	}
	on, err := lab.Loopback(false)
	if err != nil {
		return nil, err
	}
	served := make(chan error, 1)
	ctx, stop := context.WithCancel(context.Background())
	go func() { served <- l.Serve(ctx, on) }()
	return &servedLab{l, on.Lanes.Addr().String(), func() error {
		stop()
		return <-served
	}}, nil
}

// pythonData is what feed.py publishes.
var pythonData = []byte(`"` + strings.Repeat("x", 126) + `"`)

func (l *servedLab) publish(n int) {
	for range n {
		if _, err := l.lab.Feed.Publish(pythonData); err != nil {
			panic(err) // the data is good, and the feed open
		}
	}
}

// A cable leads to a server, until it is cut.
type cable struct {
	listener net.Listener
	mu       sync.Mutex
	to       string // empty: nowhere
	conns    map[net.Conn]bool
	carrying sync.WaitGroup
}

func lay(to string) (*cable, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &cable{listener: listener, to: to, conns: map[net.Conn]bool{}}
	c.carrying.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			c.carry(conn)
		}
	})
	return c, nil
}

func (c *cable) carry(client net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	server, err := net.Dial("tcp", c.to)
	if err != nil {
		client.Close()
		return
	}
	c.conns[client], c.conns[server] = true, true
	pass := func(to, from net.Conn) {
		io.Copy(to, from)
		client.Close()
		server.Close()
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.conns, client)
		delete(c.conns, server)
	}
	c.carrying.Go(func() { pass(server, client) })
	c.carrying.Go(func() { pass(client, server) })
}

// plug cuts all connections. New ones lead to this address.
func (c *cable) plug(to string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.to = to
	for conn := range c.conns {
		conn.Close()
	}
}

func (c *cable) end() {
	c.listener.Close()
	c.plug("")
	c.carrying.Wait()
}

// A pythonServer is a script that serves a feed, or the lab.
type pythonServer struct {
	script     string // empty: the lab
	transports []string

	name        string
	connections string // for a poll
	costs       map[string]cost
}

// A cost is what comes to a message that comes alone, beside its JSON, in bytes: the
// heads of a poll and its answer and the JSON around it, the lines of an event and its
// chunk, the header of a frame. Once is the opening.
type cost struct{ each, once int }

var pythonServers = []pythonServer{
	{transports: []string{"polling", "longpoll", "sse", "websocket"}},
	{script: "websockets_server.py", transports: []string{"websocket"}},
	{script: "aiohttp_server.py", transports: []string{"polling", "longpoll", "sse", "websocket"}},
	{script: "tornado_server.py", transports: []string{"polling", "longpoll", "sse", "websocket"}},
	{script: "channels_server.py", transports: []string{"polling", "longpoll", "sse", "websocket"}},
	{script: "flask_server.py", transports: []string{"polling", "longpoll", "sse"}},
	{script: "flask_sockets_server.py", transports: []string{"polling", "longpoll", "sse", "websocket"}},
}

func (s *pythonServer) row() string {
	number := func(transport string, of func(cost) int) string {
		if !slices.Contains(s.transports, transport) {
			return "–"
		}
		return fmt.Sprint(of(s.costs[transport]))
	}
	each := func(c cost) int { return c.each }
	once := func(c cost) int { return c.once }
	return fmt.Sprintf("%-33s %5s  %-12s %6s %8s %7s %8s", s.name, number("polling", each), cmp.Or(s.connections, "–"),
		number("sse", each), number("sse", once), number("websocket", each), number("websocket", once))
}

// measure starts the server, measures it, asks for its echoes, and ends it.
func (s *pythonServer) measure(ctx context.Context, program string) (err error) {
	base, end, err := s.serve(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }() // if it has not ended by then

	args := []string{"measure", "--json", "--for", "1s", "--interval", "200ms"}
	for _, transport := range s.transports {
		args = append(args, "--url", transport+"="+base+transport)
	}
	var said bytes.Buffer
	command := exec.CommandContext(ctx, program, args...)
	command.Stderr = &said
	out, err := command.Output()
	if err != nil {
		return fmt.Errorf("lab measure: %w: %s", err, said.String())
	}
	lines := json.NewDecoder(bytes.NewReader(out))
	for _, transport := range s.transports {
		var r measure.Result
		if err := lines.Decode(&r); err != nil {
			return fmt.Errorf("lab measure: %w", err)
		}
		if r.Transport != transport || r.Delivered == 0 || r.Lost != 0 || r.Duplicated != 0 || r.Reordered != 0 ||
			r.Up.Unaccounted != 0 || r.Down.Unaccounted != 0 {
			return fmt.Errorf("%s: %+v, want messages, none lost, duplicated or reordered, and no byte unaccounted", transport, r)
		}
		switch {
		case transport == "sse" || transport == "websocket":
			if r.Requests != 1 || r.Connections != 1 {
				return fmt.Errorf("%s: %d requests and %d connections, want one", transport, r.Requests, r.Connections)
			}
		case r.Connections == 1:
			s.connections = "1 for all"
		case r.Connections == r.Requests:
			s.connections = "1 for each"
		default:
			return fmt.Errorf("%s: %d connections for %d requests", transport, r.Connections, r.Requests)
		}
	}

	s.costs = map[string]cost{}
	for _, transport := range s.transports {
		if s.costs[transport], err = costOf(ctx, transport, base+transport); err != nil {
			return fmt.Errorf("%s: %w", transport, err)
		}
	}
	if err := s.echo(ctx, base); err != nil {
		return err
	}
	return s.farewell(ctx, base, end)
}

// serve starts the server, and returns its URL and what ends it.
func (s *pythonServer) serve(ctx context.Context) (base string, end func() error, err error) {
	if s.script == "" {
		return s.serveLab()
	}
	p, err := start(ctx, s.script, "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	line, err := p.line()
	found := regexp.MustCompile(`^(.*) listens: (http://\S+/)$`).FindStringSubmatch(line)
	if found == nil {
		return "", nil, errors.Join(err, fmt.Errorf("it prints %q: %s", line, p.errors()), p.end(os.Kill))
	}
	s.name = found[1]
	return found[2], sync.OnceValue(func() error {
		if err := p.end(syscall.SIGTERM); err != nil || p.errors() != "" {
			return fmt.Errorf("ended by SIGTERM: %v, and it says:\n%s", err, p.errors())
		}
		return nil
	}), nil
}

// serveLab serves what feed.py has.
func (s *pythonServer) serveLab() (base string, end func() error, err error) {
	s.name = "this lab"
	l, err := serveLab(500)
	if err != nil {
		return "", nil, err
	}
	l.publish(100)
	stop, publishing := make(chan struct{}), sync.WaitGroup{}
	publishing.Go(func() {
		tick := time.NewTicker(time.Second / 20)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				l.publish(1)
			case <-stop:
				return
			}
		}
	})
	return "http://" + l.addr + "/", sync.OnceValue(func() error {
		close(stop)
		publishing.Wait()
		return l.end()
	}), nil
}

// echo checks the server's echoes.
func (s *pythonServer) echo(ctx context.Context, base string) error {
	const want = "Server received: hello, 世界"
	if slices.Contains(s.transports, "polling") {
		req, err := http.NewRequestWithContext(ctx, "POST", base+"echo", strings.NewReader("hello, 世界"))
		if err != nil {
			return err
		}
		resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if body, err := io.ReadAll(resp.Body); string(body) != want || err != nil {
			return fmt.Errorf("POST /echo: %q, %v", body, err)
		}
	}
	if slices.Contains(s.transports, "websocket") {
		p, err := start(ctx, "websockets_send.py", base+"websocket/echo", "hello, 世界")
		if err != nil {
			return err
		}
		line, err := p.line()
		if err := errors.Join(err, p.end(syscall.Signal(0))); line != want || err != nil { // it ends by itself
			return fmt.Errorf("/websocket/echo: %q, %v", line, err)
		}
	}
	return nil
}

// farewell ends the server while an event stream and a WebSocket are open. The
// stream has to end as one does, and the WebSocket by a close frame.
func (s *pythonServer) farewell(ctx context.Context, base string, end func() error) error {
	var body io.ReadCloser
	if slices.Contains(s.transports, "sse") {
		req, err := http.NewRequestWithContext(ctx, "GET", base+"sse", nil)
		if err != nil {
			return err
		}
		resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
		if err != nil {
			return err
		}
		body = resp.Body
		defer body.Close()
	}
	var frames error
	greeted, closed := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(closed)
		greet := sync.OnceFunc(func() { close(greeted) })
		defer greet()
		if !slices.Contains(s.transports, "websocket") {
			return
		}
		for _, err := range (&websocket.Client{URL: base + "websocket"}).Messages(ctx) {
			greet()
			frames = err
		}
	}()
	<-greeted
	if err := end(); err != nil {
		return err
	}
	if body != nil {
		if _, err := io.Copy(io.Discard, body); err != nil {
			return fmt.Errorf("at the end, /sse: %w", err)
		}
	}
	<-closed
	if frames != nil && !strings.Contains(frames.Error(), "close 1001") && !strings.Contains(frames.Error(), "close 1000") {
		return fmt.Errorf("at the end, /websocket: %w", frames)
	}
	return nil
}

// costOf reads a few messages, and counts the bytes around each that came alone, or
// would have: of a poll that brought several, the commas are left out. They have to be
// the same each time.
func costOf(ctx context.Context, transport, url string) (cost, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var records []*record
	var ledger wire.Ledger
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		r := new(record)
		records = append(records, r) // a client dials one connection at a time
		return ledger.Tap(new(net.Dialer).DialContext, r.span)(ctx, network, addr)
	}
	i := slices.IndexFunc(lab.Transports, func(t lab.Transport) bool { return t.Name == transport })
	messages := lab.Transports[i].Client(lab.Access{URL: url, Dial: dial}).Messages
	if transport == "polling" {
		messages = (&polling.Client{URL: url, Dial: dial, Interval: 200 * time.Millisecond}).Messages
	}
	n := 0
	for _, err := range messages(ctx) {
		if err != nil {
			return cost{}, err
		}
		if n++; n == 8 {
			break
		}
	}
	var c cost
	for _, row := range ledger.Snapshot().Rows {
		c.once += int(row.Up.Opening + row.Down.Opening)
	}
	var each []int
	for _, r := range records {
		each = append(each, r.costs(transport)...)
	}
	if slices.Sort(each); len(each) == 0 || each[0] != each[len(each)-1] {
		return cost{}, fmt.Errorf("%v bytes around a message, want one number", each)
	}
	c.each = each[0]
	return c, nil
}

// sizeAlone is the size of a message while ids have three digits: for 45 s.
var sizeAlone = len(`{"id":100,"at":1767225600000000,"data":}`) + len(pythonData)

// A record has what crossed one connection.
type record struct {
	mu    sync.Mutex
	spans []wire.Span
}

func (r *record) span(s wire.Span) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.Bytes = bytes.Clone(s.Bytes)
	r.spans = append(r.spans, s)
}

// costs returns what costOf counts. What was cut off in the end is left out.
func (r *record) costs(transport string) (all []int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	type group struct { // an exchange of a poll, a chunk of a stream, a frame
		parts map[wire.Part]int
		line  []byte // of the request
	}
	var groups []*group
	var before wire.Span
	for _, s := range r.spans {
		begins := s.Dir == wire.Up && before.Dir == wire.Down
		switch transport {
		case "sse":
			begins = s.Role == "chunk size" && before.Role != s.Role
		case "websocket":
			begins = s.Dir == wire.Down && s.Role == "FIN and opcode"
		}
		if begins || groups == nil {
			groups = append(groups, &group{parts: map[wire.Part]int{}})
		}
		g := groups[len(groups)-1]
		g.parts[s.Part] += s.Size
		if s.Role == "request line" {
			g.line = append(g.line, s.Bytes...)
		}
		before = s
	}
	if transport == "sse" {
		groups = groups[:len(groups)-1]
	}
	for _, g := range groups {
		head, payload, envelope := g.parts[wire.Head], g.parts[wire.Payload], g.parts[wire.Envelope]
		switch {
		case g.parts[wire.Opening] > 0:
		case head > 0: // the first asks without a cursor; and the Content-Length of others has three digits
			if bytes.Contains(g.line, []byte("after=")) && payload > 0 && payload+envelope < 1000 {
				commas := payload/sizeAlone - 1
				all = append(all, head+envelope-commas)
			}
		case payload == sizeAlone:
			all = append(all, g.parts[wire.Framing]+envelope)
		}
	}
	return all
}

// asPackaged tells what comes of Flask-Sockets' own way to register a WebSocket:
// to the client, and on the server.
func asPackaged(ctx context.Context) (string, error) {
	server, err := start(ctx, "flask_sockets_server.py", "127.0.0.1:0", "--as-packaged")
	if err != nil {
		return "", err
	}
	defer server.end(syscall.SIGTERM)
	line, err := server.line()
	_, url, found := strings.Cut(line, " listens: ")
	if !found {
		return "", fmt.Errorf("it prints %q: %w", line, err)
	}
	client, err := start(ctx, "websockets_send.py", url+"websocket/echo", "hello")
	if err != nil {
		return "", err
	}
	defer client.end(os.Kill)
	if line, err := client.line(); err == nil {
		return "", fmt.Errorf("the echo is %q, and should be refused: the chapter has to change", line)
	}
	client.end(os.Kill)
	server.end(syscall.SIGTERM)
	last := func(said, prefix string) string {
		return regexp.MustCompile(`(?m)^` + prefix + `.*$`).FindString(said)
	}
	return "flask_sockets_server.py --as-packaged\nclient: " + last(client.errors(), `websockets\.exceptions\.`) +
		"\nserver: " + last(server.errors(), `werkzeug\.`), nil
}

// servers draws the second table of the chapter, which TestPython compares.
func servers(t *testing.T) *svg {
	const left, top, row, bar = 250.0, 42.0, 54.0, 15.0
	_, table, _ := strings.Cut(pages(t)[pythonChapter], "\n    server, by the lab's clients ")
	rows := regexp.MustCompile(`(?m)^    (\S.*?)  +(\d+|–)  (?:1 for all |1 for each|–) +(\d+|–) +(?:\d+|–) +(\d+|–) +(?:\d+|–)$`).FindAllStringSubmatch(table, -1)
	if len(rows) != 7 {
		t.Fatalf("%s has a table of %d servers", pythonChapter, len(rows))
	}
	s := &svg{width: 680, height: top + row*float64(len(rows)) + 6}
	x := left
	for _, key := range []struct{ lane, text string }{{"polling", "a poll"}, {"sse", "an event"}, {"websocket", "a frame"}} {
		s.add(`<g class="%s"><path d="M%.1f 14h16v12h-16Z" class="tip"/></g>`, key.lane, x)
		s.text(x+22, 25, "start", "soft", key.text)
		x += 100
	}
	for i, found := range rows {
		y := top + row*float64(i)
		s.text(left-12, y+bar+11, "end", "name", found[1])
		for j, lane := range []string{"polling", "sse", "websocket"} {
			at := y + bar*float64(j)
			value, err := strconv.ParseFloat(found[2+j], 64)
			if err != nil {
				s.text(left, at+11, "start", "soft", "–")
				continue
			}
			s.add(`<g class="%s"><path d="M%.1f %.1fh%.1fv12h%.1fZ" class="tip"/></g>`, lane, left, at, value, -value)
			s.text(left+value+6, at+11, "start", "soft", found[2+j]+" B")
		}
	}
	return s
}
