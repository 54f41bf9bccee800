package measure

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"slices"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const (
	tableSize = 4096    // of HPACK, usually (RFC 9113, section 6.5.2)
	frameSize = 1 << 14 // of HTTP/2, usually
)

// headed2 is headed for HTTP/2: it decodes the headers that the client writes, and
// writes others. All other frames it leaves.
type headed2 struct {
	net.Conn
	rewriting
	encoder encoder
	decoder *hpack.Decoder

	begun bool        // behind the preface
	held  []byte      // the beginning of a frame
	block []byte      // of headers that are not yet complete
	flags http2.Flags // of the frame in which they began
}

func newHeaded2(conn net.Conn, to rewriting) *headed2 {
	c := &headed2{Conn: conn, rewriting: to, decoder: hpack.NewDecoder(tableSize, nil)}
	c.encoder.init(to.recording != nil)
	return c
}

func (c *headed2) Write(b []byte) (int, error) {
	c.held = append(c.held, b...)
	var out bytes.Buffer
	if !c.begun {
		if len(c.held) < len(http2.ClientPreface) {
			return len(b), nil
		}
		c.begun = true
		out.Write(c.held[:len(http2.ClientPreface)])
		c.held = c.held[len(http2.ClientPreface):]
	}
	for len(c.held) >= 9 {
		length := int(binary.BigEndian.Uint32(c.held) >> 8)
		if len(c.held) < 9+length {
			break
		}
		if err := c.frame(&out, c.held[:9+length]); err != nil {
			return 0, err
		}
		c.held = c.held[9+length:]
	}
	c.held = bytes.Clone(c.held)
	if out.Len() == 0 {
		return len(b), nil
	}
	if _, err := c.Conn.Write(out.Bytes()); err != nil {
		return 0, err
	}
	return len(b), nil
}

// frame writes a frame, or in place of the last of some headers, others. They end the
// stream if the client's did (RFC 9113, section 8.1): those of a POST do not.
func (c *headed2) frame(out *bytes.Buffer, frame []byte) error {
	kind, flags := http2.FrameType(frame[3]), http2.Flags(frame[4])
	if kind != http2.FrameHeaders && kind != http2.FrameContinuation {
		out.Write(frame)
		return nil
	}
	if kind == http2.FrameHeaders {
		c.flags = flags
	}
	if c.flags.Has(http2.FlagHeadersPadded) || c.flags.Has(http2.FlagHeadersPriority) {
		return errors.New("a HEADERS frame with padding or a priority cannot be rewritten")
	}
	c.block = append(c.block, frame[9:]...)
	if !flags.Has(http2.FlagHeadersEndHeaders) {
		return nil
	}
	resized := bytes.TrimPrefix(c.block, []byte("\x3f\xe1\x1f")) // to 4096, which it is
	if len(resized) > 0 && resized[0]&0xe0 == 0x20 {             // RFC 7541, section 6.3
		return errors.New("the server's HPACK table has not 4096 bytes: " +
			"requests cannot be rewritten for it, so leave out --headers and --cookie")
	}
	fields, err := c.decoder.DecodeFull(c.block)
	if err != nil {
		return err
	}
	c.block = c.block[:0]
	if fields, err = c.change(fields); err != nil {
		return err
	}
	stream := binary.BigEndian.Uint32(frame[5:])
	rest := c.encoder.encode(fields)
	framer := http2.NewFramer(out, nil)
	first := rest[:min(len(rest), frameSize)]
	rest = rest[len(first):]
	framer.WriteHeaders(http2.HeadersFrameParam{
		StreamID: stream, BlockFragment: first, EndHeaders: len(rest) == 0, EndStream: c.flags.Has(http2.FlagHeadersEndStream),
	})
	for len(rest) > 0 {
		next := rest[:min(len(rest), frameSize)]
		rest = rest[len(next):]
		framer.WriteContinuation(stream, len(rest) == 0, next)
	}
	return nil
}

// change returns headers as they are to be sent; trailers, which have no method, are
// left. The cookie stands where Chromium puts it, before the priority.
func (c *headed2) change(head []hpack.HeaderField) (fields []hpack.HeaderField, err error) {
	value := func(name string) string {
		for _, f := range head {
			if f.Name == name {
				return f.Value
			}
		}
		return ""
	}
	if value(":method") == "" {
		return head, nil
	}
	if c.recording == nil {
		fields = append(fields, head...)
	} else {
		kind, err := kindOf(value(":method"), value)
		if err != nil {
			return nil, err
		}
		for _, name := range []string{":method", ":authority", ":scheme", ":path"} {
			fields = append(fields, hpack.HeaderField{Name: name, Value: value(name)})
		}
		named := c.named(value(":authority"), "", value("content-length"))
		for _, f := range c.recording.fields[kind] {
			f.Value = named.Replace(f.Value)
			if f.Name != "content-length" || f.Value != "" {
				fields = append(fields, f)
			}
		}
		if id := value("last-event-id"); id != "" {
			fields = append(fields, hpack.HeaderField{Name: "last-event-id", Value: id})
		}
	}
	if c.cookie == "" {
		return fields, nil
	}
	at := len(fields)
	if fields[at-1].Name == "priority" {
		at--
	}
	return slices.Insert(fields, at, hpack.HeaderField{Name: "cookie", Value: c.cookie}), nil
}

// An encoder encodes heads as Go does or, which the recording holds it to, as
// Chromium does. That one never adds a path to the table, and adds what the table
// cannot hold, which empties it (RFC 7541, section 4.4).
type encoder struct {
	hpack  *hpack.Encoder
	out    bytes.Buffer
	chrome bool
	resets int // bytes that tell of a table that was emptied, and are not sent
}

func (e *encoder) init(chrome bool) {
	e.hpack, e.chrome = hpack.NewEncoder(&e.out), chrome
}

func (e *encoder) encode(fields []hpack.HeaderField) []byte {
	e.out.Reset()
	for _, f := range fields {
		at := e.out.Len()
		switch {
		case e.chrome && f.Name == ":path" && f.Value != "/": // which the static table has
			f.Sensitive = true
			e.hpack.WriteField(f)
			e.told(at)
			e.out.Bytes()[at] = 4 // not added, which is less than never added; the name is that of index 4
		case e.chrome && f.Size() > tableSize:
			e.hpack.WriteField(f) // as a literal that is not added, whose name is in the static table: cookie, 32
			e.told(at)
			literal := bytes.Clone(e.out.Bytes()[at:])
			e.out.Truncate(at)
			e.out.WriteByte(0x40 | 32)
			e.out.Write(literal[2:])
			e.hpack.SetMaxDynamicTableSize(0)
			e.hpack.SetMaxDynamicTableSize(tableSize)
			e.resets = len("\x20\x3f\xe1\x1f")
		default:
			e.hpack.WriteField(f)
			e.told(at)
		}
	}
	return e.out.Bytes()
}

// told takes back what tells of a table that was emptied.
func (e *encoder) told(at int) {
	field := bytes.Clone(e.out.Bytes()[at+e.resets:])
	e.out.Truncate(at)
	e.out.Write(field)
	e.resets = 0
}
