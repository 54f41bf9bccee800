package wire

import (
	"cmp"
	"slices"
	"sync"

	"golang.org/x/net/http2/hpack"
)

// A Span is a run of bytes on the wire that are one thing. A read or a write
// that ends in the middle of it cuts it in two. Spans come in the order of their
// bytes; only where a chunk ends inside the name of an event's field, or inside
// the first five bytes of a message, what the chunk had of it comes after its end.
type Span struct {
	Dir   Dir
	Part  Part
	Role  string // what it is: "field name", "chunk size", "message" …
	Size  int    // bytes
	Bytes []byte // as they are on the wire, or nil for what TLS itself adds; the dissector's own once the callback has returned

	// What the bytes of HTTP/2 do not say themselves.
	Stream uint32 // whose they are; 0: the connection's
	Name   string // of a field of a head
	Value  string // of that field; where its bytes are cut in two, of the last
	Text   string // what they mean, or how the field is written; the same
}

// A Dissector names every byte of one connection and counts it in a ledger. The
// package comment says what of them it holds.
//
// What it cannot name is unaccounted. After bytes that break the protocol it
// gives up on that direction of the connection: it goes on counting there, but
// names nothing more.
//
// It is safe for concurrent use. But requests must be known before their
// answers are: feed each byte before whoever it is for can react to it.
type Dissector struct {
	ledger *Ledger
	spans  func(Span)

	most int // bytes of a head that the server takes

	mu      sync.Mutex
	fed     [2]int64 // bytes in each direction that the ledger has not been told of
	begun   bool     // a request has been seen
	closed  bool
	sending bool        // sendUp is at work
	undo    []booking   // how the bytes of the last sendUp were counted
	queue   []*exchange // requests, in the order in which their answers must come
	session *session    // of HTTP/2; nil: HTTP/1.1
	conn    *exchange   // what no exchange has alone; nil: there is no such thing
	tls     *records    // nil: no TLS
	up      half
	down    half
}

// maxQueue is how many requests may wait for an answer (pipelining, RFC 9112,
// section 9.3.2).
const maxQueue = 256

const (
	usualHeader = 1 << 20 // bytes of a head, unless the ledger says otherwise
	lineSlop    = 4 << 10 // which net/http takes beyond them of a head of HTTP/1.1,
	listSlop    = 320     // and of the fields of one of HTTP/2
)

// maxUndo is how many bookings of a write a connection keeps room for.
const maxUndo = 64

// An exchange is a request and its answer.
type exchange struct {
	page string
	lane lane

	// What one must know of the request to read the answer (RFC 9112, section 6.3).
	bodyless bool // HEAD
	upgrade  bool // to WebSocket, or CONNECT
	connect  bool

	ended [2]bool // by direction

	// What the ledger has not been told of.
	requests, connections int64
	counts                [2]counts
	messages              [2]int64
	notes                 []string
}

// A booking is something that was counted: bytes, or a message if there are none.
type booking struct {
	ex    *exchange
	part  Part
	bytes int64
}

// NewDissector returns a dissector of a new connection. It tells spans of each
// span, in order, unless that is nil; spans must not block, nor call the
// dissector. Close it.
func NewDissector(ledger *Ledger, spans func(Span)) *Dissector {
	d := &Dissector{ledger: ledger, spans: spans, most: cmp.Or(ledger.MaxHeaderBytes, usualHeader)}
	d.up = half{body: body{d: d, dir: Up}}
	d.down = half{body: body{d: d, dir: Down}}
	ledger.open(d)
	return d
}

// Up takes the next bytes from the client to the server.
func (d *Dissector) Up(b []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.feed(&d.up, b)
}

// Down takes the next bytes from the server to the client.
func (d *Dissector) Down(b []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.feed(&d.down, b)
}

// sendUp takes bytes that a client is about to write.
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

// takeBack uncounts the last n bytes given to sendUp: they could not be written.
// What follows cannot be named.
func (d *Dissector) takeBack(n int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.tls == nil {
		d.fed[Up] -= n
	} else {
		d.tls.plain(Up, -n)
	}
	held := min(n, int64(len(d.up.held))) // these were not counted yet
	d.up.held = d.up.held[:int64(len(d.up.held))-held]
	n -= held
	before := min(n, d.up.http2.before)
	d.up.http2.before -= before
	n -= before
	if f := &d.up.frame; d.up.state == frames && f.read < f.size() { // nor was this
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
		d.tls.plain(h.dir, int64(len(b)))
	}
	for len(b) > 0 {
		b = b[h.step(b):]
	}
	if d.closed {
		d.fold()
	}
}

// Close says that nothing more will come: what is unfinished has been cut. What
// comes nevertheless is unaccounted.
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
	d.fold()
	d.queue = nil
	d.up.state, d.down.state = lost, lost
	d.ledger.close(d)
}

// flush tells the ledger what has been counted so far.
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
		if h.http2.to != nil { // which may be over
			d.ledger.fold(h.http2.to.ex)
		}
	}
	if d.conn != nil {
		d.ledger.fold(d.conn)
	}
	d.ledger.foldSocket(d.fed)
	d.fed = [2]int64{}
}

// A half is one direction of a connection: the place in its protocol where the
// next byte belongs.
type half struct {
	// What a message of a stream touches comes first, and together: among many
	// readers it is in no cache.
	state state
	left  int64 // bytes until the end of the body, chunk or frame
	body
	frame frame
	http2 section

	held  []byte    // the beginning of a line, or of a frame, that has not ended
	msg   head      // the message whose head is being read
	asked *exchange // the last request
}

// A body is what an exchange has in one direction, and where in it the next byte
// belongs.
type body struct {
	d      *Dissector
	dir    Dir
	ex     *exchange // whose bytes are coming; nil between two
	kind   kind
	stream uint32    // of HTTP/2
	zip    *inflater // of a compressed stream of events; nil: it is not
	events events
	poll   poll
	echo   echo
}

// book counts bytes.
func (m *body) book(part Part, role string, b []byte) { m.tell(part, role, "", b) }

// tell is book, of bytes that do not say all themselves.
func (m *body) tell(part Part, role, text string, b []byte) {
	m.tellField(part, role, hpack.HeaderField{}, text, b)
}

// tellField is tell, of the bytes of a field.
func (m *body) tellField(part Part, role string, field hpack.HeaderField, text string, b []byte) {
	m.tally(part, int64(len(b)))
	m.show(part, role, field, text, b)
}

// tally counts bytes, and tells nobody of them.
func (m *body) tally(part Part, n int64) {
	if n == 0 {
		return
	}
	if m.ex == nil {
		m.ex = stray()
	}
	m.ex.counts[m.dir][part] += n
	if m.d.sending && m.dir == Up {
		m.d.undo = append(m.d.undo, booking{m.ex, part, n})
	}
	if m.d.tls != nil {
		m.d.tls.touch(m.dir, m.ex)
	}
}

// show tells spans of bytes.
func (m *body) show(part Part, role string, field hpack.HeaderField, text string, b []byte) {
	if m.d.spans != nil && len(b) > 0 {
		m.d.spans(Span{Dir: m.dir, Part: part, Role: role, Size: len(b), Bytes: b, Stream: m.stream, Name: field.Name, Value: field.Value, Text: text})
	}
}

// message counts a message whose last byte has come.
func (m *body) message() {
	m.ex.messages[m.dir]++
	if m.d.sending && m.dir == Up {
		m.d.undo = append(m.d.undo, booking{ex: m.ex})
	}
}

// giveUp leaves the rest of this direction unaccounted, and lets go of all that was
// kept of it.
func (h *half) giveUp(why string) {
	if h.state == lost {
		return
	}
	if f := &h.frame; h.state == frames && f.read < f.size() {
		h.book(Unaccounted, "unknown", f.header[:f.read])
	}
	h.state = lost
	h.contentCut()
	h.tally(Unaccounted, h.http2.before)
	h.book(Unaccounted, "unknown", h.held)
	h.held, h.http2.before, h.http2.hpack = nil, 0, nil
	if h.d.session != nil {
		for _, s := range h.d.session.streams {
			s.bodies[h.dir].contentCut() // what bodies hold
		}
	}
	if h.ex == nil {
		h.ex = stray()
	}
	h.ex.note(why)
}

// ends is called where a body ends as it should.
func (m *body) ends() {
	m.contentCut() // what a body holds back is decided at its end
	if m.kind == text || m.kind == echoed && m.echo.begun() {
		m.message()
	}
}

// end ends the request, or the answer.
func (h *half) end() {
	ex := h.ex
	h.ex = nil
	ex.ended[h.dir] = true
	if h.dir == Down && len(h.d.queue) > 0 && h.d.queue[0] == ex {
		h.d.queue = slices.Delete(h.d.queue, 0, 1)
	}
	if ex.over() {
		h.d.ledger.fold(ex)
	}
}

// over reports whether nothing more belongs to the exchange.
func (ex *exchange) over() bool { return ex.ended[Up] && ex.ended[Down] }

// other returns the other direction's half.
func (d *Dissector) other(dir Dir) *half {
	if dir == Up {
		return &d.down
	}
	return &d.up
}

// share makes the exchange of what several others share.
func (d *Dissector) share() {
	if d.conn == nil {
		d.conn = &exchange{lane: connectionLane}
	}
}

// begins counts an exchange's request. What a connection shares is, from the first
// request on that names a page, that page's.
func (d *Dissector) begins(ex *exchange) {
	ex.requests = 1
	if !d.begun {
		d.begun = true
		ex.connections = 1
	}
	if d.conn == nil || d.conn.page != "" || ex.page == "" {
		return
	}
	was := d.conn
	d.conn = &exchange{lane: connectionLane, page: ex.page}
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

// stray returns an exchange for bytes that belong to no request.
func stray() *exchange { return &exchange{lane: lanes["other"], ended: [2]bool{true, false}} }

func (ex *exchange) note(what string) { ex.notes = append(ex.notes, what) }
