package sse_test

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
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
		// As often as the decoder of the Encoding standard says, section 8.1.1: once for the longest beginning of a
		// character, once for each byte that begins none.
		{"data: a\xff\xffb\n\n", `[ message "a��b"]`, "", 0},
		{"data: \xf0\x9f\x98x\n\n", `[ message "�x"]`, "", 0},
		{"data: \xf0\x9f\n\n", `[ message "�"]`, "", 0},
		{"data: \xed\xa0\x80 \xc0\xaf \xf8\x88\n\n", `[ message "��� �� ��"]`, "", 0},
		{"data: \xf4\x90\x80\x80 \xe0\x9f\x80\n\n", `[ message "���� ���"]`, "", 0},
		{"id: \xc3\ndata: x\n\n", `[� message "x"]`, "�", 0},
		{"\n\n\n", "", "", 0},
	} {
		for ending, newline := range map[string]string{"LF": "\n", "CR": "\r", "CR LF": "\r\n"} {
			stream := strings.ReplaceAll(test.stream, "\n", newline)
			for name, r := range map[string]io.Reader{
				"whole": strings.NewReader(stream), "byte by byte": iotest.OneByteReader(strings.NewReader(stream)),
			} {
				events, lastID, retry, err := parse(r)
				if events != test.want || lastID != test.lastID || retry != test.retry || err != io.EOF {
					t.Errorf("%q with %s, %s: %s, id %q, retry %v, %v, want %s, id %q, retry %v", test.stream, ending, name,
						events, lastID, retry, err, test.want, test.lastID, test.retry)
				}
			}
		}
	}
}

// A line that ends in CR is complete: Next does not wait for the next byte, which may be a LF.
func TestParserDoesNotWaitBehindCR(t *testing.T) {
	r, w := io.Pipe()
	go w.Write([]byte("data: x\r\r"))
	event, err := sse.NewParser(r).Next()
	if event.Data != "x" || err != nil {
		t.Errorf("%+v, %v, want the event", event, err)
	}
}

// An event of more than 1 MiB is skipped, except for its id, and the stream goes on behind it.
func TestParserSkipsLongEvents(t *testing.T) {
	const most = 1 << 20
	x := func(n int) string { return strings.Repeat("x", n) }
	for name, test := range map[string]struct{ stream, want string }{
		"the most data":          {"data: " + x(most-6) + "\ndata: " + x(4) + "\n\n", "[ message 1048575 bytes]"},
		"a line":                 {"id: 2\ndata: " + x(2*most) + "\ndata: x\n\n", "[2 too long]"},
		"its id behind it":       {"event: a\ndata: " + x(most) + "\nid: 2\n\n", "[ too long]"},
		"many lines":             {"id: 2\n" + strings.Repeat("data: "+x(999)+"\n", 3000) + "\n", "[2 too long]"},
		"many empty lines":       {"id: 2\n" + strings.Repeat("data\n", 2*most) + "\n", "[2 too long]"},
		"a type":                 {"id: 2\nevent: " + x(most) + "\ndata: x\n\n", "[2 too long]"},
		"an id":                  {"id: " + x(most) + "\nid: 2\ndata: x\n\n", "[ too long]"},
		"two lines of one event": {"id: 2\ndata: " + x(most) + "\ndata: " + x(most) + "\n\n", "[2 too long]"},
		"a comment":              {":" + x(2*most) + "\nid: 2\n\n", ""},
		"data in a comment":      {":" + x(most) + "\rdata: 1\n\nid: 2\n\n", `[ message "1"]`},
		"a field without a name": {x(2*most) + ": x\ndata: 1\nid: 2\n\n", `[2 message "1"]`},
		"an unknown field":       {"datum: " + x(2*most) + "\ndata: 1\nid: 2\n\n", `[2 message "1"]`},
		"a retry":                {"retry: " + strings.Repeat("0", most) + "5\ndata: 1\nid: 2\n\n", `[2 message "1"]`},
	} {
		for _, newline := range []string{"\n", "\r", "\r\n"} {
			stream := strings.ReplaceAll(test.stream+"data: more\n\n", "\n", newline)
			var got strings.Builder
			p := sse.NewParser(strings.NewReader(stream))
			for {
				event, err := p.Next()
				switch {
				case err == sse.ErrTooLong:
					fmt.Fprintf(&got, "[%s too long]", event.ID)
					continue
				case err == nil && len(event.Data) > 9:
					fmt.Fprintf(&got, "[%s %s %d bytes]", event.ID, event.Type, len(event.Data))
					continue
				case err == nil:
					fmt.Fprintf(&got, "[%s %s %q]", event.ID, event.Type, event.Data)
					continue
				case err != io.EOF:
					t.Errorf("%s: %v", name, err)
				}
				break
			}
			id := p.LastID
			want := test.want + fmt.Sprintf("[%s message \"more\"]", id)
			if name != "the most data" && id != "2" || got.String() != want {
				t.Errorf("%s, lines that end in %q: %.200s, id %q, want %s and id 2",
					name, newline, got.String(), id, want)
			}
		}
	}
}

// The id of an event that is too long becomes the last event id at once: the stream may end before the event does.
func TestParserEndsInLongEvent(t *testing.T) {
	p := sse.NewParser(strings.NewReader("id: 2\ndata: " + strings.Repeat("x", 2<<20)))
	if event, err := p.Next(); event.ID != "2" || err != sse.ErrTooLong || p.LastID != "2" {
		t.Errorf("event %q, %v, id %q, want ErrTooLong and twice id 2", event.ID, err, p.LastID)
	}
	if _, err := p.Next(); err != io.EOF || p.LastID != "2" {
		t.Errorf("then %v, id %q, want EOF and id 2", err, p.LastID)
	}
}

// Whatever is sent, memory is bounded: 4 MiB of it allocate no more than 2 MiB do, except for what each line takes
// while it is read.
func TestParserIsBounded(t *testing.T) {
	allocated := func(begin, text string, size int) uint64 {
		in := strings.NewReader(begin + strings.Repeat(text, size/len(text)))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		p := sse.NewParser(in)
		_, err := p.Next()
		if err == sse.ErrTooLong {
			_, err = p.Next()
		}
		if err != io.EOF {
			t.Errorf("%q and then %q: %v", begin, text, err)
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	for _, test := range []struct {
		begin, text string
		a           uint64 // bytes of memory for a byte that is skipped
	}{
		{"data: ", "x", 0}, {"data: ", "\xf0\x9f", 0}, {":", "x", 0}, {"", "x", 0},
		{"id: ", "x", 0}, {"event: ", "x", 0}, {"retry: ", "0", 0},
		{"", "data: xxxxxxxxxx\n", 3}, {"data: ", "x\ndata: ", 4}, {"", "id: xxxxx\n", 3}, {"", "\n", 0}, {"", ":\n", 1},
	} {
		some, more := allocated(test.begin, test.text, 2<<20), allocated(test.begin, test.text, 4<<20)
		if limit := some + 64<<10 + test.a*2<<20; more > limit {
			t.Errorf("%q and then 4 MiB of %q took %d bytes of memory, 2 MiB took %d",
				test.begin, test.text, more, some)
		}
	}
}

// The events of a stream do not depend on the sizes of the reads, nor on which of the three line endings it has.
func FuzzParser(f *testing.F) {
	for _, seed := range []string{
		"id: k3v9qa-0\nretry: 3000\n\nid: k3v9qa-1\ndata: {}\n\n", ":\n\n", "data\r\rdata\r\n\r\n",
		"\ufeffdata: x\n\n", "event: gap\nid\n\n",
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
