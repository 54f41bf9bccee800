package feed_test

import (
	"testing"

	"fourwires/feed"
)

func TestParseCursor(t *testing.T) {
	for text, want := range map[string]feed.Cursor{
		"0":                    {},
		"412":                  {ID: 412},
		"18446744073709551615": {ID: 1<<64 - 1},
		"k3v9qa-412":           {Epoch: "k3v9qa", ID: 412},
		"7-0":                  {Epoch: "7"},
		"abcdefghijklmnop-1":   {Epoch: "abcdefghijklmnop", ID: 1},
	} {
		if got, err := feed.ParseCursor(text); got != want || err != nil {
			t.Errorf("ParseCursor(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "-", "-1", "+1", "01", "1.5", "1e3", " 1", "1 ", "x", "18446744073709551616",
		"a-", "a-x", "a--1", "a-1-2", "A-1", "a_b-1", "é-1", "a-01", "abcdefghijklmnopq-1", "a\n-1", `"a-1"`,
	} {
		if got, err := feed.ParseCursor(text); err != feed.ErrCursor {
			t.Errorf("ParseCursor(%q) = %v, %v, want ErrCursor", text, got, err)
		}
	}
}

// String returns exactly the text that ParseCursor accepts, so a cursor has one text form.
func FuzzParseCursor(f *testing.F) {
	for _, text := range []string{"0", "k3v9qa-412", "01", "-1", "a-18446744073709551616"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		cursor, err := feed.ParseCursor(text)
		if err == nil && cursor.String() != text {
			t.Errorf("%q becomes %q", text, cursor)
		}
		if err != nil && (err != feed.ErrCursor || cursor != feed.Cursor{}) {
			t.Errorf("%q gives %v, %v", text, cursor, err)
		}
	})
}
