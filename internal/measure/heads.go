package measure

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/net/http2/hpack"
)

//go:generate go test -run TestRecord -record

// chromium is what Chromium sends by HTTP/1.1: for each kind of request, behind a
// line with its name in brackets, the header lines in their order. {host} stands
// for the host and port, {key} for the WebSocket's random key, {length} for that of
// the body.
//
//go:embed testdata/chrome-headers.txt
var chromium string

// chromium2 is what Chromium sends by HTTP/2, on one connection: the blocks of its
// headers (RFC 7541), a line each, in hexadecimal digits.
//
//go:embed testdata/chrome-http2.txt
var chromium2 string

// A recording is what Chromium sends behind the request line or the pseudo-header
// fields, by kind of request. {origin} stands for the scheme, host and port, the rest
// as in chromium.
type recording struct {
	lines  map[string][]string            // of HTTP/1.1
	fields map[string][]hpack.HeaderField // of HTTP/2
}

// kinds are the kinds of requests that are recorded.
var kinds = []string{"fetch", "post", "eventsource", "websocket"}

var recorded = sync.OnceValues(func() (recording, error) { return readRecording(chromium, chromium2) })

// readRecording reads both texts, whichever line ends they have: git may have changed
// them. A kind that is missing is an error.
func readRecording(http1, http2 string) (recording, error) {
	r := recording{map[string][]string{}, map[string][]hpack.HeaderField{}}
	for set := range strings.SplitSeq(strings.TrimSpace(strings.ReplaceAll(http1, "\r\n", "\n")), "\n\n") {
		lines := strings.Split(strings.ReplaceAll(set, "http://{host}", "{origin}"), "\n")
		r.lines[strings.Trim(lines[0], "[]")] = lines[1:]
	}
	decoder := hpack.NewDecoder(tableSize, nil)
	for line := range strings.Lines(http2) {
		block, err := hex.DecodeString(strings.TrimSpace(line))
		if err != nil {
			return r, fmt.Errorf("testdata/chrome-http2.txt: %w", err)
		}
		fields, err := decoder.DecodeFull(block)
		if err == nil && len(fields) < 4 {
			err = fmt.Errorf("a block of %d fields", len(fields))
		}
		if err != nil {
			return r, fmt.Errorf("testdata/chrome-http2.txt: %w", err)
		}
		kind, _, _ := strings.Cut(strings.TrimPrefix(fields[3].Value, "/"), "?")
		if r.fields[kind] != nil {
			continue // the same again
		}
		host := fields[1].Value
		for _, f := range fields[4:] {
			f.Value = strings.ReplaceAll(f.Value, "https://"+host, "{origin}")
			if f.Name == "content-length" {
				f.Value = "{length}"
			}
			r.fields[kind] = append(r.fields[kind], f)
		}
	}
	for _, kind := range kinds {
		if len(r.lines[kind]) == 0 {
			return r, fmt.Errorf("testdata/chrome-headers.txt has no [%s]", kind)
		}
		if len(r.fields[kind]) == 0 && kind != "websocket" { // it opens its connection by HTTP/1.1
			return r, fmt.Errorf("testdata/chrome-http2.txt has no /%s", kind)
		}
	}
	return r, nil
}

// kindOf returns of which kind a request is, by its method and its header fields.
func kindOf(method string, value func(name string) string) (string, error) {
	switch {
	case method == "GET" && strings.EqualFold(value("upgrade"), "websocket"):
		return "websocket", nil
	case method == "GET" && value("accept") == "text/event-stream":
		return "eventsource", nil
	case method == "GET":
		return "fetch", nil
	case method == "POST":
		return "post", nil
	}
	return "", fmt.Errorf("no %s of Chromium's is recorded, only GET and POST", method)
}

// Dial opens a connection, like net.Dialer's DialContext.
type Dial = func(ctx context.Context, network, addr string) (net.Conn, error)

// The header sets of [Heads].
const (
	Go     = "go"     // what this repository's clients send, encoded on HTTP/2 by Go's HPACK
	Chrome = "chrome" // what Chromium sends for the same requests, encoded as it does
)

// Heads are the headers of requests as they go over the wire. They are changed on
// the connection, below the clients: these need no settings for it, and what is
// sent is, to the letter and in its order, what a browser sends.
type Heads struct {
	Set    string // Go or Chrome
	Cookie int    // bytes of a Cookie header's value; 0: none
}

// Dial returns a dialer for clients that ask for URLs with this scheme, by HTTP/2 or
// HTTP/1.1. It changes the headers of every request that is written to its
// connections; one that it cannot change fails the write.
func (h Heads) Dial(scheme string, http2 bool, dial Dial) Dial {
	if h.Set != Chrome && h.Cookie == 0 {
		return dial
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		to := rewriting{scheme: scheme, cookie: cookie(h.Cookie)}
		if h.Set == Chrome {
			chrome, err := recorded()
			if err != nil {
				return nil, err
			}
			to.recording = &chrome
		}
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		if http2 {
			return newHeaded2(conn, to), nil
		}
		return &headed{Conn: conn, rewriting: to}, nil
	}
}

// A rewriting is what headers are changed to.
type rewriting struct {
	recording *recording // nil: the client's own
	scheme    string
	cookie    string // empty: none
}

// named returns what fills in the names of a recording for a request of these values.
func (to rewriting) named(host, key, length string) *strings.Replacer {
	return strings.NewReplacer("{origin}", to.scheme+"://"+host, "{host}", host, "{key}", key, "{length}", length)
}

// headed changes the headers of the requests that are written to it, however they are
// divided into writes, and leaves their bodies (RFC 9112, section 6.3). After a request
// for an upgrade it leaves all that follows.
type headed struct {
	net.Conn
	rewriting
	held     []byte // the beginning of a request's headers, or of a line between chunks
	left     int    // bytes of the body, or of its chunk, that are still to come
	chunked  bool   // a chunk's size is next (RFC 9112, section 7.1)
	trailer  bool   // behind the last chunk
	upgraded bool
}

func (c *headed) Write(b []byte) (int, error) {
	c.held = append(c.held, b...)
	var out []byte
	pass := func(n int) {
		out = append(out, c.held[:n]...)
		c.held = c.held[n:]
	}
	for wants := false; len(c.held) > 0 && !wants; {
		switch {
		case c.upgraded:
			pass(len(c.held))
		case c.left > 0:
			n := min(c.left, len(c.held))
			pass(n)
			c.left -= n
		case c.chunked, c.trailer:
			line, _, found := bytes.Cut(c.held, []byte("\r\n"))
			if wants = !found; wants {
				break
			}
			if err := c.between(string(line)); err != nil {
				return 0, err
			}
			pass(len(line) + len("\r\n"))
		default:
			head, _, found := bytes.Cut(c.held, []byte("\r\n\r\n"))
			if wants = !found; wants {
				break
			}
			changed, err := c.change(string(head))
			if err != nil {
				return 0, err
			}
			out = append(out, changed...)
			c.held = c.held[len(head)+len("\r\n\r\n"):]
		}
	}
	c.held = bytes.Clone(c.held)
	if len(out) == 0 {
		return len(b), nil
	}
	if _, err := c.Conn.Write(out); err != nil {
		return 0, err
	}
	return len(b), nil
}

// between takes a line of a chunked body that is no data.
func (c *headed) between(line string) error {
	if c.trailer {
		c.trailer = line != ""
		return nil
	}
	digits, _, _ := strings.Cut(line, ";")
	size, err := strconv.ParseUint(digits, 16, 31)
	if err != nil {
		return fmt.Errorf("a chunk of size %q", digits)
	}
	if size == 0 {
		c.chunked, c.trailer = false, true
	} else {
		c.left = int(size) + len("\r\n")
	}
	return nil
}

// change returns the request line and headers as they are to be sent, and learns from
// them what body follows.
func (c *headed) change(head string) (string, error) {
	lines := strings.Split(head, "\r\n")
	value := func(name string) string {
		for _, line := range lines[1:] {
			if n, v, _ := strings.Cut(line, ":"); strings.EqualFold(n, name) {
				return strings.TrimSpace(v)
			}
		}
		return ""
	}
	length := value("content-length")
	c.upgraded = value("upgrade") != ""
	c.chunked = value("transfer-encoding") != ""
	if length != "" && !c.chunked {
		var err error
		if c.left, err = strconv.Atoi(length); err != nil || c.left < 0 {
			return "", fmt.Errorf("a Content-Length of %q", length)
		}
	}
	changed := lines
	if c.recording != nil {
		method, _, _ := strings.Cut(lines[0], " ")
		kind, err := kindOf(method, value)
		if err != nil {
			return "", err
		}
		if (kind == "post") != (length != "") || c.chunked {
			return "", errors.New("a POST of Chromium's has a Content-Length by HTTP/1.1, and a GET no body")
		}
		named := c.named(value("host"), value("sec-websocket-key"), length)
		changed = lines[:1:1]
		for _, line := range c.recording.lines[kind] {
			changed = append(changed, named.Replace(line))
		}
		if id := value("last-event-id"); id != "" {
			changed = append(changed, "Last-Event-ID: "+id)
		}
	}
	if c.cookie != "" {
		changed = append(slices.Clip(changed), "Cookie: "+c.cookie)
	}
	return strings.Join(changed, "\r\n") + "\r\n\r\n", nil
}

// cookie returns a cookie of n bytes, or none for 0, its name included. Its value is as a
// session's: at random, which no code makes much shorter, but the same each time.
func cookie(n int) string {
	random := rand.New(rand.NewPCG(1, 1))
	value := []byte("c=")
	for len(value) < n {
		value = append(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[random.IntN(64)])
	}
	return string(value[:n])
}

// MaxCookie is the most bytes of a cookie: a lab takes headers of 64 KiB.
const MaxCookie = 32 << 10

func (h Heads) check() error {
	switch {
	case h.Set != Go && h.Set != Chrome:
		return fmt.Errorf("headers %q: must be one of %s, %s", h.Set, Go, Chrome)
	case h.Cookie < 0 || h.Cookie > MaxCookie:
		return fmt.Errorf("cookie %d: must be from 0 to %d bytes", h.Cookie, MaxCookie)
	}
	if h.Set == Chrome {
		if _, err := recorded(); err != nil {
			return fmt.Errorf("headers %q: %w", h.Set, err)
		}
	}
	return nil
}
