package netsim_test

import (
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"testing"
	"time"

	"fourwires/internal/netsim"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ms = time.Millisecond

func set(t testing.TB, n *netsim.Network, s netsim.Settings) {
	t.Helper()
	if err := n.Set(s); err != nil {
		t.Fatal(err)
	}
}

func cut(t testing.TB, c *netsim.Conn, kind netsim.Cut, duration time.Duration) {
	t.Helper()
	if err := c.Cut(kind, duration); err != nil {
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

type dial = func(ctx context.Context, network, addr string) (net.Conn, error)

// connect dials and accepts one connection.
func connect(t testing.TB, l net.Listener, dial dial) (client, server net.Conn) {
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
