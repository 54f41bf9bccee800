package wire

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
)

// A Span is a run of bytes on the wire that have one purpose. The end of a read or a write may cut it in two. Spans are
// in the order of their bytes, with one exception: where a chunk ends inside the name of an event's field, or inside
// the first five bytes of a message, the chunk's end is before these bytes.
type Span struct {
	Dir   Dir
	Part  Part
	Role  string // what the bytes are: "field name", "chunk size", "message" …
	Size  int    // bytes
	Bytes []byte // as on the wire; nil for bytes that TLS adds; not valid after the callback has returned

	// Of HTTP/2 only.
	Stream uint32 // to which the bytes belong; 0: the connection
	Name   string // of a header
	Value  string // of that header; where it is cut in two spans, in the last
	Text   string // what the bytes mean, or how the header is encoded; where it is cut, in the last span
}

// A Dissector names every byte of one connection and counts it in a ledger. The package comment says how much of them
// it keeps in memory.
//
// Bytes that it cannot name are unaccounted. After bytes that break the protocol it gives up on that direction of the
// connection: it goes on counting there, but names nothing more.
//
// It is safe for concurrent use. But it must know a request before the response: call Up or Down with bytes before
// their receiver can react to them.
type Dissector struct {
	ledger *Ledger
	spans  func(Span)

	maxHead int // bytes of a head that the server accepts

	mu  sync.Mutex
	fed [2]int64 // bytes in each direction that are not in the ledger yet

	// For recordings; these are beside the mutex since a write needs them all.
	generation uint64       // of the recordings that it follows; 0: there are none
	recorders  []*recorder  // of the recorded pages that its requests have named
	began      int64        // when the write began whose bytes it is given, in µs since the Unix epoch; 0: unknown
	writing    atomic.Int64 // when the write began that is not recorded yet; 0: there is none; beginning: about now
	own        *trace       // of the connection itself
	opened     int64        // when, in µs since the Unix epoch
	number     uint64       // of the connection
	page       string       // the first that a request named

	begun   bool // a request has begun
	closed  bool
	sending bool        // within sendUp
	undo    []booking   // how the bytes of the last sendUp were counted
	queue   []*exchange // requests without a whole response, in order
	session *session    // of HTTP/2; nil: HTTP/1.1
	conn    *exchange   // for bytes that belong to no single exchange; nil: HTTP/1.1 without TLS
	tls     *records    // nil: no TLS
	up      half
	down    half
}

// maxQueue is the highest number of requests that wait for a response (pipelining, RFC 9112, section 9.3.2).
const maxQueue = 256

const (
	defaultMaxHead = 1 << 20 // bytes of a head
	lineSlop       = 4 << 10 // bytes that net/http accepts beyond its limit of a head of HTTP/1.1,
	listSlop       = 320     // and of the fields of one of HTTP/2
)

// maxUndo is the number of bookings for which a connection keeps memory between writes.
const maxUndo = 64

// A booking is a count of bytes, or of a message where bytes is 0.
type booking struct {
	ex    *exchange
	part  Part
	bytes int64
}

// NewDissector returns a dissector of a new connection. Unless spans is nil, it is called with each span, in order; it
// must not block, nor call the dissector. The caller must Close the dissector.
func NewDissector(ledger *Ledger, spans func(Span)) *Dissector {
	d := &Dissector{
		ledger: ledger, spans: spans, maxHead: cmp.Or(ledger.MaxHeaderBytes, defaultMaxHead), opened: micros(),
	}
	d.up = half{body: body{d: d, dir: Up}}
	d.down = half{body: body{d: d, dir: Down}}
	ledger.open(d)
	return d
}

// Up takes the next bytes from the client to the server.
func (d *Dissector) Up(b []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.follow()
	d.feed(&d.up, b)
	d.record()
}

// Down takes the next bytes from the server to the client.
func (d *Dissector) Down(b []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.follow()
	d.feed(&d.down, b)
	d.record()
}

// writeBegins is called before bytes are written down.
func (d *Dissector) writeBegins() {
	if d.tls == nil && d.ledger.recordings.generation.Load() == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.recordsEnd(Down)
	if d.follow(); len(d.recorders) > 0 {
		d.writing.Store(beginning) // first, so that no instant between this and the next line counts as known
		d.began = micros()
		d.writing.Store(d.began)
	}
}

// writeEnds is Down for bytes that were written.
func (d *Dissector) writeEnds(b []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.feed(&d.down, b)
	d.recordsEnd(Down)
	d.record()
	if d.began > 0 {
		d.began = 0
		d.writing.Store(0)
	}
}

// sendUp is Up for bytes that a client is about to write, and whose counting takeBack can undo.
func (d *Dissector) sendUp(b []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if cap(d.undo) > maxUndo {
		d.undo = nil
	}
	d.undo, d.sending = d.undo[:0], true
	d.feed(&d.up, b)
	d.sending = false
}

// takeBack undoes the counting of the last n bytes of sendUp, which could not be written. Later bytes cannot be named.
func (d *Dissector) takeBack(n int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.tls == nil {
		d.fed[Up] -= n
	} else {
		d.tls.countContent(Up, -n)
	}
	partial := min(n, int64(len(d.up.partial))) // these were not counted yet
	d.up.partial = d.up.partial[:int64(len(d.up.partial))-partial]
	n -= partial
	before := min(n, d.up.http2.before)
	d.up.http2.before -= before
	n -= before
	if f := &d.up.frame; d.up.state == frames && f.read < f.size() { // nor were these
		begun := min(n, int64(f.read))
		f.read -= int(begun)
		n -= begun
	}
	for ; n > 0 && len(d.undo) > 0; d.undo = d.undo[:len(d.undo)-1] {
		last := d.undo[len(d.undo)-1]
		if last.bytes == 0 {
			last.ex.messages[Up]--
		}
		back := min(n, last.bytes)
		last.ex.counts[Up][last.part] -= back
		n -= back
		d.ledger.fold(last.ex)
	}
	d.up.giveUp("cut: a write")
}

func (d *Dissector) feed(h *half, b []byte) {
	if d.tls == nil {
		d.fed[h.dir] += int64(len(b))
	} else {
		d.tls.countContent(h.dir, int64(len(b)))
	}
	for len(b) > 0 {
		b = b[h.step(b):]
	}
	if d.closed {
		d.fold()
	}
}

// Close ends the dissection: what is unfinished is noted as cut. Bytes after Close are unaccounted. A second Close does
// nothing.
func (d *Dissector) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return
	}
	d.closed = true
	d.up.cut()
	d.down.cut()
	for _, ex := range d.queue {
		if !ex.ended[Down] && ex != d.down.ex {
			ex.note("cut: before the answer")
		}
	}
	if d.session != nil {
		for id := range d.session.streams {
			d.reset(id)
		}
	}
	d.recordsEnd(Up)
	d.recordsEnd(Down)
	d.endRecords()
	d.fold()
	d.queue = nil
	d.up.state, d.down.state = lost, lost
	d.ledger.close(d)
}

// flush moves all counts into the ledger.
func (d *Dissector) flush() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fold()
}

func (d *Dissector) fold() {
	for _, ex := range d.queue {
		d.ledger.fold(ex)
	}
	if d.session != nil {
		for _, s := range d.session.streams {
			d.ledger.fold(s.ex)
		}
	}
	for _, h := range []*half{&d.up, &d.down} {
		if h.ex != nil {
			d.ledger.fold(h.ex)
		}
		if h.http2.to != nil { // whose exchange may be over
			d.ledger.fold(h.http2.to.ex)
		}
	}
	if d.conn != nil {
		d.ledger.fold(d.conn)
	}
	d.ledger.foldSocket(d.fed)
	d.fed = [2]int64{}
}

// A half is one direction of a connection: the place in its protocol where the next byte belongs.
type half struct {
	// The fields that a message of a stream needs are first, and together: with many readers they are in no cache.
	state state
	left  int64 // bytes until the end of the body, chunk or frame
	body
	frame frame
	http2 section

	partial []byte    // the beginning of a line, or of a frame, that has not ended
	msg     head      // the head that is being read
	asked   *exchange // the last request
}

// giveUp leaves the rest of this direction unaccounted, and frees the memory that it kept.
func (h *half) giveUp(why string) {
	if h.state == lost {
		return
	}
	if f := &h.frame; h.state == frames && f.read < f.size() {
		h.book(Unaccounted, "unknown", f.header[:f.read])
	}
	h.state = lost
	h.contentCut()
	h.count(Unaccounted, h.http2.before)
	h.book(Unaccounted, "unknown", h.partial)
	h.partial, h.http2.before, h.http2.hpack = nil, 0, nil
	if h.d.session != nil {
		for _, s := range h.d.session.streams {
			s.bodies[h.dir].contentCut() // the bytes that bodies keep
		}
	}
	if h.ex == nil {
		h.ex = stray()
	}
	h.ex.note(why)
}

// end ends the request, or the response.
func (h *half) end() {
	ex := h.ex
	h.ex = nil
	ex.ended[h.dir] = true
	if h.dir == Down && len(h.d.queue) > 0 && h.d.queue[0] == ex {
		h.d.queue = slices.Delete(h.d.queue, 0, 1)
	}
	if h.dir == Up {
		ex.trace.requestEnds()
	}
	if ex.over() {
		ex.trace.ends("")
		h.d.ledger.fold(ex)
	}
}

// other returns the half of the other direction.
func (d *Dissector) other(dir Dir) *half {
	if dir == Up {
		return &d.down
	}
	return &d.up
}

// share makes the exchange of the bytes that belong to no single exchange.
func (d *Dissector) share() {
	if d.conn == nil {
		d.conn = &exchange{lane: connectionLane}
	}
}

// begins counts an exchange's request. From the first request that names a page on, the connection's own bytes belong
// to that page.
func (d *Dissector) begins(ex *exchange) {
	ex.requests = 1
	if !d.begun {
		d.begun = true
		ex.connections = 1
	}
	if d.page == "" {
		d.page = ex.page
	}
	if d.conn != nil && d.conn.page == "" && ex.page != "" {
		d.namePage(ex.page)
	}
	if d.generation > 0 {
		d.recordConn()
		d.recordExchange(ex)
	}
}

// namePage makes the connection's own bytes belong to a page from now on.
func (d *Dissector) namePage(page string) {
	was := d.conn
	d.conn = &exchange{lane: connectionLane, page: page}
	for _, h := range []*half{&d.up, &d.down} {
		if h.ex == was {
			h.ex = d.conn
		}
		if d.tls != nil && d.tls.of[h.dir] == was {
			d.tls.of[h.dir] = d.conn
		}
	}
	d.ledger.fold(was)
}
