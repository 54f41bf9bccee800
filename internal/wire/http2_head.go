package wire

import (
	"cmp"

	"golang.org/x/net/http2/hpack"
)

// headFrame reads a frame of a head.
func (h *half) headFrame(frame []byte) (wrong string) {
	bad := eachPiece(frame, func(role string, b []byte) {
		if role == "" && wrong == "" {
			wrong = h.http2.hpack.read(b)
		}
	})
	return cmp.Or(bad, wrong)
}

// headBytes ends a head (RFC 9113, section 8.1): its HEADERS frame, and the CONTINUATION frames behind it. Where it
// returns what is wrong, it has booked nothing.
func (h *half) headBytes() (wrong string) {
	f, d := &h.http2, h.d
	if wrong := f.hpack.end(); wrong != "" {
		return wrong
	}
	m := &f.hpack.head
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
	to.count(part, f.before+int64(len(h.partial)-tag))
	to.count(Tag, int64(tag))
	if f.hpack.keep && (d.spans != nil || to.ex.trace != nil) {
		h.emitHead(to, part, tag)
	}
	if to.ex.over() {
		d.ledger.fold(to.ex)
	}
	if s != nil && h.dir == Down {
		s.ex.trace.response(m.status)
	}
	if s == nil || h.dir == Down && m.status < 200 && !s.hasHead[Down] { // late, or an interim response
		return ""
	}
	if s.hasHead[h.dir] && f.ends {
		to.ends()
	}
	if !s.hasHead[h.dir] {
		s.hasHead[h.dir] = true
		to.begins(&m.head)
	}
	if f.ends {
		d.streamEnds(f.id, h.dir)
	}
	return ""
}

// emitHead emits the spans of a head, frame by frame and field by field. The last tag bytes of its path are the page
// tag.
func (h *half) emitHead(to *body, part Part, tag int) {
	fields, path := h.http2.hpack.fields, 0 // the last :path
	for i := range fields {
		if fields[i].Name == ":path" {
			path = i
		}
	}
	i, done := 0, 0 // the next field, and its bytes that have been emitted
	eachPiece(h.partial, func(role string, b []byte) {
		if role != "" {
			text := ""
			if role == roleFrame {
				text = h.headerText(b)
			}
			to.emit(part, role, hpack.HeaderField{}, text, b)
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
			whole, text := hpack.HeaderField{Name: field.Name}, ""
			if done+n == field.size {
				whole, text = field.HeaderField, field.text()
			}
			if to.ex.trace != nil && isSecret(field.Name) {
				b = field.masked(b, done)
			}
			to.emit(part, field.role(), whole, text, b[:own])
			to.emit(Tag, rolePage, hpack.HeaderField{}, "what page= adds to the path", b[own:n])
			b = b[n:]
			if done += n; done == field.size {
				i, done = i+1, 0
			}
		}
	})
}

// eachPiece calls piece for the pieces of the frames of a head: the header of each, the bytes before and behind its
// fragment, and with role "" the fragment of the field block. It returns what is wrong with the frames.
func eachPiece(frames []byte, piece func(role string, b []byte)) (wrong string) {
	for len(frames) > 0 {
		size := headerSize + (int(frames[0])<<16 | int(frames[1])<<8 | int(frames[2]))
		kind, flags := frames[3], frames[4]
		frame := frames[:size]
		frames = frames[size:]
		piece(roleFrame, frame[:headerSize])
		frame = frame[headerSize:]
		pad := 0
		if kind == typeHeaders && flags&flagPadded != 0 {
			if len(frame) == 0 {
				return "more padding than frame"
			}
			pad = int(frame[0])
			piece("pad length", frame[:1])
			frame = frame[1:]
		}
		if kind == typeHeaders && flags&flagPriority != 0 {
			if len(frame) < 5 {
				return "a head too short"
			}
			piece("priority", frame[:5])
			frame = frame[5:]
		}
		if pad > len(frame) {
			return "more padding than frame"
		}
		piece("", frame[:len(frame)-pad])
		if pad > 0 {
			piece("padding", frame[len(frame)-pad:])
		}
	}
	return ""
}
