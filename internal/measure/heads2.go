package measure

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"encoding/hex"
	"net"
	"strings"
	"sync"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// chromium2 is what Chromium sends by HTTP/2, on one connection: the blocks of its
// heads (RFC 7541), a line each, in hexadecimal digits.
//
//go:embed testdata/chrome-http2.txt
var chromium2 string

// recorded returns the recorded heads, decoded, with {host} for host and port.
var recorded = sync.OnceValue(func() (heads [][]hpack.HeaderField) {
	decoder := hpack.NewDecoder(tableSize, nil)
	for line := range strings.Lines(chromium2) {
		block, _ := hex.DecodeString(strings.TrimSpace(line))
		fields, err := decoder.DecodeFull(block)
		if err != nil {
			panic("measure: testdata/chrome-http2.txt: " + err.Error())
		}
		host := fields[1].Value
		for i := range fields {
			fields[i].Value = strings.ReplaceAll(fields[i].Value, host, "{host}")
		}
		heads = append(heads, fields)
	}
	return heads
})

const (
	tableSize = 4096    // of HPACK, usually (RFC 9113, section 6.5.2)
	frameSize = 1 << 14 // of HTTP/2, usually
)

// headed2 is headed for HTTP/2: it reads the heads that the client writes, and
// writes others.
type headed2 struct {
	net.Conn
	fields  []hpack.HeaderField // to send behind the pseudo-header fields; nil: the client's own
	cookie  string              // empty: none
	encoder encoder
	decoder *hpack.Decoder

	begun bool   // behind the preface
	held  []byte // the beginning of a frame
	block []byte // of a head that is not yet complete
}

func (h Heads) headed2(conn net.Conn, kind string) *headed2 {
	c := &headed2{Conn: conn, cookie: cookie(h.Cookie), decoder: hpack.NewDecoder(tableSize, nil)}
	c.encoder.init(h.Set == Chrome)
	if h.Set == Chrome {
		for _, head := range recorded() {
			if strings.HasPrefix(head[3].Value, "/"+kind+"?") {
				c.fields = head[4:]
				break
			}
		}
	}
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
	if _, err := c.Conn.Write(out.Bytes()); err != nil {
		return 0, err
	}
	return len(b), nil
}

// frame writes a frame, or in place of the last of a head, another head. The
// client pads no head, and gives none a priority.
func (c *headed2) frame(out *bytes.Buffer, frame []byte) error {
	kind, flags := http2.FrameType(frame[3]), http2.Flags(frame[4])
	if kind != http2.FrameHeaders && kind != http2.FrameContinuation {
		out.Write(frame)
		return nil
	}
	c.block = append(c.block, frame[9:]...)
	if !flags.Has(http2.FlagHeadersEndHeaders) {
		return nil
	}
	fields, err := c.decoder.DecodeFull(c.block)
	if err != nil {
		return err
	}
	c.block = c.block[:0]
	stream := binary.BigEndian.Uint32(frame[5:])
	rest := c.encoder.encode(c.change(fields))
	framer := http2.NewFramer(out, nil)
	first := rest[:min(len(rest), frameSize)]
	rest = rest[len(first):]
	framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: first, EndStream: true, EndHeaders: len(rest) == 0})
	for len(rest) > 0 {
		next := rest[:min(len(rest), frameSize)]
		rest = rest[len(next):]
		framer.WriteContinuation(stream, len(rest) == 0, next)
	}
	return nil
}

// change returns a head as it is to be sent. The cookie stands where Chromium puts
// it, before the priority.
func (c *headed2) change(head []hpack.HeaderField) (fields []hpack.HeaderField) {
	value := func(name string) string {
		for _, f := range head {
			if f.Name == name {
				return f.Value
			}
		}
		return ""
	}
	if c.fields == nil {
		fields = append(fields, head...)
	} else {
		for _, name := range []string{":method", ":authority", ":scheme", ":path"} {
			fields = append(fields, hpack.HeaderField{Name: name, Value: value(name)})
		}
		for _, f := range c.fields {
			f.Value = strings.ReplaceAll(f.Value, "{host}", value(":authority"))
			fields = append(fields, f)
		}
		if id := value("last-event-id"); id != "" {
			fields = append(fields, hpack.HeaderField{Name: "last-event-id", Value: id})
		}
	}
	if c.cookie == "" {
		return fields
	}
	at := len(fields)
	if fields[at-1].Name == "priority" {
		at--
	}
	return append(fields[:at:at], append([]hpack.HeaderField{{Name: "cookie", Value: c.cookie}}, fields[at:]...)...)
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
