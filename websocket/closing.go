package websocket

import "encoding/binary"

// A scan follows the frames that a client sends (RFC 6455, section 5.2), only to see its close frame. Gorilla stops
// somewhere in a frame that breaks the rules, and does not read on behind it.
type scan struct {
	head   [14]byte // of the frame that comes in, at most: two bytes, the extended length, the masking key
	have   int      // bytes of the head
	inside bool     // behind the head, with so many bytes
	left   uint64   // of the payload to come
	closed bool     // a close frame has come

	deflate bool // the client may compress: RSV1 is for the first frame of a message
}

// see takes what has come, up to a frame that says it is compressed where none may: one
// of control, or one that continues a message (RFC 7692, section 6). Gorilla takes these.
// It returns how many bytes that are.
func (s *scan) see(b []byte) (legal int) {
	const rsv1, control, opcode = 0x40, 0x8, 0xF
	all := len(b)
	for len(b) > 0 && !s.closed {
		if s.deflate && s.have == 0 && b[0]&rsv1 != 0 && (b[0]&control != 0 || b[0]&opcode == 0) {
			return all - len(b)
		}
		n := uint64(1)
		if s.inside {
			n = min(s.left, uint64(len(b)))
			s.left -= n
		} else {
			s.head[s.have] = b[0]
			s.have++
			s.left, s.inside = s.payload()
		}
		b = b[n:]
		if s.inside && s.left == 0 {
			const opClose = 8
			s.closed = s.head[0]&0xF == opClose
			s.have, s.inside = 0, false
		}
	}
	return all
}

// payload returns the length of the frame's payload, once all of its head is there.
func (s *scan) payload() (length uint64, known bool) {
	extended, key := 0, 0
	switch s.head[1] & 0x7F {
	case 126:
		extended = 2
	case 127:
		extended = 8
	}
	if s.head[1]&0x80 != 0 {
		key = 4
	}
	if s.have < 2 || s.have < 2+extended+key {
		return 0, false
	}
	switch extended {
	case 2:
		return uint64(binary.BigEndian.Uint16(s.head[2:])), true
	case 8:
		return binary.BigEndian.Uint64(s.head[2:]), true
	}
	return uint64(s.head[1] & 0x7F), true
}
