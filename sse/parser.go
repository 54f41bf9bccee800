package sse

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	utf "golang.org/x/text/encoding/unicode"
)

// maxEvent is the most bytes of one event's data, and of one line.
const maxEvent = 1 << 20

// ErrTooLong means that an event has more than 1 MiB of data, or a line of more than
// 1 MiB. The event is skipped, and the stream goes on behind it.
var ErrTooLong = errors.New("sse: an event has more than 1 MiB")

// An Event is what a stream dispatches (WHATWG HTML, section 9.2.6).
type Event struct {
	ID   string // the last event id, which an earlier event may have set
	Type string // "message" where the stream names none
	Data string // the data lines, joined by line feeds
}

// A Parser parses a text/event-stream as the standard says (WHATWG HTML, section
// 9.2.6): lines end in LF, CR or both; a leading byte order mark, comments and
// unknown fields are skipped, however long; an event that no blank line ends is
// never dispatched. Bytes that are not UTF-8 become U+FFFD as often as in a browser
// (Encoding, "UTF-8 decoder"). It keeps a line and an event's data, each of at most
// 1 MiB. Only one goroutine at a time may use it.
type Parser struct {
	LastID string        // the last event id; a block without data sets it too
	Retry  time.Duration // the last retry field; 0 where there was none

	in       *bufio.Reader
	begun    bool   // behind the byte order mark
	afterCR  bool   // the last line ended in CR: a LF that follows is part of that line end
	line     []byte // the current line so far
	isRest   bool   // the next bytes are the rest of a line that is too long
	skipping bool   // the next lines belong to an event that is too long
}

// NewParser returns a parser of the stream in.
func NewParser(in io.Reader) *Parser {
	return &Parser{in: bufio.NewReader(in)}
}

// Next blocks until the next event is complete and returns it. The error is the
// stream's, io.EOF at its end; or [ErrTooLong], as soon as an event has more than
// 1 MiB. Then the returned event has only its id, if that has arrived, which is the
// last event id from then on, and Next may be called for the event behind it.
func (p *Parser) Next() (Event, error) {
	var data strings.Builder
	kind, id, dispatch := "", p.LastID, false
	for {
		line, err := p.readLine()
		if err != nil && err != ErrTooLong {
			return Event{}, err
		}
		field, value, _ := strings.Cut(line, ":") // a comment has a field without a name
		value = strings.TrimPrefix(value, " ")
		isLong := err != nil && (field == "data" || field == "event" || field == "id")
		if field == "data" {
			isLong = isLong || data.Len()+len(value) > maxEvent
		}
		switch {
		case isLong && !p.skipping:
			p.skipping = true
			p.LastID = id // or a reader that resumes would request this event once more
			return Event{ID: id}, ErrTooLong
		case err != nil, p.skipping && field == "data": // is skipped
		case line == "":
			p.LastID = id
			if dispatch {
				return Event{ID: id, Type: cmp.Or(kind, "message"), Data: data.String()}, nil
			}
			kind, p.skipping = "", false
		case field == "data":
			if dispatch {
				data.WriteByte('\n')
			}
			data.WriteString(value)
			dispatch = true
		case field == "event":
			kind = value
		case field == "id" && !strings.Contains(value, "\x00"):
			id = value
		case field == "retry":
			if ms, err := strconv.ParseUint(value, 10, 31); err == nil {
				p.Retry = time.Duration(ms) * time.Millisecond
			}
		}
	}
}

// readLine returns the next line. Of a line that is too long it returns the first
// 1 MiB and ErrTooLong; the next call skips the rest.
func (p *Parser) readLine() (string, error) {
	p.line = p.line[:0]
	for {
		if _, err := p.in.Peek(1); err != nil {
			return "", err
		}
		buffered, _ := p.in.Peek(p.in.Buffered())
		if p.afterCR && buffered[0] == '\n' { // the second byte of a line end
			p.afterCR = false
			p.in.Discard(1)
			continue
		}
		p.afterCR = false
		n := bytes.IndexAny(buffered, "\r\n")
		isWhole := n >= 0
		if !isWhole {
			n = len(buffered)
		}
		if !p.isRest {
			space := maxEvent - len(p.line)
			p.line = append(p.line, buffered[:min(n, space)]...)
			if n > space {
				p.isRest = true
				p.in.Discard(space)
				return p.text(), ErrTooLong
			}
		}
		if isWhole {
			p.afterCR = buffered[n] == '\r'
			n++
		}
		p.in.Discard(n)
		if isWhole && !p.isRest {
			return p.text(), nil
		}
		p.isRest = p.isRest && !isWhole
	}
}

// text returns the current line as a browser decodes it.
func (p *Parser) text() string {
	line := string(p.line)
	if !utf8.ValidString(line) {
		line, _ = utf.UTF8.NewDecoder().String(line) // it never fails
	}
	if !p.begun {
		p.begun = true
		line = strings.TrimPrefix(line, "\uFEFF")
	}
	return line
}
