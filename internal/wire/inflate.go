package wire

import (
	"bytes"
	"compress/flate"
	"io"
	"slices"
	"sync"
)

const (
	gzipHeader = 10       // bytes (RFC 1952, section 2.3), without the optional fields
	maxUnit    = 1 << 17  // bytes of what is compressed and was flushed at once
	maxPlain   = 1 << 20  // bytes that it may inflate to
	maxWindow  = 32 << 10 // bytes that DEFLATE looks back (RFC 1951, section 2)
	maxMarks   = 4        // ends of a flush in a unit that are none: each has it inflated in vain
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
	marks  int    // that looked like it, and were not
	begun  bool   // behind gzip's header
	over   bool   // behind the last block: a trailer follows
	past   []byte // what was inflated, the last 32 KiB of it,
	next   []byte // and then what is being inflated
	blocks blocks
	reader io.ReadCloser
	inner  body // reads what was inflated, and counts it in an exchange of its own
}

func newInflater() *inflater {
	z := &inflater{reader: flate.NewReader(nil)}
	z.inner = body{d: new(Dissector), dir: Down, ex: stray(), kind: eventStream}
	return z
}

// blocks are what DEFLATE reads: a unit, and what ends it.
type blocks struct{ unit, end []byte }

func (b *blocks) ReadByte() (byte, error) {
	if len(b.unit) == 0 {
		b.unit, b.end = b.end, nil
	}
	if len(b.unit) == 0 {
		return 0, io.EOF
	}
	c := b.unit[0]
	b.unit = b.unit[1:]
	return c, nil
}

func (b *blocks) Read(p []byte) (n int, err error) {
	if len(b.unit) == 0 {
		b.unit, b.end = b.end, nil
	}
	if len(b.unit) == 0 {
		return 0, io.EOF
	}
	n = copy(p, b.unit)
	b.unit = b.unit[n:]
	return n, nil
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
	for {
		at := bytes.Index(z.unit[z.looked:], flushed)
		end := len(z.unit)
		if at >= 0 {
			end = z.looked + at + len(flushed)
		}
		if end > maxUnit || z.marks > maxMarks {
			m.unzippable()
			return
		}
		if at < 0 {
			z.looked = max(z.looked, len(z.unit)-len(flushed)+1)
			return
		}
		z.looked += at + 1
		z.marks++
		if z.inflate(z.unit[:end], final) {
			z.over = z.over || z.blocks.end != nil // what is final stands in the unit itself
			m.unitEnds(z.unit[:end])
			if z.unit = z.unit[:copy(z.unit, z.unit[end:])]; cap(z.unit) > maxWindow {
				z.unit = slices.Clone(z.unit)
			}
			z.looked, z.marks = 0, 0
		}
	}
}

// inflate reads what a unit inflates to, or returns false where it is none.
func (z *inflater) inflate(unit, end []byte) (ok bool) {
	was := z.inner
	z.inner.ex.counts[Down], z.inner.ex.messages[Down] = counts{}, 0
	z.blocks = blocks{unit, end}
	z.reader.(flate.Resetter).Reset(&z.blocks, z.past)
	z.next = append(z.next[:0], z.past...)
	for size := 0; ; {
		if len(z.next) > 2*maxWindow {
			z.next = z.next[:copy(z.next, z.next[len(z.next)-maxWindow:])]
		}
		z.next = slices.Grow(z.next, 1<<12)
		n, err := z.reader.Read(z.next[len(z.next):cap(z.next)])
		z.inner.eventBytes(z.next[len(z.next):][:n])
		z.next = z.next[:len(z.next)+n]
		size += n
		if err == io.EOF {
			z.past = append(z.past[:0], z.next[max(0, len(z.next)-maxWindow):]...)
			return true
		}
		if err != nil || size > maxPlain {
			z.inner = was
			return false
		}
	}
}

// unitEnds books a unit. It is payload if it has anything of a message, else what
// it has the first of: opening, control, envelope; and framing where it has
// nothing.
func (m *body) unitEnds(unit []byte) {
	z := m.zip
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
// trailer or what was cut of them, and says if an event is unfinished. What comes
// nevertheless is envelope.
func (m *body) zipEnds() (unfinished string) {
	z := m.zip
	ok := z.inflate(z.unit, nil)
	switch {
	case z.over:
		m.book(Framing, "gzip trailer", z.unit)
	case ok:
		m.unitEnds(z.unit)
	default:
		m.book(Envelope, "compressed", z.unit)
	}
	m.kind, m.zip = wrapping, nil
	return z.inner.eventCut()
}

// beginners read how a message begins. Each has 40 KiB, which no connection keeps.
var beginners = sync.Pool{New: func() any { return &beginner{reader: flate.NewReader(nil)} }}

type beginner struct {
	reader io.ReadCloser
	blocks blocks
}

// beginning puts into start how a compressed message begins (RFC 7692, section
// 7.2.2), and returns how many bytes that are.
func beginning(start, compressed []byte) int {
	z := beginners.Get().(*beginner)
	defer beginners.Put(z)
	z.blocks = blocks{compressed, flushed}
	z.reader.(flate.Resetter).Reset(&z.blocks, nil)
	n, _ := io.ReadFull(z.reader, start)
	z.blocks = blocks{}
	return n
}
