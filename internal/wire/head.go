package wire

import (
	"bytes"
	"strconv"
)

// head is the part of a head (start line and headers) that decides how the body is read.
type head struct {
	status       int   // of a response
	length       int64 // Content-Length
	hasLength    bool
	hasCoding    bool // there is a Transfer-Encoding
	chunked      bool // whose last coding is chunked
	closes       bool // Connection: close
	upgrades     bool // Upgrade: websocket
	json         bool // Content-Type: application/json
	events       bool // Content-Type: text/event-stream
	encoded      bool // there is a Content-Encoding
	gzip         bool // which is gzip
	hasExtension bool // a WebSocket extension was agreed on
	deflate      bool // which is permessage-deflate without context takeover

	http10 bool   // HTTP/1.0, which has no Transfer-Encoding
	folded []byte // the beginning of a field that may go on in the next line (RFC 9112, section 5.2)
}

// maxFolded is the most bytes of folded.
const maxFolded = 128

// field reads a field line (RFC 9112, section 5), and keeps the values that decide how the body is read.
func (h *half) field(part Part, text, end []byte) (wrong string) {
	colon := bytes.IndexByte(text, ':')
	switch {
	case text[0] == ' ' || text[0] == '\t': // folded: continues the line before (RFC 9112, section 5.2)
		if wrong := h.msg.fold(text); wrong != "" && h.state == fieldLine {
			return wrong
		}
		h.book(part, "folded value", text)
		h.book(part, "line end", end)
		return ""
	case colon < 1:
		return "a field without a name"
	}
	name, value := text[:colon], bytes.Trim(text[colon+1:], " \t")
	if h.state == fieldLine {
		if wrong := h.msg.read(name, value); wrong != "" {
			return wrong
		}
		h.msg.folded = h.msg.folded[:0]
		if equalFold(name, "Content-Length") || equalFold(name, "Transfer-Encoding") || equalFold(name, "Upgrade") {
			h.msg.folded = append(append(h.msg.folded, text[:min(len(text), maxFolded)]...), ' ')
		}
	}
	nameLen := len(text) - len(bytes.TrimLeft(text[colon+1:], " \t")) // the name with its colon and space
	h.book(part, "field name", text[:nameLen])
	h.book(part, "field value", text[nameLen:])
	h.book(part, "line end", end)
	return ""
}

// fold reads a field with its next line, where the field decides how the body is read.
func (m *head) fold(text []byte) (wrong string) {
	if len(m.folded) == 0 {
		return ""
	}
	m.folded = append(m.folded, text[:min(len(text), maxFolded)]...)
	colon := bytes.IndexByte(m.folded, ':')
	if len(m.folded) > 2*maxFolded || colon < 0 {
		return "a field in too many lines"
	}
	return m.read(m.folded[:colon], bytes.Trim(m.folded[colon+1:], " \t"))
}

// read keeps the value of a field that decides how the body is read.
func (m *head) read(name, value []byte) (wrong string) {
	switch {
	case equalFold(name, "Content-Length"):
		if len(value) == 0 {
			return "" // it may be in the next line
		}
		length, err := strconv.ParseUint(string(value), 10, 63)
		if err != nil || m.hasLength && int64(length) != m.length {
			return "a Content-Length that is none"
		}
		m.length, m.hasLength = int64(length), true
	case equalFold(name, "Transfer-Encoding"):
		m.hasCoding = true
		m.chunked = equalFold(lastItem(value), "chunked")
	case equalFold(name, "Connection"):
		m.closes = m.closes || contains(value, "close")
	case equalFold(name, "Upgrade"):
		m.upgrades = contains(value, "websocket")
	case equalFold(name, "Content-Type"):
		kind, _, _ := bytes.Cut(value, []byte(";"))
		kind = bytes.TrimRight(kind, " \t")
		m.json = equalFold(kind, "application/json")
		m.events = equalFold(kind, "text/event-stream")
	case equalFold(name, "Content-Encoding"):
		m.encoded = !equalFold(value, "identity")
		m.gzip = equalFold(value, "gzip")
	case equalFold(name, "Sec-WebSocket-Extensions"):
		m.hasExtension = true
		m.deflate = equalFold(value, "permessage-deflate; server_no_context_takeover; client_no_context_takeover")
	}
	return ""
}

// isVersion reports whether b is a version of HTTP/1 (RFC 9112, section 2.3).
func isVersion(b []byte) bool {
	return len(b) == len("HTTP/1.1") && bytes.HasPrefix(b, []byte("HTTP/1.")) && b[7] >= '0' && b[7] <= '9'
}

// isToken reports whether c may stand in a token (RFC 9110, section 5.6.2).
func isToken(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		bytes.IndexByte([]byte("!#$%&'*+-.^_`|~"), c) >= 0
}

// equalFold compares without regard to case.
func equalFold(b []byte, word string) bool {
	return len(b) == len(word) && bytes.EqualFold(b, []byte(word))
}

// contains reports whether a word is in a list (RFC 9110, section 5.6.1).
func contains(list []byte, word string) bool {
	for item := range bytes.SplitSeq(list, []byte(",")) {
		if equalFold(bytes.Trim(item, " \t"), word) {
			return true
		}
	}
	return false
}

// lastItem returns the last item of a list.
func lastItem(list []byte) []byte {
	return bytes.Trim(list[bytes.LastIndexByte(list, ',')+1:], " \t")
}
