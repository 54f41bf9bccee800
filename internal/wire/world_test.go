package wire_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/lab/labtest"
	"fourwires/internal/netsim"
	"fourwires/internal/wire"

	gorilla "github.com/gorilla/websocket"
)

// A socket counts the bytes that its connections read and wrote, below the tap.
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

// A world is a lab between two taps, with the count of a socket below each.
type world struct {
	protocol
	*labtest.Server
	dial1, dial2  wire.Dial // for HTTP/1.1, and for the protocol: they tap, and then count
	client        wire.Ledger
	below, beyond socket // below the server's tap, and below the client's taps
}

// A protocol is what the clients speak. WebSockets, and the handshakes of browsers, are HTTP/1.1 in any case.
type protocol struct{ http2, tls bool }

func (p protocol) String() string { return fmt.Sprintf("http2=%t,tls=%t", p.http2, p.tls) }

var protocols = []protocol{{}, {http2: true}, {tls: true}, {true, true}}

// transport returns a transport of net/http that speaks the protocol.
func (p protocol) transport(dial wire.Dial) *http.Transport {
	transport := &http.Transport{DialContext: dial, DialTLSContext: dial, Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP1(!p.http2)
	transport.Protocols.SetUnencryptedHTTP2(p.http2)
	return transport
}

// clientTLS is for a client that trusts every server.
func clientTLS(alpn string) *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, NextProtos: []string{alpn}}
}

// serverTLS is for a server with a self-signed certificate.
var serverTLS = sync.OnceValue(func() *tls.Config {
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	defer server.Close()
	return &tls.Config{Certificates: server.TLS.Certificates, NextProtos: []string{"h2", "http/1.1"}}
})

func newWorld(t *testing.T, p protocol, lanes, control net.Listener, dial wire.Dial) *world {
	t.Helper()
	settings := labtest.Quiet(feed.Keep)
	settings.Limits.Publishes = 0
	w := &world{protocol: p}
	on := lab.Listeners{Lanes: countedListener{lanes, &w.below}, Control: control}
	w.dial1 = w.client.Tap(w.beyond.dial(dial), nil)
	w.dial2 = w.dial1
	if p.tls {
		on = lab.Listeners{Lanes: netsim.Listen(), TLS: on.Lanes, Control: control}
		w.dial1 = w.client.TapTLS(w.beyond.dial(dial), clientTLS("http/1.1"), nil)
		w.dial2 = w.dial1
		if p.http2 {
			w.dial2 = w.client.TapTLS(w.beyond.dial(dial), clientTLS("h2"), nil)
		}
	}
	w.Server = labtest.StartOn(t, settings, on)
	return w
}

// check compares both ledgers with the sockets.
func (w *world) check(t *testing.T) {
	t.Helper()
	w.compare(t, "server", settled(&w.Ledger), w.below.read.Load(), w.below.written.Load())
	w.compare(t, "client", settled(&w.client), w.beyond.written.Load(), w.beyond.read.Load())
}

// settled returns a snapshot once no connection is open: the last Read of a closed one may not have returned yet. It
// waits 5 000 ticks of a millisecond at most.
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
		t.Errorf("%s: the parts have %d bytes, the ledger has %d %d, the sockets %d %d",
			side, parts, s.Up, s.Down, up, down)
	}
}

// exercise reads n messages by each transport while they are published, sends some, echoes, requests the page and a
// path that does not exist.
func (w *world) exercise(t *testing.T, host string, n int) {
	url := "http://" + host
	if w.tls {
		url = "https://" + host
	}
	var clients sync.WaitGroup
	for _, transport := range lab.Transports {
		clients.Go(func() { w.read(t, url, transport, n) })
	}
	clients.Go(func() { w.write(t, url, n) })
	clients.Wait()
}

// read reads n messages by a transport.
func (w *world) read(t *testing.T, url string, transport lab.Transport, n int) {
	query := "?after=0&page=p1"
	if transport.Stream {
		query += "&heartbeat=1s"
	}
	c := transport.Client(lab.Access{
		URL: url + "/" + transport.Name + query, Dial: w.dialOf(transport.Name),
		HTTP2: w.http2, Interval: 100 * time.Millisecond,
	})
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
}

// write publishes n messages, by POST, WebSocket and the feed itself, and makes other requests between them.
func (w *world) write(t *testing.T, url string, n int) {
	client := &http.Client{Transport: w.transport(w.dial2)}
	defer client.CloseIdleConnections()
	call := func(method, path string, body io.Reader) {
		req, _ := http.NewRequest(method, url+path, body)
		resp, err := client.Do(req)
		if err != nil {
			t.Error(err)
			return
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	dialer := gorilla.Dialer{NetDialContext: w.dial1, NetDialTLSContext: w.dial1}
	conns := map[string]*gorilla.Conn{}
	for _, path := range []string{"/websocket?page=p2", "/websocket/echo", "/websocket/echo?stamps=1"} {
		conn, _, err := dialer.Dial(strings.Replace(url, "http", "ws", 1)+path, nil)
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
			w.Feed.Publish([]byte(text))
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
}

// dialOf returns the dialer of a transport's client.
func (w *world) dialOf(transport string) wire.Dial {
	if transport == "websocket" {
		return w.dial1
	}
	return w.dial2
}

// delivered checks that each transport has delivered n whole messages to a page.
func delivered(t *testing.T, l *wire.Ledger, page string, n int64) {
	t.Helper()
	for _, row := range l.Snapshot().Rows {
		if row.Page == page && row.Transport != "connection" && row.Delivered < n {
			t.Errorf("%s: %d messages were delivered, want %d", row.Transport, row.Delivered, n)
		}
	}
}

// rowOf returns the row of a lane without a page.
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
