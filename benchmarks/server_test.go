//go:build linux

package benchmarks

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/measure"
	"fourwires/internal/source"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// asServer is the environment variable that makes this test binary the server,
// whose tap is on where its value is tapped, or that of package measure.
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

// serve is the server process: it says its three addresses, and then does what
// each line of stdin asks, until stdin ends.
//
//	publish N AT   at AT of the monotonic clock (0: now) publishes N messages
//	time           answers with that clock and the CPU time used so far, in ns
//	memory         collects garbage, and answers with the bytes of memory that
//	               the process holds (RSS) and its goroutines
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
	fmt.Fprintln(stdout, listeners[0].Addr(), listeners[2].Addr(), listeners[3].Addr())

	commands := bufio.NewScanner(stdin)
	for commands.Scan() {
		command, rest, _ := strings.Cut(commands.Text(), " ")
		switch command {
		case "publish":
			var n int
			var at int64
			fmt.Sscan(rest, &n, &at)
			if at == 0 {
				at = monotonic()
			}
			sleepUntil(at)
			for range n {
				if _, err := l.Feed.Publish(stamped(at)); err != nil {
					return err
				}
			}
		case "time":
			var used syscall.Rusage
			if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
				return err
			}
			fmt.Fprintln(stdout, monotonic(), used.Utime.Nano()+used.Stime.Nano())
		case "memory":
			runtime.GC()
			debug.FreeOSMemory()
			var size, resident int
			statm, err := os.ReadFile("/proc/self/statm") // in pages
			if err != nil {
				return err
			}
			fmt.Sscan(string(statm), &size, &resident)
			fmt.Fprintln(stdout, resident*os.Getpagesize(), runtime.NumGoroutine())
		}
	}
	stop()
	listeners[2].Close()
	listeners[3].Close()
	serving.Wait()
	return err
}

// fanOut is transport=tcp for news: one goroutine writes each message to every
// connection, one write each. A connection begins with the newest message.
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

// pourOut is transport=tcp for readers that are behind: it writes all that is
// kept to each connection, one write for each message, and closes it.
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

// monotonic returns the machine's monotonic clock in ns, the same in all
// processes.
func monotonic() int64 {
	var t unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &t)
	return t.Nano()
}

// sleepUntil sleeps until at of the monotonic clock: with Go's timers, which are
// up to 1 ms late, only most of the way.
func sleepUntil(at int64) {
	time.Sleep(time.Duration(at-monotonic()) - 2*time.Millisecond)
	t := unix.NsecToTimespec(at)
	for unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &t, nil) == unix.EINTR {
	}
}

// payload is how many bytes of data a message carries.
const payload = 128

// stamped returns data that says when it was to be published.
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

// A server is the server process as seen from here. Its feed has one message.
type server struct {
	lanes, news, all string // its addresses: the lab's lanes, fanOut's, pourOut's
	head             uint64 // the newest id
	http2            bool   // by which readers come

	tb  testing.TB
	in  io.WriteCloser
	out *bufio.Reader
}

// startServer starts a server that ends with the test.
func startServer(tb testing.TB, tap bool) *server {
	tb.Helper()
	role := untapped
	if tap {
		role = tapped
	}
	self, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), asServer+"="+role)
	cmd.Stderr = os.Stderr
	s := &server{tb: tb}
	if s.in, err = cmd.StdinPipe(); err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	s.out = bufio.NewReader(out)
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		s.in.Close()
		defer time.AfterFunc(10*time.Second, func() { cmd.Process.Kill() }).Stop()
		if err := cmd.Wait(); err != nil {
			tb.Error("the server process: ", err)
		}
	})
	s.answer(&s.lanes, &s.news, &s.all)
	s.publish(1, 0)
	return s
}

// answer reads what the server says.
func (s *server) answer(into ...any) {
	s.tb.Helper()
	text, err := s.out.ReadString('\n')
	if err == nil {
		_, err = fmt.Sscan(text, into...)
	}
	if err != nil {
		s.tb.Fatalf("the server process says %q: %v", text, err)
	}
}

// ask writes a command. Commands are obeyed one after the other.
func (s *server) ask(command string, args ...any) {
	s.tb.Helper()
	if _, err := fmt.Fprintln(s.in, append([]any{command}, args...)...); err != nil {
		s.tb.Fatal("the server process: ", err)
	}
}

// publish has n messages published at an instant, and does not wait for that.
func (s *server) publish(n int, at int64) {
	s.tb.Helper()
	s.ask("publish", n, at)
	s.head += uint64(n)
}

// A reading is what the server's clocks showed at one moment, in ns.
type reading struct{ monotonic, cpu int64 }

// time reads the server's clocks, once all has been published.
func (s *server) time() (r reading) {
	s.tb.Helper()
	s.ask("time")
	s.answer(&r.monotonic, &r.cpu)
	return r
}

// memory returns the bytes that the server holds, after a collection, and its
// goroutines.
func (s *server) memory() (bytes, goroutines int) {
	s.tb.Helper()
	s.ask("memory")
	s.answer(&bytes, &goroutines)
	return bytes, goroutines
}
