package protocol

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"
)

// The encoder encodes the header blocks that Chromium sent byte for byte as Chromium did.
func TestChromiumsHPACK(t *testing.T) {
	var e encoder
	e.init(true)
	decoder := hpack.NewDecoder(tableSize, nil)
	n := 0
	for line := range strings.Lines(chromium2) {
		block, err := hex.DecodeString(strings.TrimSpace(line))
		if err != nil {
			t.Fatal(err)
		}
		fields, err := decoder.DecodeFull(block)
		if err != nil {
			t.Fatal(err)
		}
		got := e.encode(fields)
		if !bytes.Equal(got, block) {
			t.Errorf("request %d, %s: %d bytes, Chromium has sent %d\n%x\n%x",
				n, fields[3].Value, len(got), len(block), got, block)
		}
		n++
	}
	if n < 15 {
		t.Errorf("%d header blocks were recorded", n)
	}
}
