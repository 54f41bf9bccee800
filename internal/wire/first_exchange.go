package wire

import (
	"bytes"
	"encoding/binary"
)

// A firstExchange is the first exchange of a transport on a protocol. Its first entries are kept however many follow.
type firstExchange struct {
	transport  string
	http2, tls bool

	entries []Entry
	spans   []keptSpan
	size    int // bytes of the spans
	full    bool
}

// A keptSpan is a span in the form of a ring, and its offset there.
type keptSpan struct {
	offset uint64
	b      []byte
}

// addFirst keeps an exchange if it is the first of its transport on its protocol, and returns nil if it is not.
func (r *Recording) addFirst(number uint64, first firstExchange) *firstExchange {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.firsts {
		if f.transport == first.transport && f.http2 == first.http2 && f.tls == first.tls {
			return nil
		}
	}
	r.firsts[number] = &first
	return &first
}

// keepFirst keeps those of the spans, which are in the form of a ring, that are of a first exchange.
func (r *Recording) keepFirst(spans []byte) {
	for offset := r.spans.next; len(spans) > 0; {
		n := binary.BigEndian.Uint32(spans)
		one := spans[:n]
		spans = spans[n:]
		if f := r.firsts[exchangeOf(one)]; f != nil && !f.full {
			if f.full = f.size+len(one) > maxFirst; !f.full {
				f.spans = append(f.spans, keptSpan{offset, bytes.Clone(one)})
				f.size += len(one)
			}
		}
		offset += uint64(n)
	}
}
