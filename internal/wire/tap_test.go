package wire_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/internal/lab"
	"fourwires/internal/netsim"
	"fourwires/internal/wire"
)

func TestTapOnLoopback(t *testing.T) {
	t.Parallel()
	for _, protocol := range protocols {
		t.Run(protocol.String(), func(t *testing.T) {
			t.Parallel()
			on, err := lab.Loopback(false)
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t, protocol, on.Lanes, on.Control, new(net.Dialer).DialContext)
			w.exercise(t, on.Lanes.Addr().String(), 100)
			w.Close()
			w.check(t)
			delivered(t, &w.Ledger, "p1", 100)
			delivered(t, &w.client, "p1", 100)
		})
	}
}

func TestTapInMemory(t *testing.T) {
	t.Parallel()
	n := 300
	if raced || testing.Short() { // as many as on sockets; under the race detector each takes ten times as long
		n = 100
	}
	for _, protocol := range protocols {
		t.Run(protocol.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				network := netsim.Listen()
				w := newWorld(t, protocol, network, netsim.Listen(), network.Dial)
				w.exercise(t, "localhost", n)
				w.Close()
				synctest.Wait()
				w.check(t)
				delivered(t, &w.Ledger, "p1", int64(n))
				delivered(t, &w.client, "p1", int64(n))
				for i, row := range w.client.Snapshot().Rows {
					polls := row.Page == "p1" && (row.Transport == "polling" || row.Transport == "longpoll")
					client, server := summary([]wire.Row{row}), summary(w.Ledger.Snapshot().Rows[i:i+1])
					if polls && client != server {
						t.Errorf("client and server count differently:\n%s\n%s", client, server)
					}
				}
			})
		})
	}
}

// echoServer accepts one connection and writes back what it reads.
func echoServer(t *testing.T, l net.Listener) {
	go func() {
		c, err := l.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		io.Copy(c, c)
	}()
}

// Bytes that cannot be dissected pass unchanged, and are counted.
func TestTapChangesNothing(t *testing.T) {
	var ledger wire.Ledger
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	echoServer(t, ledger.Listen(l))
	var other wire.Ledger
	c, err := other.Tap(new(net.Dialer).DialContext, nil)(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	want := bytes.Repeat([]byte("\x00garbage\r\n"), 100_000)
	go func() {
		c.Write(want)
		c.(interface{ CloseWrite() error }).CloseWrite()
	}()
	got, err := io.ReadAll(c)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes came back, %v, want %d", len(got), err, len(want))
	}
	c.Close()
	s := other.Snapshot()
	n := int64(len(want))
	isCounted := s.Up == n && s.Down == n && len(s.Rows) == 1
	if !isCounted || s.Rows[0].Up.Unaccounted != n || s.Rows[0].Down.Unaccounted != n {
		t.Errorf("the ledger has %+v, want %d bytes unaccounted in each direction", s, n)
	}
}

// Deadlines and errors are those of the connection; of a write that fails midway the written bytes are counted.
func TestShortWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := netsim.Listen()
		accepted := make(chan net.Conn, 1)
		go func() {
			c, _ := network.Accept()
			accepted <- c
		}()
		var ledger wire.Ledger
		var below socket
		c, err := ledger.Tap(below.dial(network.Dial), nil)(t.Context(), "tcp", "x")
		if err != nil {
			t.Fatal(err)
		}
		server := <-accepted
		defer server.Close()
		go io.ReadFull(server, make([]byte, 60))
		c.SetWriteDeadline(time.Now().Add(time.Second))
		request := "POST /publish HTTP/1.1\r\nContent-Length: 10\r\n\r\n0123456789POST /publish HTTP/1.1\r\n"
		n, err := c.Write([]byte(request)) // 46 + 10 + …
		if n != 60 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("wrote %d, %v, want 60 and the deadline's error", n, err)
		}
		c.SetReadDeadline(time.Now())
		if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read %d, %v, want the deadline's error", n, err)
		}
		c.Close()
		want := "publish 2/1/0 up payload=10 head=50 down (cut: a write, cut: before the answer 2)"
		if got := summary(ledger.Snapshot().Rows); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}
