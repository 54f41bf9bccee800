package wire

import "encoding/binary"

const (
	maxSpanBytes = 256 << 10 // of a recording
	maxFirst     = 8 << 10   // bytes of spans of a first exchange
	lengthSize   = 4         // with which a span in the ring begins
	spanHeader   = 19        // bytes of a span in the ring before its role
)

// A spanRing keeps the newest spans: 256 KiB of them, with their exchanges, roles and texts. A span stands at an offset
// that only grows.
type spanRing struct {
	b           []byte
	first, next uint64 // the offset of the oldest span that is kept, and behind the newest
}

// appendSpan appends a span in the form in which a ring keeps it: a header, the role, then stream, name, value and text
// if it has any, and its bytes.
func appendSpan(b []byte, exchange uint64, s *Span) []byte {
	start := len(b)
	b = append(b, make([]byte, spanHeader)...)
	b = append(b, s.Role...)
	named := byte(0)
	if s.Name != "" || s.Value != "" || s.Text != "" || s.Stream > 0 {
		named = 1
		b = binary.AppendUvarint(b, uint64(s.Stream))
		for _, text := range [...]string{s.Name, s.Value, s.Text} {
			b = binary.AppendUvarint(b, uint64(len(text)))
			b = append(b, text...)
		}
	}
	b = append(b, s.Bytes...)
	h := b[start:]
	binary.BigEndian.PutUint32(h, uint32(len(h)))
	binary.BigEndian.PutUint32(h[4:], uint32(s.Size))
	binary.BigEndian.PutUint64(h[8:], exchange)
	h[16], h[17], h[18] = byte(s.Dir)<<4|byte(s.Part), byte(len(s.Role)), named
	return b
}

// exchangeOf returns the exchange of a span in a ring's form.
func exchangeOf(b []byte) uint64 { return binary.BigEndian.Uint64(b[8:]) }

// readSpan returns a span from the form in which a ring keeps it.
func readSpan(b []byte) Span {
	s := Span{
		Dir: Dir(b[16] >> 4), Part: Part(b[16] & 0xF), Size: int(binary.BigEndian.Uint32(b[4:])),
	}
	role, named := int(b[17]), b[18] == 1
	s.Role, b = string(b[spanHeader:][:role]), b[spanHeader+role:]
	if named {
		stream, size := binary.Uvarint(b)
		s.Stream, b = uint32(stream), b[size:]
		for _, text := range [...]*string{&s.Name, &s.Value, &s.Text} {
			n, size := binary.Uvarint(b)
			*text = string(b[size:][:n])
			b = b[size+int(n):]
		}
	}
	if len(b) > 0 {
		s.Bytes = b
	}
	return s
}

// append appends spans, and forgets the oldest for whose place it needs. Of more than the ring takes it keeps the last.
func (r *spanRing) append(spans []byte) {
	if r.b == nil {
		r.b = make([]byte, maxSpanBytes)
	}
	for len(spans) > maxSpanBytes {
		n := binary.BigEndian.Uint32(spans)
		spans = spans[n:]
		r.next += uint64(n)
		r.first = r.next
	}
	for r.next+uint64(len(spans))-r.first > maxSpanBytes {
		r.first += uint64(binary.BigEndian.Uint32(r.at(r.first, lengthSize)))
	}
	n := copy(r.b[r.next%maxSpanBytes:], spans)
	copy(r.b, spans[n:])
	r.next += uint64(len(spans))
}

// at returns n bytes at an offset.
func (r *spanRing) at(offset uint64, n int) []byte {
	from := int(offset % maxSpanBytes)
	if from+n <= maxSpanBytes {
		return r.b[from : from+n]
	}
	return append(append(make([]byte, 0, n), r.b[from:]...), r.b[:from+n-maxSpanBytes]...)
}

// each calls span with the offset and the form of each span.
func (r *spanRing) each(span func(offset uint64, b []byte)) {
	for at := r.first; at < r.next; {
		n := int(binary.BigEndian.Uint32(r.at(at, lengthSize)))
		span(at, r.at(at, n))
		at += uint64(n)
	}
}
