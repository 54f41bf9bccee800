package wire

import "bytes"

// events is a place in a stream of events (WHATWG HTML, section 9.2), between
// one byte and the next. The chunks of HTTP/1.1 may end anywhere in it.
type events struct {
	place   place
	name    [12]byte // of the field, with its colon and space
	named   int
	field   field
	word    [12]byte // the value of an event field: "heartbeat", "gap" …
	worded  int
	afterCR bool // a LF that follows is part of the same line end,
	ended   Part // which was this
	begun   bool // behind the byte order mark
	opened  bool // behind the first block

	// The block so far.
	kind                    blockKind
	fields, comments, datas bool
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

// around is the part of what stands around the data of the block.
func (e *events) around() Part {
	switch {
	case e.kind == heartbeat:
		return Control
	case !e.opened:
		return Opening
	}
	return Envelope
}

// eventBytes books the stream line by line. A block's kind counts from its event
// field on; the lab sends that first, except in the block of type hello: its id comes
// first. That block opens the stream, and so does what comes before any data in a
// first block of another type.
func (m *body) eventBytes(b []byte) {
	e := &m.events
	for len(b) > 0 {
		c := b[0]
		if e.afterCR {
			e.afterCR = false
			if c == '\n' {
				m.book(e.ended, "line end", b[:1])
				b = b[1:]
				continue
			}
		}
		switch {
		case e.place == inSpace && c == ' ':
			e.name[e.named] = c
			e.named++
			m.nameEnds()
			b = b[1:]
		case e.place == inSpace:
			m.nameEnds()
		case c == '\n' || c == '\r':
			m.lineEnds(b[:1])
			e.afterCR = c == '\r'
			b = b[1:]
		case e.place == inName && c == ':' && e.named == 0:
			e.field, e.place = comment, inValue
		case e.place == inName && (c == ':' || e.named < len(e.name)-len(": ")):
			e.name[e.named] = c
			e.named++
			if c == ':' {
				e.place = inSpace
			}
			b = b[1:]
		case e.place == inName: // too long to be any that is known
			m.nameEnds()
		default:
			n := lineLength(b)
			m.value(b[:n])
			b = b[n:]
		}
	}
}

// lineLength returns how many bytes of b come before the next line end.
func lineLength(b []byte) int {
	if n := bytes.IndexByte(b, '\n'); n >= 0 {
		b = b[:n]
	}
	if n := bytes.IndexByte(b, '\r'); n >= 0 {
		b = b[:n]
	}
	return len(b)
}

// nameEnds learns which field the line is. The name of an event field is kept
// until its value tells what the block is.
func (m *body) nameEnds() {
	e := &m.events
	name := bytes.TrimSuffix(e.name[:e.named], []byte(" "))
	name = bytes.TrimSuffix(name, []byte(":"))
	if !e.begun {
		name = bytes.TrimPrefix(name, byteOrderMark)
	}
	switch string(name) {
	case "data":
		e.field = data
		e.opened, e.datas = e.opened || e.kind != hello, true
	case "event":
		e.field = event
	case "id":
		e.field = id
	case "retry":
		e.field = retry
	default:
		e.field = unknown
	}
	e.begun, e.fields, e.place = true, true, inValue
	if e.field != event {
		m.bookName()
	}
}

func (m *body) bookName() {
	e := &m.events
	role := e.field.String()
	m.book(e.around(), role, e.name[:e.named])
	e.named = 0
}

func (m *body) value(b []byte) {
	e := &m.events
	switch {
	case e.field == comment:
		m.book(Control, "comment", b)
	case e.field == data && e.kind == message:
		m.book(Payload, "message", b)
	case e.field == event && e.worded+len(b) <= len(e.word):
		e.worded += copy(e.word[e.worded:], b)
	case e.field == event:
		m.typed(message)
		m.book(e.around(), "event type", b)
		e.field = unknown
	default:
		m.book(e.around(), e.field.String(), b)
	}
}

// typed books a line that names the type of its event.
func (m *body) typed(kind blockKind) {
	e := &m.events
	e.kind = kind
	m.bookName()
	m.book(e.around(), "event type", e.word[:e.worded])
	e.worded = 0
}

// lineEnds books a line end, and at a blank line ends the block.
func (m *body) lineEnds(eol []byte) {
	e := &m.events
	if e.place == inName && e.named == 0 {
		m.blockEnds(eol)
		return
	}
	if e.place == inName { // a name without a colon
		m.nameEnds()
	}
	e.ended = e.around()
	switch e.field {
	case comment:
		e.comments = true
		e.ended = Control
	case event:
		switch string(e.word[:e.worded]) {
		case "gap":
			m.typed(gap)
		case "heartbeat":
			m.typed(heartbeat)
		case "hello":
			m.typed(hello)
		default:
			m.typed(message)
		}
		e.ended = e.around()
	}
	m.book(e.ended, "line end", eol)
	e.place = inName
}

func (m *body) blockEnds(eol []byte) {
	e := &m.events
	e.ended = e.around()
	if e.comments && !e.fields {
		e.ended = Control
	}
	m.book(e.ended, "blank line", eol)
	if e.datas && e.kind == message {
		m.message()
	}
	e.opened = e.opened || e.fields
	e.kind, e.fields, e.comments, e.datas = message, false, false, false
}

// eventCut books what is kept of a line, and says if an event is unfinished.
func (m *body) eventCut() (unfinished string) {
	e := &m.events
	inside := e.place != inName || e.named > 0 || e.fields
	m.bookName()
	m.book(e.around(), "event type", e.word[:e.worded])
	e.worded = 0
	if inside {
		return "an event"
	}
	return ""
}
