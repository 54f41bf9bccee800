package wire

import (
	"golang.org/x/net/http2/hpack"
)

// A body is one direction of an exchange, and the place in it where the next byte belongs.
type body struct {
	d      *Dissector
	dir    Dir
	ex     *exchange // the present one; nil between two
	kind   kind
	stream uint32    // of HTTP/2
	zip    *inflater // of a compressed stream of events; nil: not compressed
	events events
	poll   poll
	echo   echo
}

// book counts bytes and emits their span.
func (m *body) book(part Part, role string, b []byte) { m.bookText(part, role, "", b) }

// bookText is book with the text of the span.
func (m *body) bookText(part Part, role, text string, b []byte) {
	m.count(part, int64(len(b)))
	m.emit(part, role, hpack.HeaderField{}, text, b)
}

// count counts bytes, without a span.
func (m *body) count(part Part, n int64) {
	if n == 0 {
		return
	}
	if m.ex == nil {
		m.ex = stray()
	}
	m.ex.counts[m.dir][part] += n
	m.ex.trace.count(m.dir, part, n)
	if m.d.sending && m.dir == Up {
		m.d.undo = append(m.d.undo, booking{m.ex, part, n})
	}
	if m.d.tls != nil {
		m.d.tls.attribute(m.dir, m.ex)
	}
}

// emit calls spans with the span of bytes, without counting them.
func (m *body) emit(part Part, role string, field hpack.HeaderField, text string, b []byte) {
	recorded := m.ex != nil && m.ex.trace != nil
	if m.d.spans == nil && !recorded || len(b) == 0 {
		return
	}
	s := Span{
		Dir: m.dir, Part: part, Role: role, Size: len(b), Bytes: b,
		Stream: m.stream, Name: field.Name, Value: field.Value, Text: text,
	}
	if m.d.spans != nil {
		m.d.spans(s)
	}
	if recorded {
		m.ex.trace.span(&s)
	}
}

// countMessage counts a message whose last byte has been read.
func (m *body) countMessage() {
	m.ex.messages[m.dir]++
	m.ex.trace.message(m.dir)
	if m.d.sending && m.dir == Up {
		m.d.undo = append(m.d.undo, booking{ex: m.ex})
	}
}

// ends ends a body in order.
func (m *body) ends() {
	m.contentCut() // books the bytes that the body keeps
	if m.kind == text || m.kind == echoed && m.echo.begun() {
		m.countMessage()
	}
}

// begins decides how the body behind a head is read.
func (m *body) begins(h *head) {
	m.kind, m.zip = m.ex.lane.up, nil
	m.poll, m.events, m.echo = poll{}, events{}, echo{}
	if m.dir == Up {
		return
	}
	switch m.kind = m.ex.lane.down; {
	case h.status >= 400:
		m.kind = wrapping // the error
	case m.kind == answer && !h.json, m.kind == eventStream && !h.events, m.kind == entries:
		m.kind = wrapping
	case m.kind == eventStream && h.gzip:
		m.zip = newInflater()
	case h.encoded && (m.kind == answer || m.kind == eventStream || m.kind == echoed):
		m.kind = unreadable
	}
}

// content books bytes of the body.
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

// contentCut books the bytes that a body's reader keeps, and returns what is unfinished.
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
