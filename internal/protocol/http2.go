package protocol

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
	tableSize   = 4096    // the default size of HPACK's dynamic table (RFC 9113, section 6.5.2)
	frameSize   = 1 << 14 // the default maximum of a frame's payload (RFC 9113, section 4.2)
	frameHeader = 9       // bytes of a frame's header (RFC 9113, section 4.1)
)

// An http2Conn rewrites the headers of the HTTP/2 requests that are written to it: it decodes them and writes others.
// It leaves all other frames as they are.
type http2Conn struct {
	net.Conn
	rewriting
	encoder encoder
	decoder *hpack.Decoder

	begun   bool        // the connection preface is written
	pending []byte      // the beginning of a frame
	block   []byte      // of headers that are not yet complete
	flags   http2.Flags // of the frame in which they began
}

func newHTTP2Conn(conn net.Conn, to rewriting) *http2Conn {
	c := &http2Conn{Conn: conn, rewriting: to, decoder: hpack.NewDecoder(tableSize, nil)}
	c.encoder.init(to.recording != nil)
	return c
}

func (c *http2Conn) Write(b []byte) (int, error) {
	c.pending = append(c.pending, b...)
	var out bytes.Buffer
	if !c.begun {
		if len(c.pending) < len(http2.ClientPreface) {
			return len(b), nil
		}
		c.begun = true
		out.Write(c.pending[:len(http2.ClientPreface)])
		c.pending = c.pending[len(http2.ClientPreface):]
	}
	for len(c.pending) >= frameHeader {
		length := frameHeader + int(binary.BigEndian.Uint32(c.pending)>>8)
		if len(c.pending) < length {
			break
		}
		if err := c.rewriteFrame(&out, c.pending[:length]); err != nil {
			return 0, err
		}
		c.pending = c.pending[length:]
	}
	c.pending = bytes.Clone(c.pending)
	if out.Len() == 0 {
		return len(b), nil
	}
	if _, err := c.Conn.Write(out.Bytes()); err != nil {
		return 0, err
	}
	return len(b), nil
}

// rewriteFrame writes a frame. In place of the frames of a header block it writes others, once it has the last of them.
// They end the stream if the client's did (RFC 9113, section 8.1): those of a POST do not.
func (c *http2Conn) rewriteFrame(out *bytes.Buffer, frame []byte) error {
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
	c.block = append(c.block, frame[frameHeader:]...)
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
	if fields, err = c.rewriteFields(fields); err != nil {
		return err
	}
	stream, endStream := binary.BigEndian.Uint32(frame[5:]), c.flags.Has(http2.FlagHeadersEndStream)
	writeHeaders(out, stream, c.encoder.encode(fields), endStream)
	return nil
}

// writeHeaders writes a header block as a HEADERS frame and as many CONTINUATION frames as it needs.
func writeHeaders(out *bytes.Buffer, stream uint32, block []byte, endStream bool) {
	framer := http2.NewFramer(out, nil)
	first := block[:min(len(block), frameSize)]
	block = block[len(first):]
	framer.WriteHeaders(http2.HeadersFrameParam{
		StreamID: stream, BlockFragment: first, EndHeaders: len(block) == 0, EndStream: endStream,
	})
	for len(block) > 0 {
		next := block[:min(len(block), frameSize)]
		block = block[len(next):]
		framer.WriteContinuation(stream, len(block) == 0, next)
	}
}

// rewriteFields returns headers as they are to be sent. Trailers, which have no method, stay as they are. The cookie
// stands where Chromium puts it, before the priority.
func (c *http2Conn) rewriteFields(sent []hpack.HeaderField) ([]hpack.HeaderField, error) {
	value := func(name string) string {
		for _, f := range sent {
			if f.Name == name {
				return f.Value
			}
		}
		return ""
	}
	if value(":method") == "" {
		return sent, nil
	}
	var fields []hpack.HeaderField
	if c.recording == nil {
		fields = append(fields, sent...)
	} else {
		kind, err := kindOf(value(":method"), value)
		if err != nil {
			return nil, err
		}
		for _, name := range []string{":method", ":authority", ":scheme", ":path"} {
			fields = append(fields, hpack.HeaderField{Name: name, Value: value(name)})
		}
		placeholders := c.placeholders(value(":authority"), "", value("content-length"))
		for _, f := range c.recording.fields[kind] {
			f.Value = placeholders.Replace(f.Value)
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
