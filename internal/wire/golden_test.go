package wire_test

import (
	"flag"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"fourwires/internal/wire"
)

var update = flag.Bool("update", false, "rewrite testdata/*.txt")

var transports = []string{"polling", "longpoll", "sse", "websocket"}

// transcript reads the exchange of a transport's own golden file.
func transcript(t testing.TB, transport string) []piece {
	t.Helper()
	text, err := os.ReadFile("../../" + transport + "/testdata/wire.txt")
	if err != nil {
		t.Fatal(err)
	}
	var pieces []piece
	for line := range strings.Lines(string(text)) {
		mark, quoted, _ := strings.Cut(strings.TrimSpace(line), " ")
		b, err := strconv.Unquote(quoted)
		if err != nil {
			t.Fatal(err)
		}
		pieces = append(pieces, piece{map[string]wire.Dir{">": wire.Up, "<": wire.Down}[mark], b})
	}
	return pieces
}

// TestGolden compares the part and role of every byte of the four transports with testdata, which was checked by hand.
func TestGolden(t *testing.T) {
	for _, name := range transports {
		var listing wire.Listing
		dissect(transcript(t, name), whole, listing.Add)
		golden := "testdata/" + name + ".txt"
		if *update {
			if err := os.WriteFile(golden, []byte(listing.String()), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got := listing.String(); got != string(want) {
			t.Errorf("the listing of %s has changed (-update rewrites %s):\n%s\nwant:\n%s", name, golden, got, want)
		}
	}
}

// The sums were computed by hand from the lengths of the lines in wire.txt.
func TestSums(t *testing.T) {
	for name, want := range map[string]wire.Row{
		"polling": {
			Requests: 3, Connections: 1, Delivered: 1,
			Up:   wire.Parts{Head: 68 + 83 + 83, Total: 234},
			Down: wire.Parts{Payload: 49, Envelope: 41 + 32, Head: 151 + 151 + 89, Total: 513},
		},
		"longpoll": {
			Requests: 3, Connections: 1, Delivered: 1, Notes: map[string]int64{"cut: before the answer": 1},
			Up:   wire.Parts{Head: 69 + 84 + 84, Total: 237},
			Down: wire.Parts{Payload: 49, Envelope: 32, Head: 151 + 89, Total: 321},
		},
		"sse": {
			Requests: 1, Connections: 1, Delivered: 1,
			Up:   wire.Parts{Opening: 91, Total: 91},
			Down: wire.Parts{Payload: 49, Envelope: 13 + 6 + 2, Framing: 6 + 6 + 5, Opening: 179 + 73, Control: 3, Total: 342},
		},
		"websocket": {
			Requests: 1, Connections: 1, Delivered: 1,
			Up:   wire.Parts{Opening: 183, Control: 6 + 8, Total: 197},
			Down: wire.Parts{Payload: 49, Framing: 2, Opening: 129 + 29, Control: 2 + 4, Total: 215},
		},
	} {
		want.Transport = name
		got := dissect(transcript(t, name), whole, nil).Rows
		if !reflect.DeepEqual(got, []wire.Row{want}) {
			t.Errorf("%s: got\n%+v\nwant\n%+v", name, got, want)
		}
	}
}
