package wire_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/netsim"
	"fourwires/internal/source"
	"fourwires/internal/wire"

	gorilla "github.com/gorilla/websocket"
)

// A socket counts what its connections really read and wrote, below the tap.
type socket struct{ read, written atomic.Int64 }

type counted struct {
	net.Conn
	*socket
}

func (c counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.read.Add(int64(n))
	return n, err
}

func (c counted) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.written.Add(int64(n))
	return n, err
}

func (s *socket) dial(dial wire.Dial) wire.Dial {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return counted{c, s}, nil
	}
}

type countedListener struct {
	net.Listener
	*socket
}

func (l countedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return counted{c, l.socket}, nil
}

// A world is a lab between two taps, with a socket's own count below each.
type world struct {
	speech
	feed          *feed.Feed
	dial1, dial2  wire.Dial // for HTTP/1.1 and for what the speech says: they tap, and then count
	server        *wire.Ledger
	client        wire.Ledger
	below, beyond socket // the server's, and the client's
	stop          func() // ends the lab, and waits for that
}

// A speech is what the clients speak, WebSockets and what the browser is for
// excepted.
type speech struct{ http2, tls bool }

func (s speech) String() string { return fmt.Sprintf("http2=%t,tls=%t", s.http2, s.tls) }

var speeches = []speech{{}, {http2: true}, {tls: true}, {true, true}}

// clientTLS is for a client that trusts everybody.
func clientTLS(protocol string) *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, NextProtos: []string{protocol}}
}

func newWorld(t *testing.T, s speech, lanes, control net.Listener, dial wire.Dial) *world {
	t.Helper()
	settings := lab.Settings{Keep: feed.Keep, Source: source.Default(), Limits: lab.DefaultLimits()}
	settings.Source.Source = source.None
	settings.Limits.Publishes = 0
	l, err := lab.New(settings)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{speech: s, feed: l.Feed, server: &l.Ledger}
	on := lab.Listeners{Lanes: countedListener{lanes, &w.below}, Control: control}
	w.dial1 = w.client.Tap(w.beyond.dial(dial), nil)
	w.dial2 = w.dial1
	if s.tls {
		on = lab.Listeners{Lanes: netsim.Listen(), TLS: on.Lanes, Control: control}
		w.dial1 = w.client.TapTLS(w.beyond.dial(dial), clientTLS("http/1.1"), nil)
		w.dial2 = w.dial1
		if s.http2 {
			w.dial2 = w.client.TapTLS(w.beyond.dial(dial), clientTLS("h2"), nil)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := l.Serve(ctx, on); err != nil {
			t.Error(err)
		}
	}()
	w.stop = func() { stop(); <-done }
	t.Cleanup(w.stop)
	return w
}

// check holds both ledgers against the sockets.
func (w *world) check(t *testing.T) {
	t.Helper()
	w.compare(t, "server", settled(w.server), w.below.read.Load(), w.below.written.Load())
	w.compare(t, "client", settled(&w.client), w.beyond.written.Load(), w.beyond.read.Load())
}

// settled returns a snapshot once no connection is open: one that was closed may
// still be in a Read that is about to return. It waits five seconds at most.
func settled(l *wire.Ledger) wire.Snapshot {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	s := l.Snapshot()
	for n := 0; s.Open > 0 && n < 5000; n++ {
		<-tick.C
		s = l.Snapshot()
	}
	return s
}

func (w *world) compare(t *testing.T, side string, s wire.Snapshot, up, down int64) {
	t.Helper()
	var parts [2]int64
	for _, r := range s.Rows {
		parts[wire.Up] += r.Up.Total
		parts[wire.Down] += r.Down.Total
		if r.Up.Unaccounted+r.Down.Unaccounted != 0 {
			t.Errorf("%s: bytes are unaccounted: %s", side, summary([]wire.Row{r}))
		}
	}
	if s.Open != 0 {
		t.Errorf("%s: %d connections are open", side, s.Open)
	}
	if parts != [2]int64{up, down} || s.Up != up || s.Down != down {
		t.Errorf("%s: the parts have %d bytes, the ledger saw %d %d, the sockets %d %d", side, parts, s.Up, s.Down, up, down)
	}
}

// exercise reads n messages by each transport while they are published, sends
// some, echoes, asks for the page and for what is not there.
func (w *world) exercise(t *testing.T, host string, n int) {
	scheme := "http"
	if w.tls {
		scheme = "https"
	}
	var readers sync.WaitGroup
	for _, transport := range lab.Transports {
		query := "?after=0&page=p1"
		if transport.Stream {
			query += "&heartbeat=1s"
		}
		readers.Go(func() {
			c := transport.Client(lab.Access{URL: scheme + "://" + host + "/" + transport.Name + query, Dial: w.dialOf(transport.Name), HTTP2: w.http2})
			last := uint64(0)
			for m, err := range c.Messages(t.Context()) {
				var gap *feed.GapError
				if errors.As(err, &gap) {
					last = gap.To
					break
				}
				if err != nil || m.ID != last+1 {
					t.Errorf("%s: message %d, %v after message %d", transport.Name, m.ID, err, last)
					return
				}
				if last = m.ID; last == uint64(n) {
					return
				}
			}
		})
	}
	readers.Go(func() {
		client := &http.Client{Transport: &http.Transport{DialContext: w.dial2, DialTLSContext: w.dial2, Protocols: new(http.Protocols)}}
		client.Transport.(*http.Transport).Protocols.SetHTTP1(!w.http2)
		client.Transport.(*http.Transport).Protocols.SetUnencryptedHTTP2(w.http2)
		defer client.CloseIdleConnections()
		dialer := gorilla.Dialer{NetDialContext: w.dial1, NetDialTLSContext: w.dial1}
		conns := map[string]*gorilla.Conn{}
		for _, path := range []string{"/websocket?page=p2", "/websocket/echo", "/websocket/echo?stamps=1"} {
			conn, _, err := dialer.Dial(strings.Replace(scheme, "http", "ws", 1)+"://"+host+path, nil)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			if strings.Contains(path, "page") {
				go io.Copy(io.Discard, conn.NetConn())
			}
			conns[path] = conn
		}
		for i := range n {
			text := fmt.Sprintf("%q", strings.Repeat(fmt.Sprint("é", i), i*i%5000))
			call := func(method, path string, body io.Reader) {
				req, _ := http.NewRequest(method, scheme+"://"+host+path, body)
				resp, err := client.Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			switch i % 4 {
			case 0:
				call("POST", "/publish?page=p2", strings.NewReader(text))
				call("POST", "/publish", strings.NewReader("{"))
			case 1:
				call("POST", "/publish?page=p2", io.MultiReader(strings.NewReader(text))) // chunked
				call("POST", "/echo", strings.NewReader(text))
			case 2:
				conns["/websocket?page=p2"].WriteMessage(gorilla.TextMessage, []byte(text))
				call("GET", "/nothing?page=p2", nil)
				call("HEAD", "/", nil)
			case 3:
				w.feed.Publish([]byte(text))
				call("GET", "/", nil)
				for _, path := range []string{"/websocket/echo", "/websocket/echo?stamps=1"} {
					conns[path].WriteMessage(gorilla.TextMessage, []byte(text))
					if _, _, err := conns[path].ReadMessage(); err != nil {
						t.Error(err)
					}
				}
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
	readers.Wait()
}

// dialOf returns what a transport's client dials with.
func (w *world) dialOf(transport string) wire.Dial {
	if transport == "websocket" {
		return w.dial1
	}
	return w.dial2
}

// delivered checks the messages that a page was sent by each transport, whole.
func delivered(t *testing.T, l *wire.Ledger, page string, n int64) {
	t.Helper()
	for _, row := range l.Snapshot().Rows {
		if row.Page == page && row.Transport != "connection" && row.Delivered < n {
			t.Errorf("%s: %d messages were delivered, want %d", row.Transport, row.Delivered, n)
		}
	}
}

func TestTapOnLoopback(t *testing.T) {
	for _, speech := range speeches {
		t.Run(speech.String(), func(t *testing.T) {
			on, err := lab.Loopback(false)
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t, speech, on.Lanes, on.Control, new(net.Dialer).DialContext)
			w.exercise(t, on.Lanes.Addr().String(), 100)
			w.stop()
			w.check(t)
			delivered(t, w.server, "p1", 100)
			delivered(t, &w.client, "p1", 100)
		})
	}
}

func TestTapInMemory(t *testing.T) {
	for _, speech := range speeches {
		t.Run(speech.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				network := netsim.Listen()
				w := newWorld(t, speech, network, netsim.Listen(), network.Dial)
				w.exercise(t, "localhost", 300)
				w.stop()
				synctest.Wait()
				w.check(t)
				delivered(t, w.server, "p1", 300)
				delivered(t, &w.client, "p1", 300)
				for i, a := range w.client.Snapshot().Rows {
					b := w.server.Snapshot().Rows[i]
					if a.Page == "p1" && (a.Transport == "polling" || a.Transport == "longpoll") && summary([]wire.Row{a}) != summary([]wire.Row{b}) {
						t.Errorf("client and server count differently:\n%s\n%s", summary([]wire.Row{a}), summary([]wire.Row{b}))
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

// What cannot be dissected passes unchanged, and is counted.
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
	if n := int64(len(want)); s.Up != n || s.Down != n || len(s.Rows) != 1 || s.Rows[0].Up.Unaccounted != n || s.Rows[0].Down.Unaccounted != n {
		t.Errorf("the ledger has %+v, want %d bytes unaccounted each way", s, n)
	}
}

// Deadlines and errors are those of the connection; a write that stops midway is
// counted as far as it came.
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

// serverTLS is for a server that vouches for itself.
var serverTLS = sync.OnceValue(func() *tls.Config {
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	defer server.Close()
	return &tls.Config{Certificates: server.TLS.Certificates, NextProtos: []string{"h2", "http/1.1"}}
})

// What TLS adds to a record is 22 bytes with the ciphers of TLS 1.3: five before,
// the type and a tag of 16 behind (RFC 8446, section 5.2). It is the exchange's
// whose bytes the record carries; the handshake is the connection's, and so is the
// farewell.
func TestRecords(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			network := netsim.Listen()
			w := newWorld(t, speech{http2, true}, network, netsim.Listen(), network.Dial)
			c := lab.Transports[2].Client(lab.Access{URL: "https://localhost/sse?after=0", Dial: w.dial2, HTTP2: http2})
			w.feed.Publish([]byte("0"))
			var before, after wire.Row
			for m, err := range c.Messages(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if m.ID == 1 {
					before = rowOf(t, w.server, "sse")
				}
				if m.ID == 11 {
					break
				}
				w.feed.Publish([]byte("0"))
			}
			synctest.Wait()
			after = rowOf(t, w.server, "sse")
			if got := after.Down.TLS - before.Down.TLS; got != 10*22 {
				t.Errorf("http2=%t: ten events have %d bytes of TLS, want 10 records of 22", http2, got)
			}
			if before.Up.TLS != 22 && !http2 {
				t.Errorf("the request has %d bytes of TLS, want 22", before.Up.TLS)
			}
			w.stop()
			synctest.Wait()
			shared := rowOf(t, w.server, "connection")
			if shared.Up.Opening < 200 || shared.Down.Opening < 500 || shared.Up.TLS < 24 { // an alert: a record of two bytes
				t.Errorf("http2=%t: the connection shares %s", http2, summary([]wire.Row{shared}))
			}
			w.check(t)
		})
	}
}

// rowOf returns the row of a lane, of no page.
func rowOf(t *testing.T, l *wire.Ledger, transport string) wire.Row {
	t.Helper()
	for _, row := range l.Snapshot().Rows {
		if row.Page == "" && row.Transport == transport {
			return row
		}
	}
	t.Errorf("there is no row %s", transport)
	return wire.Row{}
}

// A client that speaks something else than TLS, or does not trust the server, is
// counted with what it said.
func TestNoTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := netsim.Listen()
		w := newWorld(t, speech{tls: true}, network, netsim.Listen(), network.Dial)
		c, err := w.beyond.dial(network.Dial)(t.Context(), "tcp", "localhost")
		if err != nil {
			t.Fatal(err)
		}
		go io.WriteString(c, "GET /polling HTTP/1.1\r\nHost: localhost\r\n\r\n")
		answer, _ := io.ReadAll(c)
		if !strings.HasPrefix(string(answer), "HTTP/1.1 400 ") {
			t.Errorf("plain HTTP is answered %q", answer)
		}
		c.Close()
		synctest.Wait()
		want := fmt.Sprintf("connection 0/0/0 up unaccounted=42 down unaccounted=%d (no TLS)", len(answer))
		if got := summary(w.server.Snapshot().Rows); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}

		if _, err := w.client.TapTLS(network.Dial, &tls.Config{ServerName: "localhost"}, nil)(t.Context(), "tcp", "localhost"); err == nil {
			t.Error("a client trusts a certificate that nobody vouches for")
		}
		w.stop()
		synctest.Wait()
		notes := rowOf(t, w.server, "connection").Notes
		if notes["cut: a TLS handshake"] != 1 || notes["no TLS"] != 1 {
			t.Errorf("the notes are %v", notes)
		}
	})
}
