package wire

import (
	"bytes"
	"strconv"
)

// A state is a place in HTTP/1.1 (RFC 9112), the same for requests and responses, or the protocol that follows it.
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
	upgrading // a client waits for the response to its upgrade
	frames    // WebSocket
	preface   // HTTP/2, behind the first line of its preface
	http2     // frames of HTTP/2
	over      // no byte may follow
	lost      // the dissector has given up
)

// maxEarly is the most bytes that are kept while an upgrade waits for its response: a server reads no more.
const maxEarly = 8 << 10

// step takes the bytes of b that belong to the present state, at least one, and returns their number.
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
		if len(h.partial)+len(b) > maxEarly {
			h.giveUp("too much between an upgrade and its answer")
			return 0
		}
		h.partial = append(h.partial, b...) // the response decides how they are read
		return len(b)
	case lost:
		h.book(Unaccounted, "unknown", b)
		return len(b)
	case over:
		h.giveUp("bytes after the end")
		return 0
	}
	return h.lineBytes(b)
}

// lineBytes takes bytes of one line, of which all other states consist, and returns their number.
func (h *half) lineBytes(b []byte) int {
	if h.state == startLine && len(h.partial) == 0 && h.asked != nil && (b[0] == '\r' || b[0] == '\n') {
		return h.emptyLines(b)
	}
	if h.state == startLine && len(h.partial) == 0 && !h.mayBegin(b[0]) {
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
	if len(h.partial)+n > h.d.maxHead+lineSlop {
		h.giveUp("a line beyond all bounds")
		return 0
	}
	if !ends {
		h.partial = append(h.partial, b...)
		return n
	}
	line := b[:n]
	if len(h.partial) > 0 {
		line = append(h.partial, line...)
		h.partial = nil
	}
	if wrong := h.line(line); wrong != "" {
		h.book(Unaccounted, "unknown", line)
		h.giveUp(wrong)
	}
	return n
}

// emptyLines takes line ends before a request line, which a server ignores (RFC 9112, section 2.2): old clients send
// them behind a body. They are booked to the request before.
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

// replay takes the bytes that were kept while an upgrade waited for its response.
func (h *half) replay() {
	b := h.partial
	h.partial = nil
	for len(b) > 0 && h.state != upgrading {
		b = b[h.step(b):]
	}
	if len(b) > 0 { // of another upgrade
		h.partial = b
	}
}

// mayBegin reports whether a start line can begin with c, and for a response finds its request.
func (h *half) mayBegin(c byte) bool {
	if h.dir == Up {
		return isToken(c)
	}
	if h.ex == nil { // else there was an interim response
		if len(h.d.queue) > 0 {
			h.ex = h.d.queue[0]
		} else {
			h.ex = stray() // such as 408, or 400 to a request that is none
		}
	}
	return c == 'H'
}

// line reads a whole line. Where it returns what is wrong with the line, it has booked nothing.
func (h *half) line(line []byte) (wrong string) {
	// A bare LF is allowed for CR LF (RFC 9112, section 2.2).
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

	if h.ex.trace != nil {
		h.ex.trace.request(string(method), string(target[:from])+string(target[to:]))
	}

	h.msg.http10 = string(version) == "HTTP/1.0"
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

// headEnds decides what follows a head (RFC 9112, section 6.3).
func (h *half) headEnds() {
	m, ex := &h.msg, h.ex
	if h.dir == Up {
		ex.upgrade = m.upgrades || ex.connect
	} else if ex.trace.response(m.status); h.switches() {
		return
	}
	h.begins(m)
	if h.dir == Up && m.http10 {
		m.hasCoding, m.chunked = false, false // as net/http reads it
	}
	switch {
	case h.dir == Down && (ex.bodyless || m.status == 204 || m.status == 304):
		h.messageEnds()
	case m.chunked:
		h.state = chunkSize
	case m.hasCoding && h.dir == Up:
		h.giveUp("a request body without an end")
	case m.hasCoding:
		h.state = bodyToEnd
	case m.hasLength && m.length > 0:
		h.left, h.state = m.length, fixedBody
	case m.hasLength:
		h.bodyEnds()
	case h.dir == Down:
		h.state = bodyToEnd
	case ex.upgrade:
		h.state = upgrading
		ex.trace.requestEnds()
	default:
		h.messageEnds()
	}
}

// switches reports whether another protocol, or another response, follows the head of a response. Where it is the final
// response to a refused upgrade, HTTP goes on.
func (h *half) switches() bool {
	m, ex, up := &h.msg, h.ex, &h.d.up
	waits := up.state == upgrading && up.ex == ex
	why := "another protocol"
	switch {
	case m.status == 101 && ex.upgrade && m.upgrades && (!m.hasExtension || m.deflate):
		if waits { // else the direction up has given up
			up.upgrade(m.deflate)
			up.replay()
		}
		h.upgrade(m.deflate)
		return true
	case m.status == 101 && m.hasExtension:
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

// bodyEnds ends the body, and the message.
func (h *half) bodyEnds() {
	h.ends()
	h.messageEnds()
}

// messageEnds ends the request or the response.
func (h *half) messageEnds() {
	h.state = startLine
	if h.dir == Down && h.msg.closes {
		h.state = over // RFC 9112, section 9.6
	}
	h.end()
}

// cut ends the direction when the connection has ended. Where that is within a message, a note says so.
func (h *half) cut() {
	what := ""
	switch h.state {
	case startLine:
		begins := bytes.HasPrefix([]byte("HTTP/1.1 "), h.partial[:min(len(h.partial), 9)])
		if len(h.partial) > 0 && h.dir == Down && begins {
			h.book(h.ex.lane.head, "status line", h.partial)
			h.partial = nil
			what = "a head"
		} else if len(h.partial) > 0 {
			h.giveUp("cut: a head") // of an unknown lane
		}
	case fieldLine:
		h.book(h.ex.lane.head, "field", h.partial)
		h.partial = nil
		what = "a head"
	case upgrading:
		if len(h.partial) > 0 {
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
		if len(h.partial) > 0 {
			what = "a chunk"
		} else if h.kind != eventStream { // a stream ends with its connection
			what = "a body"
		}
		h.bookCut("chunk size", "0123456789abcdefABCDEF")
	case trailer:
		what = "a body"
		h.book(Framing, "trailer", h.partial)
		h.partial = nil
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
