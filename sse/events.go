package sse

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
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

// A RefusedError says that the server answered, but not with a stream of events.
type RefusedError struct {
	Status int    // 200 where only the Content-Type is another
	Text   string // the status line, what is wrong with it, and how the body begins
}

func (e *RefusedError) Error() string { return "sse: " + e.Text }

// Events opens a stream at url and yields its events until the first error:
// that of ctx, a [*RefusedError], [ErrSilent], [ErrTooLong], or the stream's own
// end, io.EOF. It reads any SSE stream, not only this lab's. A lastID that is
// not empty is sent as Last-Event-ID. To read on after an error, use a [Stream].
func Events(ctx context.Context, url, lastID string) iter.Seq2[Event, error] {
	return (&Stream{URL: url, LastID: lastID}).Events(ctx)
}

// A Stream is a stream of events, this lab's or any other, that can be read on
// after a cut.
type Stream struct {
	URL    string
	Header http.Header // goes with each request; nil: nothing more than needed

	// Dial opens a connection, for https one on which TLS is spoken already; nil
	// means net/http's own.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	// HTTP2 has it speak HTTP/2 from the first byte on (RFC 9113, section 3.3);
	// otherwise it speaks HTTP/1.1.
	HTTP2 bool

	// Gzip has it accept a compressed stream, which net/http takes apart. What
	// counts as silence, and as too long, is what comes out.
	Gzip bool

	// LastID is the last event id, where Events begins; empty: wherever the
	// stream does. Retry is how long the stream wants a client to wait before it
	// comes again; 0 where it has not said. Events moves both.
	LastID string
	Retry  time.Duration
}

// Events opens the stream and yields its events, as the function Events does;
// to read on, range again. Only one range at a time may use a Stream.
func (s *Stream) Events(ctx context.Context) iter.Seq2[Event, error] {
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

		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, nil)
		if err != nil {
			fail(fmt.Errorf("sse: %w", err))
			return
		}
		maps.Copy(req.Header, s.Header)
		req.Header.Set("Accept", "text/event-stream")
		if s.LastID != "" && !strings.ContainsFunc(s.LastID, unicode.IsControl) { // else no header can carry it
			req.Header.Set("Last-Event-ID", s.LastID)
		}
		transport := &http.Transport{DialContext: s.Dial, DialTLSContext: s.Dial, DisableCompression: !s.Gzip, Protocols: protocols(s.HTTP2)}
		defer transport.CloseIdleConnections()
		resp, err := transport.RoundTrip(req)
		if err != nil {
			fail(fmt.Errorf("sse: %w", err))
			return
		}
		defer resp.Body.Close()
		if err := refusal(resp); err != nil {
			fail(err)
			return
		}

		p := &Parser{LastID: s.LastID, Retry: s.Retry, in: bufio.NewReader(wakeful{resp.Body, silence})}
		for {
			event, err := p.Next()
			s.LastID, s.Retry = p.LastID, p.Retry
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

// protocols returns the only version of HTTP that is to be spoken.
func protocols(http2 bool) *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(!http2)
	p.SetHTTP2(http2)
	p.SetUnencryptedHTTP2(http2)
	return p
}

// refusal returns nil for a stream, and otherwise what the server said instead.
// Redirects are not followed, but told.
func refusal(resp *http.Response) error {
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	text := resp.Status
	if resp.StatusCode == http.StatusOK {
		if kind == "text/event-stream" {
			return nil
		}
		text += fmt.Sprintf(", but of type %q", kind)
	}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 256))
	if more := cmp.Or(resp.Header.Get("Location"), strings.TrimSpace(string(body))); more != "" {
		text += ": " + more
	}
	return &RefusedError{resp.StatusCode, text}
}

// wakeful sets an alarm for as long as it waits for something to read.
type wakeful struct {
	io.Reader
	alarm *time.Timer
}

func (w wakeful) Read(b []byte) (int, error) {
	w.alarm.Reset(maxSilence)
	defer w.alarm.Stop()
	return w.Reader.Read(b)
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
