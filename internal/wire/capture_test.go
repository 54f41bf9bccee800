package wire_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/source"
	"fourwires/internal/wire"
	"fourwires/longpoll"
	"fourwires/polling"
	"fourwires/sse"
	"fourwires/websocket"

	gorilla "github.com/gorilla/websocket"
	"golang.org/x/net/http2"
)

// TestCapture serves a lab on real sockets, reads it over all four transports,
// captures the traffic, and compares what tshark finds in it with what was
// counted here: the bytes of each connection, the length of each head, each
// chunk, each frame. Under TLS tshark sees the bytes, and no more.
func TestCapture(t *testing.T) {
	for _, speech := range speeches {
		t.Run(speech.String(), func(t *testing.T) { compareCapture(t, speech) })
	}
}

func compareCapture(t *testing.T, speech speech) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, tool := range []string{"dumpcap", "tshark"} {
		if _, err := exec.LookPath(tool); err != nil {
			notCompared(t, err.Error())
		}
	}

	on, err := lab.Loopback(false)
	if err != nil {
		t.Fatal(err)
	}
	defer on.Lanes.Close()
	defer on.Control.Close()
	port := on.Lanes.Addr().(*net.TCPAddr).Port
	capture := startCapture(ctx, t, port)

	conns := &connections{Listener: on.Lanes, speech: speech, byClient: map[int]*connection{}}
	ledger := converse(ctx, t, conns, on.Control)

	file := t.TempDir() + "/run.pcap"
	if err := os.WriteFile(file, capture.stop(ctx), 0o666); err != nil {
		t.Fatal(err)
	}
	streams := askTshark(ctx, t, file, port)

	// Each direction counts at its sender (a peer may close with bytes unread);
	// but nothing was cut in this run, so the receiver has the same.
	var sums [2]int64
	var heads, chunks, frames, frames2 int
	for _, client := range slices.Sorted(maps.Keys(conns.byClient)) {
		c := conns.byClient[client]
		theirs := streams[client]
		if theirs == nil {
			t.Errorf("%s: not captured", c.name)
			continue
		}
		for dir := wire.Up; dir <= wire.Down; dir++ {
			name, theirs, ours := fmt.Sprintf("%s, %s", c.name, dir), theirs[dir], c.stream(t, dir)
			n := int64(len(theirs.payload))
			sums[dir] += n
			for end, l := range map[wire.Dir]*wire.Ledger{wire.Up: &c.client, wire.Down: &c.server} {
				if (speech.tls || speech.http2) && end != dir {
					continue // whoever closes does not read the other's goodbye
				}
				socket, parts, unaccounted := totals(l)
				if socket[dir] != n || parts[dir] != n || unaccounted[dir] != 0 {
					t.Errorf("%s: tshark has %d bytes; at the end that sends %s the socket has %d, the parts %d, unaccounted %d",
						name, n, end, socket[dir], parts[dir], unaccounted[dir])
				}
			}
			if speech.tls {
				continue // nothing else is to be seen from outside
			}
			if speech.http2 && dir == wire.Down && bytes.HasPrefix(theirs.payload, ours.payload) { // the spans are the client's
				theirs.payload, theirs.frames2 = theirs.payload[:len(ours.payload)], theirs.frames2[:min(len(ours.frames2), len(theirs.frames2))]
			}
			if !bytes.Equal(ours.payload, theirs.payload) {
				t.Errorf("%s: the spans are not the bytes of the capture", name)
			}
			compare(t, name+": frames of HTTP/2", theirs.frames2, ours.frames2)
			compare(t, name+": length of the heads", theirs.heads, ours.heads)
			compare(t, name+": sizes of the chunks", theirs.chunks, ours.chunks)
			compare(t, name+": frames", theirs.frames, ours.frames)
			heads, chunks, frames, frames2 = heads+len(theirs.heads), chunks+len(theirs.chunks), frames+len(theirs.frames), frames2+len(theirs.frames2)
			t.Logf("%s: %d bytes, %d heads, %d chunks, %d frames, %d frames of HTTP/2", name, n, len(theirs.heads), len(theirs.chunks), len(theirs.frames), len(theirs.frames2))
		}
	}
	if len(streams) != len(conns.byClient) {
		t.Errorf("tshark has %d connections, the test opened %d", len(streams), len(conns.byClient))
	}
	if socket, parts, unaccounted := totals(ledger); !speech.tls && !speech.http2 && (socket != sums || parts != sums || unaccounted != [2]int64{}) {
		t.Errorf("tshark has %d bytes up and down; in the ledger sockets have %d, parts %d, unaccounted %d", sums, socket, parts, unaccounted)
	}
	t.Logf("%d connections, %d bytes up and down, %d heads, %d chunks, %d frames, %d frames of HTTP/2", len(streams), sums, heads, chunks, frames, frames2)
	if !speech.tls {
		covers(t, speech, streams)
	}
	if t.Failed() {
		t.Logf("dumpcap: %s", capture.said.String())
	}
}

// notCompared skips the test, but fails it under CI=true: there, what was not
// tested must not look green.
func notCompared(t *testing.T, why string) {
	t.Helper()
	advice := "THE DISSECTOR IS NOT COMPARED WITH TSHARK: " + why + "\n\nThis needs tshark, and the right to capture. Get them with\n\n" +
		"\tapt-get install tshark\n\nand as root, or after: setcap cap_net_raw,cap_net_admin+ep \"$(command -v dumpcap)\""
	if os.Getenv("CI") == "true" {
		t.Fatal(advice)
	}
	t.Skip(advice)
}

// A capture is a dumpcap that writes what crosses the loopback interface.
type capture struct {
	t     *testing.T
	probe net.PacketConn // what it sends to itself is captured too
	done  chan struct{}  // closed when dumpcap has ended
	end   func() error   // asks it to
	said  bytes.Buffer   // complete once it has ended

	mu   sync.Mutex
	file bytes.Buffer
}

// startCapture returns when dumpcap captures.
func startCapture(ctx context.Context, t *testing.T, port int) *capture {
	t.Helper()
	probe, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { probe.Close() })
	filter := fmt.Sprintf("tcp port %d or udp port %d", port, probe.LocalAddr().(*net.UDPAddr).Port)
	c := &capture{t: t, probe: probe, done: make(chan struct{})}
	ctx, kill := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, "dumpcap", "-i", loopback(t), "-f", filter, "-s", "0", "-B", "16", "-P", "-w", "-")
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = c, &c.said, time.Second
	if err := cmd.Start(); err != nil {
		kill()
		t.Fatal(err)
	}
	c.end = func() error { return cmd.Process.Signal(os.Interrupt) }
	go func() {
		defer close(c.done)
		cmd.Wait() // what it says is judged by what it has captured
	}()
	t.Cleanup(func() {
		kill()
		<-c.done
	})
	if !c.sees(ctx, "the capture begins") {
		notCompared(t, "dumpcap ended: "+strings.TrimSpace(c.said.String()))
	}
	return c
}

func (c *capture) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.file.Write(b)
}

// sees sends a mark until it has been captured, and so all that was received
// before. It returns false if dumpcap ends.
func (c *capture) sees(ctx context.Context, mark string) bool {
	c.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := c.probe.WriteTo([]byte(mark), c.probe.LocalAddr()); err != nil {
			c.t.Fatal(err)
		}
		select {
		case <-tick.C:
		case <-c.done:
			if ctx.Err() == nil {
				return false
			}
			c.t.Fatalf("waiting for dumpcap to see that %s: %v", mark, ctx.Err())
		}
		c.mu.Lock()
		seen := bytes.Contains(c.file.Bytes(), []byte(mark))
		c.mu.Unlock()
		if seen {
			return true
		}
	}
}

// stop ends dumpcap and returns the whole file.
func (c *capture) stop(ctx context.Context) []byte {
	c.t.Helper()
	if !c.sees(ctx, "the run is over") {
		c.t.Fatalf("dumpcap ended: %s", c.said.String())
	}
	if err := c.end(); err != nil {
		c.t.Fatal(err)
	}
	<-c.done
	return c.file.Bytes()
}

func loopback(t *testing.T) string {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		if i.Flags&net.FlagLoopback != 0 {
			return i.Name
		}
	}
	t.Fatal("there is no loopback interface")
	return ""
}

// connections are those of a run, each tapped at both ends, by the port of the
// client. They are the listener of the server and the dialer of clients.
type connections struct {
	net.Listener
	speech
	mu       sync.Mutex
	byClient map[int]*connection
}

type connection struct {
	name           string // the first request's line
	named          bool
	client, server wire.Ledger

	mu    sync.Mutex
	spans [2][]wire.Span // as the client saw them
}

func (c *connections) at(client net.Addr) *connection {
	c.mu.Lock()
	defer c.mu.Unlock()
	port := client.(*net.TCPAddr).Port
	found := c.byClient[port]
	if found == nil {
		found = &connection{}
		c.byClient[port] = found
	}
	return found
}

func (c *connections) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	server := &c.at(conn.RemoteAddr()).server
	if c.tls {
		return server.ListenTLS(one{conn: conn}, serverTLS(), nil).Accept()
	}
	return server.Listen(one{conn: conn}).Accept()
}

// one is a listener that has one connection.
type one struct {
	net.Listener
	conn net.Conn
}

func (o one) Accept() (net.Conn, error) { return o.conn, nil }

// Dial is for clients of what the speech says, Dial1 for those of HTTP/1.1.
func (c *connections) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if !c.http2 {
		return c.Dial1(ctx, network, addr)
	}
	return c.dial(ctx, network, addr, "h2")
}

func (c *connections) Dial1(ctx context.Context, network, addr string) (net.Conn, error) {
	return c.dial(ctx, network, addr, "http/1.1")
}

func (c *connections) dial(ctx context.Context, network, addr, protocol string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	tapped := c.at(conn.LocalAddr())
	opened := func(context.Context, string, string) (net.Conn, error) { return conn, nil }
	if c.tls {
		return tapped.client.TapTLS(opened, clientTLS(protocol), tapped.add)(ctx, network, addr)
	}
	return tapped.client.Tap(opened, tapped.add)(ctx, network, addr)
}

func (c *connection) add(s wire.Span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case s.Dir == wire.Down || c.named:
	case s.Role == "request line":
		c.name += string(s.Bytes)
	case s.Role == "line end":
		c.named = true
	case s.Name == ":path" && s.Value != "": // of HTTP/2
		c.name, c.named = "GET "+s.Value, true
	}
	s.Bytes = bytes.Clone(s.Bytes)
	c.spans[s.Dir] = append(c.spans[s.Dir], s)
}

// count returns how many spans of a role have a text, on connections whose first
// request begins so.
func (c *connections) count(request, role, text string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.byClient {
		conn.mu.Lock()
		for _, s := range slices.Concat(conn.spans[wire.Up], conn.spans[wire.Down]) {
			if strings.HasPrefix(conn.name, request) && s.Role == role && strings.Contains(string(s.Bytes)+" "+s.Value, text) {
				n++
			}
		}
		conn.mu.Unlock()
	}
	return n
}

// A reader passes on the ids of what it reads.
type reader struct {
	ids  chan uint64
	at   uint64        // the last that was asked for
	gone chan struct{} // closed when it has left
}

// converse serves a lab, has it read over the four transports, with news and
// without, and written to; and ends it. Then all connections are closed. It
// returns the ledger of the lab.
func converse(ctx context.Context, t *testing.T, conns *connections, control net.Listener) *wire.Ledger {
	t.Helper()
	settings := lab.Settings{Keep: feed.Keep, Source: source.Default(), Limits: lab.DefaultLimits()}
	settings.Source.Source = source.None
	l, err := lab.New(settings)
	if err != nil {
		t.Fatal(err)
	}
	serving, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- l.Serve(serving, lab.Listeners{Lanes: conns, Control: control}) }()
	var readers []*reader
	defer func() {
		stop() // ends the streams
		if err := <-ended; err != nil {
			t.Error(err)
		}
		for _, r := range readers {
			<-r.gone
		}
	}()

	url := "http://" + conns.Addr().String()
	if conns.tls {
		url = "https://" + conns.Addr().String()
	}
	const last = 29 // message, with which the polls end
	read := func(ctx context.Context, messages func(context.Context) iter.Seq2[feed.Message, error], poll bool) *reader {
		r := &reader{ids: make(chan uint64, last), gone: make(chan struct{})}
		readers = append(readers, r)
		go func() {
			defer close(r.gone)
			for m, err := range messages(ctx) {
				if err != nil {
					if ctx.Err() == nil && serving.Err() == nil {
						t.Error(err)
					}
					return
				}
				r.ids <- m.ID
				if poll && m.ID == last {
					return
				}
			}
		}()
		return r
	}
	all := func(id uint64) { // have read a message
		t.Helper()
		for _, r := range readers {
			for r.at < id {
				select {
				case r.at = <-r.ids:
				case <-ctx.Done():
					t.Fatalf("waiting for message %d: %v", id, ctx.Err())
				}
			}
		}
	}
	until := func(what string, n int, request, role, text string) {
		t.Helper()
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for conns.count(request, role, text) < n {
			select {
			case <-tick.C:
			case <-ctx.Done():
				t.Fatalf("waiting for %s: %v", what, ctx.Err())
			}
		}
	}

	// No news: empty polls, heartbeats.
	read(ctx, (&polling.Client{URL: url + "/polling?after=0", Interval: 100 * time.Millisecond, Dial: conns.Dial, HTTP2: conns.http2}).Messages, true)
	read(ctx, (&longpoll.Client{URL: url + "/longpoll?after=0&wait=300ms", Dial: conns.Dial, HTTP2: conns.http2}).Messages, true)
	read(ctx, (&sse.Client{URL: url + "/sse?after=0&heartbeat=1s", Dial: conns.Dial, HTTP2: conns.http2}).Messages, false)
	read(ctx, (&websocket.Client{URL: url + "/websocket?after=0&heartbeat=1s&page=7f3a", Dial: conns.Dial1}).Messages, false)
	status := "status line"
	if conns.http2 {
		status = "field, indexed"
	}
	until("empty polls", 3, "GET /polling", status, " 204")
	until("an empty long-poll", 1, "GET /longpoll", status, " 204")
	until("a heartbeat", 1, "GET /sse", "event type", "heartbeat")
	until("a pong", 1, "GET /websocket", "FIN and opcode", "\x8A")

	// News, one at a time; and where the header of a frame grows.
	publish := func(size int) feed.Message {
		t.Helper()
		m, err := l.Feed.Publish(text(size))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	m := publish(20)
	all(m.ID)
	around := len(m.JSON()) - len(m.Data)
	for _, size := range []int{300, 5000, 125 - around, 126 - around, 1<<16 - 1 - around, 1<<16 - around} {
		m = publish(size)
		all(m.ID)
	}

	// Many at once, to those who are there and to those who come later.
	behind := feed.Cursor{Epoch: l.Feed.Head().Epoch, ID: m.ID}
	for range 10 {
		m = publish(300)
	}
	read(ctx, (&sse.Client{URL: url + "/sse", Dial: conns.Dial, Cursor: behind, HTTP2: conns.http2}).Messages, false)
	leaving, leave := context.WithCancel(ctx)
	defer leave()
	leavers := []*reader{read(leaving, (&websocket.Client{URL: url + "/websocket", Dial: conns.Dial1, Cursor: behind}).Messages, false)}
	if conns.http2 { // on HTTP/1.1 who leaves a stream leaves bytes unread
		leavers = append(leavers, read(leaving, (&sse.Client{URL: url + "/sse", Dial: conns.Dial, Cursor: behind, HTTP2: true}).Messages, false))
	}
	all(m.ID)

	// The way up, and what else there is.
	request(ctx, t, url, conns)
	all(m.ID + 2)
	for i, buffer := range []int{1 << 17, 1 << 10} { // the second makes many frames of a message
		sizes := []int{20, 125, 126, 1<<16 - 1, 1 << 16}
		send(ctx, t, url, buffer, sizes, conns)
		all(m.ID + 2 + uint64(i+1)*uint64(len(sizes)))
	}
	if head := l.Feed.Head().ID; head != last {
		t.Fatalf("%d messages, want %d", head, last)
	}
	leave() // in order, by a close frame or, on HTTP/2, by RST_STREAM
	for _, leaver := range leavers {
		<-leaver.gone
	}
	return &l.Ledger
}

// request makes requests with bodies and answers of all kinds. It publishes two
// messages.
func request(ctx context.Context, t *testing.T, url string, conns *connections) {
	t.Helper()
	transport := &http.Transport{DialContext: conns.Dial, DialTLSContext: conns.Dial, DisableCompression: true, Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP1(!conns.http2)
	transport.Protocols.SetUnencryptedHTTP2(conns.http2)
	defer transport.CloseIdleConnections()
	for _, call := range []struct {
		method, path string
		body         io.Reader
		status       int
	}{
		{"POST", "/publish", bytes.NewReader(text(300)), 201},
		{"POST", "/publish?page=7f3a", io.MultiReader(bytes.NewReader(text(40_000))), 201}, // whose length is unknown: in chunks
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

// send publishes messages over a WebSocket, after a ping, and closes it in order.
func send(ctx context.Context, t *testing.T, url string, buffer int, sizes []int, conns *connections) {
	t.Helper()
	dialer := gorilla.Dialer{NetDialContext: conns.Dial1, NetDialTLSContext: conns.Dial1, WriteBufferSize: buffer}
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
	for range 1 + len(sizes) { // the hello, and what it has published
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

// text returns a JSON string of so many bytes.
func text(size int) []byte { return []byte(`"` + strings.Repeat("x", size-2) + `"`) }

// A stream is one direction of a connection as either side sees it.
type stream struct {
	payload []byte   // of TCP
	heads   []int    // the length of each, start line to blank line
	chunks  []int    // the size of each, as it says itself
	frames  []string // of WebSocket
	frames2 []string // of HTTP/2
}

// frame2Of describes a frame of HTTP/2 so that two can be compared.
func frame2Of(kind, flags, stream, length int) string {
	return fmt.Sprintf("type=%d flags=%x stream=%d length=%d", kind, flags, stream, length)
}

// frameOf describes a frame so that two can be compared.
func frameOf(fin bool, opcode uint64, masked bool, length uint64) string {
	return fmt.Sprintf("FIN=%t opcode=%x MASK=%t length=%d", fin, opcode, masked, length)
}

// stream returns what the dissector found in one direction.
func (c *connection) stream(t *testing.T, dir wire.Dir) (s stream) {
	t.Helper()
	inHead, inside, left := false, false, 0 // inside a chunk or a frame, and what is left of it
	ends := func() {
		if inside && left != 0 {
			t.Errorf("%s %s: a chunk or frame has %d bytes less than it says", c.name, dir, left)
		}
		inside = false
	}
	var opcode byte
	for _, span := range c.spans[dir] {
		s.payload = append(s.payload, span.Bytes...)
		if span.Role == "request line" || span.Role == "status line" {
			if !inHead { // a page tag cuts the line
				s.heads, inHead = append(s.heads, 0), true
			}
		}
		if inHead {
			s.heads[len(s.heads)-1] += len(span.Bytes)
			inHead = span.Role != "blank line"
			continue
		}
		switch span.Role {
		case "frame header":
			b := span.Bytes
			id := int(b[5])<<24 | int(b[6])<<16 | int(b[7])<<8 | int(b[8])
			s.frames2 = append(s.frames2, frame2Of(int(b[3]), int(b[4]), id, int(b[0])<<16|int(b[1])<<8|int(b[2])))
		case "chunk size":
			size, err := strconv.ParseUint(string(span.Bytes), 16, 31)
			if err != nil {
				t.Fatal(err)
			}
			s.chunks = append(s.chunks, int(size))
			inside, left = true, int(size)
		case "chunk end", "end of the last chunk":
			ends()
		case "FIN and opcode":
			ends()
			opcode = span.Bytes[0]
		case "MASK and length":
			length := uint64(span.Bytes[0] & 0x7F)
			if length > 125 {
				length = 0
				for _, b := range span.Bytes[1:] {
					length = length<<8 | uint64(b)
				}
			}
			s.frames = append(s.frames, frameOf(opcode&0x80 != 0, uint64(opcode&0xF), span.Bytes[0]&0x80 != 0, length))
			inside, left = true, int(length)
		case "masking key":
		default:
			if inside && (span.Part != wire.Framing) {
				left -= len(span.Bytes)
			}
		}
	}
	ends()
	return s
}

// fields are what tshark is asked for.
var fields = []string{
	"tcp.srcport", "tcp.dstport", "tcp.seq", "tcp.payload",
	"http.request.method", "http.request.uri", "http.request.version", "http.request.line",
	"http.response.version", "http.response.code", "http.response.phrase", "http.response.line",
	"http.chunk_size",
	"websocket.fin", "websocket.opcode", "websocket.mask",
	"websocket.payload_length", "websocket.payload_length_ext_16", "websocket.payload_length_ext_64",
	"http2.type", "http2.flags", "http2.streamid", "http2.length",
}

// A row is what tshark has of one packet: by field, the values in their order.
type row map[string][]string

// askTshark returns what tshark found in a file, by the port of the client.
func askTshark(ctx context.Context, t *testing.T, file string, port int) map[int]*[2]stream {
	t.Helper()
	const between, among = "\t", "\x1f"
	args := []string{
		"-n", "-r", file, "-d", fmt.Sprintf("tcp.port==%d,http", port), "-Y", fmt.Sprintf("tcp.port==%d", port),
		"-o", "tcp.relative_sequence_numbers:TRUE", "-o", "tcp.reassemble_out_of_order:TRUE",
		"-T", "fields", "-E", "separator=" + between, "-E", "occurrence=a", "-E", "aggregator=" + among,
	}
	for _, field := range fields {
		args = append(args, "-e", field)
	}
	cmd := exec.CommandContext(ctx, "tshark", args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "WIRESHARK_CONFIG_DIR="+t.TempDir()) // nobody's own settings
	var said bytes.Buffer
	cmd.Stderr, cmd.WaitDelay = &said, time.Second
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v: %s", err, said.String())
	}

	streams := map[int]*[2]stream{}
	segments := map[int]*[2]map[int][]byte{} // by the number of their first byte
	for line := range strings.Lines(string(out)) {
		r := row{}
		for i, text := range strings.Split(strings.TrimSuffix(line, "\n"), between) {
			if text != "" {
				r[fields[i]] = strings.Split(text, among)
			}
		}
		dir, client := wire.Up, number(t, r["tcp.srcport"][0])
		if client == port {
			dir, client = wire.Down, number(t, r["tcp.dstport"][0])
		}
		if streams[client] == nil {
			streams[client], segments[client] = &[2]stream{}, &[2]map[int][]byte{{}, {}}
		}
		streams[client][dir].add(t, r)
		if payload := r["tcp.payload"]; payload != nil {
			b, err := hex.DecodeString(strings.ReplaceAll(payload[0], ":", ""))
			if err != nil {
				t.Fatal(err)
			}
			at := number(t, r["tcp.seq"][0])
			if all := segments[client][dir]; len(b) > len(all[at]) {
				all[at] = b
			}
		}
	}
	for client, both := range segments {
		for dir := range both {
			streams[client][dir].payload = join(t, both[dir])
		}
	}
	return streams
}

// join puts segments together, of which some may have been sent twice.
func join(t *testing.T, segments map[int][]byte) (all []byte) {
	t.Helper()
	for _, seq := range slices.Sorted(maps.Keys(segments)) {
		at := seq - 1 // the SYN was number 0
		b := segments[seq]
		if at > len(all) {
			t.Fatalf("bytes %d to %d were not captured", len(all), at)
		}
		all = append(all, b[min(len(b), len(all)-at):]...)
	}
	return all
}

// add adds what tshark found in a packet.
func (s *stream) add(t *testing.T, r row) {
	t.Helper()
	for _, parts := range [][]string{
		{"http.request.method", "http.request.uri", "http.request.version", "http.request.line"},
		{"http.response.version", "http.response.code", "http.response.phrase", "http.response.line"},
	} {
		for i := range r[parts[0]] {
			if i > 0 {
				t.Fatalf("two heads in a packet: %v", r)
			}
			start := r[parts[0]][0] + " " + r[parts[1]][0] + " " + r[parts[2]][0] + "\r\n"
			lines := strings.ReplaceAll(strings.Join(r[parts[3]], ""), `\r\n`, "\r\n")
			s.heads = append(s.heads, len(start+lines+"\r\n"))
		}
	}
	for _, size := range r["http.chunk_size"] {
		s.chunks = append(s.chunks, number(t, size))
	}
	for i, kind := range r["http2.type"] {
		s.frames2 = append(s.frames2, frame2Of(number(t, kind), number(t, r["http2.flags"][i]), number(t, r["http2.streamid"][i]), number(t, r["http2.length"][i])))
	}
	long := map[int][]string{126: r["websocket.payload_length_ext_16"], 127: r["websocket.payload_length_ext_64"]}
	for i, text := range r["websocket.payload_length"] {
		length := number(t, text)
		if more := long[length]; len(more) > 0 {
			long[length] = more[1:]
			length = number(t, more[0])
		}
		opcode := number(t, r["websocket.opcode"][i])
		s.frames = append(s.frames, frameOf(yes(t, r["websocket.fin"][i]), uint64(opcode), yes(t, r["websocket.mask"][i]), uint64(length)))
	}
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.ParseInt(text, 0, 64)
	if err != nil {
		t.Fatal(err)
	}
	return int(n)
}

func yes(t *testing.T, text string) bool { // "1", in later versions "True"
	t.Helper()
	b, err := strconv.ParseBool(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// compare compares lists one by one.
func compare[T comparable](t *testing.T, what string, theirs, ours []T) {
	t.Helper()
	for i := range max(len(theirs), len(ours)) {
		if i >= len(theirs) || i >= len(ours) || theirs[i] != ours[i] {
			t.Errorf("%s: tshark has %d, the dissector %d; from number %d on %v, and %v", what, len(theirs), len(ours), i,
				theirs[min(i, len(theirs)):], ours[min(i, len(ours)):])
			return
		}
	}
}

// totals returns what a ledger has counted on the sockets, and the sum of its rows.
func totals(l *wire.Ledger) (socket, parts, unaccounted [2]int64) {
	s := l.Snapshot()
	for _, row := range s.Rows {
		for dir, p := range []wire.Parts{row.Up, row.Down} {
			parts[dir] += p.Total
			unaccounted[dir] += p.Unaccounted
		}
	}
	return [2]int64{s.Up, s.Down}, parts, unaccounted
}

// covers checks that the run had what it was made for.
func covers(t *testing.T, speech speech, streams map[int]*[2]stream) {
	t.Helper()
	var frames [2][]string
	var chunks [2][]int
	for _, both := range streams {
		for dir, s := range both {
			frames[dir] = append(frames[dir], s.frames...)
			chunks[dir] = append(chunks[dir], s.chunks...)
		}
	}
	const (
		continuation = 0x0
		text         = 0x1
		close        = 0x8
		ping         = 0x9
		pong         = 0xA
	)
	for _, length := range []uint64{125, 126, 1<<16 - 1, 1 << 16} {
		for dir := range frames {
			masked := wire.Dir(dir) == wire.Up
			if want := frameOf(true, text, masked, length); !slices.Contains(frames[dir], want) {
				t.Errorf("%v: no frame with %s", wire.Dir(dir), want)
			}
		}
	}
	for _, want := range []string{
		frameOf(false, text, true, 1<<10), frameOf(false, continuation, true, 1<<10), frameOf(true, continuation, true, 1<<10),
		frameOf(true, ping, true, 6), frameOf(true, pong, true, 0), frameOf(true, close, true, 2), frameOf(true, close, true, 5),
	} {
		if !slices.Contains(frames[wire.Up], want) {
			t.Errorf("up: no frame with %s", want)
		}
	}
	for _, want := range []string{
		frameOf(true, ping, false, 0), frameOf(true, pong, false, 6), frameOf(true, close, false, 2), frameOf(true, close, false, 20),
	} {
		if !slices.Contains(frames[wire.Down], want) {
			t.Errorf("down: no frame with %s", want)
		}
	}
	if speech.http2 {
		coversHTTP2(t, streams)
		return
	}
	for what, bounds := range map[string][2]int{"20 B": {20, 200}, "300 B": {300, 500}, "10 x 300 B": {3000, 5000}, "5 000 B": {5000, 5200}, "the end": {0, 0}} {
		if !slices.ContainsFunc(chunks[wire.Down], func(size int) bool { return bounds[0] <= size && size <= bounds[1] }) {
			t.Errorf("down: no chunk for %s", what)
		}
	}
	if len(chunks[wire.Up]) < 2 {
		t.Error("up: no chunks")
	}
}

// coversHTTP2 checks that the run had the frames that there are.
func coversHTTP2(t *testing.T, streams map[int]*[2]stream) {
	t.Helper()
	var seen [2]map[string]bool
	for dir := range seen {
		seen[dir] = map[string]bool{}
		for _, both := range streams {
			for _, frame := range both[dir].frames2 {
				kind, _, _ := strings.Cut(frame, " ")
				seen[dir][kind] = true
			}
		}
	}
	for dir, want := range [2][]http2.FrameType{
		{http2.FrameData, http2.FrameHeaders, http2.FrameRSTStream, http2.FrameSettings, http2.FrameWindowUpdate},
		{http2.FrameData, http2.FrameHeaders, http2.FrameSettings, http2.FrameGoAway, http2.FrameWindowUpdate},
	} {
		for _, kind := range want {
			if !seen[dir][fmt.Sprintf("type=%d", kind)] {
				t.Errorf("%v: no frame %v", wire.Dir(dir), kind)
			}
		}
	}
}
