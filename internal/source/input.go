package source

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"

	"fourwires/feed"
)

// An Input is a source with a pace of its own: it publishes data when it arrives. Pass it to [New], for one pump only.
type Input struct {
	name string

	// run publishes to f until ctx ends or the input ends, and returns nil; or feed.ErrClosed. Failures of the input
	// are logged. It may be called more than once, but calls do not overlap.
	run func(ctx context.Context, f *feed.Feed) error
}

// asJSON returns text if it is JSON, and otherwise text as a JSON string. Bad UTF-8 is first replaced by U+FFFD, as in
// a browser (Encoding, "UTF-8 decoder").
func asJSON(text []byte) []byte {
	if !utf8.Valid(text) {
		text, _ = unicode.UTF8.NewDecoder().Bytes(text) // it never fails
	}
	if json.Valid(text) {
		return text
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.Encode(string(text)) // any string can be encoded
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// maxLine is the most bytes of a line: the most data that a feed accepts, and space for the id and time of a message.
const maxLine = feed.MaxData + 1024

// lines splits a text into lines, in bounded memory.
type lines struct {
	in     *bufio.Reader
	number int // of the last line, counted from 1
}

func newLines(in io.Reader) *lines {
	return &lines{in: bufio.NewReaderSize(in, maxLine)}
}

// next returns the next line without its end, LF or CR LF, and the first line without a byte order mark. The line is
// valid until the next call. The error is in's, io.EOF behind the last line; or [feed.ErrTooLarge] for a line that is
// too long, which is skipped.
func (l *lines) next() ([]byte, error) {
	l.number++
	line, err := l.in.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		for err == bufio.ErrBufferFull {
			_, err = l.in.ReadSlice('\n')
		}
		if err == nil || err == io.EOF {
			err = feed.ErrTooLarge
		}
		return nil, err
	}
	if err == io.EOF {
		if len(line) == 0 {
			l.number--
			return nil, err
		}
		err = nil // the last line may have no end
	}
	if l.number == 1 {
		line = bytes.TrimPrefix(line, []byte("\uFEFF"))
	}
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r")), err
}
