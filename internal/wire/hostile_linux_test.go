package wire_test

import (
	"bytes"
	"compress/flate"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"fourwires/internal/wire"

	"golang.org/x/net/http2"
)

// The most that a parser may cost for any input, as doc.go says. Processor time is that of this thread, without other
// programs; the measured times are at most a tenth of the bound.
const (
	mostAllocated = 64      // bytes allocated for a byte of input
	mostObjects   = 0.5     // objects allocated for a byte of input
	mostKept      = 1 << 20 // bytes kept for a connection
	mostTime      = 1000    // ns for a byte of input, or for a byte to which it inflates
)

// A hostile input is the pieces of begin, and then the texts of each, up to 128 KiB.
type hostile struct {
	name     string
	begin    []piece
	dir      wire.Dir
	each     func(i int) string
	response string  // downstream, behind each text
	header   int     // wire.Ledger's MaxHeaderBytes
	inflates float64 // bytes to which one byte inflates
	recorded bool    // while page a is recorded
}

func same(text string) func(int) string { return func(int) string { return text } }

func hostiles() []hostile {
	h2, client, server := open2()
	block := func(block string) func(int) string {
		return func(i int) string {
			return client.raw(http2.FrameHeaders, 5, uint32(2*i+1), block).piece().text
		}
	}
	// Each head adds a field of 4 000 bytes to the table, and then refers to it many times.
	entry := "\x40\x01x\x7f\xa1\x1e" + strings.Repeat("x", 4000)
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 1<<16)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	chunked := []piece{up("POST /publish HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")}
	sseChunked := []piece{openSSE[0], down("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")}
	gzip := []piece{openSSE[0], down("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff")}
	stored := func(n int, text string) string { // a block that is not compressed (RFC 1951, section 3.2.4)
		return string([]byte{0, byte(n), byte(n >> 8), ^byte(n), ^byte(n >> 8)}) + text
	}
	marks := strings.Repeat(strings.Repeat("x", 4000)+"\x00\x00\xff\xff", 15) // looks like the ends of 15 flushes
	deflated := []piece{openWebSocket[0], down("HTTP/1.1 101 x\r\nUpgrade: websocket\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n\r\n")}
	var zeros bytes.Buffer
	zip, _ := flate.NewWriter(&zeros, 9)
	zip.Write(make([]byte, 1<<20))
	zip.Flush()
	answer := []piece{up("GET /polling HTTP/1.1\r\n\r\n"), down("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"messages\":[")}
	streaming, sender := open2Stream()
	return []hostile{
		{name: "requests", dir: wire.Up, each: same("GET / HTTP/1.1\r\n\r\n")},
		{name: "requests of many pages", dir: wire.Up, each: func(i int) string { return fmt.Sprintf("GET /?page=%d HTTP/1.1\r\n\r\n", i) }},
		{name: "requests of many pages, answered", dir: wire.Up, response: "HTTP/1.1 204 N\r\n\r\n", each: func(i int) string {
			return fmt.Sprintf("GET /?page=%d HTTP/1.1\r\n\r\n", i)
		}},
		{name: "fields", begin: []piece{up("GET / HTTP/1.1\r\n")}, dir: wire.Up, each: same("a:\n")},
		{name: "fields that mean something", begin: []piece{up("GET / HTTP/1.1\r\n")}, dir: wire.Up, each: same("Connection:,,,,,,,,,,\n")},
		{name: "a line", begin: []piece{up("GET /?")}, dir: wire.Up, each: same("&page=&")},
		{name: "chunks", begin: chunked, dir: wire.Up, each: same("1\r\nx\r\n")},
		{name: "chunk extensions", begin: chunked, dir: wire.Up, each: same("1;a=b;c=d\nx\n")},
		{name: "trailers", begin: append(chunked[:1:1], up("0\r\n")), dir: wire.Up, each: same("a:\n")},
		{name: "brackets", begin: answer, dir: wire.Down, each: same("[")},
		{name: "quotes", begin: answer, dir: wire.Down, each: same(`"\`)},
		{name: "elements", begin: answer, dir: wire.Down, each: same(`{"id"},{},`)},
		{name: "lines of events", begin: openSSE, dir: wire.Down, each: same("\n")},
		{name: "fields of events", begin: openSSE, dir: wire.Down, each: same("event:x\nid\n:\n")},
		{name: "events in chunks", begin: sseChunked, dir: wire.Down, each: same("1\nd\n")},
		{name: "gzip: noise", begin: gzip, dir: wire.Down, each: same(string(noise))},
		{name: "gzip: marks", begin: gzip, dir: wire.Down, each: same(stored(len(marks), marks) + stored(0, ""))},
		{name: "gzip: zeros", begin: gzip, dir: wire.Down, each: same(zeros.String()), inflates: float64(1<<20) / float64(zeros.Len())},
		{name: "gzip: empty flushes", begin: gzip, dir: wire.Down, each: same(stored(0, ""))},
		{name: "frames up", begin: openWebSocket, dir: wire.Up, each: same(frame(0x81, "abcd", ""))},
		{name: "pings", begin: openWebSocket, dir: wire.Up, each: same(frame(0x89, "abcd", ""))},
		{name: "pieces of messages", begin: openWebSocket, dir: wire.Up, each: same(frame(0x01, "abcd", "") + strings.Repeat(frame(0x00, "abcd", ""), 100) + frame(0x80, "abcd", "x"))},
		{name: "frames down", begin: openWebSocket, dir: wire.Down, each: same(frame(0x81, "", "{"))},
		{name: "deflate: short", begin: deflated, dir: wire.Down, each: same(frame(0xC1, "", "\x02\x00"))},
		{name: "deflate: zeros", begin: deflated, dir: wire.Down, each: same(frame(0xC1, "", zeros.String()))},
		{name: "deflate: pieces", begin: deflated, dir: wire.Down, each: same(frame(0x41, "", "") + strings.Repeat(frame(0x00, "", "\x02"), 100) + frame(0x80, "", "\x00"))},
		{name: "HPACK: :method", begin: h2, dir: wire.Up, each: block(strings.Repeat("\x82", 16384))},
		{name: "HPACK: :method, as in the lab", begin: h2, dir: wire.Up, each: block(strings.Repeat("\x82", 16384)), header: 64 << 10},
		{name: "HPACK: :method, below the limit", begin: h2, dir: wire.Up, each: block(strings.Repeat("\x82", 1500))},
		{name: "HPACK: references", begin: h2, dir: wire.Up, each: block(entry + strings.Repeat("\xbe", 12000))},
		{name: "HPACK: references, below the limit", begin: h2, dir: wire.Up, each: block(entry + strings.Repeat("\xbe", 10))},
		{name: "HPACK: new entries", begin: h2, dir: wire.Up, each: block(strings.Repeat("\x40\x00\x00", 1500))},
		{name: "HPACK: Huffman", begin: h2, dir: wire.Up, each: block("\x00\x01x\xff\x80\x7c" + strings.Repeat("\x00", 15999+128))},
		{name: "HPACK: paths", begin: h2, dir: wire.Up, each: block(strings.Repeat("\x04\x07/?page=", 500) + "\x04\x08/?page=a")},
		{name: "continuations", begin: h2, dir: wire.Up, each: func(i int) string {
			if i == 0 {
				return client.raw(http2.FrameHeaders, 0, 1, "").piece().text
			}
			return client.raw(http2.FrameContinuation, 0, 1, "\x82").piece().text
		}},
		{name: "streams", begin: h2, dir: wire.Up, each: func(i int) string { return client.raw(http2.FrameHeaders, 4, uint32(2*i+1), "\x82").piece().text }},
		{name: "streams that are reset", begin: h2, dir: wire.Up, each: func(i int) string {
			client.raw(http2.FrameHeaders, 4, uint32(2*i+1), "\x82")
			return client.raw(http2.FrameRSTStream, 0, uint32(2*i+1), "\x00\x00\x00\x08").piece().text
		}},
		{name: "settings", begin: h2, dir: wire.Up, each: same(client.raw(http2.FrameSettings, 0, 0, strings.Repeat("\x00\x01\xff\xff\xff\xff", 100)).piece().text)},
		{name: "pings on HTTP/2", begin: h2, dir: wire.Up, each: same(client.raw(http2.FramePing, 0, 0, "12345678").piece().text)},
		{name: "frames of unknown type", begin: h2, dir: wire.Up, each: same(client.raw(0xEE, 0, 0, "").piece().text)},
		{name: "frames for a stream that is over", begin: append(h2[:2:2], client.head(1, true, get("/")...).piece(), server.head(1, true, ":status: 204").piece()), dir: wire.Up, each: same(client.raw(http2.FrameWindowUpdate, 0, 1, "\x00\x00\x00\x01").piece().text)},
		{name: "data of no bytes", begin: streaming, dir: wire.Down, each: same(sender.raw(http2.FrameData, 0, 1, "").piece().text)},
		{name: "data of padding", begin: streaming, dir: wire.Down, each: same(sender.raw(http2.FrameData, 8, 1, "\x00").piece().text)},
	}
}

// recordedHostiles are all, with requests that name page a where they are HTTP/1.1.
func recordedHostiles() (all []hostile) {
	for _, h := range hostiles() {
		each := h.each
		h.name, h.begin, h.recorded = "recorded: "+h.name, ofPage(h.begin), true
		h.each = func(i int) string { return ofPage([]piece{up(each(i))})[0].text }
		all = append(all, h)
	}
	return all
}

// fillRecording fills a recording of page a, so that it takes no more memory, and returns how many bytes that took.
func fillRecording(t *testing.T, l *wire.Ledger) (size int64) {
	watch(t, l, "a")
	begin := []piece{up("GET /websocket?page=a HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"), openWebSocket[1]}
	d := warmed(l, append(begin, up(strings.Repeat(frame(0x89, "abcd", "xxxxx"), 10_000))))
	defer d.Close()
	s := l.Snapshot()
	return s.Up + s.Down
}

// threadTime is the processor time that this thread has used, in ns.
func threadTime() int64 {
	var u syscall.Rusage
	syscall.Getrusage(1, &u) // RUSAGE_THREAD
	return u.Utime.Nano() + u.Stime.Nano()
}

// For any input of a parser, each byte costs a bounded time and memory.
func TestHostile(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, h := range append(hostiles(), recordedHostiles()...) {
		ledger := wire.Ledger{MaxHeaderBytes: h.header}
		before := int64(0)
		if h.recorded {
			before = fillRecording(t, &ledger)
		}
		d := wire.NewDissector(&ledger, nil)
		for _, p := range h.begin {
			give(d, p.dir, p.text)
		}
		reads, size := h.reads()
		c := measure(d, reads, size)
		t.Logf("%-36s %7.1f B %6.3f objects %5.0f ns a byte, %7d B kept",
			h.name, c.allocated, c.objects, c.time, c.kept)
		if raced { // the race detector allocates and takes time itself
			c.allocated, c.objects, c.time = 0, 0, 0
		}
		isWithin := c.allocated <= mostAllocated && c.objects <= mostObjects && c.time <= mostTime*max(1, h.inflates)
		if !isWithin || c.kept > mostKept {
			t.Errorf("%s: a byte of input costs %.1f bytes in %.2f objects and %.0f ns, and %d bytes are kept",
				h.name, c.allocated, c.objects, c.time, c.kept)
		}
		d.Close()
		counted := -before
		for _, row := range ledger.Snapshot().Rows {
			counted += row.Up.Total + row.Down.Total
		}
		for _, p := range slices.Concat(h.begin, reads) {
			counted -= int64(len(p.text))
		}
		if counted != 0 {
			t.Errorf("%s: the parts have %d bytes more than the input", h.name, counted)
		}
	}
}

// reads returns the input behind begin, in reads of at most 4 KiB, as net/http makes them, and its size without
// responses.
func (h *hostile) reads() (reads []piece, size int) {
	for i := 0; size < 1<<17; i++ {
		text := h.each(i)
		size += len(text)
		for ; len(text) > 4096; text = text[4096:] {
			reads = append(reads, piece{h.dir, text[:4096]})
		}
		if n := len(reads); n > 0 && len(reads[n-1].text)+len(text) <= 4096 && h.response == "" {
			reads[n-1].text += text
		} else {
			reads = append(reads, piece{h.dir, text})
		}
		if h.response != "" {
			reads = append(reads, down(h.response))
		}
	}
	return reads, size
}

// A cost is that of a byte of input: bytes and objects allocated, ns of processor time; and the bytes kept in all.
type cost struct {
	allocated, objects, time float64
	kept                     int64
}

// measure gives the dissector the reads, and returns the cost of each of size bytes.
func measure(d *wire.Dissector, reads []piece, size int) cost {
	var input [][]byte
	for _, p := range reads {
		input = append(input, []byte(p.text))
	}
	var before, after, end runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := threadTime()
	for i, b := range input {
		if reads[i].dir == wire.Up {
			d.Up(b)
		} else {
			d.Down(b)
		}
	}
	time := threadTime() - start
	runtime.ReadMemStats(&after)
	runtime.GC()
	runtime.ReadMemStats(&end)
	runtime.KeepAlive(input)
	return cost{
		allocated: float64(after.TotalAlloc-before.TotalAlloc) / float64(size),
		objects:   float64(after.Mallocs-before.Mallocs) / float64(size),
		time:      float64(time) / float64(size),
		kept:      int64(end.HeapAlloc) - int64(before.HeapAlloc),
	}
}

// The cost of TLS records of a byte each is bounded too; the figure includes the cost of crypto/tls.
func TestHostileRecords(t *testing.T) {
	var ledger wire.Ledger
	near, peer := net.Pipe()
	accepted, err := ledger.ListenTLS(one{conn: peer}, serverTLS(), nil).Accept()
	if err != nil {
		t.Fatal(err)
	}
	client := tls.Client(near, clientTLS("http/1.1"))
	const records = 20_000
	text := []byte("GET /?" + strings.Repeat("x", records))
	var before, after runtime.MemStats
	go func() {
		defer client.Close()
		if client.Handshake() != nil {
			return // the server's read fails
		}
		runtime.ReadMemStats(&before)
		for i := range records {
			client.Write(text[i : i+1])
		}
	}()
	n, err := io.Copy(io.Discard, accepted)
	runtime.ReadMemStats(&after)
	if err != nil || n != records {
		t.Fatalf("%d bytes, %v", n, err)
	}
	accepted.Close()
	const size = 5 + 1 + 1 + 16 // header, content, type, tag (RFC 8446, section 5.2)
	const fed = records * size
	allocated, objects := float64(after.TotalAlloc-before.TotalAlloc)/fed, float64(after.Mallocs-before.Mallocs)/fed
	t.Logf("%.1f B, %.3f objects a byte", allocated, objects)
	if !raced && (allocated > mostAllocated || objects > mostObjects) {
		t.Errorf("a byte of a record costs %.1f bytes in %.2f pieces", allocated, objects)
	}
}
