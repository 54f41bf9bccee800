package sse_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"fourwires/sse"
)

// parse returns the events of a stream as text, and how the stream ended.
func parse(r io.Reader) (events, lastID string, retry time.Duration, err error) {
	var b strings.Builder
	p := sse.NewParser(r)
	for {
		event, err := p.Next()
		if err != nil {
			return b.String(), p.LastID, p.Retry, err
		}
		fmt.Fprintf(&b, "[%s %s %q]", event.ID, event.Type, event.Data)
	}
}

// The examples and rules of WHATWG HTML, section 9.2.6.
func TestParser(t *testing.T) {
	for _, test := range []struct {
		stream, want, lastID string
		retry                time.Duration
	}{
		{"data: YHOO\ndata: +2\ndata: 10\n\n", `[ message "YHOO\n+2\n10"]`, "", 0},
		{": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
			`[1 message "first event"][ message "second event"][ message " third event"]`, "", 0},
		{"data\n\ndata\ndata\n\ndata:", `[ message ""][ message "\n"]`, "", 0},
		{"data:test\n\ndata: test\n\n", `[ message "test"][ message "test"]`, "", 0},
		{"event: add\ndata: 73857293\n\n", `[ add "73857293"]`, "", 0},
		{"event: add\n\ndata: x\n\n", `[ message "x"]`, "", 0},
		{"event: add\nevent:\ndata: x\n\n", `[ message "x"]`, "", 0},
		{"id: 7\n\ndata: x\n\n", `[7 message "x"]`, "7", 0},
		{"data: x\nid: 7\n\n", `[7 message "x"]`, "7", 0},
		{"id: 7\ndata: x\n\nid: 8\ndata: cut off\n", `[7 message "x"]`, "7", 0},
		{"id: a\x00b\nid: 7\nid: c\x00\ndata: x\n\n", `[7 message "x"]`, "7", 0},
		{"retry: 3000\nretry: 5s\nretry: -1\n\n", "", "", 3 * time.Second},
		{"unknown: x\nData: x\n data: x\ndata: y\n\n", `[ message "y"]`, "", 0},
		{"\ufeffdata: x\n\n\ufeffdata: y\n\n", `[ message "x"]`, "", 0},
		{"data: \xff\n\n", `[ message "�"]`, "", 0},
		{"\n\n\n", "", "", 0},
	} {
		for ending, newline := range map[string]string{"LF": "\n", "CR": "\r", "CR LF": "\r\n"} {
			stream := strings.ReplaceAll(test.stream, "\n", newline)
			for name, r := range map[string]io.Reader{"whole": strings.NewReader(stream), "byte by byte": iotest.OneByteReader(strings.NewReader(stream))} {
				events, lastID, retry, err := parse(r)
				if events != test.want || lastID != test.lastID || retry != test.retry || err != io.EOF {
					t.Errorf("%q with %s, %s: %s, id %q, retry %v, %v, want %s, id %q, retry %v", test.stream, ending, name,
						events, lastID, retry, err, test.want, test.lastID, test.retry)
				}
			}
		}
	}
}

// A line that ends in CR is complete, and is not held until the next byte tells
// whether a LF follows.
func TestParserDoesNotWaitBehindCR(t *testing.T) {
	r, w := io.Pipe()
	go w.Write([]byte("data: x\r\r"))
	event, err := sse.NewParser(r).Next()
	if event.Data != "x" || err != nil {
		t.Errorf("%+v, %v, want the event", event, err)
	}
}

func TestParserIsBounded(t *testing.T) {
	endless := func(text string) io.Reader { return &repeat{text: []byte(text)} }
	for name, r := range map[string]io.Reader{
		"a line":   io.MultiReader(strings.NewReader("data: "), endless("x")),
		"an event": endless("data: xxxxxxxxxxxxxxxx\n"),
		"a field":  endless("id"),
	} {
		if _, _, _, err := parse(r); !errors.Is(err, sse.ErrTooLong) {
			t.Errorf("%s without end: %v, want ErrTooLong", name, err)
		}
	}
}

// A repeat is a stream that never ends.
type repeat struct {
	text []byte
	at   int
}

func (r *repeat) Read(b []byte) (int, error) {
	n := copy(b, r.text[r.at:])
	r.at = (r.at + n) % len(r.text)
	return n, nil
}

// Whatever a stream holds, and however it arrives, the events are the same,
// and so they are with any of the three line endings.
func FuzzParser(f *testing.F) {
	for _, seed := range []string{
		"id: k3v9qa-0\nretry: 3000\n\nid: k3v9qa-1\ndata: {}\n\n", ":\n\n", "data\r\rdata\r\n\r\n", "\ufeffdata: x\n\n", "event: gap\nid\n\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		events, lastID, retry, err := parse(bytes.NewReader(stream))
		if err != io.EOF {
			t.Fatalf("the stream ended with %v", err)
		}
		events2, lastID2, retry2, _ := parse(iotest.OneByteReader(bytes.NewReader(stream)))
		if events2 != events || lastID2 != lastID || retry2 != retry {
			t.Errorf("whole: %s, %q, %v; byte by byte: %s, %q, %v", events, lastID, retry, events2, lastID2, retry2)
		}
		unix := bytes.ReplaceAll(bytes.ReplaceAll(stream, []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))
		events3, lastID3, retry3, _ := parse(bytes.NewReader(unix))
		if events3 != events || lastID3 != lastID || retry3 != retry {
			t.Errorf("as it is: %s, %q, %v; with LF: %s, %q, %v", events, lastID, retry, events3, lastID3, retry3)
		}
	})
}
