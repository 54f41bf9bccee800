package wire_test

import (
	"bytes"
	"context"
	"io"
	"iter"
	"net/http"
	"strings"
	"testing"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/lab/labtest"
	"fourwires/longpoll"
	"fourwires/polling"
	"fourwires/sse"
	"fourwires/websocket"

	gorilla "github.com/gorilla/websocket"
)

// A conversation is what a tappedLab's clients do while it serves.
type conversation struct {
	*tappedLab
	t       *testing.T
	ctx     context.Context
	serving context.Context // ends before the lab does
	url     string
	feed    *feed.Feed
	readers []*reader
}

// A reader reads the messages of a lab.
type reader struct {
	ids   chan uint64   // of the messages that it has read
	last  uint64        // the last of them that was received
	ended chan struct{} // closed when it has ended
}

// lastID is that of the message with which the polls end.
const lastID = 29

// converse serves the lab, has it read over the four transports, with news and without, and written to; and ends it.
// Then all connections are closed.
func (l *tappedLab) converse(ctx context.Context, t *testing.T) {
	server := labtest.StartOn(t, labtest.Quiet(feed.Keep), lab.Listeners{Lanes: l, Control: l.control})
	l.ledger = &server.Ledger
	serving, stop := context.WithCancel(ctx)
	c := &conversation{
		tappedLab: l, t: t, ctx: ctx, serving: serving, url: "http://" + l.Addr().String(), feed: server.Feed,
	}
	if l.tls {
		c.url = "https://" + l.Addr().String()
	}
	defer func() {
		stop()
		server.Close() // ends the streams
		for _, r := range c.readers {
			<-r.ended
		}
	}()
	c.withoutNews()
	c.oneByOne()
	leave := c.manyAtOnce()
	defer leave()
	c.upstream()
	if head := server.Feed.Head().ID; head != lastID {
		t.Fatalf("%d messages, want %d", head, lastID)
	}
}

// withoutNews has each transport wait: empty polls, heartbeats.
func (c *conversation) withoutNews() {
	c.t.Helper()
	polls := &polling.Client{
		URL: c.url + "/polling?after=0", Interval: 100 * time.Millisecond, Dial: c.Dial, HTTP2: c.http2,
	}
	c.read(c.ctx, polls.Messages, true)
	c.read(c.ctx, (&longpoll.Client{
		URL: c.url + "/longpoll?after=0&wait=300ms", Dial: c.Dial, HTTP2: c.http2,
	}).Messages, true)
	c.read(c.ctx, (&sse.Client{URL: c.url + "/sse?after=0&heartbeat=1s", Dial: c.Dial, HTTP2: c.http2}).Messages, false)
	c.read(c.ctx, (&websocket.Client{
		URL: c.url + "/websocket?after=0&heartbeat=1s&page=7f3a", Dial: c.Dial1,
	}).Messages, false)
	status := "status line"
	if c.http2 {
		status = "field, indexed"
	}
	c.awaitSpans("empty polls", 3, "GET /polling", status, " 204")
	c.awaitSpans("an empty long-poll", 1, "GET /longpoll", status, " 204")
	c.awaitSpans("a heartbeat", 1, "GET /sse", "event type", "heartbeat")
	c.awaitSpans("a pong", 1, "GET /websocket", "FIN and opcode", "\x8A")
}

// oneByOne publishes messages, of the sizes at which the header of a frame grows.
func (c *conversation) oneByOne() {
	c.t.Helper()
	m := c.publish(20)
	c.await(m.ID)
	around := len(m.JSON()) - len(m.Data)
	for _, size := range []int{300, 5000, 125 - around, 126 - around, 1<<16 - 1 - around, 1<<16 - around} {
		c.await(c.publish(size).ID)
	}
}

// manyAtOnce publishes ten messages, to present readers and to readers that connect later. Some of these leave when
// leave is called, in order: by a close frame or, on HTTP/2, by RST_STREAM.
func (c *conversation) manyAtOnce() (leave func()) {
	c.t.Helper()
	behind := c.feed.Head()
	for range 10 {
		c.publish(300)
	}
	late := &sse.Client{URL: c.url + "/sse", Dial: c.Dial, Cursor: behind, HTTP2: c.http2}
	c.read(c.ctx, late.Messages, false)
	ctx, cancel := context.WithCancel(c.ctx)
	leaver := &websocket.Client{URL: c.url + "/websocket", Dial: c.Dial1, Cursor: behind}
	leavers := []*reader{c.read(ctx, leaver.Messages, false)}
	if c.http2 { // on HTTP/1.1 a reader that leaves a stream leaves bytes unread
		leaver := &sse.Client{URL: c.url + "/sse", Dial: c.Dial, Cursor: behind, HTTP2: true}
		leavers = append(leavers, c.read(ctx, leaver.Messages, false))
	}
	c.await(c.feed.Head().ID)
	return func() {
		cancel()
		for _, leaver := range leavers {
			<-leaver.ended
		}
	}
}

// upstream makes requests of all kinds and sends messages over WebSockets.
func (c *conversation) upstream() {
	c.t.Helper()
	head := c.feed.Head().ID
	c.request(c.ctx, c.t, c.url)
	c.await(head + 2)
	for i, buffer := range []int{1 << 17, 1 << 10} { // the second makes many frames of a message
		sizes := []int{20, 125, 126, 1<<16 - 1, 1 << 16}
		c.send(c.ctx, c.t, c.url, buffer, sizes)
		c.await(head + 2 + uint64(i+1)*uint64(len(sizes)))
	}
}

// publish publishes a message of size bytes.
func (c *conversation) publish(size int) feed.Message {
	c.t.Helper()
	m, err := c.feed.Publish(text(size))
	if err != nil {
		c.t.Fatal(err)
	}
	return m
}

// read starts a reader. One that polls ends with message lastID.
func (c *conversation) read(
	ctx context.Context, messages func(context.Context) iter.Seq2[feed.Message, error], polls bool,
) *reader {
	r := &reader{ids: make(chan uint64, lastID), ended: make(chan struct{})}
	c.readers = append(c.readers, r)
	go func() {
		defer close(r.ended)
		for m, err := range messages(ctx) {
			if err != nil {
				if ctx.Err() == nil && c.serving.Err() == nil {
					c.t.Error(err)
				}
				return
			}
			r.ids <- m.ID
			if polls && m.ID == lastID {
				return
			}
		}
	}()
	return r
}

// await waits until every reader has read the message.
func (c *conversation) await(id uint64) {
	c.t.Helper()
	for _, r := range c.readers {
		for r.last < id {
			select {
			case r.last = <-r.ids:
			case <-c.ctx.Done():
				c.t.Fatalf("waiting for message %d: %v", id, c.ctx.Err())
			}
		}
	}
}

// awaitSpans waits until there are n spans of a role that contain a text; see count.
func (c *conversation) awaitSpans(what string, n int, request, role, text string) {
	c.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for c.count(request, role, text) < n {
		select {
		case <-tick.C:
		case <-c.ctx.Done():
			c.t.Fatalf("waiting for %s: %v", what, c.ctx.Err())
		}
	}
}

// request makes requests with bodies and responses of all kinds. It publishes two messages.
func (l *tappedLab) request(ctx context.Context, t *testing.T, url string) {
	t.Helper()
	transport := l.transport(l.Dial)
	transport.DisableCompression = true
	defer transport.CloseIdleConnections()
	for _, call := range []struct {
		method, path string
		body         io.Reader
		status       int
	}{
		{"POST", "/publish", bytes.NewReader(text(300)), 201},
		{"POST", "/publish?page=7f3a", io.MultiReader(bytes.NewReader(text(40_000))), 201}, // of unknown length: in chunks
		{"POST", "/publish", strings.NewReader("no JSON"), 400},
		{"POST", "/echo", strings.NewReader("hello"), 200},
		{"GET", "/polling", nil, 304},
		{"HEAD", "/polling", nil, 200},
		{"DELETE", "/polling", nil, 405},
		{"GET", "/", nil, 200},
	} {
		req, err := http.NewRequestWithContext(ctx, call.method, url+call.path, call.body)
		if err != nil {
			t.Fatal(err)
		}
		if call.status == 304 {
			req.Header.Set("If-None-Match", "*")
		}
		resp, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != call.status {
			t.Errorf("%s %s: %s, %v, want %d", call.method, call.path, resp.Status, err, call.status)
		}
	}
}

// send publishes messages of these sizes over a WebSocket, after a ping, and closes it in order.
func (l *tappedLab) send(ctx context.Context, t *testing.T, url string, buffer int, sizes []int) {
	t.Helper()
	dialer := gorilla.Dialer{NetDialContext: l.Dial1, NetDialTLSContext: l.Dial1, WriteBufferSize: buffer}
	conn, _, err := dialer.DialContext(ctx, strings.Replace(url, "http", "ws", 1)+"/websocket", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	conn.SetReadDeadline(deadline)
	conn.SetWriteDeadline(deadline)
	ponged := false
	conn.SetPongHandler(func(text string) error {
		ponged = text == "there?"
		return nil
	})
	if err := conn.WriteControl(gorilla.PingMessage, []byte("there?"), deadline); err != nil {
		t.Fatal(err)
	}
	for _, size := range sizes {
		if err := conn.WriteMessage(gorilla.TextMessage, text(size)); err != nil {
			t.Fatal(err)
		}
	}
	for range 1 + len(sizes) { // the hello, and the messages that it has published
		if _, _, err := conn.ReadMessage(); err != nil {
			t.Fatal(err)
		}
	}
	if !ponged {
		t.Error("no pong")
	}
	bye := gorilla.FormatCloseMessage(gorilla.CloseNormalClosure, "bye")
	if err := conn.WriteControl(gorilla.CloseMessage, bye, deadline); err != nil {
		t.Fatal(err)
	}
	if _, _, err := conn.ReadMessage(); !gorilla.IsCloseError(err, gorilla.CloseNormalClosure) {
		t.Errorf("%v, want close code 1000", err)
	}
}

// text returns a JSON string of that many bytes.
func text(size int) []byte { return []byte(`"` + strings.Repeat("x", size-2) + `"`) }
