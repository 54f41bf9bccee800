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
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
)

const (
	maxSilence   = 40 * time.Second // a live stream has a comment every 15 s
	maxRedirects = 20               // as many as a browser follows (Fetch, "HTTP-redirect fetch")
	maxRefusal   = 256              // bytes of a refusal's body
	refusalTime  = time.Second      // for these to arrive
)

// ErrSilent means that no byte, not even of a comment, arrived for 40 s.
var ErrSilent = errors.New("sse: the stream is silent")

// A RefusedError means that the server responded, but not with a stream of events.
type RefusedError struct {
	Status int    // 200 where only the Content-Type is wrong
	Text   string // the status, what is wrong with the response, and the first 256 bytes of its body
}

func (e *RefusedError) Error() string { return "sse: " + e.Text }

// Events opens a stream at url and yields its events until the first error:
// that of ctx, a [*RefusedError], [ErrSilent], or the end of the stream, io.EOF.
// Only after [ErrTooLong], which replaces an event, does it go on. It blocks between
// events. Events reads any SSE stream, not only this lab's. A lastID that is not
// empty is sent as Last-Event-ID. To resume after an error, use a [Stream].
func Events(ctx context.Context, url, lastID string) iter.Seq2[Event, error] {
	return (&Stream{URL: url, LastID: lastID}).Events(ctx)
}

// A Stream is a stream of events, this lab's or any other, whose reading can resume
// after a failure.
type Stream struct {
	// URL is where the stream is. Redirects are followed. A permanent one, 301 or
	// 308, changes URL once it has led to a stream (RFC 9110, section 15.4).
	URL string

	// Header is sent with each request, besides the headers that a request needs. To
	// another origin, where a redirect leads there, only its User-Agent is sent; where
	// such a redirect changes URL, Header keeps no more than that.
	Header http.Header

	// Proxy returns the proxy for a request, as http.ProxyFromEnvironment does;
	// nil means none.
	Proxy func(*http.Request) (*url.URL, error)

	// Dial opens a connection; for https it returns one whose TLS handshake is
	// done. Nil means net/http's own.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	// HTTP2 makes it speak HTTP/2 from the first byte on (RFC 9113, section 3.3).
	// Otherwise it speaks HTTP/1.1.
	HTTP2 bool

	// Gzip makes it accept a compressed stream, which net/http decompresses.
	// ErrSilent and ErrTooLong are about the decompressed bytes.
	Gzip bool

	// LastID is the last event id, behind which Events begins; empty: where the
	// stream begins. Retry is the time that the stream asks a client to wait before
	// it reconnects; 0 where it has not asked. Events updates both.
	LastID string
	Retry  time.Duration
}

// Events opens the stream and yields its events, as the function Events does. To
// resume, range once more. Only one range at a time may use a Stream.
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

		p := &Parser{LastID: s.LastID, Retry: s.Retry, in: bufio.NewReader(timedReader{body, silence})}
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

// open requests the stream, follows redirects, and returns its body.
func (s *Stream) open(ctx context.Context, transport *http.Transport) (io.ReadCloser, error) {
	at, header, isPermanent := s.URL, s.Header, true
	moved, movedHeader := at, header // where permanent redirects have led so far
	for redirects := 0; ; redirects++ {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
		if err != nil {
			return nil, fmt.Errorf("sse: %w", err)
		}
		maps.Copy(req.Header, header)
		req.Header.Set("Accept", "text/event-stream")
		if s.LastID != "" && !strings.ContainsFunc(s.LastID, unicode.IsControl) { // no header can carry those
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
		resp.Body.Close() // not read to its end, because it may never end
		at = to.String()
		if to.Scheme != req.URL.Scheme || to.Host != req.URL.Host { // another origin
			header = header.Clone()
			maps.DeleteFunc(header, func(name string, _ []string) bool { return name != "User-Agent" })
		}
		if code := resp.StatusCode; code != http.StatusMovedPermanently && code != http.StatusPermanentRedirect {
			isPermanent = false
		}
		if isPermanent {
			moved, movedHeader = at, header
		}
	}
}

// redirect returns the URL to which the response redirects, or nil where a browser
// would not follow (Fetch, "redirect status" and "location URL").
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

// protocols returns the one version of HTTP that the client speaks.
func protocols(http2 bool) *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(!http2)
	p.SetHTTP2(http2)
	p.SetUnencryptedHTTP2(http2)
	return p
}

// refusal returns nil for a stream, and otherwise a RefusedError with the server's
// response. It waits for a second at most for the response's body.
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

// mediaType returns the media type that a browser finds: the last valid one of the
// Content-Type headers (Fetch, "extract a MIME type"). Parameters are ignored, even
// one that is given twice (MIME Sniffing, section 4.4).
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

// timedReader runs the timer while it waits for bytes.
type timedReader struct {
	io.Reader
	silence *time.Timer
}

func (r timedReader) Read(b []byte) (int, error) {
	r.silence.Reset(maxSilence)
	defer r.silence.Stop()
	return r.Reader.Read(b)
}
