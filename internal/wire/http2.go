package wire

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/net/http2/hpack"
)

// What a client of HTTP/2 says first (RFC 9113, section 3.4). The first line is
// read as a request line.
const (
	prefaceLine = "PRI * HTTP/2.0"
	prefaceRest = "\r\nSM\r\n\r\n"
)

// The types of frames (RFC 9113, section 6) and their flags.
const (
	typeData         = 0x0
	typeHeaders      = 0x1
	typePriority     = 0x2
	typeReset        = 0x3
	typeSettings     = 0x4
	typePush         = 0x5
	typePing         = 0x6
	typeGoAway       = 0x7
	typeWindow       = 0x8
	typeContinuation = 0x9 // CONTINUATION, the last that RFC 9113 knows

	flagEndStream  = 0x1
	flagEndHeaders = 0x4
	flagPadded     = 0x8
	flagPriority   = 0x20
)

const (
	headerSize  = 9 // bytes of a frame's header
	settingSize = 6
	usualHead   = 4 << 10 // bytes of a head for which room is kept
	maxStreams  = 1 << 10 // that are open at once
	maxEnded    = 16      // that have ended and are remembered
)

const (
	roleFrame = "frame header"
	rolePage  = "page tag"
)

// A session is HTTP/2 on a connection: what its two directions share.
type session struct {
	streams map[uint32]*stream // that have not ended
	newest  uint32             // the last that the client has opened
	ended   [maxEnded]struct { // the last that have, in turn: what still comes for them is theirs
		id uint32
		ex *exchange
	}
	turn int
}

// A stream is an exchange on HTTP/2.
type stream struct {
	ex     *exchange
	bodies [2]body // by direction
	headed [2]bool // the head has come: another one is a trailer
}

// section is a place in the frames of one direction (RFC 9113, section 4.1).
type section struct {
	hpack *hpackReader

	inside bool // behind a frame's header, which said:
	kind   byte
	flags  byte
	id     uint32

	stream *stream // that the frame is of; nil: the connection's, or of one that has ended
	to     *body   // to which it is booked
	late   body    // of a stream that has ended
	padded bool    // the next byte says how much padding ends the frame,
	pad    int64   // which is so much
	word   [8]byte // the beginning of a payload, or of a setting, and
	worded int     // bytes of it

	goneAway bool // a GOAWAY has told an error

	held   bool  // a head has begun. A frame of it is kept until it is whole, and all of them where somebody wants to see them:
	at     int   // so many bytes of them are before the present one,
	before int64 // or so many that are not kept
	ends   bool  // the head ends its stream
}

// http2Begins is called behind the first line of the preface.
func (d *Dissector) http2Begins() (wrong string) {
	if d.down.state != startLine || len(d.down.held) > 0 || d.down.ex != nil {
		return "HTTP/2 where something else was spoken"
	}
	d.session = &session{streams: map[uint32]*stream{}}
	d.share()
	for _, h := range []*half{&d.up, &d.down} {
		h.ex, h.kind = d.conn, wrapping
		h.http2.hpack = newHPACK(d.most+listSlop, d.spans != nil)
	}
	d.up.state, d.up.left = preface, int64(len(prefaceRest))
	d.down.state = http2
	return ""
}

// prefaceBytes takes bytes of the rest of the preface and returns how many.
func (h *half) prefaceBytes(b []byte) int {
	rest := prefaceRest[len(prefaceRest)-int(h.left):]
	n := 0
	for n < min(len(b), len(rest)) && b[n] == rest[n] {
		n++
	}
	if n == 0 {
		h.giveUp("no HTTP/2")
		return 0
	}
	h.book(Opening, "preface", b[:n])
	if h.left -= int64(n); h.left == 0 {
		h.state = http2
	}
	return n
}

// http2Bytes takes bytes of one frame and returns how many.
func (h *half) http2Bytes(b []byte) int {
	f := &h.http2
	if !f.inside {
		return h.frameHeader(b)
	}
	n := int(min(h.left, int64(len(b))))
	switch {
	case f.held:
		h.held = append(h.held, b[:n]...)
	case f.kind != typeData && f.kind != typeSettings:
		f.worded += copy(f.word[f.worded:], b[:n])
		f.to.tell(Control, typeName(f.kind), h.payloadText(int64(n)), b[:n])
	case f.kind == typeSettings:
		n = min(n, settingSize-f.worded)
		h.setting(b[:n])
	case f.padded:
		if int64(b[0]) >= h.left { // RFC 9113, section 6.1
			h.giveUp("more padding than frame")
			return 0
		}
		f.padded, f.pad, n = false, int64(b[0]), 1
		f.to.book(Framing, "pad length", b[:1])
	case h.left > f.pad:
		n = int(min(int64(n), h.left-f.pad))
		f.to.content(b[:n])
	default:
		f.to.book(Framing, "padding", b[:n])
	}
	if h.left -= int64(n); h.left == 0 {
		h.refuse(h.http2FrameEnds())
	}
	return n
}

// refuse gives up where something is wrong.
func (h *half) refuse(wrong string) {
	if wrong != "" {
		h.giveUp(wrong)
	}
}

// frameHeader takes bytes of a frame's header and returns how many.
func (h *half) frameHeader(b []byte) int {
	f := &h.http2
	n := min(headerSize-(len(h.held)-f.at), len(b))
	header := b[:n]
	if f.held || n < headerSize {
		h.held = append(h.held, header...)
		header = h.held[f.at:]
	}
	if len(header) < headerSize {
		return n
	}
	wrong := h.http2FrameBegins(header)
	if wrong != "" && len(h.held) == 0 {
		h.held = append(h.held, header...) // it is not booked yet
	}
	if wrong == "" && h.left == 0 {
		wrong = h.http2FrameEnds()
	}
	h.refuse(wrong)
	return n
}

// http2FrameBegins reads a frame's header, and books it unless the frame is one of a
// head: that is kept until it is whole, and known whose it is.
func (h *half) http2FrameBegins(header []byte) (wrong string) {
	f := &h.http2
	h.left = int64(header[0])<<16 | int64(header[1])<<8 | int64(header[2])
	f.kind, f.flags = header[3], header[4]
	id := binary.BigEndian.Uint32(header[5:]) &^ (1 << 31)
	if f.held != (f.kind == typeContinuation) || f.held && id != f.id {
		return "a head that is interrupted, or goes on before it begins" // RFC 9113, section 6.10
	}
	f.id = id
	f.worded, f.padded, f.pad = 0, false, 0
	if f.kind == typeHeaders || f.kind == typeContinuation {
		if f.id == 0 {
			return "a frame on the wrong stream"
		}
		if int64(f.at+headerSize)+h.left > int64(4*f.hpack.most) { // a server takes twice as much at most
			return endlessHead
		}
		if len(h.held) == f.at {
			h.held = append(h.held, header...)
		}
		if !f.held {
			f.ends = f.flags&flagEndStream != 0
		}
		f.held, f.inside = true, true
		return ""
	}
	if wrong := h.find(); wrong != "" {
		return wrong
	}
	part := Control
	switch f.kind {
	case typeData:
		part, f.padded = Framing, f.flags&flagPadded != 0
	case typeSettings:
		part = Opening
	}
	f.to.tell(part, roleFrame, h.headerText(header), header)
	h.held, f.inside = h.held[:0], true
	return ""
}

// find finds whose the frame is.
func (h *half) find() (wrong string) {
	f, s := &h.http2, h.d.session
	f.stream, f.to = nil, &h.body
	known := f.kind <= typeContinuation // others are to be ignored (RFC 9113, section 5.5)
	switch {
	case f.kind == typePush:
		return "a push, which no client here allows"
	case known && (f.kind == typeSettings || f.kind == typePing || f.kind == typeGoAway) != (f.id == 0) && f.kind != typeWindow:
		return "a frame on the wrong stream"
	case known && f.id > s.newest && f.kind != typePriority:
		return "a frame on a stream that is not open" // RFC 9113, section 5.1
	}
	if f.stream = s.streams[f.id]; f.stream == nil {
		f.to = h.lateBody()
		return ""
	}
	f.to = &f.stream.bodies[h.dir]
	if f.kind == typeData && (!f.stream.headed[h.dir] || f.stream.ex.ended[h.dir]) {
		return "data before its head, or behind its end"
	}
	return ""
}

// lateBody returns to what a frame is booked that comes for a stream that has
// ended: to that stream, or to the connection where it is long ago.
func (h *half) lateBody() *body {
	f := &h.http2
	for _, e := range h.d.session.ended {
		if e.ex != nil && e.id == f.id {
			f.late = body{d: h.d, dir: h.dir, ex: e.ex, stream: f.id}
			return &f.late
		}
	}
	return &h.body
}

// setting takes bytes of one setting (RFC 9113, section 6.5.1).
func (h *half) setting(b []byte) {
	f := &h.http2
	f.worded += copy(f.word[f.worded:], b)
	text := ""
	if f.worded == settingSize {
		f.worded = 0
		id, value := binary.BigEndian.Uint16(f.word[:]), binary.BigEndian.Uint32(f.word[2:])
		if h.d.spans != nil {
			text = settingName(id) + " " + strconv.FormatUint(uint64(value), 10)
		}
		if id == 0x1 { // HEADER_TABLE_SIZE: of whoever sends it, for what the other encodes
			if r := h.d.other(h.dir).http2.hpack; r != nil {
				r.allow(value)
			}
		}
	}
	h.tell(Opening, "setting", text, b)
}

// http2FrameEnds ends a frame.
func (h *half) http2FrameEnds() (wrong string) {
	f := &h.http2
	f.inside = false
	switch {
	case f.held:
		if wrong := h.headFrame(h.held[f.at:]); wrong != "" {
			return wrong
		}
		if f.flags&flagEndHeaders != 0 {
			if wrong := h.headBytes(); wrong != "" {
				return wrong
			}
			f.held, f.at, f.before = false, 0, 0
			f.hpack.forget()
		} else if h.d.spans != nil {
			f.at = len(h.held)
			return ""
		} else {
			f.before += int64(len(h.held))
		}
		if h.held = h.held[:0]; cap(h.held) > usualHead { // nobody needs that room
			h.held = nil
		}
	case f.to.ex.over(): // before, or by what the other side has said meanwhile
		h.d.ledger.fold(f.to.ex)
	case f.kind == typeData && f.flags&flagEndStream != 0 && f.stream != nil:
		f.to.ends()
		h.d.streamEnds(f.id, h.dir)
	case f.kind == typeReset && f.stream != nil:
		h.d.reset(f.id)
	case f.kind == typeGoAway && f.worded == len(f.word):
		if code := binary.BigEndian.Uint32(f.word[4:]); code != 0 && !f.goneAway {
			f.goneAway = true // who says more says nothing new
			h.ex.note("GOAWAY: " + errorName(code))
		}
	}
	return ""
}

// headFrame reads a frame of a head.
func (h *half) headFrame(frame []byte) (wrong string) {
	bad := eachPiece(frame, func(role string, b []byte) {
		if role == "" && wrong == "" {
			wrong = h.http2.hpack.read(b)
		}
	})
	return cmp.Or(bad, wrong)
}

// headBytes ends a head (RFC 9113, section 8.1): its HEADERS frame, and the
// CONTINUATION frames behind it. If it returns what is wrong, it has booked nothing.
func (h *half) headBytes() (wrong string) {
	f, d := &h.http2, h.d
	if wrong := f.hpack.end(); wrong != "" {
		return wrong
	}
	m := &f.hpack.said
	untagged := ""
	s := d.session.streams[f.id]
	switch {
	case f.id > d.session.newest:
		if h.dir == Down || f.id%2 == 0 { // RFC 9113, section 5.1.1
			return "a stream that no client has opened"
		}
		if len(d.session.streams) == maxStreams {
			return "too many streams at once"
		}
		s, untagged = d.openStream(f.id, m.method, m.path.Value)
	case s != nil && s.ex.ended[h.dir]:
		return "a head behind the end"
	}
	to, part := h.lateBody(), Head
	if s != nil {
		to = &s.bodies[h.dir]
	}
	if to.ex != d.conn {
		part = to.ex.lane.head
	}
	tag := 0
	if untagged != "" {
		tag = m.path.saves(untagged)
	}
	to.tally(part, f.before+int64(len(h.held)-tag))
	to.tally(Tag, int64(tag))
	if d.spans != nil {
		h.showHead(to, part, tag)
	}
	if to.ex.over() {
		d.ledger.fold(to.ex)
	}
	if s == nil || h.dir == Down && m.status < 200 && !s.headed[Down] { // late, or interim
		return ""
	}
	if s.headed[h.dir] && f.ends {
		to.ends()
	}
	if !s.headed[h.dir] {
		s.headed[h.dir] = true
		to.begins(&m.head)
	}
	if f.ends {
		d.streamEnds(f.id, h.dir)
	}
	return ""
}

// showHead tells spans of a head frame by frame, field by field. The last so many
// bytes of its path are the tag.
func (h *half) showHead(to *body, part Part, tag int) {
	fields, path := h.http2.hpack.fields, 0 // the last is what counts
	for i := range fields {
		if fields[i].Name == ":path" {
			path = i
		}
	}
	i, done := 0, 0 // the field that is next, and how much of it was told
	eachPiece(h.held, func(role string, b []byte) {
		if role != "" {
			text := ""
			if role == roleFrame {
				text = h.headerText(b)
			}
			to.show(part, role, hpack.HeaderField{}, text, b)
			return
		}
		for len(b) > 0 { // a frame may end inside a field
			field := &fields[i]
			size := field.size
			if i == path {
				size -= tag
			}
			n := min(len(b), field.size-done)
			own := max(0, min(n, size-done))
			said, text := hpack.HeaderField{Name: field.Name}, ""
			if done+n == field.size {
				said, text = field.HeaderField, field.text()
			}
			to.show(part, field.role(), said, text, b[:own])
			to.show(Tag, rolePage, hpack.HeaderField{}, "what page= adds to the path", b[own:n])
			b = b[n:]
			if done += n; done == field.size {
				i, done = i+1, 0
			}
		}
	})
}

// eachPiece calls on for the pieces of the frames of a head: the header of each,
// what stands before and behind its fragment, and with role "" the fragment of
// the block of fields. It returns what is wrong with them.
func eachPiece(frames []byte, on func(role string, b []byte)) (wrong string) {
	for len(frames) > 0 {
		size := headerSize + (int(frames[0])<<16 | int(frames[1])<<8 | int(frames[2]))
		kind, flags := frames[3], frames[4]
		frame := frames[:size]
		frames = frames[size:]
		on(roleFrame, frame[:headerSize])
		frame = frame[headerSize:]
		pad := 0
		if kind == typeHeaders && flags&flagPadded != 0 {
			if len(frame) == 0 {
				return "more padding than frame"
			}
			pad = int(frame[0])
			on("pad length", frame[:1])
			frame = frame[1:]
		}
		if kind == typeHeaders && flags&flagPriority != 0 {
			if len(frame) < 5 {
				return "a head too short"
			}
			on("priority", frame[:5])
			frame = frame[5:]
		}
		if pad > len(frame) {
			return "more padding than frame"
		}
		on("", frame[:len(frame)-pad])
		if pad > 0 {
			on("padding", frame[len(frame)-pad:])
		}
	}
	return ""
}

// openStream makes the exchange of a request, and returns its path without what
// page= adds, or "" where it has none.
func (d *Dissector) openStream(id uint32, method, path string) (s *stream, untagged string) {
	found, page, from, to := d.ledger.laneOf([]byte(path))
	ex := &exchange{page: page, lane: found, requests: 1, bodyless: method == "HEAD"}
	d.begins(ex)
	s = &stream{ex: ex}
	for dir := range s.bodies {
		s.bodies[dir] = body{d: d, dir: Dir(dir), ex: ex, stream: id}
	}
	d.session.streams[id], d.session.newest = s, id
	if from < to {
		untagged = path[:from] + path[to:]
	}
	return s, untagged
}

// streamEnds ends one direction of a stream.
func (d *Dissector) streamEnds(id uint32, dir Dir) {
	ex := d.session.streams[id].ex
	ex.ended[dir] = true
	if ex.over() {
		d.forget(id, ex)
	}
}

// forget ends a stream.
func (d *Dissector) forget(id uint32, ex *exchange) {
	s := d.session
	d.ledger.fold(ex)
	delete(s.streams, id)
	s.ended[s.turn].id, s.ended[s.turn].ex = id, ex
	s.turn = (s.turn + 1) % maxEnded
}

// reset ends a stream in the middle (RFC 9113, section 5.4.2), by RST_STREAM or
// with the connection.
func (d *Dissector) reset(id uint32) {
	s := d.session.streams[id]
	for dir := range s.bodies {
		m := &s.bodies[dir]
		switch kind, unfinished := m.kind, m.contentCut(); {
		case s.ex.ended[dir]:
		case !s.headed[dir]:
			s.ex.note("cut: before the answer")
		case unfinished != "":
			s.ex.note("cut: " + unfinished)
		case kind != eventStream:
			s.ex.note("cut: a body")
		}
	}
	s.ex.ended = [2]bool{true, true}
	d.forget(id, s.ex)
}

// http2Cut books what is kept of a frame, and notes what was cut.
func (h *half) http2Cut() {
	f := &h.http2
	switch {
	case h.state == preface:
		h.ex.note("cut: a preface")
	case f.held: // whose, nobody can say
		h.giveUp("cut: a head")
	case len(h.held) > 0:
		h.book(Framing, roleFrame, h.held)
		h.held = nil
		h.ex.note("cut: a frame")
	case f.inside:
		f.to.ex.note("cut: a frame")
		h.d.ledger.fold(f.to.ex) // which may be over
	}
}

// headerText says what a frame's header says.
func (h *half) headerText(header []byte) string {
	if h.d.spans == nil {
		return ""
	}
	kind, flags := header[3], header[4]
	length := int(header[0])<<16 | int(header[1])<<8 | int(header[2])
	text := []string{typeName(kind)}
	if id := binary.BigEndian.Uint32(header[5:]) &^ (1 << 31); id > 0 {
		text = append(text, fmt.Sprint("stream ", id))
	}
	for _, flag := range []struct {
		bit   byte
		name  string
		kinds []byte
	}{
		{flagEndStream, "END_STREAM", []byte{typeData, typeHeaders}}, {flagEndStream, "ACK", []byte{typeSettings, typePing}},
		{flagEndHeaders, "END_HEADERS", []byte{typeHeaders, typeContinuation}}, {flagPadded, "PADDED", []byte{typeData, typeHeaders}},
		{flagPriority, "PRIORITY", []byte{typeHeaders}},
	} {
		if flags&flag.bit != 0 && strings.IndexByte(string(flag.kinds), kind) >= 0 {
			text = append(text, flag.name)
		}
	}
	return strings.Join(append(text, fmt.Sprint(length, " bytes")), ", ")
}

// payloadText says what the payload of a control frame says, whose last n bytes
// are at hand.
func (h *half) payloadText(n int64) string {
	f := &h.http2
	if h.d.spans == nil || n < h.left {
		return ""
	}
	switch {
	case f.kind == typeReset && f.worded == 4:
		return errorName(binary.BigEndian.Uint32(f.word[:]))
	case f.kind == typeGoAway && f.worded == 8:
		return fmt.Sprintf("%s, last stream %d", errorName(binary.BigEndian.Uint32(f.word[4:])), binary.BigEndian.Uint32(f.word[:]))
	case f.kind == typeWindow && f.worded == 4:
		return fmt.Sprintf("%d more bytes", binary.BigEndian.Uint32(f.word[:]))
	}
	return ""
}

// typeName returns the name of a type of frame.
func typeName(kind byte) string {
	names := []string{"DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY", "WINDOW_UPDATE", "CONTINUATION"}
	switch {
	case int(kind) < len(names):
		return names[kind]
	case kind == 0x10:
		return "PRIORITY_UPDATE" // RFC 9218, section 7.1
	}
	return fmt.Sprintf("type 0x%x", kind)
}

// settingName returns the name of a setting, without SETTINGS_.
func settingName(id uint16) string {
	names := []string{"", "HEADER_TABLE_SIZE", "ENABLE_PUSH", "MAX_CONCURRENT_STREAMS", "INITIAL_WINDOW_SIZE", "MAX_FRAME_SIZE", "MAX_HEADER_LIST_SIZE"}
	switch {
	case id > 0 && int(id) < len(names):
		return names[id]
	case id == 0x8:
		return "ENABLE_CONNECT_PROTOCOL" // RFC 8441, section 3
	case id == 0x9:
		return "NO_RFC7540_PRIORITIES" // RFC 9218, section 2.1
	}
	return fmt.Sprintf("setting 0x%x", id)
}

// errorName returns the name of an error code (RFC 9113, section 7).
func errorName(code uint32) string {
	names := []string{"NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED", "FRAME_SIZE_ERROR",
		"REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED"}
	if int(code) < len(names) {
		return names[code]
	}
	return "an error that has no name"
}
