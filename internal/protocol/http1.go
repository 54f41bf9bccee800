package protocol

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
)

// An http1Conn rewrites the headers of the HTTP/1.1 requests that are written to it, however they are divided into
// writes, and leaves their bodies as they are (RFC 9112, section 6.3). It leaves all that follows a request for an
// upgrade.
type http1Conn struct {
	net.Conn
	rewriting
	pending  []byte // the beginning of a request's headers, or of a line between chunks
	left     int    // bytes of the body, or of its chunk, that are not yet written
	chunked  bool   // a chunk's size is next (RFC 9112, section 7.1)
	trailer  bool   // the last chunk is written: trailer fields are next
	upgraded bool
}

func (c *http1Conn) Write(b []byte) (int, error) {
	c.pending = append(c.pending, b...)
	var out []byte
	pass := func(n int) {
		out = append(out, c.pending[:n]...)
		c.pending = c.pending[n:]
	}
	for incomplete := false; len(c.pending) > 0 && !incomplete; {
		switch {
		case c.upgraded:
			pass(len(c.pending))
		case c.left > 0:
			n := min(c.left, len(c.pending))
			pass(n)
			c.left -= n
		case c.chunked, c.trailer:
			line, _, found := bytes.Cut(c.pending, []byte("\r\n"))
			if incomplete = !found; incomplete {
				break
			}
			if err := c.betweenChunks(string(line)); err != nil {
				return 0, err
			}
			pass(len(line) + len("\r\n"))
		default:
			head, _, found := bytes.Cut(c.pending, []byte("\r\n\r\n"))
			if incomplete = !found; incomplete {
				break
			}
			rewritten, err := c.rewriteHead(string(head))
			if err != nil {
				return 0, err
			}
			out = append(out, rewritten...)
			c.pending = c.pending[len(head)+len("\r\n\r\n"):]
		}
	}
	c.pending = bytes.Clone(c.pending)
	if len(out) == 0 {
		return len(b), nil
	}
	if _, err := c.Conn.Write(out); err != nil {
		return 0, err
	}
	return len(b), nil
}

// betweenChunks reads a line of a chunked body that is not data: a chunk's size or a trailer field.
func (c *http1Conn) betweenChunks(line string) error {
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

// rewriteHead returns the request line and headers as they are to be sent, and notes which body follows.
func (c *http1Conn) rewriteHead(head string) (string, error) {
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
	if c.recording != nil {
		method, _, _ := strings.Cut(lines[0], " ")
		kind, err := kindOf(method, value)
		if err != nil {
			return "", err
		}
		if (kind == "post") != (length != "") || c.chunked {
			return "", errors.New("a POST of Chromium's has a Content-Length by HTTP/1.1, and a GET no body")
		}
		placeholders := c.placeholders(value("host"), value("sec-websocket-key"), length)
		id := value("last-event-id")
		lines = lines[:1:1]
		for _, line := range c.recording.lines[kind] {
			lines = append(lines, placeholders.Replace(line))
		}
		if id != "" {
			lines = append(lines, "Last-Event-ID: "+id)
		}
	}
	if c.cookie != "" {
		lines = append(slices.Clip(lines), "Cookie: "+c.cookie)
	}
	return strings.Join(lines, "\r\n") + "\r\n\r\n", nil
}
