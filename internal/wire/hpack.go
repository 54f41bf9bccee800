package wire

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"golang.org/x/net/http2/hpack"
)

// maxTable is the size of the largest dynamic table of HPACK that the dissector follows, in bytes as RFC 7541, section
// 4.1, counts them.
const maxTable = 64 << 10

// defaultTable is the size of a dynamic table without SETTINGS (RFC 9113, section 6.5.2).
const defaultTable = 4096

// An hpackReader reads the heads of one direction (RFC 7541). The decoder of package hpack returns the fields; this
// reader finds where they are in the block, and how they are encoded.
//
// A field of 4 KiB can be encoded in one byte, an index into a table, and an attacker could make the server copy such a
// field many times. So the size of a head is that of its decoded fields (RFC 9113, section 10.5.1), and they are kept
// only where there are spans.
type hpackReader struct {
	decoder *hpack.Decoder
	allowed uint32
	maxHead int  // bytes of the fields of a head (RFC 7541, section 4.1)
	keep    bool // whether fields are kept:
	all     bool // however many there are

	// The head that is being read.
	decoded []hpack.HeaderField // of one representation: one, or none
	size    int                 // of its fields so far
	rest    []byte              // the beginning of a field that is not whole
	fields  []headerField       // if they are kept
	list    *[]headerField      // of the pool, whose memory they take
	head    messageHead
}

// messageHead is the part of a head that decides how the body is read, and which request it is.
type messageHead struct {
	head
	method string
	path   headerField
}

func newHPACK(maxHead int, keep bool) *hpackReader {
	r := &hpackReader{allowed: defaultTable, maxHead: maxHead, keep: keep}
	r.decoder = hpack.NewDecoder(r.allowed, func(f hpack.HeaderField) { r.decoded = append(r.decoded, f) })
	r.decoder.SetMaxStringLength(maxHead)
	return r
}

// allow sets the size of the table that the receiver of the heads allows. The old size stays allowed until the sender
// has received the new one, so allow never reduces it.
func (r *hpackReader) allow(size uint32) {
	r.allowed = min(max(r.allowed, size), maxTable)
	r.decoder.SetAllowedMaxDynamicTableSize(r.allowed)
}

// A headerField is a field of a head, or a change of the table's size, as encoded in a block.
type headerField struct {
	hpack.HeaderField
	size  int // bytes in the block
	form  form
	index uint64 // of the field, or of its name, in the table; 0: the name is a literal; or the new size
	name  literal
	value literal
}

// A form is how a field is represented (RFC 7541, section 6).
type form uint8

const (
	indexed form = iota
	added        // literal, and added to the dynamic table
	resized
	neverAdded
	notAdded
)

// A literal is a string as encoded in a block (RFC 7541, section 5.2).
type literal struct {
	huffman bool
	length  int // bytes of the string, without those of the length itself
}

const (
	unreadableHead = "a head that HPACK cannot read"
	endlessHead    = "a head beyond all bounds"
)

// forget frees the memory of the head that was read, so that the next can begin.
func (r *hpackReader) forget() {
	r.size, r.head, r.rest = 0, messageHead{}, nil
	r.dropFields()
	clear(r.decoded)
}

// The most that is kept of a head for a recording, which does without the fields of a larger one.
const (
	maxKeptFields = 256
	maxKeptHead   = 16 << 10
)

// fieldLists are empty lists of fields, so that no connection keeps their memory.
var fieldLists = sync.Pool{New: func() any { return new([]headerField) }}

// keepField keeps a field.
func (r *hpackReader) keepField(field *headerField) {
	if r.fields == nil {
		r.list = fieldLists.Get().(*[]headerField)
		r.fields = *r.list
	}
	r.fields = append(r.fields, *field)
	r.keep = r.all || len(r.fields) <= maxKeptFields
}

// keeps reports whether a head of which there are n bytes is kept.
func (r *hpackReader) keeps(n int) bool {
	r.keep = r.keep && (r.all || n <= maxKeptHead)
	return r.keep
}

// dropFields drops the fields of a head.
func (r *hpackReader) dropFields() {
	if r.list == nil {
		return
	}
	clear(r.fields)
	*r.list = r.fields[:0]
	fieldLists.Put(r.list)
	r.list, r.fields = nil, nil
}

// read takes the next fragment of a block.
func (r *hpackReader) read(fragment []byte) (wrong string) {
	block := fragment
	if len(r.rest) > 0 {
		r.rest = append(r.rest, fragment...)
		block = r.rest
	}
	begun := len(block)
	for len(block) > 0 {
		field := parseField(block)
		if field.size == 0 {
			break // it is not whole
		}
		r.decoded = r.decoded[:0]
		if _, err := r.decoder.Write(block[:field.size]); err != nil || len(r.decoded) > 1 {
			return unreadableHead
		}
		if len(r.decoded) == 1 {
			field.HeaderField = r.decoded[0]
			if r.size += int(field.Size()); r.size > r.maxHead {
				return endlessHead
			}
			r.head.read(&field)
		} else {
			r.decoder.Close() // so that it accepts a second change of size (RFC 7541, section 4.2)
		}
		if r.keep {
			r.keepField(&field)
		}
		block = block[field.size:]
	}
	if len(block) > 2*r.maxHead { // a name and a value
		return endlessHead
	}
	if len(r.rest) == 0 || len(block) < begun { // else rest is the block already
		r.rest = append(r.rest[:0], block...)
	}
	return ""
}

// end ends a head.
func (r *hpackReader) end() (wrong string) {
	if len(r.rest) > 0 || r.decoder.Close() != nil {
		return unreadableHead
	}
	return ""
}

// read keeps the fields that are needed.
func (m *messageHead) read(field *headerField) {
	switch field.Name {
	case ":method":
		m.method = field.Value
	case ":path":
		m.path = *field
	case ":status":
		m.status, _ = strconv.Atoi(field.Value)
	case "content-type", "content-encoding": // few: others are not compared
		m.head.read([]byte(field.Name), []byte(field.Value))
	}
}

// parseField reads the representation at the beginning of b. Its size is 0 where b has no whole one.
func parseField(b []byte) (field headerField) {
	prefix := 4
	switch c := b[0]; {
	case c&0x80 != 0:
		field.form, prefix = indexed, 7
	case c&0x40 != 0:
		field.form, prefix = added, 6
	case c&0x20 != 0:
		field.form, prefix = resized, 5
	case c&0x10 != 0:
		field.form = neverAdded
	default:
		field.form = notAdded
	}
	index, at := parseInteger(b, prefix)
	field.index = index
	if at > 0 && field.form != indexed && field.form != resized {
		if index == 0 {
			field.name, at = parseLiteral(b, at)
		}
		field.value, at = parseLiteral(b, at)
	}
	field.size = at
	return field
}

// parseInteger reads an integer whose first bits are the last prefix bits of b[0] (RFC 7541, section 5.1), and returns
// where it ends, or 0.
func parseInteger(b []byte, prefix int) (value uint64, end int) {
	mask := byte(1)<<prefix - 1
	if b[0]&mask != mask {
		return uint64(b[0] & mask), 1
	}
	value = uint64(mask)
	for i := 1; i < len(b) && i <= 5; i++ {
		value += uint64(b[i]&0x7F) << (7 * (i - 1))
		if b[i]&0x80 == 0 {
			return value, i + 1
		}
	}
	return 0, 0
}

// parseLiteral reads the string at b[at:] and returns where it ends, or 0. At is 0 where the field before it was not
// whole.
func parseLiteral(b []byte, at int) (l literal, end int) {
	if at == 0 || at == len(b) {
		return l, 0
	}
	length, n := parseInteger(b[at:], 7)
	if n == 0 || length > uint64(len(b)-at-n) {
		return l, 0
	}
	return literal{b[at]&0x80 != 0, int(length)}, at + n + int(length)
}

// saves returns the number of bytes by which the field would be shorter with another value, encoded in the same form.
func (f *headerField) saves(value string) int {
	if f.form == indexed || f.form == resized {
		return 0
	}
	length := len(value)
	if f.value.huffman {
		length = int(hpack.HuffmanEncodeLength(value))
	}
	return max(0, f.value.length+integerSize(f.value.length)-length-integerSize(length))
}

// masked returns a copy of b, the bytes of the field behind the first done, with those of its value masked.
func (f *headerField) masked(b []byte, done int) []byte {
	b = bytes.Clone(b)
	for i := max(0, f.size-f.value.length-done); i < min(len(b), f.size-done); i++ {
		b[i] = '*'
	}
	return b
}

// integerSize returns the number of bytes of the length of a string.
func integerSize(length int) int {
	if length < 0x7F {
		return 1
	}
	size := 2
	for length -= 0x7F; length >= 0x80; length >>= 7 {
		size++
	}
	return size
}

// The roles of the bytes of a field.
const (
	roleIndexed = "field, indexed"
	roleAdded   = "field, added"
	roleResized = "table size"
)

func (f *headerField) role() string {
	return [...]string{roleIndexed, roleAdded, roleResized, "field, never added", "field, not added"}[f.form]
}

// text describes how the field is encoded: the index of the field or of its name, and its literals.
func (f *headerField) text() string {
	switch f.form {
	case indexed, resized:
		return fmt.Sprint(f.index)
	}
	name := fmt.Sprint(f.index)
	if f.index == 0 {
		name = f.name.text(f.Name)
	}
	return name + ", " + f.value.text(f.Value)
}

func (l literal) text(clear string) string {
	if l.huffman {
		return fmt.Sprintf("Huffman %d for %d", l.length, len(clear))
	}
	return fmt.Sprintf("plain %d", l.length)
}

// A dynamicTable is the dynamic table of HPACK (RFC 7541, section 2.3.2), followed from the forms of the fields. The
// newest field is first.
type dynamicTable struct {
	more   int // by how much it may be larger than defaultTable; negative: smaller
	fields []hpack.HeaderField
}

// add adds a field, and evicts the oldest where they do not fit (section 4.4).
func (t *dynamicTable) add(f hpack.HeaderField) {
	t.fields = slices.Insert(t.fields, 0, f)
	t.resize(defaultTable + t.more)
}

func (t *dynamicTable) resize(most int) {
	t.more = most - defaultTable
	for t.size() > most {
		t.fields = t.fields[:len(t.fields)-1]
	}
}

func (t *dynamicTable) size() (size int) {
	for _, f := range t.fields {
		size += int(f.Size())
	}
	return size
}

// staticFields is the number of fields of the static table (section 2.3.1).
const staticFields = 61
