package protocol

import (
	"bytes"

	"golang.org/x/net/http2/hpack"
)

// An encoder encodes header blocks by HPACK (RFC 7541) as Go does or, which the recording proves, as Chromium does.
// Chromium never adds a path to the dynamic table, and adds what the table cannot hold, which empties the table
// (section 4.4).
type encoder struct {
	hpack  *hpack.Encoder
	out    bytes.Buffer
	chrome bool
	resize int // bytes of a table size update that begin the next field, and are not to be sent
}

func (e *encoder) init(chrome bool) {
	e.hpack, e.chrome = hpack.NewEncoder(&e.out), chrome
}

func (e *encoder) encode(fields []hpack.HeaderField) []byte {
	e.out.Reset()
	for _, f := range fields {
		at := e.out.Len()
		switch {
		case e.chrome && f.Name == ":path" && f.Value != "/": // "/" is in the static table
			f.Sensitive = true
			e.hpack.WriteField(f)
			e.dropResize(at)
			e.out.Bytes()[at] = 4 // "without indexing", not "never indexed" (section 6.2); the name is that of index 4
		case e.chrome && f.Size() > tableSize:
			e.hpack.WriteField(f) // as a literal that is not added, whose name is in the static table: cookie, 32
			e.dropResize(at)
			literal := bytes.Clone(e.out.Bytes()[at:])
			e.out.Truncate(at)
			e.out.WriteByte(0x40 | 32)
			e.out.Write(literal[2:])
			e.hpack.SetMaxDynamicTableSize(0) // which empties Go's table too
			e.hpack.SetMaxDynamicTableSize(tableSize)
			e.resize = len("\x20\x3f\xe1\x1f")
		default:
			e.hpack.WriteField(f)
			e.dropResize(at)
		}
	}
	return e.out.Bytes()
}

// dropResize removes a table size update from the beginning of the field that was written at an offset.
func (e *encoder) dropResize(at int) {
	field := bytes.Clone(e.out.Bytes()[at+e.resize:])
	e.out.Truncate(at)
	e.out.Write(field)
	e.resize = 0
}
