package wire

import (
	"bytes"
	"math"
	"strconv"
)

// A state is a place in HTTP/1.1 (RFC 9112), the same for requests and answers,
// or what comes after it.
type state uint8

const (
	startLine state = iota
	fieldLine       // fields, up to the blank line
	fixedBody       // of Content-Length
	chunkSize
	chunkData
	chunkEnd
	trailer
	bodyToEnd // until the connection is closed
	upgrading // a client waits for the answer to its upgrade
	frames    // WebSocket
	preface   // the rest of what begins HTTP/2
	http2     // its frames
	over      // nothing may follow
	lost      // the dissector has given up
)

// head is what the fields of a request or an answer say about its body.
type head struct {
	status   int // of an answer
	length   int64
	sized    bool // length is given
	coded    bool // there is a Transfer-Encoding
	chunked  bool // and its last is chunked
	last     bool // Connection: close
	upgrades bool // Upgrade: websocket
	json     bool // Content-Type: application/json
	events   bool // Content-Type: text/event-stream
	packed   bool // there is a Content-Encoding
	gzip     bool // which is gzip
	extended bool // a WebSocket extension was agreed on
	deflate  bool // which is permessage-deflate, each message by itself

	old    bool   // HTTP/1.0, which has no Transfer-Encoding
	folded []byte // the beginning of a field that may go on in the next line (RFC 9112, section 5.2)
}

const (
	maxFolded = 128     // bytes of it that are kept
	maxEarly  = 8 << 10 // bytes that are kept while an upgrade waits for its answer: a server reads no more
)

// step takes the bytes of b that belong to the present state, at least one, and
// returns how many they were.
func (h *half) step(b []byte) int {
	switch h.state {
	case fixedBody, chunkData:
		n := int(min(h.left, int64(len(b))))
		h.content(b[:n])
		if h.left -= int64(n); h.left == 0 {
			if h.state == fixedBody {
				h.bodyEnds()
			} else {
				h.state = chunkEnd
			}
		}
		return n
	case bodyToEnd:
		h.content(b)
		return len(b)
	case frames:
		return h.frameBytes(b)
	case preface:
		return h.prefaceBytes(b)
	case http2:
		return h.http2Bytes(b)
	case upgrading:
		if len(h.held)+len(b) > maxEarly {
			h.giveUp("too much between an upgrade and its answer")
			return 0
		}
		h.held = append(h.held, b...) // what it is, the answer says
		return len(b)
	case lost:
		h.book(Unaccounted, "unknown", b)
		return len(b)
	case over:
		h.giveUp("bytes after the end")
		return 0
	}

	// All else comes in lines.
	if h.state == startLine && len(h.held) == 0 && h.asked != nil && (b[0] == '\r' || b[0] == '\n') {
		return h.emptyLines(b)
	}
	if h.state == startLine && len(h.held) == 0 && !h.mayBegin(b[0]) {
		why := "no HTTP/1.1"
		if b[0] == handshakeRecord {
			why = "TLS, where none is spoken"
		}
		h.giveUp(why)
		return 0
	}
	n, ends := bytes.IndexByte(b, '\n')+1, true
	if n == 0 {
		n, ends = len(b), false
	}
	if len(h.held)+n > h.d.most+lineSlop {
		h.giveUp("a line beyond all bounds")
		return 0
	}
	if !ends {
		h.held = append(h.held, b...)
		return n
	}
	line := b[:n]
	if len(h.held) > 0 {
		line = append(h.held, line...)
		h.held = nil
	}
	if wrong := h.line(line); wrong != "" {
		h.book(Unaccounted, "unknown", line)
		h.giveUp(wrong)
	}
	return n
}

// emptyLines takes line ends before a request line, which are to be ignored (RFC 9112,
// section 2.2): old clients send them behind a body. They go with the request before.
func (h *half) emptyLines(b []byte) int {
	n := len(b) - len(bytes.TrimLeft(b, "\r\n"))
	h.ex = h.asked
	h.book(h.ex.lane.head, "empty line", b[:n])
	if h.ex.over() {
		h.d.ledger.fold(h.ex)
	}
	h.ex = nil
	return n
}

// replay takes what was held while an upgrade waited for its answer.
func (h *half) replay() {
	b := h.held
	h.held = nil
	for len(b) > 0 && h.state != upgrading {
		b = b[h.step(b):]
	}
	if len(b) > 0 { // another one
		h.held = b
	}
}

// mayBegin reports whether a start line can begin with c, and for an answer finds
// the request that it answers.
func (h *half) mayBegin(c byte) bool {
	if h.dir == Up {
		return isToken(c)
	}
	if h.ex == nil { // else an interim answer came before
		if len(h.d.queue) > 0 {
			h.ex = h.d.queue[0]
		} else {
			h.ex = stray() // such as 408, or 400 where the request made no sense
		}
	}
	return c == 'H'
}

// line reads a whole line. If it returns what is wrong with it, it has booked
// nothing.
func (h *half) line(line []byte) (wrong string) {
	// A bare LF is as good as CR LF (RFC 9112, section 2.2).
	text := bytes.TrimSuffix(line[:len(line)-1], []byte("\r"))
	end := line[len(text):]
	switch h.state {
	case startLine:
		h.msg = head{folded: h.msg.folded[:0]}
		if h.dir == Up {
			return h.requestLine(text, end)
		}
		return h.statusLine(text, end)
	case fieldLine, trailer:
		part, blank := h.ex.lane.head, "blank line"
		if h.state == trailer {
			part, blank = Framing, "end of the last chunk"
		}
		if len(text) == 0 {
			h.book(part, blank, end)
			if h.state == trailer {
				h.bodyEnds()
			} else {
				h.headEnds()
			}
			return ""
		}
		return h.field(part, text, end)
	case chunkSize:
		return h.chunk(text, end)
	default: // chunkEnd
		if len(text) > 0 {
			return "a chunk longer than its size"
		}
		h.book(Framing, "chunk end", end)
		h.state = chunkSize
		return ""
	}
}

// requestLine reads method SP request-target SP HTTP-version (RFC 9112, section 3).
func (h *half) requestLine(text, end []byte) (wrong string) {
	if string(text) == prefaceLine && !h.d.begun {
		if wrong := h.d.http2Begins(); wrong != "" {
			return wrong
		}
		h.book(Opening, "preface", text)
		h.book(Opening, "preface", end)
		return ""
	}
	method, rest, _ := bytes.Cut(text, []byte(" "))
	target, version, _ := bytes.Cut(rest, []byte(" "))
	if len(method) == 0 || len(target) == 0 || !isVersion(version) {
		return "no HTTP/1.1"
	}
	for _, c := range method {
		if !isToken(c) {
			return "no HTTP/1.1"
		}
	}
	if len(h.d.queue) == maxQueue {
		return "too many requests that wait for an answer"
	}
	found, page, from, to := h.d.ledger.laneOf(target)
	h.ex = &exchange{
		page: page, lane: found,
		bodyless: string(method) == "HEAD", connect: string(method) == "CONNECT",
	}
	h.asked = h.ex
	h.d.begins(h.ex)
	h.d.queue = append(h.d.queue, h.ex)

	h.msg.old = string(version) == "HTTP/1.0"
	at := len(method) + len(" ")
	h.book(found.head, "request line", text[:at+from])
	h.book(Tag, rolePage, text[at+from:at+to])
	h.book(found.head, "request line", text[at+to:])
	h.book(found.head, "line end", end)
	h.state = fieldLine
	return ""
}

// statusLine reads HTTP-version SP status-code SP reason (RFC 9112, section 4).
func (h *half) statusLine(text, end []byte) (wrong string) {
	version, rest, _ := bytes.Cut(text, []byte(" "))
	code, _, _ := bytes.Cut(rest, []byte(" "))
	status, err := strconv.Atoi(string(code))
	if !isVersion(version) || len(code) != 3 || err != nil || status < 100 {
		return "no HTTP/1.1"
	}
	h.msg.status = status
	h.book(h.ex.lane.head, "status line", text)
	h.book(h.ex.lane.head, "line end", end)
	h.state = fieldLine
	return ""
}

// field reads a field line (RFC 9112, section 5), and remembers what says how
// the body is to be read.
func (h *half) field(part Part, text, end []byte) (wrong string) {
	colon := bytes.IndexByte(text, ':')
	switch {
	case text[0] == ' ' || text[0] == '\t': // folded: still of the line before (RFC 9112, section 5.2)
		if wrong := h.msg.fold(text); wrong != "" && h.state == fieldLine {
			return wrong
		}
		h.book(part, "folded value", text)
		h.book(part, "line end", end)
		return ""
	case colon < 1:
		return "a field without a name"
	}
	name, value := text[:colon], bytes.Trim(text[colon+1:], " \t")
	if h.state == fieldLine {
		if wrong := h.msg.read(name, value); wrong != "" {
			return wrong
		}
		h.msg.folded = h.msg.folded[:0]
		if is(name, "Content-Length") || is(name, "Transfer-Encoding") || is(name, "Upgrade") {
			h.msg.folded = append(append(h.msg.folded, text[:min(len(text), maxFolded)]...), ' ')
		}
	}
	before := len(text) - len(bytes.TrimLeft(text[colon+1:], " \t")) // the colon and the space behind it go with the name
	h.book(part, "field name", text[:before])
	h.book(part, "field value", text[before:])
	h.book(part, "line end", end)
	return ""
}

// fold reads a field again that goes on in another line, if it matters how.
func (m *head) fold(text []byte) (wrong string) {
	if len(m.folded) == 0 {
		return ""
	}
	m.folded = append(m.folded, text[:min(len(text), maxFolded)]...)
	colon := bytes.IndexByte(m.folded, ':')
	if len(m.folded) > 2*maxFolded || colon < 0 {
		return "a field in too many lines"
	}
	return m.read(m.folded[:colon], bytes.Trim(m.folded[colon+1:], " \t"))
}

func (m *head) read(name, value []byte) (wrong string) {
	switch {
	case is(name, "Content-Length"):
		if len(value) == 0 {
			return "" // it may stand in the next line
		}
		length, err := strconv.ParseUint(string(value), 10, 63)
		if err != nil || m.sized && int64(length) != m.length {
			return "a Content-Length that is none"
		}
		m.length, m.sized = int64(length), true
	case is(name, "Transfer-Encoding"):
		m.coded = true
		m.chunked = is(lastOf(value), "chunked")
	case is(name, "Connection"):
		m.last = m.last || has(value, "close")
	case is(name, "Upgrade"):
		m.upgrades = has(value, "websocket")
	case is(name, "Content-Type"):
		kind, _, _ := bytes.Cut(value, []byte(";"))
		kind = bytes.TrimRight(kind, " \t")
		m.json = is(kind, "application/json")
		m.events = is(kind, "text/event-stream")
	case is(name, "Content-Encoding"):
		m.packed = !is(value, "identity")
		m.gzip = is(value, "gzip")
	case is(name, "Sec-WebSocket-Extensions"):
		m.extended = true
		m.deflate = is(value, "permessage-deflate; server_no_context_takeover; client_no_context_takeover")
	}
	return ""
}

// headEnds decides what follows a head (RFC 9112, section 6.3).
func (h *half) headEnds() {
	m, ex := &h.msg, h.ex
	if h.dir == Up {
		ex.upgrade = m.upgrades || ex.connect
	} else if h.switches() {
		return
	}
	h.begins(m)
	if h.dir == Up && m.old {
		m.coded, m.chunked = false, false // net/http takes it so
	}
	switch {
	case h.dir == Down && (ex.bodyless || m.status == 204 || m.status == 304):
		h.messageEnds()
	case m.chunked:
		h.state = chunkSize
	case m.coded && h.dir == Up:
		h.giveUp("a request body without an end")
	case m.coded:
		h.state = bodyToEnd
	case m.sized && m.length > 0:
		h.left, h.state = m.length, fixedBody
	case m.sized:
		h.bodyEnds()
	case h.dir == Down:
		h.state = bodyToEnd
	case ex.upgrade:
		h.state = upgrading
	default:
		h.messageEnds()
	}
}

// switches reports whether another protocol, or another answer, follows the head
// of an answer. If it is the final one of a refused upgrade, HTTP goes on.
func (h *half) switches() bool {
	m, ex, up := &h.msg, h.ex, &h.d.up
	waits := up.state == upgrading && up.ex == ex
	why := "another protocol"
	switch {
	case m.status == 101 && ex.upgrade && m.upgrades && (!m.extended || m.deflate):
		if waits { // else it has given up
			up.upgrade(m.deflate)
			up.replay()
		}
		h.upgrade(m.deflate)
		return true
	case m.status == 101 && m.extended:
		why = "a WebSocket extension" // such as compression
		fallthrough
	case m.status == 101, ex.connect && m.status >= 200 && m.status < 300:
		up.giveUp(why)
		h.giveUp(why)
		return true
	case m.status < 200: // interim (RFC 9110, section 15.2)
		h.state = startLine
		return true
	}
	if waits {
		up.end()
		up.state = startLine
		up.replay()
	}
	return false
}

// chunk reads the line before a chunk (RFC 9112, section 7.1).
func (h *half) chunk(text, end []byte) (wrong string) {
	digits := 0
	var size int64
	for digits < len(text) {
		v := unhex(text[digits])
		if v < 0 {
			break
		}
		if size > math.MaxInt64>>4 {
			return "a chunk beyond all bounds"
		}
		size = size<<4 | int64(v)
		digits++
	}
	rest := bytes.TrimLeft(text[digits:], " \t")
	if digits == 0 || len(rest) > 0 && rest[0] != ';' {
		return "a chunk without a size"
	}
	h.book(Framing, "chunk size", text[:digits])
	h.book(Framing, "chunk extension", text[digits:])
	h.book(Framing, "line end", end)
	if h.left, h.state = size, chunkData; size == 0 {
		h.state = trailer
	}
	return ""
}

// begins decides how the body behind a head is to be read.
func (m *body) begins(said *head) {
	m.kind, m.zip = m.ex.lane.up, nil
	m.poll, m.events, m.echo = poll{}, events{}, echo{}
	if m.dir == Up {
		return
	}
	switch m.kind = m.ex.lane.down; {
	case said.status >= 400:
		m.kind = wrapping // one sentence about what is wrong
	case m.kind == answer && !said.json, m.kind == eventStream && !said.events, m.kind == entries:
		m.kind = wrapping
	case m.kind == eventStream && said.gzip:
		m.zip = newInflater()
	case said.packed && (m.kind == answer || m.kind == eventStream || m.kind == echoed):
		m.kind = unreadable
	}
}

// content takes bytes of the body.
func (m *body) content(b []byte) {
	switch m.kind {
	case wrapping:
		m.book(Envelope, "body", b)
	case text, file:
		m.book(Payload, "body", b)
	case unreadable:
		m.book(Unaccounted, "compressed", b)
	case answer:
		m.pollBytes(b)
	case eventStream:
		if m.zip != nil {
			m.zipped(b)
		} else {
			m.eventBytes(b)
		}
	case echoed:
		m.echoBytes(b)
	}
}

func (h *half) bodyEnds() {
	h.ends()
	h.messageEnds()
}

func (h *half) messageEnds() {
	h.state = startLine
	if h.dir == Down && h.msg.last {
		h.state = over // RFC 9112, section 9.6
	}
	h.end()
}

// cut is called when nothing more will come. What is in the middle is noted.
func (h *half) cut() {
	what := ""
	switch h.state {
	case startLine:
		if len(h.held) > 0 && h.dir == Down && bytes.HasPrefix([]byte("HTTP/1.1 "), h.held[:min(len(h.held), 9)]) {
			h.book(h.ex.lane.head, "status line", h.held)
			h.held = nil
			what = "a head"
		} else if len(h.held) > 0 {
			h.giveUp("cut: a head") // whose, nobody can say
		}
	case fieldLine:
		h.book(h.ex.lane.head, "field", h.held)
		h.held = nil
		what = "a head"
	case upgrading:
		if len(h.held) > 0 {
			h.giveUp("bytes between an upgrade and its answer")
		}
	case fixedBody:
		what = "a body"
	case chunkData:
		what = "a chunk"
	case chunkEnd:
		what = "a chunk"
		h.bookCut("chunk end", "\r")
	case chunkSize:
		if len(h.held) > 0 {
			what = "a chunk"
		} else if h.kind != eventStream { // a stream ends with its connection
			what = "a body"
		}
		h.bookCut("chunk size", "0123456789abcdefABCDEF")
	case trailer:
		what = "a body"
		h.book(Framing, "trailer", h.held)
		h.held = nil
	case frames:
		what = h.frameCut()
	case preface, http2:
		h.http2Cut()
	}
	if h.state != frames && h.state != lost && h.ex != nil {
		if unfinished := h.contentCut(); what == "" {
			what = unfinished
		}
	}
	if what != "" {
		h.ex.note("cut: " + what)
	}
}

// bookCut books the beginning of a line of the chunked coding. No such line
// begins with another byte than one of first.
func (h *half) bookCut(role, first string) {
	part := Framing
	if len(h.held) > 0 && bytes.IndexByte([]byte(first), h.held[0]) < 0 {
		part, role = Unaccounted, "unknown"
	}
	h.book(part, role, h.held)
	h.held = nil
}

// contentCut books what a body's reader holds back, and says what is unfinished.
func (m *body) contentCut() (unfinished string) {
	switch m.kind {
	case answer:
		m.pollCut()
	case eventStream:
		if m.zip != nil {
			return m.zipEnds()
		}
		return m.eventCut()
	}
	return ""
}

func isVersion(b []byte) bool {
	return len(b) == len("HTTP/1.1") && bytes.HasPrefix(b, []byte("HTTP/1.")) && b[7] >= '0' && b[7] <= '9'
}

// isToken reports whether c may stand in a token (RFC 9110, section 5.6.2).
func isToken(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		bytes.IndexByte([]byte("!#$%&'*+-.^_`|~"), c) >= 0
}

// is compares without regard to case.
func is(b []byte, word string) bool { return len(b) == len(word) && bytes.EqualFold(b, []byte(word)) }

// has reports whether a word is in a list (RFC 9110, section 5.6.1).
func has(list []byte, word string) bool {
	for item := range bytes.SplitSeq(list, []byte(",")) {
		if is(bytes.Trim(item, " \t"), word) {
			return true
		}
	}
	return false
}

func lastOf(list []byte) []byte {
	return bytes.Trim(list[bytes.LastIndexByte(list, ',')+1:], " \t")
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
