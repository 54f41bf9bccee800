//go:build linux

package benchmarks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
	"time"

	"fourwires/feed"
	"fourwires/internal/child"
	"fourwires/internal/lab"
	"fourwires/internal/measure"
	"fourwires/internal/needs"
	"fourwires/internal/source"

	"go.uber.org/goleak"
)

// asServer is the environment variable that makes this test binary a server: its value is tapped or untapped, or
// measuring for the server of package measure.
const (
	asServer  = "FOURWIRES_BENCHMARK_SERVER"
	tapped    = "tapped"
	untapped  = "untapped"
	measuring = "measuring"
)

func TestMain(m *testing.M) {
	if os.Getenv(asServer) == "" {
		goleak.VerifyTestMain(m)
		return
	}
	serve := serve
	if os.Getenv(asServer) == measuring {
		serve = measure.Serve
	}
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "benchmark server:", err)
		os.Exit(1)
	}
}

// A command is one of these, for the server process.
type command struct {
	Publish int   `json:"publish,omitempty"` // publishes so many messages; has no answer
	At      int64 `json:"at,omitempty"`      // when, by the monotonic clock; 0: now
	Time    bool  `json:"time,omitempty"`    // the answer is a reading
	Memory  bool  `json:"memory,omitempty"`  // collects garbage; the answer is a footprint
}

// addresses are where the server listens: the lab's lanes, its control API, fanOut, pourOut.
type addresses struct {
	Lanes   string `json:"lanes"`
	Control string `json:"control"`
	News    string `json:"news"`
	All     string `json:"all"`
}

// A reading is what the server's clocks showed at one moment.
type reading struct {
	Monotonic int64         `json:"monotonic"` // ns
	CPU       time.Duration `json:"cpu"`       // ns that the process has used
}

// A footprint is what the server process takes.
type footprint struct {
	Bytes      int `json:"bytes"` // of memory (RSS)
	Goroutines int `json:"goroutines"`
}

// serve is the server process: a lab, and beside it the plain connections of transport=tcp. It writes its addresses
// on stdout and carries out commands from stdin (see package child). It blocks until stdin ends.
func serve(stdin io.Reader, stdout io.Writer) error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	settings := lab.Settings{Keep: feed.Keep, Source: source.Default(), Limits: lab.DefaultLimits()}
	settings.Source.Source = source.None
	settings.Limits.Clients = 20_000
	settings.Untapped = os.Getenv(asServer) != tapped
	l, err := lab.New(settings)
	if err != nil {
		return err
	}
	timer, err := child.NewTimer()
	if err != nil {
		return err
	}
	defer timer.Close()
	var listeners [4]net.Listener // lanes, control, and two of transport=tcp
	for i := range listeners {
		if listeners[i], err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return err
		}
	}
	var serving sync.WaitGroup
	serving.Go(func() { err = l.Serve(ctx, lab.Listeners{Lanes: listeners[0], Control: listeners[1]}) })
	serving.Go(func() { fanOut(l.Feed, listeners[2]) })
	serving.Go(func() { pourOut(l.Feed, listeners[3]) })

	var at [len(listeners)]string
	for i, l := range listeners {
		at[i] = l.Addr().String()
	}
	own := addresses{Lanes: at[0], Control: at[1], News: at[2], All: at[3]}
	refused := child.Serve(stdin, stdout, own, func(c command) (any, error) {
		switch {
		case c.Time:
			return reading{child.Monotonic(), child.CPUTime()}, nil
		case c.Memory:
			return measured()
		}
		if c.At == 0 {
			c.At = child.Monotonic()
		}
		if err := timer.SleepUntil(ctx, c.At); err != nil {
			return nil, err
		}
		for range c.Publish {
			if _, err := l.Feed.Publish(stamped(c.At)); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
	stop()
	listeners[2].Close()
	listeners[3].Close()
	serving.Wait()
	return errors.Join(refused, err)
}

// measured returns what this process takes, after a collection.
func measured() (f footprint, err error) {
	runtime.GC()
	debug.FreeOSMemory()
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return f, err
	}
	var size, resident int // pages
	if _, err := fmt.Sscan(string(statm), &size, &resident); err != nil {
		return f, err
	}
	return footprint{resident * os.Getpagesize(), runtime.NumGoroutine()}, nil
}

// fanOut is transport=tcp for readers that wait for messages: one goroutine writes each message to every connection,
// one write each. A connection begins with the newest message.
func fanOut(f *feed.Feed, listener net.Listener) {
	var mu sync.Mutex
	conns := map[net.Conn]bool{}
	var newest []byte
	write := func(conn net.Conn) {
		if _, err := conn.Write(newest); err != nil {
			conn.Close()
			delete(conns, conn)
		}
	}
	follow := func() {
		cursor := f.Head()
		cursor.ID -= min(cursor.ID, 1)
		var msgs []feed.Message
		for {
			var err error
			if msgs, cursor, err = f.Wait(context.Background(), cursor, msgs[:0]); err != nil {
				return // the feed is closed
			}
			mu.Lock()
			for _, m := range msgs {
				newest = append(slices.Clone(m.JSON()), '\n')
				for conn := range conns {
					write(conn)
				}
			}
			mu.Unlock()
		}
	}
	var once sync.Once
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		once.Do(func() { go follow() }) // not beside the other transports
		mu.Lock()
		conns[conn] = true
		write(conn)
		mu.Unlock()
	}
}

// pourOut is transport=tcp for readers that catch up: it writes all kept messages to each connection, one write each,
// and closes it.
func pourOut(f *feed.Feed, listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			var msgs []feed.Message
			var line []byte
			for cursor := (feed.Cursor{}); ; {
				var err error
				if msgs, cursor, err = f.Since(cursor, msgs[:0]); err != nil || len(msgs) == 0 {
					return
				}
				for _, m := range msgs {
					line = append(append(line[:0], m.JSON()...), '\n')
					if _, err := conn.Write(line); err != nil {
						return
					}
				}
			}
		}()
	}
}

// payload is how many bytes of data a message carries.
const payload = 128

// stamped returns a message's data, which holds the instant at which it is due.
func stamped(at int64) []byte {
	data := fmt.Appendf(make([]byte, 0, payload), `{"t":%d,"pad":"`, at)
	for len(data) < payload-len(`"}`) {
		data = append(data, 'x')
	}
	return append(data, `"}`...)
}

// due returns the instant in such data.
func due(data []byte) (at int64) {
	for _, digit := range data[len(`{"t":`):] {
		if digit < '0' || digit > '9' {
			break
		}
		at = at*10 + int64(digit-'0')
	}
	return at
}

// A server is the server process, as its parent sees it. Its feed has one message.
type server struct {
	addresses
	head     uint64        // the newest id
	http2    bool          // which its readers speak
	interval time.Duration // of its polling readers
	tag      string        // of their URLs

	tb      testing.TB
	process *child.Process
}

// startServer starts a server that ends with the test.
func startServer(tb testing.TB, tap bool) *server {
	tb.Helper()
	needs.Process(tb)
	role := untapped
	if tap {
		role = tapped
	}
	self, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	s := &server{tb: tb, interval: pollEvery}
	s.process, err = child.Start(context.Background(), []string{"env", asServer + "=" + role, self}, &s.addresses)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.process.Close(context.Background()); err != nil {
			tb.Error(err)
		}
	})
	s.publish(1, 0)
	return s
}

// publish has n messages published at an instant, and does not wait for that. Commands are obeyed one after the other.
func (s *server) publish(n int, at int64) {
	s.tb.Helper()
	if err := s.process.Send(command{Publish: n, At: at}); err != nil {
		s.tb.Fatal(err)
	}
	s.head += uint64(n)
}

// ask has the server answer a command.
func (s *server) ask(c command, answer any) {
	s.tb.Helper()
	if err := s.process.Ask(context.Background(), c, answer); err != nil {
		s.tb.Fatal(err)
	}
}

// time reads the server's clocks, once all has been published.
func (s *server) time() (r reading) {
	s.tb.Helper()
	s.ask(command{Time: true}, &r)
	return r
}

// memory returns what the server takes, after a collection.
func (s *server) memory() (f footprint) {
	s.tb.Helper()
	s.ask(command{Memory: true}, &f)
	return f
}
