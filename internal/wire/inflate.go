package wire

import (
	"bytes"
	"compress/flate"
	"io"
	"slices"
	"sync"
)

const (
	gzipHeader   = 10       // bytes (RFC 1952, section 2.3), without the optional fields
	maxUnit      = 1 << 17  // compressed bytes that were flushed at once
	maxPlain     = 1 << 20  // bytes to which a unit may inflate
	maxWindow    = 32 << 10 // bytes of the window of DEFLATE (RFC 1951, section 2)
	maxFalseEnds = 4        // bytes in a unit that look like its end, after each of which it is inflated
	maxStarts    = 256      // messages of a unit whose ids a trace has
	maxStart     = 512      // bytes of a compressed message from which its first bytes are inflated
)

// The last bytes of a flush, an empty block without compression (RFC 1951, section 3.2.4); and the same as the last
// block of a stream.
var (
	flushed = []byte{0x00, 0x00, 0xFF, 0xFF}
	final   = []byte{0x01, 0x00, 0x00, 0xFF, 0xFF}
)

// An inflater inflates a stream of events that gzip has compressed. The bytes that were flushed at once are a unit.
// They are all of one part, because a compressed byte does not belong to a single byte of the content.
type inflater struct {
	unit      []byte // the bytes since the last flush
	searched  int    // bytes of it in which no flush ends
	falseEnds int    // places in it that looked like the end of a flush
	begun     bool   // behind gzip's header
	over      bool   // behind the last block: a trailer follows
	past      []byte // the last 32 KiB that were inflated
	next      []byte // past, and then the bytes that are being inflated
	blocks    blocks
	reader    io.ReadCloser
	inner     body // reads the inflated bytes, and counts them in an exchange of its own

	// For a trace: the first bytes of the message that is being read, and of the messages of the unit.
	start  []byte
	starts [][]byte
}

func newInflater() *inflater {
	z := &inflater{reader: flate.NewReader(nil)}
	z.inner = body{d: new(Dissector), dir: Down, ex: stray(), kind: eventStream}
	return z
}

// blocks are the input of DEFLATE: a unit, and the bytes that end it.
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

// zipped takes bytes of a compressed body. They are kept until a flush ends. Bytes that only look like the end of a
// flush are recognized because the unit does not inflate.
func (m *body) zipped(b []byte) {
	z := m.zip
	if m.ex.trace != nil && z.inner.d.spans == nil {
		z.inner.d.spans = z.collect
	}
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
		at := bytes.Index(z.unit[z.searched:], flushed)
		end := len(z.unit)
		if at >= 0 {
			end = z.searched + at + len(flushed)
		}
		if end > maxUnit || z.falseEnds > maxFalseEnds {
			m.unzippable()
			return
		}
		if at < 0 {
			z.searched = max(z.searched, len(z.unit)-len(flushed)+1)
			return
		}
		z.searched += at + 1
		z.falseEnds++
		if z.inflate(z.unit[:end], final) {
			z.over = z.over || z.blocks.end != nil // the last block is in the unit itself
			m.unitEnds(z.unit[:end])
			if z.unit = z.unit[:copy(z.unit, z.unit[end:])]; cap(z.unit) > maxWindow {
				z.unit = slices.Clone(z.unit)
			}
			z.searched, z.falseEnds = 0, 0
		}
	}
}

// inflate inflates a unit and reads its content, or returns false where the bytes are no unit.
func (z *inflater) inflate(unit, end []byte) (ok bool) {
	was, start := z.inner, z.start
	z.starts = nil
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
			z.inner, z.start = was, start
			return false
		}
	}
}

// collect takes the spans of the inflated bytes.
func (z *inflater) collect(s Span) {
	switch {
	case len(z.starts) == maxStarts:
	case s.Role == "message":
		z.start = append(z.start, s.Bytes[:min(len(s.Bytes), maxBegun-len(z.start))]...)
	case s.Role == "blank line" && len(z.start) > 0:
		z.starts, z.start = append(z.starts, z.start), nil
	}
}

// unitEnds books a unit. It is payload if its content has bytes of a message, else the first of opening, control and
// envelope of which it has bytes; and framing where it has no content.
func (m *body) unitEnds(unit []byte) {
	z := m.zip
	part := Framing
	for _, p := range []Part{Envelope, Control, Opening, Payload} {
		if z.inner.ex.counts[Down][p] > 0 {
			part = p
		}
	}
	m.book(part, "compressed", unit)
	for i := range z.inner.ex.messages[Down] {
		if m.ex.trace != nil && int(i) < len(z.starts) {
			m.ex.trace.start(z.starts[i])
		}
		m.countMessage()
	}
}

// unzippable leaves the rest of the body unaccounted.
func (m *body) unzippable() {
	m.kind = unreadable
	m.book(Unaccounted, "compressed", m.zip.unit)
	m.zip = nil
}

// zipEnds books the kept bytes of a compressed body, which are its last blocks and gzip's trailer, or the beginning of
// these, and returns whether an event is unfinished. Bytes behind it are envelope.
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

// startReaders inflate the first bytes of messages. Each has 40 KiB, which no connection keeps.
var startReaders = sync.Pool{New: func() any { return &startReader{reader: flate.NewReader(nil)} }}

type startReader struct {
	reader io.ReadCloser
	blocks blocks
}

// inflateStart inflates the first bytes of a compressed message into start (RFC 7692, section 7.2.2), and returns their
// number.
func inflateStart(start, compressed []byte) int {
	z := startReaders.Get().(*startReader)
	defer startReaders.Put(z)
	z.blocks = blocks{compressed, flushed}
	z.reader.(flate.Resetter).Reset(&z.blocks, nil)
	n, _ := io.ReadFull(z.reader, start)
	z.blocks = blocks{}
	return n
}
