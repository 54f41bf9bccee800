package wire

import "encoding/binary"

const (
	maxSpanBytes = 256 << 10 // of a recording
	maxFirst     = 8 << 10   // bytes of spans of a first exchange
	lengthSize   = 4         // of a span in the ring
)

// A spanRing keeps the newest spans: 256 KiB of them, with their exchanges, roles and texts. A span stands at an offset
// that only grows.
type spanRing struct {
	b           []byte
	first, next uint64 // the offset of the oldest span that is kept, and behind the newest
}

// appendSpan appends a span in the form in which a ring keeps it: its length, its exchange, and the rest.
func appendSpan(b []byte, exchange uint64, s Span) []byte {
	start := len(b)
	b = binary.BigEndian.AppendUint32(b, 0)
	b = binary.BigEndian.AppendUint64(b, exchange)
	b = append(b, byte(s.Dir)<<4|byte(s.Part))
	b = binary.AppendUvarint(b, uint64(s.Size))
	b = binary.AppendUvarint(b, uint64(s.Stream))
	for _, text := range [...]string{s.Role, s.Name, s.Value, s.Text} {
		b = binary.AppendUvarint(b, uint64(len(text)))
		b = append(b, text...)
	}
	b = append(b, s.Bytes...)
	binary.BigEndian.PutUint32(b[start:], uint32(len(b)-start))
	return b
}

// exchangeOf returns the exchange of a span in a ring's form.
func exchangeOf(b []byte) uint64 { return binary.BigEndian.Uint64(b[lengthSize:]) }

// readSpan returns a span from the form in which a ring keeps it.
func readSpan(b []byte) (s Span) {
	b = b[lengthSize+8:]
	s.Dir, s.Part = Dir(b[0]>>4), Part(b[0]&0xF)
	b = b[1:]
	integer := func() uint64 {
		n, size := binary.Uvarint(b)
		b = b[size:]
		return n
	}
	s.Size, s.Stream = int(integer()), uint32(integer())
	for _, text := range [...]*string{&s.Role, &s.Name, &s.Value, &s.Text} {
		n := integer()
		*text = string(b[:n])
		b = b[n:]
	}
	if len(b) > 0 {
		s.Bytes = b
	}
	return s
}

// append appends one span, and forgets the oldest for whose place it needs.
func (r *spanRing) append(b []byte) {
	if r.b == nil {
		r.b = make([]byte, maxSpanBytes)
	}
	for r.next+uint64(len(b))-r.first > maxSpanBytes {
		r.first += uint64(binary.BigEndian.Uint32(r.at(r.first, lengthSize)))
	}
	n := copy(r.b[r.next%maxSpanBytes:], b)
	copy(r.b, b[n:])
	r.next += uint64(len(b))
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
