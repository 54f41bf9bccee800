package benchmarks

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/source"

	"golang.org/x/sys/unix"
)

// asServer is the environment variable that makes this test binary the server.
const asServer = "FOURWIRES_BENCHMARK_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(asServer) == "" {
		os.Exit(m.Run())
	}
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "benchmark server:", err)
		os.Exit(1)
	}
}

// A usage is what the server process has used.
type usage struct {
	CPU        time.Duration // user and system
	RSS        int64         // bytes of memory that it holds, after a collection
	Goroutines int
}

// serve is the server process: it says its two addresses, and then does what
// each line of stdin asks, until stdin ends.
//
//	publish N   publishes N messages at once
//	usage       answers with a usage as JSON
func serve(stdin io.Reader, stdout io.Writer) error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	quiet := source.Default()
	quiet.Source = source.None
	l, err := lab.New(lab.Settings{Keep: feed.Keep, Source: quiet})
	if err != nil {
		return err
	}
	var listeners [3]net.Listener
	for i := range listeners {
		if listeners[i], err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return err
		}
	}
	var serving sync.WaitGroup
	serving.Go(func() { l.Serve(ctx, listeners[0], listeners[1]) })
	serving.Go(func() { fanOut(l.Feed, listeners[2]) })
	defer serving.Wait()
	defer stop()
	defer listeners[2].Close()
	fmt.Fprintln(stdout, listeners[0].Addr(), listeners[2].Addr())

	lines := bufio.NewScanner(stdin)
	for lines.Scan() {
		var n int
		switch line := lines.Text(); {
		case line == "usage":
			if err := json.NewEncoder(stdout).Encode(used()); err != nil {
				return err
			}
		case sscan(line, "publish %d", &n):
			for range n {
				if _, err := l.Feed.Publish(stamped(monotonic())); err != nil {
					return err
				}
			}
		default:
			return fmt.Errorf("what is %q?", line)
		}
	}
	return lines.Err()
}

func sscan(line, format string, into ...any) bool {
	_, err := fmt.Sscanf(line, format, into...)
	return err == nil
}

// fanOut is transport=tcp: it writes each message and a line feed to every
// connection, from one goroutine, one write each.
func fanOut(f *feed.Feed, listener net.Listener) {
	var mu sync.Mutex
	conns := map[net.Conn]bool{}
	go func() {
		cursor := f.Head()
		var msgs []feed.Message
		for {
			var err error
			msgs, cursor, err = f.Wait(context.Background(), cursor, msgs[:0])
			if errors.Is(err, feed.ErrClosed) {
				return
			}
			mu.Lock()
			for _, m := range msgs {
				line := append(m.JSON()[:len(m.JSON()):len(m.JSON())], '\n')
				for conn := range conns {
					if _, err := conn.Write(line); err != nil {
						conn.Close()
						delete(conns, conn)
					}
				}
			}
			mu.Unlock()
		}
	}()
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		mu.Lock()
		conns[conn] = true
		mu.Unlock()
	}
}

func used() usage {
	runtime.GC()
	debug.FreeOSMemory()
	var r syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	u := usage{CPU: time.Duration(r.Utime.Nano() + r.Stime.Nano()), Goroutines: runtime.NumGoroutine()}
	var pages, resident int64
	statm, _ := os.ReadFile("/proc/self/statm")
	fmt.Sscan(string(statm), &pages, &resident)
	u.RSS = resident * int64(os.Getpagesize())
	return u
}

// monotonic returns the machine's monotonic clock in nanoseconds. It is the
// same for all processes.
func monotonic() int64 {
	var t unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &t)
	return t.Nano()
}

// payload is how many bytes of data a message carries.
const payload = 128

// stamped returns data of payload bytes that says when it was published.
func stamped(at int64) []byte {
	data := fmt.Appendf(make([]byte, 0, payload), `{"t":%d,"pad":"`, at)
	for len(data) < payload-len(`"}`) {
		data = append(data, 'x')
	}
	return append(data, `"}`...)
}

// stamp returns the time that data says.
func stamp(data []byte) (at int64) {
	for _, digit := range data[len(`{"t":`):] {
		if digit < '0' || digit > '9' {
			break
		}
		at = at*10 + int64(digit-'0')
	}
	return at
}

// A server is the server process as the benchmarks see it.
type server struct {
	lanes, tcp string // its addresses
	b          *testing.B
	in         io.WriteCloser
	out        *bufio.Reader
}

// startServer starts a server that ends with the benchmark.
func startServer(b *testing.B) *server {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), asServer+"=1")
	cmd.Stderr = os.Stderr
	s := &server{b: b}
	if s.in, err = cmd.StdinPipe(); err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	s.out = bufio.NewReader(out)
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		s.in.Close()
		if err := cmd.Wait(); err != nil {
			b.Error(err)
		}
	})
	if _, err := fmt.Sscan(s.line(), &s.lanes, &s.tcp); err != nil {
		b.Fatal(err)
	}
	return s
}

func (s *server) line() string {
	s.b.Helper()
	line, err := s.out.ReadString('\n')
	if err != nil {
		s.b.Fatal("the server process: ", err)
	}
	return strings.TrimSpace(line)
}

func (s *server) publish(n int) {
	s.b.Helper()
	if _, err := fmt.Fprintf(s.in, "publish %d\n", n); err != nil {
		s.b.Fatal("the server process: ", err)
	}
}

func (s *server) usage() (u usage) {
	s.b.Helper()
	fmt.Fprintln(s.in, "usage")
	if err := json.Unmarshal([]byte(s.line()), &u); err != nil {
		s.b.Fatal(err)
	}
	return u
}
