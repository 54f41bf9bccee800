package wire

import "encoding/binary"

// frame is a place in the frames of a WebSocket (RFC 6455, section 5.2).
type frame struct {
	header [14]byte
	read   int // bytes of it
	fin    bool
	opcode byte

	deflate bool   // messages may be compressed
	zip     []byte // the beginning of a compressed message, while it is undecided

	// The message of the data frames; control frames may be between them.
	packed    bool // it is compressed
	inside    bool
	part      Part     // of its payload
	undecided bool     // the part is not known yet: the header is not booked
	start     [12]byte // the first bytes of the payload, which decide the part
	startLen  int
	pastFirst bool // the first message has begun
}

// The roles of the bytes of a frame; a [Listing] shows them bit by bit.
const (
	roleOpcode  = "FIN and opcode"
	roleLength  = "MASK and length"
	roleKey     = "masking key"
	rolePayload = "payload"
)

// rsv1 is set in the first frame of a compressed message (RFC 7692, section 6).
const rsv1 = 0x40

const (
	continuation = 0x0
	textFrame    = 0x1
	binaryFrame  = 0x2
	closeFrame   = 0x8
	ping         = 0x9
	pong         = 0xA
)

// upgrade begins the frames. With deflate messages may be compressed, each separately (RFC 7692).
func (h *half) upgrade(deflate bool) {
	h.state, h.frame, h.left = frames, frame{deflate: deflate}, 0
	h.kind = h.ex.lane.down
	if h.dir == Up {
		h.kind = h.ex.lane.up
	}
}

// size returns the size of the header, as far as its first bytes determine it.
func (f *frame) size() int {
	if f.read < 2 {
		return 2
	}
	size := 2
	switch f.header[1] & 0x7F {
	case 126:
		size += 2
	case 127:
		size += 8
	}
	if f.masked() {
		size += 4
	}
	return size
}

func (f *frame) masked() bool    { return f.header[1]&0x80 != 0 }
func (f *frame) isControl() bool { return f.header[0]&0x8 != 0 }

// mayCompress reports whether RSV1 may be set.
func (f *frame) mayCompress() bool { return f.deflate && !f.isControl() && f.opcode != continuation }

// length returns the length of the payload.
func (f *frame) length() uint64 {
	switch n := f.header[1] & 0x7F; n {
	case 126:
		return uint64(binary.BigEndian.Uint16(f.header[2:]))
	case 127:
		return binary.BigEndian.Uint64(f.header[2:])
	default:
		return uint64(n)
	}
}

// frameBytes takes bytes of one frame and returns their number.
func (h *half) frameBytes(b []byte) int {
	f := &h.frame
	if size := f.size(); f.read < size {
		n := copy(f.header[f.read:size], b)
		if f.read += n; f.read == f.size() {
			if wrong := h.frameBegins(); wrong != "" {
				h.book(Unaccounted, "unknown", f.header[:f.read])
				h.giveUp(wrong)
			}
		}
		return n
	}
	n := int(min(h.left, int64(len(b))))
	h.left -= int64(n)
	if f.undecided && !f.isControl() {
		h.undecidedPayload(b[:n])
	} else {
		h.framePayload(b[:n])
	}
	if h.left == 0 {
		h.frameEnds()
	}
	return n
}

// frameBegins checks a header and books it, unless the payload decides its part.
func (h *half) frameBegins() (wrong string) {
	f := &h.frame
	f.fin, f.opcode = f.header[0]&0x80 != 0, f.header[0]&0xF
	length := f.length()
	switch {
	case f.header[0]&0x70 != 0 && !(f.header[0]&0x70 == rsv1 && f.mayCompress()):
		return "reserved bits, without an extension"
	case f.masked() != (h.dir == Up):
		return "a mask where none belongs, or none where one does" // RFC 6455, section 5.1
	case length > 1<<63-1:
		return "a frame beyond all bounds"
	case f.isControl() && (length > 125 || !f.fin):
		return "a control frame too long, or in pieces" // RFC 6455, section 5.5
	case f.isControl() && f.opcode > pong, !f.isControl() && f.opcode > binaryFrame:
		return "an opcode without a meaning"
	case !f.isControl() && f.inside != (f.opcode == continuation):
		return "a message inside another, or a continuation of none" // RFC 6455, section 5.4
	}
	h.left = int64(length)

	switch {
	case f.isControl():
		h.bookHeader(Control)
	case f.opcode == continuation:
		h.bookHeader(f.around())
	default:
		f.inside, f.packed = true, f.header[0]&rsv1 != 0
		h.echo = echo{}
		switch h.kind {
		case entries:
			f.undecided, f.startLen = true, 0
		case text, file:
			f.part = Payload
		default:
			f.part = Envelope
		}
		if !f.undecided {
			h.bookHeader(Framing)
		} else if length == 0 {
			h.decideMessage()
		}
	}
	if length == 0 {
		h.frameEnds()
	}
	return ""
}

// undecidedPayload takes payload from the start of a message of the lab on, until its part is known.
func (h *half) undecidedPayload(b []byte) {
	f := &h.frame
	if f.packed {
		n := min(len(b), maxStart-len(f.zip))
		f.zip = append(f.zip, b[:n]...)
		if h.left == 0 || len(f.zip) == maxStart {
			f.startLen = inflateStart(f.start[:], f.zip)
			h.ex.trace.packed(h.dir, f.zip)
			h.decideMessage()
			h.framePayload(f.zip)
			h.framePayload(b[n:])
			f.zip = f.zip[:0]
		}
		return
	}
	kept := f.startLen
	f.startLen += copy(f.start[kept:], b)
	if f.startLen == len(f.start) || h.left == 0 {
		h.decideMessage()
		h.framePayload(f.start[:kept])
		h.framePayload(b)
	}
}

// decideMessage sets the part of the message, and books the header.
func (h *half) decideMessage() {
	f := &h.frame
	f.undecided = false
	f.part = entryOf(f.start[:f.startLen])
	if f.part == Opening && f.pastFirst {
		f.part = Envelope // only the first is the hello
	}
	f.pastFirst = true
	h.bookHeader(f.around())
}

// around returns the part of the headers of the message's frames.
func (f *frame) around() Part {
	if f.part == Control || f.part == Opening {
		return f.part // these messages are one part as a whole
	}
	return Framing
}

func (h *half) bookHeader(part Part) {
	f := &h.frame
	mask := f.size()
	if f.masked() {
		mask -= 4
	}
	h.book(part, roleOpcode, f.header[:1])
	h.book(part, roleLength, f.header[1:mask])
	h.book(part, roleKey, f.header[mask:f.size()])
}

func (h *half) framePayload(b []byte) {
	f := &h.frame
	switch {
	case f.isControl():
		h.book(Control, opcodeName(f.opcode), b)
	case h.kind == echoed:
		h.echoBytes(b)
	default:
		h.book(f.part, rolePayload, b)
	}
}

func (h *half) frameEnds() {
	f := &h.frame
	f.read = 0
	if f.isControl() {
		h.ex.trace.control(h.dir, opcodeName(f.opcode))
	}
	switch {
	case f.opcode == closeFrame:
		h.state = over // RFC 6455, section 5.5.1
	case f.isControl() || !f.fin:
	default:
		f.inside = false
		switch {
		case f.part == Payload && h.kind != file || h.kind == echoed && h.echo.begun():
			h.countMessage()
		case h.kind != entries:
		case f.part == Control:
			h.ex.trace.control(h.dir, "heartbeat")
		case f.part == Opening:
			h.ex.trace.control(h.dir, "hello")
		default:
			h.ex.trace.gap()
		}
	}
}

// frameCut books the kept bytes of a frame, and returns what is unfinished.
func (h *half) frameCut() (unfinished string) {
	f := &h.frame
	switch {
	case f.read == 0 && f.inside:
		return "a message"
	case f.read == 0:
		return ""
	case f.read == f.size() && f.undecided && !f.isControl():
		if f.packed {
			f.startLen = inflateStart(f.start[:], f.zip)
			h.decideMessage()
			h.framePayload(f.zip)
			break
		}
		h.decideMessage()
		h.framePayload(f.start[:f.startLen])
	case f.read < f.size() && f.isControl():
		h.book(Control, "frame header", f.header[:f.read])
	case f.read < f.size():
		h.book(Framing, "frame header", f.header[:f.read])
	}
	return "a frame"
}

func opcodeName(opcode byte) string {
	switch opcode {
	case continuation:
		return "continuation"
	case textFrame:
		return "text"
	case binaryFrame:
		return "binary"
	case closeFrame:
		return "close"
	case ping:
		return "ping"
	case pong:
		return "pong"
	}
	return "reserved"
}
