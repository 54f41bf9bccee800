package wire_test

import (
	"reflect"
	"strings"
	"testing"

	"fourwires/internal/wire"
)

// A piece is a run of bytes in one direction of a connection.
type piece struct {
	dir  wire.Dir
	text string
}

// dissect gives the pieces to a new dissector, each cut by the function cut, and returns the ledger's snapshot.
func dissect(pieces []piece, cut func(i int, text string) []string, spans func(wire.Span)) wire.Snapshot {
	ledger := wire.Ledger{MaxHeaderBytes: 64 << 10} // as the lab has it
	d := wire.NewDissector(&ledger, spans)
	for i, p := range pieces {
		for _, text := range cut(i, p.text) {
			give(d, p.dir, text)
		}
	}
	d.Close()
	return ledger.Snapshot()
}

func give(d *wire.Dissector, dir wire.Dir, text string) {
	if dir == wire.Up {
		d.Up([]byte(text))
	} else {
		d.Down([]byte(text))
	}
}

func whole(_ int, text string) []string { return []string{text} }

func byteByByte(_ int, text string) []string { return strings.Split(text, "") }

// The ledger does not depend on how the bytes are split.
func TestSplits(t *testing.T) {
	t.Parallel()
	all := map[string][]piece{}
	for _, name := range transports {
		all[name] = transcript(t, name)
	}
	for _, c := range cases {
		all[c.name] = c.pieces
	}
	for name, pieces := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testSplits(t, pieces)
		})
	}
}

func testSplits(t *testing.T, pieces []piece) {
	want := dissect(pieces, whole, nil)
	if got := dissect(pieces, byteByByte, nil); !reflect.DeepEqual(got, want) {
		t.Errorf("byte by byte:\n%+v\nin one piece:\n%+v", got, want)
	}
	for i, p := range pieces {
		step := 1
		if raced { // one goroutine has no races, and takes ten times as long
			step = 10
		}
		for at := 0; at < min(len(p.text), 300); at += step {
			cut := func(j int, text string) []string {
				if i == j {
					return []string{text[:at], text[at:]}
				}
				return []string{text}
			}
			if got := dissect(pieces, cut, nil); !reflect.DeepEqual(got, want) {
				t.Errorf("piece %d cut behind %q:\n%+v\nin one piece:\n%+v", i, p.text[:at], got, want)
			}
		}
	}
}
