package netsim_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/internal/netsim"
)

// drain reads to the end, and returns the bytes, the reason why they ended, and the time that this took.
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

// TestCuts asserts for each cut what either end notices, and when, to the nanosecond.
func TestCuts(t *testing.T) {
	for _, test := range []struct {
		kind           netsim.Cut
		duration       time.Duration
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
			cut(t, n.Conns()[0], test.kind, test.duration)
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
				t.Errorf("%s: the client reads %q, want %q; the server %q, want %q",
					test.kind, down, test.client, up, test.server)
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
