package netsim_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/internal/netsim"

	"golang.org/x/net/nettest"
)

// A connection passes the test of net.Conn in golang.org/x/net: without a delay, with one, and while the settings
// change.
func TestConn(t *testing.T) {
	for name, connect := range map[string]func(testing.TB, *netsim.Network) (client, server net.Conn){
		"memory": inMemory, "sockets": onLoopback,
	} {
		for _, kind := range []string{"off", "on", "switched"} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
					n := new(netsim.Network)
					if kind == "on" {
						set(t, n, netsim.Settings{RTT: ms / 10, Jitter: ms / 10, Kbps: 1e6})
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

// toggle changes a network every 500 µs until end is closed.
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

// Deadlines behave as on a socket: one that passes ends the call that blocks, one in the past ends every call at once,
// and one that is cleared has no effect.
func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := inMemory(t, new(netsim.Network))
		isTimeout := func(what string, err error, after time.Duration, start time.Time) {
			t.Helper()
			var timeout net.Error
			isTimeout := errors.Is(err, os.ErrDeadlineExceeded) && errors.As(err, &timeout) && timeout.Timeout()
			if !isTimeout || time.Since(start) != after {
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

// What was written before Close arrives, and then EOF; a write to an end that is closed fails after a round trip.
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
