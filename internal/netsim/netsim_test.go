package netsim_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/internal/netsim"

	"go.uber.org/goleak"
	"golang.org/x/net/nettest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ms = time.Millisecond

func set(t testing.TB, n *netsim.Network, s netsim.Settings) {
	t.Helper()
	if err := n.Set(s); err != nil {
		t.Fatal(err)
	}
}

func cut(t testing.TB, c *netsim.Conn, kind netsim.Cut, lasting time.Duration) {
	t.Helper()
	if err := c.Cut(kind, lasting); err != nil {
		t.Fatal(err)
	}
}

// inMemory connects in memory.
func inMemory(t testing.TB, n *netsim.Network) (client, server net.Conn) {
	t.Helper()
	l := n.Memory()
	defer l.Close()
	return connect(t, l, l.Dial)
}

// onLoopback connects by real sockets.
func onLoopback(t testing.TB, n *netsim.Network) (client, server net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return connect(t, n.Listen(l), new(net.Dialer).DialContext)
}

func connect(t testing.TB, l net.Listener, dial func(context.Context, string, string) (net.Conn, error)) (client, server net.Conn) {
	t.Helper()
	accepted := make(chan net.Conn, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			t.Error(err)
		}
		accepted <- c
	}()
	client, err := dial(context.Background(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server = <-accepted
	t.Cleanup(func() {
		client.Close()
		server.Close()
	})
	return client, server
}

// read reads n bytes.
func read(t testing.TB, c net.Conn, n int) string {
	t.Helper()
	b := make([]byte, n)
	if _, err := io.ReadFull(c, b); err != nil {
		t.Error(err)
	}
	return string(b)
}

func write(t testing.TB, c net.Conn, text string) {
	t.Helper()
	if n, err := io.WriteString(c, text); n != len(text) || err != nil {
		t.Errorf("wrote %d of %d bytes, %v", n, len(text), err)
	}
}

func TestCheck(t *testing.T) {
	for _, test := range []struct {
		settings netsim.Settings
		want     string
	}{
		{netsim.Settings{}, ""},
		{netsim.Settings{RTT: time.Minute, Jitter: time.Minute, Kbps: 1}, ""},
		{netsim.Settings{RTT: -1}, "rtt -1ns: must be from 0s to 1m0s"},
		{netsim.Settings{RTT: time.Minute + 1}, "rtt 1m0.000000001s: must be from 0s to 1m0s"},
		{netsim.Settings{Jitter: -ms}, "jitter -1ms: must be from 0s to 1m0s"},
		{netsim.Settings{Jitter: time.Hour}, "jitter 1h0m0s: must be from 0s to 1m0s"},
		{netsim.Settings{Kbps: -1}, "kbps -1: must be from 1 to 10000000, or 0 for any"},
		{netsim.Settings{Kbps: 0.5}, "kbps 0.5: must be from 1 to 10000000, or 0 for any"},
		{netsim.Settings{Kbps: math.NaN()}, "kbps NaN: must be from 1 to 10000000, or 0 for any"},
		{netsim.Settings{Kbps: math.Inf(1)}, "kbps +Inf: must be from 1 to 10000000, or 0 for any"},
	} {
		var n netsim.Network
		err := n.Set(test.settings)
		if text := fmt.Sprint(err); err != nil && text != test.want || err == nil && test.want != "" {
			t.Errorf("%+v: %v, want %s", test.settings, err, test.want)
		}
		if err != nil && n.Settings() != (netsim.Settings{}) {
			t.Errorf("%+v are refused, and in force", test.settings)
		}
	}
	client, _ := inMemory(t, new(netsim.Network))
	for want, err := range map[string]error{
		`cut "axe": must be fin, rst, silence or stall`:            client.(*netsim.Conn).Cut("axe", 0),
		"a silence of 0s: must last from above 0s to 1h0m0s":       client.(*netsim.Conn).Cut(netsim.Silence, 0),
		"a stall of 1h0m0.001s: must last from above 0s to 1h0m0s": client.(*netsim.Conn).Cut(netsim.Stall, time.Hour+ms),
		"a rst lasts for good, not for 1s":                         client.(*netsim.Conn).Cut(netsim.RST, time.Second),
	} {
		if fmt.Sprint(err) != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// A connection is a net.Conn like any other, as golang.org/x/net tests them:
// with no network, over one, and while the network is switched on and off.
func TestConn(t *testing.T) {
	for name, connect := range map[string]func(testing.TB, *netsim.Network) (client, server net.Conn){"memory": inMemory, "sockets": onLoopback} {
		for _, kind := range []string{"off", "on", "switched"} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
					n := new(netsim.Network)
					if kind == "on" {
						set(t, n, netsim.Settings{RTT: ms, Jitter: ms, Kbps: 1e6})
					}
					c1, c2 = connect(t, n)
					end := make(chan struct{})
					var switching sync.WaitGroup
					if kind == "switched" {
						switching.Go(func() { toggle(t, n, end) })
					}
					return c1, c2, func() {
						close(end)
						switching.Wait()
						c1.Close()
						c2.Close()
					}, nil
				})
			})
		}
	}
}

// toggle changes a network over and over, until the end.
func toggle(t testing.TB, n *netsim.Network, end <-chan struct{}) {
	random := rand.New(rand.NewPCG(1, 2))
	tick := time.NewTicker(500 * time.Microsecond)
	defer tick.Stop()
	for {
		select {
		case <-end:
			n.Clear()
			return
		case <-tick.C:
		}
		switch random.IntN(4) {
		case 0:
			n.Clear()
		case 1:
			set(t, n, netsim.Settings{RTT: ms, Kbps: 1e6})
		case 2:
			set(t, n, netsim.Settings{Jitter: 2 * ms})
		case 3:
			for _, c := range n.Conns() {
				cut(t, c, []netsim.Cut{netsim.Silence, netsim.Stall}[random.IntN(2)], ms)
			}
		}
	}
}

// Times are exact: to connect takes a round trip, each write half of one, and
// what it takes to send it at the bandwidth.
func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := new(netsim.Network)
		set(t, n, netsim.Settings{RTT: 100 * ms})
		start := time.Now()
		client, server := inMemory(t, n)
		if took := time.Since(start); took != 100*ms {
			t.Errorf("to connect took %v, want 100ms", took)
		}
		for _, way := range []struct{ from, to net.Conn }{{client, server}, {server, client}} {
			start = time.Now()
			write(t, way.from, "ab")
			if took := time.Since(start); took != 0 {
				t.Errorf("Write took %v, want nothing", took)
			}
			time.AfterFunc(10*ms, func() { write(t, way.from, "c") })
			got := read(t, way.to, 1)
			if took := time.Since(start); got != "a" || took != 50*ms {
				t.Errorf("%s came after %v, want a after 50ms", got, took)
			}
			got = read(t, way.to, 2)
			if took := time.Since(start); got != "bc" || took != 60*ms {
				t.Errorf("%s came after %v, want bc after 60ms", got, took)
			}
		}

		set(t, n, netsim.Settings{RTT: 100 * ms, Kbps: 80}) // 10 bytes a ms
		for _, way := range []struct{ from, to net.Conn }{{client, server}, {server, client}} {
			start = time.Now()
			write(t, way.from, strings.Repeat("x", 10_000))
			for size, want := range map[int]time.Duration{1460: 196 * ms} {
				read(t, way.to, size)
				if took := time.Since(start); took != want {
					t.Errorf("%d bytes came after %v, want %v", size, took, want)
				}
			}
			write(t, way.from, "y") // behind it on the line
			read(t, way.to, 10_000-1460)
			if took := time.Since(start); took != 1050*ms {
				t.Errorf("10 000 bytes came after %v, want 1.05s", took)
			}
			read(t, way.to, 1)
			if took := time.Since(start); took != 1050*ms+100*time.Microsecond {
				t.Errorf("a byte more came after %v, want 1.0501s", took)
			}
		}
	})
}

// A dialer that waits leaves when its context ends, or the listener is closed.
func TestDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := new(netsim.Network)
		for _, rtt := range []time.Duration{0, 10 * time.Second} {
			set(t, n, netsim.Settings{RTT: rtt})
			l := n.Memory()
			start := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if _, err := l.Dial(ctx, "", ""); err != context.DeadlineExceeded || time.Since(start) != time.Second {
				t.Errorf("rtt %v: %v after %v, want the context's error after 1s", rtt, err, time.Since(start))
			}
			cancel()
			time.AfterFunc(time.Second, func() { l.Close() })
			if _, err := l.Dial(t.Context(), "", ""); err != net.ErrClosed || time.Since(start) != 2*time.Second {
				t.Errorf("rtt %v: %v after %v, want net.ErrClosed after 2s", rtt, err, time.Since(start))
			}
			if _, err := l.Accept(); err != net.ErrClosed {
				t.Errorf("rtt %v: Accept: %v, want net.ErrClosed", rtt, err)
			}
		}
		if left := n.Conns(); len(left) != 0 {
			t.Errorf("%d connections are left", len(left))
		}
	})
}

// Jitter makes what is written late, within its bounds, and never takes it out of
// order. It is the same for the same seed.
func TestJitter(t *testing.T) {
	course := func(seed uint64) (delays []time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			n := &netsim.Network{Seed: seed}
			set(t, n, netsim.Settings{RTT: 20 * ms, Jitter: 30 * ms})
			client, server := inMemory(t, n)
			go func() {
				for i := range 200 {
					fmt.Fprintf(client, "%c%016x", 'a'+i%26, time.Now().UnixNano())
					time.Sleep(ms)
				}
			}()
			for i := range 200 {
				text := read(t, server, 17)
				var sent int64
				fmt.Sscanf(text[1:], "%x", &sent)
				delay := time.Since(time.Unix(0, sent))
				if text[0] != byte('a'+i%26) || delay < 10*ms || delay > 40*ms {
					t.Errorf("write %d: %c after %v", i, text[0], delay)
				}
				delays = append(delays, delay)
			}
		})
		return delays
	}
	a, b, c := fmt.Sprint(course(1)), fmt.Sprint(course(1)), fmt.Sprint(course(2))
	if a != b || a == c {
		t.Errorf("the seed does not decide:\n%s\n%s\n%s", a, b, c)
	}
}

// At most 64 KiB, and 1 024 pieces, are under way or unread; what is read makes
// room.
func TestBackPressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := new(netsim.Network)
		set(t, n, netsim.Settings{RTT: 100 * ms})
		client, server := inMemory(t, n)
		server.SetWriteDeadline(time.Now().Add(time.Second))
		got, err := server.Write(make([]byte, 100_000))
		if got != 64<<10 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("wrote %d bytes, %v, want 65536 and a time-out", got, err)
		}
		server.SetWriteDeadline(time.Time{})
		start := time.Now()
		go func() {
			time.Sleep(time.Second)
			read(t, client, 65_436)
		}()
		write(t, server, strings.Repeat("x", 65_436))
		if took := time.Since(start); took != time.Second {
			t.Errorf("there was room after %v, want 1s", took)
		}
		read(t, client, 65_536)

		client.SetWriteDeadline(time.Now().Add(time.Second))
		for got = 0; err == nil || got == 0; got++ {
			_, err = client.Write([]byte("x"))
		}
		if got != 1025 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("write %d: %v, want a time-out of the 1 025th", got, err)
		}
	})
}

// Deadlines are those of a socket: one that passes ends what blocks, one in the
// past ends all at once, and one that is taken back is forgotten.
func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := inMemory(t, new(netsim.Network))
		isTimeout := func(what string, err error, after time.Duration, start time.Time) {
			t.Helper()
			var timeout net.Error
			if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() || time.Since(start) != after {
				t.Errorf("%s: %v after %v, want a time-out after %v", what, err, time.Since(start), after)
			}
		}
		b := make([]byte, 1)
		start := time.Now()
		client.SetReadDeadline(start.Add(time.Second))
		_, err := client.Read(b)
		isTimeout("Read", err, time.Second, start)
		client.SetReadDeadline(time.Time{})
		time.AfterFunc(time.Second, func() { client.SetReadDeadline(time.Unix(1, 0)) })
		_, err = client.Read(b)
		isTimeout("a Read that blocks", err, 2*time.Second, start)
		write(t, server, "x")
		_, err = client.Read(b)
		isTimeout("a Read with something there", err, 2*time.Second, start)
		client.SetReadDeadline(time.Time{})
		if got := read(t, client, 1); got != "x" {
			t.Errorf("read %q, want x", got)
		}
		time.AfterFunc(time.Second, func() { client.SetDeadline(time.Unix(1, 0)) })
		_, err = client.Write(make([]byte, 100_000))
		isTimeout("a Write that blocks", err, 3*time.Second, start)
		_, err = client.Write(b)
		isTimeout("a Write", err, 3*time.Second, start)
		server.(*netsim.Conn).CloseWrite()
		_, err = client.Read(b)
		isTimeout("a Read at the end", err, 3*time.Second, start)
		client.SetReadDeadline(time.Time{})
		if _, err = client.Read(b); err != io.EOF {
			t.Errorf("a Read at the end: %v, want EOF", err)
		}
	})
}

// What was written before Close arrives, and then EOF; what is written to an end
// that is closed fails after a round trip.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := new(netsim.Network)
		set(t, n, netsim.Settings{RTT: 100 * ms})
		client, server := inMemory(t, n)
		start := time.Now()
		write(t, server, "bye")
		server.Close()
		if _, err := server.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Write: %v, want net.ErrClosed", err)
		}
		if _, err := server.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Read: %v, want net.ErrClosed", err)
		}
		if err := server.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Close: %v, want net.ErrClosed", err)
		}
		got, err := io.ReadAll(client)
		if string(got) != "bye" || err != nil || time.Since(start) != 50*ms {
			t.Errorf("read %q, %v after %v, want bye after 50ms", got, err, time.Since(start))
		}
		for err == nil {
			_, err = client.Write([]byte("x"))
			time.Sleep(ms)
		}
		if took := time.Since(start) - ms; !errors.Is(err, syscall.ECONNRESET) || took != 150*ms {
			t.Errorf("Write: %v after %v, want a reset after 150ms", err, took)
		}
		if len(n.Conns()) != 0 {
			t.Error("the network knows a connection that the server has closed")
		}

		// Half of it.
		client, server = inMemory(t, n)
		write(t, client, "question")
		client.(*netsim.Conn).CloseWrite()
		if _, err := client.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("Write: %v, want EPIPE", err)
		}
		if got, err := io.ReadAll(server); string(got) != "question" || err != nil {
			t.Errorf("read %q, %v, want the question", got, err)
		}
		write(t, server, "answer")
		server.Close()
		if got, err := io.ReadAll(client); string(got) != "answer" || err != nil {
			t.Errorf("read %q, %v, want the answer", got, err)
		}

		// On bytes that were not read.
		client, server = inMemory(t, n)
		write(t, client, "noise")
		time.Sleep(time.Second)
		write(t, server, "bye")
		server.Close()
		if got, err := io.ReadAll(client); string(got) != "bye" || !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("read %q, %v, want bye and a reset", got, err)
		}
	})
}

// drain reads to the end, and returns what came, why it ended, and when.
func drain(c net.Conn, start time.Time) string {
	got, err := io.ReadAll(c)
	why := "EOF"
	var number syscall.Errno
	if errors.As(err, &number) {
		why = number.Error()
	} else if err != nil {
		why = err.Error()
	}
	return fmt.Sprintf("%s %s %v", got, why, time.Since(start))
}

// TestCuts says of each cut who notices what, and when, to the nanosecond.
func TestCuts(t *testing.T) {
	for _, test := range []struct {
		kind           netsim.Cut
		lasting        time.Duration
		client, server string // what they read of "down" and "up", written 10 ms before
	}{
		{netsim.FIN, 0, "down EOF 50ms", "up EOF 50ms"},
		{netsim.RST, 0, " connection reset by peer 0s", " connection reset by peer 0s"},
		{netsim.Silence, 5 * time.Second, "down+ EOF 5s", "up+ EOF 5s"},
		{netsim.Stall, 5 * time.Second, "down+ EOF 5s", "up+ EOF 1.05s"},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := new(netsim.Network)
			set(t, n, netsim.Settings{RTT: 100 * ms})
			client, server := inMemory(t, n)
			write(t, client, "up")
			write(t, server, "down")
			time.Sleep(10 * ms)
			start := time.Now()
			cut(t, n.Conns()[0], test.kind, test.lasting)
			var reading sync.WaitGroup
			var down, up string
			reading.Go(func() { down = drain(client, start) })
			reading.Go(func() { up = drain(server, start) })
			time.Sleep(time.Second)
			_, err1 := client.Write([]byte("+"))
			_, err2 := server.Write([]byte("+"))
			if lost := test.kind == netsim.RST; (err1 != nil) != lost || (err2 != nil) != lost {
				t.Errorf("%s: then Write returns %v and %v", test.kind, err1, err2)
			}
			client.(*netsim.Conn).CloseWrite()
			server.(*netsim.Conn).CloseWrite()
			reading.Wait()
			if down != test.client || up != test.server {
				t.Errorf("%s: the client reads %q, want %q; the server %q, want %q", test.kind, down, test.client, up, test.server)
			}
			if test.kind == netsim.FIN {
				time.Sleep(100 * ms)
				if _, err := client.Write([]byte("+")); !errors.Is(err, syscall.ECONNRESET) {
					t.Errorf("a round trip after the first Write the client's next returns %v, want a reset", err)
				}
			}
		})
	}
}

// A change of the network hurries what is under way, and does not let it be
// overtaken.
func TestSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := new(netsim.Network)
		client, server := inMemory(t, n)
		start := time.Now()
		come := func(want string, after time.Duration) {
			t.Helper()
			if got := read(t, client, len(want)); got != want || time.Since(start) != after {
				t.Errorf("read %s after %v, want %s after %v", got, time.Since(start), want, after)
			}
		}
		set(t, n, netsim.Settings{RTT: 20 * time.Second})
		write(t, server, "a")
		set(t, n, netsim.Settings{RTT: 40 * time.Second})
		write(t, server, "b")
		come("a", 10*time.Second) // it has its 10 s still
		time.Sleep(time.Second)
		set(t, n, netsim.Settings{RTT: 4 * time.Second})
		write(t, server, "c")
		come("bc", 13*time.Second)
		cut(t, n.Conns()[0], netsim.Silence, time.Hour)
		write(t, server, "d")
		time.AfterFunc(time.Second, n.Clear)
		come("d", 14*time.Second)
		write(t, server, "e")
		come("e", 14*time.Second)
	})
}

// A network that does nothing allocates nothing.
func TestOff(t *testing.T) {
	client, server := onLoopback(t, new(netsim.Network))
	b := make([]byte, 100)
	if allocated := testing.AllocsPerRun(100, func() {
		client.Write(b)
		io.ReadFull(server, b)
		server.Write(b)
		io.ReadFull(client, b)
	}); allocated != 0 {
		t.Errorf("%v allocations, want none", allocated)
	}
}

// BenchmarkPingPong asks what a network costs a real connection that does nothing
// to it, beside the connection alone (network=none).
func BenchmarkPingPong(b *testing.B) {
	for _, kind := range []string{"none", "off", "after"} {
		b.Run("network="+kind, func(b *testing.B) {
			n := new(netsim.Network)
			client, server := onLoopback(b, n)
			switch kind {
			case "none":
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					b.Fatal(err)
				}
				defer l.Close()
				client, server = connect(b, l, new(net.Dialer).DialContext)
			case "after": // it has been on
				set(b, n, netsim.Settings{RTT: ms})
				write(b, client, "x")
				read(b, server, 1)
				n.Clear()
				write(b, server, "x")
				read(b, client, 1)
				write(b, client, "x")
				read(b, server, 1)
			}
			message := make([]byte, 128)
			b.ReportAllocs()
			for b.Loop() {
				client.Write(message)
				io.ReadFull(server, message)
				server.Write(message)
				io.ReadFull(client, message)
			}
		})
	}
}

// Real connections are delayed too: the first byte by the round trip that the
// kernel has spared the client, and by its way.
func TestSockets(t *testing.T) {
	n := new(netsim.Network)
	set(t, n, netsim.Settings{RTT: 40 * ms})
	start := time.Now()
	took := func(what string, least time.Duration) {
		t.Helper()
		if took := time.Since(start); took < least || took > least+5*time.Second {
			t.Errorf("%s took %v, want %v", what, took, least)
		}
		start = time.Now()
	}
	client, server := onLoopback(t, n)
	write(t, client, "question")
	read(t, server, 8)
	took("the first byte", 60*ms)
	write(t, server, "answer")
	read(t, client, 6)
	took("the answer", 20*ms)
	write(t, client, "question")
	read(t, server, 8)
	took("the second question", 20*ms)

	n.Clear()
	write(t, client, "question")
	read(t, server, 8)
	write(t, server, "answer")
	read(t, client, 6)
	server.Close()
	if got := drain(client, start); !strings.HasPrefix(got, " EOF") {
		t.Errorf("after Close: %s, want EOF", got)
	}
}

// Whatever is switched while bytes flow, all arrive, and in order.
func TestSwitch(t *testing.T) {
	n := new(netsim.Network)
	client, server := onLoopback(t, n)
	end := make(chan struct{})
	var switching, work sync.WaitGroup
	switching.Go(func() { toggle(t, n, end) })
	for i, way := range []struct{ from, to net.Conn }{{client, server}, {server, client}} {
		random := rand.New(rand.NewPCG(uint64(i), 0))
		text := make([]byte, 3<<20)
		for i := range text {
			text[i] = byte(random.Uint32())
		}
		work.Go(func() {
			for rest := text; len(rest) > 0; {
				n := min(len(rest), 1+random.IntN(3000))
				write(t, way.from, string(rest[:n]))
				rest = rest[n:]
			}
			way.from.(interface{ CloseWrite() error }).CloseWrite()
		})
		work.Go(func() {
			got, err := io.ReadAll(way.to)
			if err != nil || !bytes.Equal(got, text) {
				t.Errorf("%d bytes came, %v, and not those that were sent", len(got), err)
			}
		})
	}
	work.Wait()
	close(end)
	switching.Wait()
}

// A reset is one, though the server may hear of it first and close what it holds.
func TestResetBeforeItsServerCloses(t *testing.T) {
	n := new(netsim.Network)
	for range 300 {
		client, server := onLoopback(t, n)
		var closing sync.WaitGroup
		closing.Go(func() {
			io.Copy(io.Discard, server)
			server.Close()
		})
		for _, c := range n.Conns() {
			cut(t, c, netsim.RST, 0)
		}
		if _, err := client.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the client reads %v, want a reset", err)
		}
		closing.Wait()
		client.Close()
	}
}

// Cuts of real connections are what they are called, with and without a delay.
func TestCutSockets(t *testing.T) {
	for _, test := range []struct {
		kind           netsim.Cut
		client, server string
	}{
		{netsim.FIN, "down EOF", "up EOF"},
		{netsim.RST, " connection reset by peer", " connection reset by peer"},
		{netsim.Silence, "down+ EOF", "up+ EOF"},
		{netsim.Stall, "down+ EOF", "up+ EOF"},
	} {
		for _, rtt := range []time.Duration{0, 20 * ms} {
			n := new(netsim.Network)
			client, server := onLoopback(t, n)
			set(t, n, netsim.Settings{RTT: rtt})
			first := ""
			if test.kind != netsim.RST {
				write(t, client, "up")
				write(t, server, "down")
			}
			if test.kind == netsim.Silence {
				first = read(t, client, 1) // so that it went straight, or is not held
			}
			start := time.Now()
			var lasting time.Duration
			if test.kind == netsim.Silence || test.kind == netsim.Stall {
				lasting = 50 * ms
			}
			var reading sync.WaitGroup
			var down, up string
			reading.Go(func() { up = drain(server, start) })
			for _, c := range n.Conns() {
				if c.RemoteAddr().String() == client.LocalAddr().String() {
					cut(t, c, test.kind, lasting)
				}
			}
			reading.Go(func() { down = first + drain(client, start) })
			if lasting > 0 {
				write(t, client, "+")
				write(t, server, "+")
				client.(*net.TCPConn).CloseWrite()
				server.(*netsim.Conn).CloseWrite()
			}
			reading.Wait()
			if took := time.Since(start); took < lasting {
				t.Errorf("%s, rtt %v: over after %v", test.kind, rtt, took)
			}
			if !strings.HasPrefix(down, test.client) || !strings.HasPrefix(up, test.server) {
				t.Errorf("%s, rtt %v: the client reads %q, want %q; the server %q, want %q", test.kind, rtt, down, test.client, up, test.server)
			}
			server.Close()
			client.Close()
		}
	}
}

// A server that writes to a client which has stopped reading comes to a stop,
// and its Close does not wait.
func TestStalledSocket(t *testing.T) {
	n := new(netsim.Network)
	client, server := onLoopback(t, n)
	cut(t, n.Conns()[0], netsim.Stall, time.Hour)
	server.SetWriteDeadline(time.Now().Add(50 * ms))
	if got, err := server.Write(make([]byte, 1<<20)); got != 64<<10 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("wrote %d bytes, %v, want 65536 and a time-out", got, err)
	}
	write(t, client, "the other direction goes on")
	read(t, server, 27)
	server.Close()
	if left := n.Conns(); len(left) != 0 {
		t.Errorf("%d connections are left", len(left))
	}
	n.Clear()
	got, err := io.ReadAll(client)
	if len(got) != 64<<10 || err != nil {
		t.Errorf("read %d bytes, %v, want 65536 and the end", len(got), err)
	}
}
