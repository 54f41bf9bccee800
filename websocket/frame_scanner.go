package websocket

import "encoding/binary"

// A frameScanner follows the frames that a client sends (RFC 6455, section 5.2) to find its close frame. Gorilla stops
// within a frame that breaks the protocol, and does not read the frames behind it.
type frameScanner struct {
	header [14]byte // of the present frame, at most: two bytes, the extended length, the masking key
	read   int      // bytes of the header
	inside bool     // behind the header
	left   uint64   // bytes of the payload to come
	closed bool     // a close frame has ended

	deflate bool // the client may compress: RSV1 is allowed in the first frame of a message
}

// scan takes the next bytes, up to a frame that has RSV1 set where that is not allowed: a control frame, or one that
// continues a message (RFC 7692, section 6). Gorilla accepts these. It returns the number of bytes before such a frame.
func (s *frameScanner) scan(b []byte) (legal int) {
	const rsv1, control, opcode = 0x40, 0x8, 0xF
	all := len(b)
	for len(b) > 0 && !s.closed {
		if s.deflate && s.read == 0 && b[0]&rsv1 != 0 && (b[0]&control != 0 || b[0]&opcode == 0) {
			return all - len(b)
		}
		n := uint64(1)
		if s.inside {
			n = min(s.left, uint64(len(b)))
			s.left -= n
		} else {
			s.header[s.read] = b[0]
			s.read++
			s.left, s.inside = s.payloadLength()
		}
		b = b[n:]
		if s.inside && s.left == 0 {
			const opClose = 8
			s.closed = s.header[0]&0xF == opClose
			s.read, s.inside = 0, false
		}
	}
	return all
}

// payloadLength returns the length of the frame's payload, once the header is complete.
func (s *frameScanner) payloadLength() (length uint64, known bool) {
	extended, key := 0, 0
	switch s.header[1] & 0x7F {
	case 126:
		extended = 2
	case 127:
		extended = 8
	}
	if s.header[1]&0x80 != 0 {
		key = 4
	}
	if s.read < 2 || s.read < 2+extended+key {
		return 0, false
	}
	switch extended {
	case 2:
		return uint64(binary.BigEndian.Uint16(s.header[2:])), true
	case 8:
		return binary.BigEndian.Uint64(s.header[2:]), true
	}
	return uint64(s.header[1] & 0x7F), true
}
