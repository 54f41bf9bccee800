package sse

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	utf "golang.org/x/text/encoding/unicode"
)

const (
	maxEvent     = 1 << 20          // bytes of one event's data, or of one line
	maxSilence   = 40 * time.Second // a live stream has a comment every 15 s
	maxRedirects = 20               // as many as a browser follows (Fetch, "HTTP-redirect fetch")
	maxRefusal   = 256              // bytes of a refusal's body
	refusalTime  = time.Second      // for these to come
)

var (
	// ErrTooLong says that an event has more than 1 MiB, be it of data or in one
	// line. It is passed over, and the stream goes on behind it.
	ErrTooLong = errors.New("sse: an event has more than 1 MiB")

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
// that of ctx, a [*RefusedError], [ErrSilent], or the stream's own end, io.EOF.
// Only [ErrTooLong] is not the last: it stands in the place of an event. Events
// reads any SSE stream, not only this lab's. A lastID that is not empty is sent
// as Last-Event-ID. To read on after an error, use a [Stream].
func Events(ctx context.Context, url, lastID string) iter.Seq2[Event, error] {
	return (&Stream{URL: url, LastID: lastID}).Events(ctx)
}

// A Stream is a stream of events, this lab's or any other, that can be read on
// after a cut.
type Stream struct {
	// URL is where the stream is. Redirects are followed. One that is permanent,
	// 301 or 308, changes URL once it has led to a stream (RFC 9110, section 15.4).
	URL string

	// Header goes with each request; nil: nothing more than needed. Where a
	// redirect leads to another origin, only its User-Agent does, and Header keeps
	// no more than that where URL is changed.
	Header http.Header

	// Proxy returns the proxy for a request, as http.ProxyFromEnvironment does;
	// nil means none.
	Proxy func(*http.Request) (*url.URL, error)

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

		transport := &http.Transport{
			Proxy: s.Proxy, DialContext: s.Dial, DialTLSContext: s.Dial,
			DisableCompression: !s.Gzip, Protocols: protocols(s.HTTP2),
		}
		defer transport.CloseIdleConnections()
		body, err := s.open(ctx, transport)
		if err != nil {
			fail(err)
			return
		}
		defer body.Close()

		p := &Parser{LastID: s.LastID, Retry: s.Retry, in: bufio.NewReader(wakeful{body, silence})}
		for {
			event, err := p.Next()
			s.LastID, s.Retry = p.LastID, p.Retry
			if err != nil && err != ErrTooLong {
				fail(fmt.Errorf("sse: the stream ended: %w", err))
				return
			}
			if !yield(event, err) {
				return
			}
		}
	}
}

// open asks for the stream, wherever redirects lead, and returns its body.
func (s *Stream) open(ctx context.Context, transport *http.Transport) (io.ReadCloser, error) {
	at, header, isForGood := s.URL, s.Header, true
	moved, movedHeader := at, header // where redirects for good have led so far
	for redirects := 0; ; redirects++ {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
		if err != nil {
			return nil, fmt.Errorf("sse: %w", err)
		}
		maps.Copy(req.Header, header)
		req.Header.Set("Accept", "text/event-stream")
		if s.LastID != "" && !strings.ContainsFunc(s.LastID, unicode.IsControl) { // else no header can carry it
			req.Header.Set("Last-Event-ID", s.LastID)
		}
		resp, err := transport.RoundTrip(req)
		if err != nil {
			return nil, fmt.Errorf("sse: %w", err)
		}
		to := redirect(resp)
		if to == nil || redirects == maxRedirects {
			if err := refusal(resp); err != nil {
				resp.Body.Close()
				return nil, err
			}
			s.URL, s.Header = moved, movedHeader
			return resp.Body, nil
		}
		resp.Body.Close() // unread, since it may never end
		at = to.String()
		if to.Scheme != req.URL.Scheme || to.Host != req.URL.Host { // another origin
			header = header.Clone()
			maps.DeleteFunc(header, func(name string, _ []string) bool { return name != "User-Agent" })
		}
		if code := resp.StatusCode; code != http.StatusMovedPermanently && code != http.StatusPermanentRedirect {
			isForGood = false
		}
		if isForGood {
			moved, movedHeader = at, header
		}
	}
}

// redirect returns where the response leads, or nil if it is no redirect that a
// browser follows (Fetch, "redirect status" and "location URL").
func redirect(resp *http.Response) *url.URL {
	switch resp.StatusCode {
	case 301, 302, 303, 307, 308:
		to, err := resp.Location()
		if err == nil && (to.Scheme == "http" || to.Scheme == "https") && to.Host != "" {
			return to
		}
	}
	return nil
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
// It does not wait for more than the server says at once.
func refusal(resp *http.Response) error {
	text := resp.Status
	if resp.StatusCode == http.StatusOK {
		kind := mediaType(resp.Header)
		if kind == "text/event-stream" {
			return nil
		}
		text += fmt.Sprintf(", but of type %q", kind)
	}
	tooLate := time.AfterFunc(refusalTime, func() { resp.Body.Close() })
	defer tooLate.Stop()
	body := make([]byte, maxRefusal)
	n, _ := io.ReadFull(resp.Body, body)
	if more := cmp.Or(resp.Header.Get("Location"), strings.TrimSpace(string(body[:n]))); more != "" {
		text += ": " + more
	}
	return &RefusedError{resp.StatusCode, text[:min(len(text), 2*maxRefusal)]}
}

// mediaType returns what a browser takes the response for: the last type that
// its fields name (Fetch, "extract a MIME type"). Parameters do not matter, not
// even one that is given twice (MIME Sniffing, section 4.4).
func mediaType(header http.Header) (kind string) {
	for value := range strings.SplitSeq(strings.Join(header.Values("Content-Type"), ","), ",") {
		value, _, _ = strings.Cut(value, ";")
		value = strings.ToLower(strings.TrimSpace(value))
		major, minor, _ := strings.Cut(value, "/")
		if major != "" && minor != "" && value != "*/*" && !strings.ContainsAny(value, "\" ") {
			kind = value
		}
	}
	return kind
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
// skipped, however long; an event that no blank line ends is never dispatched.
// What is not UTF-8 becomes U+FFFD as often as in a browser (Encoding, "UTF-8
// decoder"). It holds a line and an event's data, each of at most 1 MiB.
type Parser struct {
	LastID string        // the last event id; a block without data sets it too
	Retry  time.Duration // the last retry field; 0 where there was none

	in      *bufio.Reader
	begun   bool   // behind the byte order mark
	afterCR bool   // the last line ended in CR: a LF that follows is part of that
	line    []byte // of the current line
	isRest  bool   // what follows is the rest of a line that is too long
	dropped bool   // what follows belongs to an event that is too long
}

// NewParser returns a parser of the stream in.
func NewParser(in io.Reader) *Parser {
	return &Parser{in: bufio.NewReader(in)}
}

// Next blocks until the next event is complete and returns it. The error is the
// stream's, io.EOF at its end. Or it is [ErrTooLong], as soon as an event has
// more than 1 MiB: then the event has only its id, if that has come, which counts
// from then on, and Next may be called for what comes behind.
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
		case isLong && !p.dropped:
			p.dropped = true
			p.LastID = id // or a reader that was cut off would ask for this event again
			return Event{ID: id}, ErrTooLong
		case err != nil, p.dropped && field == "data": // is passed over
		case line == "":
			p.LastID = id
			if dispatch {
				return Event{ID: id, Type: cmp.Or(kind, "message"), Data: data.String()}, nil
			}
			kind, p.dropped = "", false
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

// readLine returns the next line. Of one that is too long it returns what it
// holds, and ErrTooLong; the rest is passed over by the call after.
func (p *Parser) readLine() (string, error) {
	p.line = p.line[:0]
	for {
		if _, err := p.in.Peek(1); err != nil {
			return "", err
		}
		come, _ := p.in.Peek(p.in.Buffered())
		if p.afterCR && come[0] == '\n' { // the second byte of a line's end
			p.afterCR = false
			p.in.Discard(1)
			continue
		}
		p.afterCR = false
		n := bytes.IndexAny(come, "\r\n")
		isWhole := n >= 0
		if !isWhole {
			n = len(come)
		}
		if !p.isRest {
			room := maxEvent - len(p.line)
			p.line = append(p.line, come[:min(n, room)]...)
			if n > room {
				p.isRest = true
				p.in.Discard(room)
				return p.text(), ErrTooLong
			}
		}
		if isWhole {
			p.afterCR = come[n] == '\r'
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
		line, _ = utf.UTF8.NewDecoder().String(line) // it replaces, and never fails
	}
	if !p.begun {
		p.begun = true
		line = strings.TrimPrefix(line, "\uFEFF")
	}
	return line
}
