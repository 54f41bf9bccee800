package sse

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	maxEvent   = 1 << 20          // bytes of one event's data, or of one line
	maxSilence = 40 * time.Second // a live stream has a comment every 15 s
)

var (
	// ErrTooLong says that a line, or an event's data, has more than 1 MiB.
	ErrTooLong = errors.New("sse: an event or a line has more than 1 MiB")

	// ErrSilent says that nothing at all, not even a comment, came for 40 s.
	ErrSilent = errors.New("sse: the stream is silent")
)

// An Event is what a stream dispatches (WHATWG HTML, section 9.2.6).
type Event struct {
	ID   string // the last event id, which an earlier event may have set
	Type string // "message" where the stream names none
	Data string // the data lines, joined by line feeds
}

// Events opens a stream at url and yields its events until the first error:
// that of ctx, a refusal, [ErrSilent], [ErrTooLong], or the stream's own end,
// io.EOF. It reads any SSE stream, not only this lab's. A lastID that is not
// empty is sent as Last-Event-ID; to resume, call it again with the ID of the
// last event.
func Events(ctx context.Context, url, lastID string) iter.Seq2[Event, error] {
	return events(ctx, nil, url, &Parser{LastID: lastID})
}

// events is Events with a dialer, and with a parser that goes on holding the
// last event id when the stream has ended.
func events(ctx context.Context, dial dialFunc, url string, p *Parser) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		silence := time.AfterFunc(maxSilence, func() { cancel(ErrSilent) })
		defer silence.Stop()
		fail := func(err error) {
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			yield(Event{}, err)
		}

		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			fail(fmt.Errorf("sse: %w", err))
			return
		}
		req.Header.Set("Accept", "text/event-stream")
		if p.LastID != "" {
			req.Header.Set("Last-Event-ID", p.LastID)
		}
		transport := &http.Transport{DialContext: dial, DisableCompression: true}
		defer transport.CloseIdleConnections()
		resp, err := transport.RoundTrip(req)
		if err != nil {
			fail(fmt.Errorf("sse: %w", err))
			return
		}
		defer resp.Body.Close()
		if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); resp.StatusCode != http.StatusOK || kind != "text/event-stream" {
			text, _ := io.ReadAll(io.LimitReader(resp.Body, 1024))
			fail(fmt.Errorf("sse: %s: %s", resp.Status, text))
			return
		}

		p.in = bufio.NewReader(wakeful{resp.Body, silence})
		for {
			event, err := p.Next()
			if err != nil {
				fail(fmt.Errorf("sse: the stream ended: %w", err))
				return
			}
			if !yield(event, nil) {
				return
			}
		}
	}
}

type dialFunc = func(ctx context.Context, network, addr string) (net.Conn, error)

// wakeful puts off an alarm whenever something is read.
type wakeful struct {
	io.Reader
	alarm *time.Timer
}

func (w wakeful) Read(b []byte) (int, error) {
	n, err := w.Reader.Read(b)
	w.alarm.Reset(maxSilence)
	return n, err
}

// A Parser takes a text/event-stream apart as the standard says: lines end in
// LF, CR or both; a leading byte order mark, comments and unknown fields are
// skipped; an event that no blank line ends is never dispatched.
type Parser struct {
	LastID string        // the last event id; a block without data sets it too
	Retry  time.Duration // the last retry field; 0 where there was none

	in      *bufio.Reader
	begun   bool   // behind the byte order mark
	afterCR bool   // the last line ended in CR: a LF that follows is part of that
	line    []byte // of the current line
}

// NewParser returns a parser of the stream in.
func NewParser(in io.Reader) *Parser {
	return &Parser{in: bufio.NewReader(in)}
}

// Next blocks until the next event is complete and returns it. The error is the
// stream's, io.EOF at its end, or [ErrTooLong].
func (p *Parser) Next() (Event, error) {
	var data strings.Builder
	kind, id, dispatch := "", p.LastID, false
	for {
		line, err := p.readLine()
		if err != nil {
			return Event{}, err
		}
		field, value, _ := strings.Cut(line, ":") // a comment has a field without a name
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "":
			p.LastID = id
			if dispatch {
				return Event{ID: id, Type: cmp.Or(kind, "message"), Data: data.String()}, nil
			}
			kind = ""
		case field == "data":
			if data.Len()+len(value) > maxEvent {
				return Event{}, ErrTooLong
			}
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

func (p *Parser) readLine() (string, error) {
	p.line = p.line[:0]
	for {
		b, err := p.in.ReadByte()
		if err != nil {
			return "", err
		}
		isRest := b == '\n' && p.afterCR
		p.afterCR = b == '\r'
		switch {
		case isRest:
		case b == '\n' || b == '\r':
			line := strings.ToValidUTF8(string(p.line), "\uFFFD")
			if !p.begun {
				p.begun = true
				line = strings.TrimPrefix(line, "\uFEFF")
			}
			return line, nil
		case len(p.line) == maxEvent:
			return "", ErrTooLong
		default:
			p.line = append(p.line, b)
		}
	}
}
