package wire

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"
)

// The reader finds the fields that package hpack decodes; an index is that of the field in the table; and the fields,
// encoded in the forms that were found, are the same bytes.
func TestHPACK(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	word := func(most int) string {
		const letters = "abcxyz019-/=%~{}\x00\xff"
		letter := func(rune) rune { return rune(letters[random.IntN(len(letters))]) }
		return strings.Map(letter, strings.Repeat("x", random.IntN(most)))
	}
	names := []string{":path", ":status", "cookie", "etag", "x-own", "date", "user-agent"}
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	encoder.SetMaxDynamicTableSizeLimit(maxTable)
	reader := newHPACK(1<<20, true)
	other := hpack.NewDecoder(4096, nil)
	var table dynamicTable
	forms := map[form]int{}
	for n := range 2000 {
		block.Reset()
		if n%97 == 96 {
			size := uint32(random.IntN(9000))
			encoder.SetMaxDynamicTableSize(size)
			reader.allow(size)
			other.SetAllowedMaxDynamicTableSize(max(size, 9000))
		}
		for range 1 + random.IntN(8) {
			f := hpack.HeaderField{Name: names[random.IntN(len(names))], Value: word(60), Sensitive: random.IntN(9) == 0}
			if random.IntN(2) == 0 {
				f.Value = word(3)
			}
			if random.IntN(50) == 0 {
				f.Value = word(5000)
			}
			if err := encoder.WriteField(f); err != nil {
				t.Fatal(err)
			}
		}
		want, err := other.DecodeFull(block.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		fields, wrong := readBlock(reader, block.Bytes(), n%7)
		if wrong != "" {
			t.Fatalf("block %d: %s", n, wrong)
		}
		var got []hpack.HeaderField
		var encoded []byte
		for _, f := range fields {
			forms[f.form]++
			encoded = f.appendTo(encoded)
			if f.form != resized {
				got = append(got, f.HeaderField)
			}
			if f.form == resized {
				table.resize(int(f.index))
			}
			if f.index > 61 && f.form != resized { // 61 fields are in the static table
				entry := entryAt(&table, int(f.index))
				if entry.Name != f.Name || f.form == indexed && entry.Value != f.Value {
					t.Errorf("block %d: index %d is %v in the table, the field is %v", n, f.index, entry, f.HeaderField)
				}
			}
			if f.form == added {
				table.add(f.HeaderField)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("block %d: got %v, hpack has %v", n, got, want)
		}
		if !bytes.Equal(encoded, block.Bytes()) {
			t.Errorf("block %d: encoded it is\n%x, was\n%x", n, encoded, block.Bytes())
		}
	}
	for _, f := range []form{indexed, added, resized, neverAdded, notAdded} {
		if forms[f] == 0 {
			t.Errorf("no field of form %d was tried", f)
		}
	}
}

// readBlock reads a block in at most ten fragments of size bytes, and the rest in one; 0: all in one.
func readBlock(r *hpackReader, block []byte, size int) (fields []headerField, wrong string) {
	r.forget()
	for n := 0; size > 0 && n < 10 && len(block) > size && wrong == ""; n++ {
		wrong = r.read(block[:size])
		block = block[size:]
	}
	if wrong == "" {
		wrong = r.read(block)
	}
	if wrong == "" {
		wrong = r.end()
	}
	return r.fields, wrong
}

// appendTo encodes the field in its form (RFC 7541, section 6).
func (f *headerField) appendTo(b []byte) []byte {
	prefix, first := [...]int{7, 6, 5, 4, 4}[f.form], [...]byte{0x80, 0x40, 0x20, 0x10, 0}[f.form]
	b = appendInteger(b, first, prefix, f.index)
	if f.form == indexed || f.form == resized {
		return b
	}
	if f.index == 0 {
		b = f.name.appendTo(b, f.Name)
	}
	return f.value.appendTo(b, f.Value)
}

func (l literal) appendTo(b []byte, text string) []byte {
	if l.huffman {
		return hpack.AppendHuffmanString(appendInteger(b, 0x80, 7, uint64(l.length)), text)
	}
	return append(appendInteger(b, 0, 7, uint64(l.length)), text...)
}

func appendInteger(b []byte, first byte, prefix int, value uint64) []byte {
	most := uint64(1)<<prefix - 1
	if value < most {
		return append(b, first|byte(value))
	}
	b = append(b, first|byte(most))
	for value -= most; value >= 0x80; value >>= 7 {
		b = append(b, byte(value)|0x80)
	}
	return append(b, byte(value))
}

// FuzzHPACK reads any block: the reader accepts the blocks that package hpack accepts, and finds the same fields.
func FuzzHPACK(f *testing.F) {
	f.Add([]byte("\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff")) // RFC 7541, section C.4.1
	f.Add([]byte("\x40\x0acustom-key\x0dcustom-header"))                                  // section C.2.1
	f.Add([]byte("\x3f\xe1\x1f\x10\x08password\x06secret\xbe"))
	f.Fuzz(func(t *testing.T, block []byte) {
		fields, wrong := readBlock(newHPACK(1<<20, true), block, 0)
		want, err := hpack.NewDecoder(4096, nil).DecodeFull(block)
		if (wrong == "") != (err == nil) {
			t.Fatalf("got %q, hpack has %v", wrong, err)
		}
		var got []hpack.HeaderField
		size := 0
		for _, field := range fields {
			size += field.size
			if field.form != resized {
				got = append(got, field.HeaderField)
			}
			_ = field.text()
		}
		if wrong == "" && (!slices.Equal(got, want) || size != len(block)) {
			t.Errorf("got %v in %d bytes, hpack has %v in %d", got, size, want, len(block))
		}
	})
}

// The examples of RFC 7541, section C.4, and what its text says of them.
func TestHPACKExamples(t *testing.T) {
	r := newHPACK(1<<10, true)
	for _, example := range []struct{ block, want string }{
		{"\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff",
			":method: GET  (2); :scheme: http  (6); :path: /  (4); :authority: www.example.com  (1, Huffman 12 for 15)"},
		{"\x82\x86\x84\xbe\x58\x86\xa8\xeb\x10\x64\x9c\xbf",
			":method: GET  (2); :scheme: http  (6); :path: /  (4); :authority: www.example.com  (62); cache-control: no-cache  (24, Huffman 6 for 8)"},
		{"\x82\x87\x85\xbf\x40\x88\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f\x89\x25\xa8\x49\xe9\x5b\xb8\xe8\xb4\xbf",
			":method: GET  (2); :scheme: https  (7); :path: /index.html  (5); :authority: www.example.com  (63); custom-key: custom-value  (Huffman 8 for 10, Huffman 9 for 12)"},
	} {
		fields, wrong := readBlock(r, []byte(example.block), 3)
		var got []string
		for _, f := range fields {
			got = append(got, fmt.Sprintf("%s: %s  (%s)", f.Name, f.Value, f.text()))
		}
		if text := strings.Join(got, "; "); wrong != "" || text != example.want {
			t.Errorf("got  %s %s\nwant %s", text, wrong, example.want)
		}
	}
}

// entryAt returns the entry at an index beyond the static table's, or the zero field where there is none.
func entryAt(t *dynamicTable, index int) hpack.HeaderField {
	if i := index - staticFields - 1; i < len(t.fields) {
		return t.fields[i]
	}
	return hpack.HeaderField{}
}
