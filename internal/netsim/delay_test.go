package netsim_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/internal/netsim"
)

// Times are exact: to connect takes a round trip; a write arrives after half of one and the time that its bytes take at
// the bandwidth.
func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := new(netsim.Network)
		set(t, n, netsim.Settings{RTT: 100 * ms})
		start := time.Now()
		client, server := inMemory(t, n)
		if took := time.Since(start); took != 100*ms {
			t.Errorf("to connect took %v, want 100ms", took)
		}
		for _, pair := range []struct{ from, to net.Conn }{{client, server}, {server, client}} {
			start = time.Now()
			write(t, pair.from, "ab")
			if took := time.Since(start); took != 0 {
				t.Errorf("Write took %v, want nothing", took)
			}
			time.AfterFunc(10*ms, func() { write(t, pair.from, "c") })
			got := read(t, pair.to, 1)
			if took := time.Since(start); got != "a" || took != 50*ms {
				t.Errorf("%s arrived after %v, want a after 50ms", got, took)
			}
			got = read(t, pair.to, 2)
			if took := time.Since(start); got != "bc" || took != 60*ms {
				t.Errorf("%s arrived after %v, want bc after 60ms", got, took)
			}
		}

		set(t, n, netsim.Settings{RTT: 100 * ms, Kbps: 80}) // 10 bytes a ms
		for _, pair := range []struct{ from, to net.Conn }{{client, server}, {server, client}} {
			start = time.Now()
			write(t, pair.from, strings.Repeat("x", 10_000))
			for size, want := range map[int]time.Duration{1460: 196 * ms} {
				read(t, pair.to, size)
				if took := time.Since(start); took != want {
					t.Errorf("%d bytes arrived after %v, want %v", size, took, want)
				}
			}
			write(t, pair.from, "y") // behind it on the line
			read(t, pair.to, 10_000-1460)
			if took := time.Since(start); took != 1050*ms {
				t.Errorf("10 000 bytes arrived after %v, want 1.05s", took)
			}
			read(t, pair.to, 1)
			if took := time.Since(start); took != 1050*ms+100*time.Microsecond {
				t.Errorf("a byte more arrived after %v, want 1.0501s", took)
			}
		}
	})
}

// A dialer that waits returns when its context ends, or the listener is closed.
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

// Jitter delays writes within its bounds and never changes their order. It is the same for the same seed.
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

// At most 64 KiB, and 1 024 pieces, are in flight or unread; a read makes space for more.
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

// After a change of the settings what is in flight arrives no later than if it were written then, and still before what
// is written later.
func TestSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := new(netsim.Network)
		client, server := inMemory(t, n)
		start := time.Now()
		arrives := func(want string, after time.Duration) {
			t.Helper()
			if got := read(t, client, len(want)); got != want || time.Since(start) != after {
				t.Errorf("read %s after %v, want %s after %v", got, time.Since(start), want, after)
			}
		}
		set(t, n, netsim.Settings{RTT: 20 * time.Second})
		write(t, server, "a")
		set(t, n, netsim.Settings{RTT: 40 * time.Second})
		write(t, server, "b")
		arrives("a", 10*time.Second) // it has its 10 s still
		time.Sleep(time.Second)
		set(t, n, netsim.Settings{RTT: 4 * time.Second})
		write(t, server, "c")
		arrives("bc", 13*time.Second)
		cut(t, n.Conns()[0], netsim.Silence, time.Hour)
		write(t, server, "d")
		time.AfterFunc(time.Second, n.Clear)
		arrives("d", 14*time.Second)
		write(t, server, "e")
		arrives("e", 14*time.Second)
	})
}
