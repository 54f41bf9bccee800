package netsim_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"fourwires/internal/netsim"
)

// Real connections are delayed too: the first byte by the round trip of the handshake, which the kernel completes at
// once, and by half a round trip.
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

// Whatever settings change while bytes flow, all bytes arrive, in order.
func TestSwitch(t *testing.T) {
	n := new(netsim.Network)
	client, server := onLoopback(t, n)
	end := make(chan struct{})
	var switching, work sync.WaitGroup
	switching.Go(func() { toggle(t, n, end) })
	for i, pair := range []struct{ from, to net.Conn }{{client, server}, {server, client}} {
		random := rand.New(rand.NewPCG(uint64(i), 0))
		text := make([]byte, 3<<20)
		for i := range text {
			text[i] = byte(random.Uint32())
		}
		work.Go(func() {
			for rest := text; len(rest) > 0; {
				n := min(len(rest), 1+random.IntN(3000))
				write(t, pair.from, string(rest[:n]))
				rest = rest[n:]
			}
			pair.from.(interface{ CloseWrite() error }).CloseWrite()
		})
		work.Go(func() {
			got, err := io.ReadAll(pair.to)
			if err != nil || !bytes.Equal(got, text) {
				t.Errorf("%d bytes arrived, %v, and not those that were sent", len(got), err)
			}
		})
	}
	work.Wait()
	close(end)
	switching.Wait()
}

// The client reads a reset even where the server notices it first and closes its end.
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

// Cuts of real connections do what their names say, with and without a delay.
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
				first = read(t, client, 1) // so that this byte has arrived before the silence
			}
			start := time.Now()
			var duration time.Duration
			if test.kind == netsim.Silence || test.kind == netsim.Stall {
				duration = 50 * ms
			}
			var reading sync.WaitGroup
			var down, up string
			reading.Go(func() { up = drain(server, start) })
			for _, c := range n.Conns() {
				if c.RemoteAddr().String() == client.LocalAddr().String() {
					cut(t, c, test.kind, duration)
				}
			}
			reading.Go(func() { down = first + drain(client, start) })
			if duration > 0 {
				write(t, client, "+")
				write(t, server, "+")
				client.(*net.TCPConn).CloseWrite()
				server.(*netsim.Conn).CloseWrite()
			}
			reading.Wait()
			if took := time.Since(start); took < duration {
				t.Errorf("%s, rtt %v: over after %v", test.kind, rtt, took)
			}
			if !strings.HasPrefix(down, test.client) || !strings.HasPrefix(up, test.server) {
				t.Errorf("%s, rtt %v: the client reads %q, want %q; the server %q, want %q",
					test.kind, rtt, down, test.client, up, test.server)
			}
			server.Close()
			client.Close()
		}
	}
}

// A server whose client does not read blocks in Write, and its Close does not wait.
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

// BenchmarkPingPong asks what a network that does nothing costs a real connection, beside the connection alone
// (network=none).
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
