package wire

import "bytes"

// The lab's JSON objects differ in their first name.
var (
	aMessage   = []byte(`{"id"`)
	aHello     = []byte(`{"epoch"`)
	aHeartbeat = []byte(`{"heartbeat"`)
)

// poll is a place in the response to a poll, {"epoch":…,"messages":[…]}, between one byte of JSON (RFC 8259) and the
// next.
type poll struct {
	depth    int  // of objects and arrays
	inString bool // between quotes
	escaped  bool // behind a backslash
	key      int  // bytes of "messages" matched at depth 1; -1: it is another string
	atKey    bool // the string "messages" was the last token at depth 1
	inside   bool // in the array of messages

	entry   bool // in an element of it that is an object
	matched int  // bytes of the element that are as a message begins
	kept    int  // of these, those of earlier reads, which are not booked yet
	part    Part // of the element; Unaccounted: not decided yet
}

var messagesKey = []byte("messages")

// next takes a byte, and reports whether an element of the array that is an object begins with it.
func (p *poll) next(c byte) (begins bool) {
	switch {
	case p.escaped:
		p.escaped = false
	case p.inString && c == '\\':
		p.escaped = true
		p.key = -1
	case c == '"':
		p.inString = !p.inString
		if p.depth == 1 {
			p.atKey = !p.inString && p.key == len(messagesKey)
			p.key = 0
		}
	case p.inString && p.depth == 1 && p.key >= 0:
		if p.key < len(messagesKey) && c == messagesKey[p.key] {
			p.key++
		} else {
			p.key = -1
		}
	case p.inString:
	case c == '{' || c == '[':
		begins = p.inside && p.depth == 2 && c == '{'
		p.inside = p.inside || p.depth == 1 && c == '[' && p.atKey
		p.depth++
	case c == '}' || c == ']':
		p.depth--
		p.inside = p.inside && p.depth > 1
	case c == ',' && p.depth == 1:
		p.atKey = false
	}
	return begins
}

// pollBytes books messages as payload, and all other bytes as envelope.
func (m *body) pollBytes(b []byte) {
	p := &m.poll
	run := 0 // b[:run] is booked
	for i, c := range b {
		if p.next(c) {
			m.around(b[run:i])
			run = i
			p.entry, p.matched, p.part = true, 0, Unaccounted
		}
		if !p.entry {
			continue
		}
		if p.part == Unaccounted {
			switch {
			case c != aMessage[p.matched]:
				m.decideEntry(Envelope)
			case p.matched+1 == len(aMessage):
				m.decideEntry(Payload)
			default:
				p.matched++
			}
		}
		if p.depth == 2 && !p.inString { // behind its last brace
			m.element(b[run : i+1])
			run = i + 1
			p.entry = false
			if p.part == Payload {
				m.countMessage()
			} else {
				m.ex.trace.gap()
			}
		}
	}
	switch {
	case !p.entry:
		m.around(b[run:])
	case p.part == Unaccounted:
		p.kept += len(b) - run
	default:
		m.element(b[run:])
	}
}

// decideEntry sets the part of an element, and books its kept bytes.
func (m *body) decideEntry(part Part) {
	m.poll.part = part
	m.element(aMessage[:m.poll.kept])
	m.poll.kept = 0
}

func (m *body) element(b []byte) {
	if m.poll.part == Payload {
		m.book(Payload, "message", b)
	} else {
		m.book(Envelope, "gap", b)
	}
}

func (m *body) around(b []byte) { m.book(Envelope, "around the messages", b) }

// pollCut books the kept bytes of an element whose kind is not decided yet, as envelope: only a known message is
// payload.
func (m *body) pollCut() {
	if m.poll.kept > 0 {
		m.decideEntry(Envelope)
	}
}

// echo is a place in an echo: "Server received: " and the text, or, with stamps, the same as a string in a JSON object.
type echo struct {
	matched int  // bytes of what an echo begins with; -1: it is no echo
	stamped bool // a JSON object
	escaped bool // behind a backslash
	ended   bool // behind the string
}

var (
	plainEcho   = []byte("Server received: ")
	stampedEcho = []byte(`{"echo":"Server received: `)
)

// begun reports whether the text has been reached.
func (e *echo) begun() bool {
	return !e.stamped && e.matched == len(plainEcho) || e.stamped && e.matched == len(stampedEcho)
}

// echoBytes books the text of an echo as payload. A response that is no echo is envelope.
func (m *body) echoBytes(b []byte) {
	e := &m.echo
	n := 0
	for n < len(b) && !e.begun() && e.matched >= 0 {
		if e.matched == 0 {
			e.stamped = b[n] == '{'
		}
		want := plainEcho
		if e.stamped {
			want = stampedEcho
		}
		if b[n] == want[e.matched] {
			e.matched++
		} else {
			e.matched = -1
		}
		n++
	}
	m.book(Envelope, "around the text", b[:n])
	b = b[n:]
	if e.begun() && !e.ended {
		n := len(b)
		for i := 0; e.stamped && i < len(b); i++ {
			switch {
			case e.escaped:
				e.escaped = false
			case b[i] == '\\':
				e.escaped = true
			case b[i] == '"':
				e.ended = true
				n = i
			}
			if e.ended {
				break
			}
		}
		m.book(Payload, "text", b[:n])
		b = b[n:]
	}
	m.book(Envelope, "around the text", b)
}

// entryOf returns the part of one of the lab's objects, from its first bytes.
func entryOf(start []byte) Part {
	switch {
	case bytes.HasPrefix(start, aMessage):
		return Payload
	case bytes.HasPrefix(start, aHello):
		return Opening
	case bytes.HasPrefix(start, aHeartbeat):
		return Control
	}
	return Envelope
}
