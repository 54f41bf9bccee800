package wire

import (
	"bytes"
	"compress/flate"
	"io"
)

const (
	gzipHeader = 10       // bytes (RFC 1952, section 2.3), without the optional fields
	maxUnit    = 1 << 17  // bytes of what is compressed and was flushed at once
	maxPlain   = 1 << 20  // bytes that it may inflate to
	maxWindow  = 32 << 10 // bytes that DEFLATE looks back (RFC 1951, section 2)
	maxLook    = 512      // bytes of a compressed message in which its beginning is found
)

// What a flush ends with, an empty block without compression (RFC 1951, section
// 3.2.4); and the same as the last block of all.
var (
	flushed = []byte{0x00, 0x00, 0xFF, 0xFF}
	final   = []byte{0x01, 0x00, 0x00, 0xFF, 0xFF}
)

// An inflater looks into a stream of events that gzip has compressed. What was
// flushed at once is a unit: its bytes are all of one part, since nobody can say
// which of them stand for what.
type inflater struct {
	unit   []byte // since the last flush
	looked int    // bytes of it in which no flush ends
	begun  bool   // behind gzip's header
	over   bool   // behind the last block: a trailer follows
	window []byte // the last that was inflated
	reader io.ReadCloser
	inner  body // reads what was inflated, and counts it in an exchange of its own
}

func newInflater() *inflater {
	z := &inflater{reader: flate.NewReader(nil)}
	z.inner = body{d: new(Dissector), dir: Down, ex: stray(), kind: eventStream}
	return z
}

// zipped takes bytes of a compressed body. They are kept until a flush ends: a
// unit that is none yet, though it looks as if it ended, does not inflate.
func (m *body) zipped(b []byte) {
	z := m.zip
	z.unit = append(z.unit, b...)
	if !z.begun {
		if len(z.unit) < gzipHeader {
			return
		}
		if !bytes.HasPrefix(z.unit, []byte{0x1F, 0x8B, 8, 0}) {
			m.unzippable()
			return
		}
		z.begun = true
		m.book(Opening, "gzip header", z.unit[:gzipHeader])
		z.unit = z.unit[:copy(z.unit, z.unit[gzipHeader:])]
	}
	rest := z.unit
	for {
		at := bytes.Index(rest[z.looked:], flushed)
		if at < 0 {
			break
		}
		z.looked += at + 1
		end := z.looked - 1 + len(flushed)
		if plain, ok := z.inflate(append(rest[:end:end], final...)); ok {
			_, z.over = z.inflate(rest[:end])
			m.unitEnds(rest[:end], plain)
			rest, z.looked = rest[end:], 0
		}
	}
	z.looked = max(z.looked, len(rest)-len(flushed)+1)
	z.unit = z.unit[:copy(z.unit, rest)]
	if len(z.unit) > maxUnit {
		m.unzippable()
	}
}

// inflate returns what whole blocks inflate to, the last of which must be final.
func (z *inflater) inflate(blocks []byte) (plain []byte, ok bool) {
	z.reader.(flate.Resetter).Reset(bytes.NewReader(blocks), z.window)
	plain, err := io.ReadAll(io.LimitReader(z.reader, maxPlain+1))
	return plain, err == nil && len(plain) <= maxPlain
}

// unitEnds books a unit. It is payload if it has anything of a message, else what
// it has the first of: opening, control, envelope; and framing where it has
// nothing.
func (m *body) unitEnds(unit, plain []byte) {
	z := m.zip
	z.window = append(z.window, plain...)
	z.window = bytes.Clone(z.window[max(0, len(z.window)-maxWindow):])
	z.inner.ex.counts[Down], z.inner.ex.messages[Down] = counts{}, 0
	z.inner.eventBytes(plain)
	part := Framing
	for _, p := range []Part{Envelope, Control, Opening, Payload} {
		if z.inner.ex.counts[Down][p] > 0 {
			part = p
		}
	}
	m.book(part, "compressed", unit)
	for range z.inner.ex.messages[Down] {
		m.message()
	}
}

// unzippable leaves the rest of the body unaccounted.
func (m *body) unzippable() {
	m.kind = unreadable
	m.book(Unaccounted, "compressed", m.zip.unit)
	m.zip = nil
}

// zipEnds books what is kept of a compressed body, its last blocks and gzip's
// trailer or what was cut of them, and says if an event is unfinished.
func (m *body) zipEnds() (unfinished string) {
	z := m.zip
	if plain, ok := z.inflate(z.unit); ok && !z.over {
		m.unitEnds(z.unit, plain)
	} else if z.over {
		m.book(Framing, "gzip trailer", z.unit)
	} else {
		m.book(Envelope, "compressed", z.unit)
	}
	m.zip = nil
	return z.inner.eventCut()
}

// beginning returns how a compressed message begins (RFC 7692, section 7.2.2).
func beginning(compressed []byte) []byte {
	var start [len(frame{}.start)]byte
	reader := flate.NewReader(io.MultiReader(bytes.NewReader(compressed), bytes.NewReader(flushed)))
	n, _ := io.ReadFull(reader, start[:])
	return start[:n]
}
