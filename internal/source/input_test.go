package source

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"

	"fourwires/feed"
)

var quiet = slog.New(slog.DiscardHandler)

// journal returns a log that writes to b, without the time.
func journal(b *bytes.Buffer) *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

// of returns settings with an input as the source.
func of(input Input) Settings {
	return Settings{Source: input.name, Rate: 1, Phase: Even}
}

// oneOfEach returns an input of each kind, which publishes one message at once and then waits.
func oneOfEach(t *testing.T) []Input {
	t.Helper()
	read, write := io.Pipe()
	t.Cleanup(func() { read.Close() })
	go io.WriteString(write, "1\n")
	return []Input{
		NewStdin(read, quiet),
		relayOver(responses(stream+"data: 1\n\n"), quiet),
		recording(t, quiet, message(0, "1"), message(1e9, "2")),
	}
}

// published returns the data of every message published so far, a line each.
func published(t *testing.T, f *feed.Feed) string {
	t.Helper()
	var b strings.Builder
	for _, m := range all(t, f) {
		b.Write(m.Data)
		b.WriteByte('\n')
	}
	return b.String()
}

func TestAsJSON(t *testing.T) {
	for text, want := range map[string]string{
		`{"a": 1}`:                  `{"a": 1}`,
		` [1, 2] `:                  ` [1, 2] `,
		`0.50`:                      `0.50`,
		`null`:                      `null`,
		`"text"`:                    `"text"`,
		"\"bad \xff\"":              `"bad ` + "\uFFFD" + `"`,
		``:                          `""`,
		`text`:                      `"text"`,
		`a "b" \c`:                  `"a \"b\" \\c"`,
		`<b> & </b>`:                `"<b> & </b>"`,
		`{"a": 1} {}`:               `"{\"a\": 1} {}"`,
		`007`:                       `"007"`,
		`NaN`:                       `"NaN"`,
		"tab\tLF\nNUL\x00":          `"tab\tLF\nNUL\u0000"`,
		"gr\u00fc\u00df \U0001F44B": `"` + "gr\u00fc\u00df \U0001F44B" + `"`,
		"bad \xff\xfe !":            `"bad ` + "\uFFFD\uFFFD" + ` !"`,
		"bad \xed\xa0\x80 !":        `"bad ` + "\uFFFD\uFFFD\uFFFD" + ` !"`,
		"bad \xf0\x9f\x98x":         `"bad ` + "\uFFFD" + `x"`,
		"\ufeff1":                   `"` + "\ufeff" + `1"`,
	} {
		if got := string(asJSON([]byte(text))); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

// A feed accepts any text. A reader finds the same JSON where the text is JSON, and otherwise the text as a string.
func FuzzAsJSON(f *testing.F) {
	for _, seed := range []string{``, `{"a": [1, "b"]}`, `text`, `"`, "\xff", "\"\xff\"", "\u2028<\x00\ufeff", `1e999`, "\"\\ud800\"", strings.Repeat("[", 10_001)} {
		f.Add([]byte(seed))
	}
	to := feed.New(1)
	f.Fuzz(func(t *testing.T, text []byte) {
		clean, _ := unicode.UTF8.NewDecoder().Bytes(text)
		data := asJSON(text)
		if len(data) > feed.MaxData {
			t.Skip()
		}
		m, err := to.Publish(data)
		if errors.Is(err, feed.ErrTooDeep) {
			t.Skip()
		}
		if err != nil {
			t.Fatalf("%q as %s: %v", text, data, err)
		}
		if json.Valid(clean) {
			if !bytes.Equal(data, clean) {
				t.Errorf("the JSON %s becomes %s", clean, data)
			}
			return
		}
		var back string
		if err := json.Unmarshal(m.Data, &back); err != nil || back != string(clean) || !utf8.Valid(m.Data) {
			t.Errorf("the text %q becomes %s, which means %q, %v", clean, m.Data, back, err)
		}
	})
}

func TestLines(t *testing.T) {
	most := strings.Repeat("x", maxLine-1) // with its end it fills the buffer
	tests := []struct{ text, want string }{
		{"", ""},
		{"a", "1 a|"},
		{"a\n", "1 a|"},
		{"a\r\nb\n\r\n\nc", "1 a|2 b|3 |4 |5 c|"},
		{"a\rb\n", "1 a\rb|"},
		{"\ufeffa\n\ufeffb", "1 a|2 \ufeffb|"},
		{"\ufeff", "1 |"},
		{"\ufeff\r\na", "1 |2 a|"},
		{most + "\nb", "1 " + most + "|2 b|"},
		{most + "x\nb", "1 too long|2 b|"},
		{most + most + most + "\nb\n", "1 too long|2 b|"},
		{"a\n" + most + "xx", "1 a|2 too long|"},
	}
	for _, test := range tests {
		var got strings.Builder
		l := newLines(strings.NewReader(test.text))
		for {
			line, err := l.next()
			if err == io.EOF {
				break
			}
			switch err {
			case nil:
			case feed.ErrTooLarge:
				line = []byte("too long")
			default:
				t.Fatal(err)
			}
			fmt.Fprintf(&got, "%d %s|", l.number, line)
		}
		if got.String() != test.want {
			t.Errorf("%.20q of %d bytes: got %.40q of %d bytes", test.text, len(test.text), got.String(), got.Len())
		}
	}
}

func TestLinesAreBounded(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	l := newLines(io.MultiReader(io.LimitReader(letters{}, 64<<20), strings.NewReader("\nb")))
	if _, err := l.next(); err != feed.ErrTooLarge {
		t.Errorf("got %v, want ErrTooLarge", err)
	}
	if line, err := l.next(); string(line) != "b" || err != nil {
		t.Errorf("behind it: %q, %v, want b", line, err)
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
		t.Errorf("a line of 64 MiB took %d bytes of memory", took)
	}
}

// letters never ends.
type letters struct{}

func (letters) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
	}
	return len(b), nil
}
