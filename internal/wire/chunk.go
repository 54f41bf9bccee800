package wire

import (
	"bytes"
	"math"
)

// chunk reads the line before a chunk (RFC 9112, section 7.1).
func (h *half) chunk(text, end []byte) (wrong string) {
	digits := 0
	var size int64
	for digits < len(text) {
		v := unhex(text[digits])
		if v < 0 {
			break
		}
		if size > math.MaxInt64>>4 {
			return "a chunk beyond all bounds"
		}
		size = size<<4 | int64(v)
		digits++
	}
	rest := bytes.TrimLeft(text[digits:], " \t")
	if digits == 0 || len(rest) > 0 && rest[0] != ';' {
		return "a chunk without a size"
	}
	h.book(Framing, "chunk size", text[:digits])
	h.book(Framing, "chunk extension", text[digits:])
	h.book(Framing, "line end", end)
	if h.left, h.state = size, chunkData; size == 0 {
		h.state = trailer
	}
	return ""
}

// bookCut books the beginning of a line of the chunked coding, whose first byte is one of first, or else unaccounted.
func (h *half) bookCut(role, first string) {
	part := Framing
	if len(h.partial) > 0 && bytes.IndexByte([]byte(first), h.partial[0]) < 0 {
		part, role = Unaccounted, "unknown"
	}
	h.book(part, role, h.partial)
	h.partial = nil
}

// unhex returns the value of a hexadecimal digit, or -1.
func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
