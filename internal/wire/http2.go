package wire

import (
	"encoding/binary"
)

// The preface that a client of HTTP/2 sends first (RFC 9113, section 3.4). Its first line is read as a request line.
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
	typeContinuation = 0x9 // the last in RFC 9113

	flagEndStream  = 0x1
	flagEndHeaders = 0x4
	flagPadded     = 0x8
	flagPriority   = 0x20
)

const (
	headerSize  = 9 // bytes of a frame's header
	settingSize = 6
	usualHead   = 4 << 10 // bytes of a head for which memory is kept
	maxStreams  = 1 << 10 // that are open at once
	maxEnded    = 16      // that have ended and are remembered
)

const (
	roleFrame   = "frame header"
	roleSetting = "setting"
	rolePage    = "page tag"
)

// A session is the state of HTTP/2 that both directions of a connection share.
type session struct {
	streams map[uint32]*stream // that have not ended
	newest  uint32             // the last that the client has opened
	ended   [maxEnded]struct { // the last that have ended, for frames that still arrive for them
		id uint32
		ex *exchange
	}
	nextEnded int // index in ended
}

// section is a place in the frames of one direction (RFC 9113, section 4.1).
type section struct {
	hpack *hpackReader

	inside bool // behind a frame's header, which has:
	kind   byte
	flags  byte
	id     uint32

	stream  *stream // of the frame; nil: the connection, or a stream that has ended
	to      *body   // to which the frame is booked
	late    body    // of a stream that has ended
	padded  bool    // the next byte is the length of the padding
	pad     int64   // the length of the padding
	word    [8]byte // the beginning of a payload, or of a setting
	wordLen int     // bytes of word

	goneAway bool // a GOAWAY with an error has been noted

	// A head. Each of its frames is kept until it is whole; where there are spans, all of them are kept.
	inHead bool  // a head has begun
	at     int   // the bytes of the frames that are kept, before the present one
	before int64 // the bytes of the frames that are not kept
	ends   bool  // the head ends its stream
}

// http2Begins begins HTTP/2, behind the first line of the preface.
func (d *Dissector) http2Begins() (wrong string) {
	if d.down.state != startLine || len(d.down.partial) > 0 || d.down.ex != nil {
		return "HTTP/2 where something else was spoken"
	}
	d.session = &session{streams: map[uint32]*stream{}}
	d.share()
	for _, h := range []*half{&d.up, &d.down} {
		h.ex, h.kind = d.conn, wrapping
		h.http2.hpack = newHPACK(d.maxHead+listSlop, d.spans != nil)
	}
	d.up.state, d.up.left = preface, int64(len(prefaceRest))
	d.down.state = http2
	return ""
}

// prefaceBytes takes bytes of the rest of the preface and returns their number.
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

// http2Bytes takes bytes of one frame and returns their number.
func (h *half) http2Bytes(b []byte) int {
	f := &h.http2
	if !f.inside {
		return h.frameHeader(b)
	}
	n := int(min(h.left, int64(len(b))))
	switch {
	case f.inHead:
		h.partial = append(h.partial, b[:n]...)
	case f.kind != typeData && f.kind != typeSettings:
		f.wordLen += copy(f.word[f.wordLen:], b[:n])
		f.to.bookText(Control, typeName(f.kind), h.payloadText(int64(n)), b[:n])
	case f.kind == typeSettings:
		n = min(n, settingSize-f.wordLen)
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
		h.giveUpIf(h.http2FrameEnds())
	}
	return n
}

// giveUpIf gives up where something is wrong.
func (h *half) giveUpIf(wrong string) {
	if wrong != "" {
		h.giveUp(wrong)
	}
}

// frameHeader takes bytes of a frame's header and returns their number.
func (h *half) frameHeader(b []byte) int {
	f := &h.http2
	n := min(headerSize-(len(h.partial)-f.at), len(b))
	header := b[:n]
	if f.inHead || n < headerSize {
		h.partial = append(h.partial, header...)
		header = h.partial[f.at:]
	}
	if len(header) < headerSize {
		return n
	}
	wrong := h.http2FrameBegins(header)
	if wrong != "" && len(h.partial) == 0 {
		h.partial = append(h.partial, header...) // it is not booked yet
	}
	if wrong == "" && h.left == 0 {
		wrong = h.http2FrameEnds()
	}
	h.giveUpIf(wrong)
	return n
}

// http2FrameBegins reads a frame's header, and books it. A frame of a head is kept instead, until it is whole and its
// stream is known.
func (h *half) http2FrameBegins(header []byte) (wrong string) {
	f := &h.http2
	h.left = int64(header[0])<<16 | int64(header[1])<<8 | int64(header[2])
	f.kind, f.flags = header[3], header[4]
	id := binary.BigEndian.Uint32(header[5:]) &^ (1 << 31)
	if f.inHead != (f.kind == typeContinuation) || f.inHead && id != f.id {
		return "a head that is interrupted, or goes on before it begins" // RFC 9113, section 6.10
	}
	f.id = id
	f.wordLen, f.padded, f.pad = 0, false, 0
	if f.kind == typeHeaders || f.kind == typeContinuation {
		if f.id == 0 {
			return "a frame on the wrong stream"
		}
		if int64(f.at+headerSize)+h.left > int64(4*f.hpack.maxHead) { // a server accepts twice as much at most
			return endlessHead
		}
		if len(h.partial) == f.at {
			h.partial = append(h.partial, header...)
		}
		if !f.inHead {
			f.ends = f.flags&flagEndStream != 0
			f.hpack.keep = h.d.spans != nil || h.d.generation > 0
			f.hpack.all = h.d.spans != nil
		}
		f.inHead, f.inside = true, true
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
	f.to.bookText(part, roleFrame, h.headerText(header), header)
	h.partial, f.inside = h.partial[:0], true
	return ""
}

// find finds the stream of the frame.
func (h *half) find() (wrong string) {
	f, s := &h.http2, h.d.session
	f.stream, f.to = nil, &h.body
	known := f.kind <= typeContinuation // others are ignored (RFC 9113, section 5.5)
	switch {
	case f.kind == typePush:
		return "a push, which no client here allows"
	case known && f.kind != typeWindow && isOfConnection(f.kind) != (f.id == 0):
		return "a frame on the wrong stream"
	case known && f.id > s.newest && f.kind != typePriority:
		return "a frame on a stream that is not open" // RFC 9113, section 5.1
	}
	if f.stream = s.streams[f.id]; f.stream == nil {
		f.to = h.lateBody()
		return ""
	}
	f.to = &f.stream.bodies[h.dir]
	if f.kind == typeData && (!f.stream.hasHead[h.dir] || f.stream.ex.ended[h.dir]) {
		return "data before its head, or behind its end"
	}
	return ""
}

// isOfConnection reports whether a frame of this type belongs to stream 0 (RFC 9113, section 5.1.1).
func isOfConnection(kind byte) bool {
	return kind == typeSettings || kind == typePing || kind == typeGoAway
}

// lateBody returns the body to which a frame for a stream that has ended is booked: that of the stream, or that of the
// connection where the stream is no longer remembered.
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
	f.wordLen += copy(f.word[f.wordLen:], b)
	text := ""
	if f.wordLen == settingSize {
		f.wordLen = 0
		id, value := binary.BigEndian.Uint16(f.word[:]), binary.BigEndian.Uint32(f.word[2:])
		if h.d.spans != nil {
			text = settingText(f.word[:settingSize])
		}
		if id == 0x1 { // HEADER_TABLE_SIZE: the receiver's, for the heads of the other direction
			if r := h.d.other(h.dir).http2.hpack; r != nil {
				r.allow(value)
			}
		}
	}
	h.bookText(Opening, roleSetting, text, b)
}

// http2FrameEnds ends a frame.
func (h *half) http2FrameEnds() (wrong string) {
	f := &h.http2
	f.inside = false
	if t := f.to; !f.inHead && f.kind != typeData && t.ex.trace != nil {
		t.ex.trace.control(h.dir, typeName(f.kind))
	}
	switch {
	case f.inHead:
		if wrong := h.headFrame(h.partial[f.at:]); wrong != "" {
			return wrong
		}
		if f.flags&flagEndHeaders != 0 {
			if wrong := h.headBytes(); wrong != "" {
				return wrong
			}
			f.inHead, f.at, f.before = false, 0, 0
			f.hpack.forget()
		} else if f.hpack.keeps(len(h.partial)) {
			f.at = len(h.partial)
			return ""
		} else {
			f.before += int64(len(h.partial))
			f.at = 0
		}
		if h.partial = h.partial[:0]; cap(h.partial) > usualHead { // few heads need that memory
			h.partial = nil
		}
	case f.to.ex.over(): // before, or by a frame of the other direction meanwhile
		h.d.ledger.fold(f.to.ex)
	case f.kind == typeData && f.flags&flagEndStream != 0 && f.stream != nil:
		f.to.ends()
		h.d.streamEnds(f.id, h.dir)
	case f.kind == typeReset && f.stream != nil:
		h.d.reset(f.id)
	case f.kind == typeGoAway && f.wordLen == len(f.word):
		if code := binary.BigEndian.Uint32(f.word[4:]); code != 0 && !f.goneAway {
			f.goneAway = true // further ones are not noted
			h.ex.note("GOAWAY: " + errorName(code))
		}
	}
	return ""
}

// http2Cut books the kept bytes of a frame, and notes what was cut.
func (h *half) http2Cut() {
	f := &h.http2
	switch {
	case h.state == preface:
		h.ex.note("cut: a preface")
	case f.inHead: // of an unknown stream
		h.giveUp("cut: a head")
	case len(h.partial) > 0:
		h.book(Framing, roleFrame, h.partial)
		h.partial = nil
		h.ex.note("cut: a frame")
	case f.inside:
		f.to.ex.note("cut: a frame")
		h.d.ledger.fold(f.to.ex) // whose stream may have ended
	}
}
