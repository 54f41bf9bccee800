package python_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"fourwires/internal/lab/labtest"
	"fourwires/internal/measure"
	"fourwires/websocket"
)

// A pythonServer is a script that serves a feed, or the lab.
type pythonServer struct {
	script     string // empty: the lab
	lab        *labtest.Server
	transports []string

	name        string
	connections string // for a poll
	costs       map[string]cost
}

// A cost is the bytes that a message takes beside its JSON when it arrives alone: the headers of a poll and its response
// and the JSON around the message; the lines of an event and its chunk; the header of a frame. Once is the opening.
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

// measure starts the server, measures it, checks its echoes, and ends it.
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
			return fmt.Errorf("%s: %+v, want messages, none lost, duplicated or reordered, and no byte unaccounted",
				transport, r)
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
	return s.shutdown(ctx, base, end)
}

// serve starts the server, and returns its URL and what ends it.
func (s *pythonServer) serve(ctx context.Context) (base string, end func() error, err error) {
	if s.script == "" {
		base, end = s.serveLab()
		return base, end, nil
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

// serveLab publishes to the lab what feed.py does, and returns the lab's URL and what ends it.
func (s *pythonServer) serveLab() (base string, end func() error) {
	s.name = "this lab"
	publish(s.lab, 100)
	stop, publishing := make(chan struct{}), sync.WaitGroup{}
	publishing.Go(func() {
		tick := time.NewTicker(time.Second / 20)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				publish(s.lab, 1)
			case <-stop:
				return
			}
		}
	})
	return "http://" + s.lab.Lanes + "/", sync.OnceValue(func() error {
		close(stop)
		publishing.Wait()
		s.lab.Close()
		return nil
	})
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

// shutdown ends the server while an event stream and a WebSocket are open. The
// stream has to end as one does, and the WebSocket by a close frame.
func (s *pythonServer) shutdown(ctx context.Context, base string, end func() error) error {
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
	open, closed := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(closed)
		opened := sync.OnceFunc(func() { close(open) })
		defer opened()
		if !slices.Contains(s.transports, "websocket") {
			return
		}
		for _, err := range (&websocket.Client{URL: base + "websocket"}).Messages(ctx) {
			opened()
			frames = err
		}
	}()
	<-open
	if err := end(); err != nil {
		return err
	}
	if body != nil {
		if _, err := io.Copy(io.Discard, body); err != nil {
			return fmt.Errorf("at the end, /sse: %w", err)
		}
	}
	<-closed
	if frames != nil && !regexp.MustCompile("close 100[01]").MatchString(frames.Error()) {
		return fmt.Errorf("at the end, /websocket: %w", frames)
	}
	return nil
}

// asPackaged registers a WebSocket as Flask-Sockets itself does, and returns the errors of client and server.
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
