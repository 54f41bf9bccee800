package wire

import "bytes"

// events is a place in a stream of events (WHATWG HTML, section 9.2), between one byte and the next. The chunks of
// HTTP/1.1 may end anywhere in it.
type events struct {
	place   place
	name    [12]byte // of the field, with its colon and space
	nameLen int
	field   field
	word    [12]byte // the value of an event field: "heartbeat", "gap" …
	wordLen int
	afterCR bool // a LF that follows is part of the same line end,
	lineEnd Part // which has this part
	begun   bool // behind the byte order mark
	opened  bool // behind the first block

	// The block so far.
	kind                          blockKind
	hasField, hasComment, hasData bool
}

type place uint8

const (
	inName  place = iota
	inSpace       // behind the colon, where one space belongs to the name
	inValue
)

type field uint8

const (
	unknown field = iota
	comment
	data
	event
	id
	retry
)

func (f field) String() string {
	return [...]string{"unknown field", "comment", "data", "event type", "event id", "retry"}[f]
}

type blockKind uint8

const (
	message blockKind = iota // also events of any other type
	gap
	heartbeat
	hello // the first block, whole
)

var byteOrderMark = []byte("\xEF\xBB\xBF")

// around returns the part of the bytes around the data of the block.
func (e *events) around() Part {
	switch {
	case e.kind == heartbeat:
		return Control
	case !e.opened:
		return Opening
	}
	return Envelope
}

// eventBytes books the stream line by line. A block's kind applies from its event field on. The lab sends that field
// first, except in the block of type hello, where the id is first. That block is opening, and so are the lines before
// any data in a first block of another type.
func (m *body) eventBytes(b []byte) {
	e := &m.events
	for len(b) > 0 {
		c := b[0]
		if e.afterCR {
			e.afterCR = false
			if c == '\n' {
				m.book(e.lineEnd, "line end", b[:1])
				b = b[1:]
				continue
			}
		}
		switch {
		case e.place == inSpace && c == ' ':
			e.name[e.nameLen] = c
			e.nameLen++
			m.nameEnds()
			b = b[1:]
		case e.place == inSpace:
			m.nameEnds()
		case c == '\n' || c == '\r':
			m.lineEnds(b[:1])
			e.afterCR = c == '\r'
			b = b[1:]
		case e.place == inName && c == ':' && e.nameLen == 0:
			e.field, e.place = comment, inValue
		case e.place == inName && (c == ':' || e.nameLen < len(e.name)-len(": ")):
			e.name[e.nameLen] = c
			e.nameLen++
			if c == ':' {
				e.place = inSpace
			}
			b = b[1:]
		case e.place == inName: // longer than every known name
			m.nameEnds()
		default:
			n := lineLength(b)
			m.value(b[:n])
			b = b[n:]
		}
	}
}

// lineLength returns the number of bytes of b before the next line end.
func lineLength(b []byte) int {
	if n := bytes.IndexByte(b, '\n'); n >= 0 {
		b = b[:n]
	}
	if n := bytes.IndexByte(b, '\r'); n >= 0 {
		b = b[:n]
	}
	return len(b)
}

// nameEnds finds the field of the line. The name of an event field is booked with its value, which decides the kind of
// the block.
func (m *body) nameEnds() {
	e := &m.events
	name := bytes.TrimSuffix(e.name[:e.nameLen], []byte(" "))
	name = bytes.TrimSuffix(name, []byte(":"))
	if !e.begun {
		name = bytes.TrimPrefix(name, byteOrderMark)
	}
	switch string(name) {
	case "data":
		e.field = data
		e.opened, e.hasData = e.opened || e.kind != hello, true
	case "event":
		e.field = event
	case "id":
		e.field = id
	case "retry":
		e.field = retry
	default:
		e.field = unknown
	}
	e.begun, e.hasField, e.place = true, true, inValue
	if e.field != event {
		m.bookName()
	}
}

func (m *body) bookName() {
	e := &m.events
	role := e.field.String()
	m.book(e.around(), role, e.name[:e.nameLen])
	e.nameLen = 0
}

func (m *body) value(b []byte) {
	e := &m.events
	switch {
	case e.field == comment:
		m.book(Control, "comment", b)
	case e.field == data && e.kind == message:
		m.book(Payload, "message", b)
	case e.field == event && e.wordLen+len(b) <= len(e.word):
		e.wordLen += copy(e.word[e.wordLen:], b)
	case e.field == event:
		m.bookType(message)
		m.book(e.around(), "event type", b)
		e.field = unknown
	default:
		m.book(e.around(), e.field.String(), b)
	}
}

// bookType books the line of an event field, and sets the kind of the block.
func (m *body) bookType(kind blockKind) {
	e := &m.events
	e.kind = kind
	m.bookName()
	m.book(e.around(), "event type", e.word[:e.wordLen])
	e.wordLen = 0
}

// lineEnds books a line end, and at a blank line ends the block.
func (m *body) lineEnds(eol []byte) {
	e := &m.events
	if e.place == inName && e.nameLen == 0 {
		m.blockEnds(eol)
		return
	}
	if e.place == inName { // a name without a colon
		m.nameEnds()
	}
	e.lineEnd = e.around()
	switch e.field {
	case comment:
		e.hasComment = true
		e.lineEnd = Control
	case event:
		switch string(e.word[:e.wordLen]) {
		case "gap":
			m.bookType(gap)
		case "heartbeat":
			m.bookType(heartbeat)
		case "hello":
			m.bookType(hello)
		default:
			m.bookType(message)
		}
		e.lineEnd = e.around()
	}
	m.book(e.lineEnd, "line end", eol)
	e.place = inName
}

func (m *body) blockEnds(eol []byte) {
	e := &m.events
	e.lineEnd = e.around()
	if e.hasComment && !e.hasField {
		e.lineEnd = Control
	}
	m.book(e.lineEnd, "blank line", eol)
	switch {
	case e.hasData && e.kind == message:
		m.countMessage()
	case e.kind == gap:
		m.ex.trace.gap()
	case e.kind == heartbeat:
		m.ex.trace.control(m.dir, "heartbeat")
	case e.kind == hello:
		m.ex.trace.control(m.dir, "hello")
	case e.hasComment && !e.hasField:
		m.ex.trace.control(m.dir, "comment")
	}
	e.opened = e.opened || e.hasField
	e.kind, e.hasField, e.hasComment, e.hasData = message, false, false, false
}

// eventCut books the kept bytes of a line, and returns whether an event is unfinished.
func (m *body) eventCut() (unfinished string) {
	e := &m.events
	inside := e.place != inName || e.nameLen > 0 || e.hasField
	m.bookName()
	m.book(e.around(), "event type", e.word[:e.wordLen])
	e.wordLen = 0
	if inside {
		return "an event"
	}
	return ""
}
