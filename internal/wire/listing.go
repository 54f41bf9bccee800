package wire

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// A Listing shows a connection as text: every byte with its part and role, and the sum of each part. Pass its Add to
// [Ledger.Tap]. The zero Listing is empty and ready. It is safe for concurrent use.
type Listing struct {
	mu    sync.Mutex
	lines []Span // spans, joined where they were cut or belong together
	sums  [2]counts
}

// Add takes the next span of the connection.
func (l *Listing) Add(s Span) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sums[s.Dir][s.Part] += int64(s.Size)
	if n := len(l.lines); n > 0 && joins(l.lines[n-1], s) {
		last := &l.lines[n-1]
		last.Size += s.Size
		last.Bytes = append(last.Bytes, s.Bytes...)
		last.Name, last.Value, last.Text = s.Name, s.Value, s.Text
		return
	}
	s.Bytes = bytes.Clone(s.Bytes)
	l.lines = append(l.lines, s)
}

// joins reports whether a span continues the line of the one before: the rest of the same span, the value behind a
// field's name, or a line end.
func joins(last, s Span) bool {
	if last.Dir != s.Dir || last.Part != s.Part || last.Stream != s.Stream || last.Text != "" {
		return false
	}
	if bytes.HasSuffix(last.Bytes, []byte("\n")) {
		return false
	}
	return last.Role == s.Role && s.Role != roleOpcode || s.Role == "field value" || s.Role == "line end"
}

// String returns the text: for each line the direction, the number of bytes, their part, their role, and the bytes; at
// the end the sums.
func (l *Listing) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	var keys [2][]byte
	for _, s := range l.lines {
		text := quote(s.Bytes)
		switch {
		case s.Name != "":
			text = fmt.Sprintf("%s: %s  (%s)", s.Name, quote([]byte(s.Value)), s.Text)
		case s.Text != "":
			text = s.Text
		}
		switch s.Role {
		case roleOpcode:
			keys[s.Dir] = nil
			text = fmt.Sprintf("%08b  %s", s.Bytes[0], frameName(s.Bytes[0]))
		case roleLength:
			text = lengthName(s.Bytes)
		case roleKey:
			keys[s.Dir] = s.Bytes
			text = fmt.Sprintf("% x", s.Bytes)
		case rolePayload, "close":
			text = quote(unmask(keys[s.Dir], s.Bytes))
			if s.Role == "close" && len(s.Bytes) >= 2 {
				clear := unmask(keys[s.Dir], s.Bytes)
				text = fmt.Sprintf("%d %s", int(clear[0])<<8|int(clear[1]), quote(clear[2:]))
			}
			if keys[s.Dir] != nil {
				text += "  (unmasked)"
			}
		}
		mark, role := [...]string{">", "<"}[s.Dir], strings.TrimSuffix(s.Role, " name")
		line := fmt.Sprintf("%s %6d B  %-11s  %-19s  %s", mark, s.Size, s.Part, role, text)
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}

	fmt.Fprintf(&b, "\n%-11s  %8s  %8s\n", "", "up", "down")
	up, down := l.sums[Up].parts(), l.sums[Down].parts()
	for part := range parts {
		if l.sums[Up][part]+l.sums[Down][part] > 0 && part != Unaccounted {
			fmt.Fprintf(&b, "%-11s  %6d B  %6d B\n", part, l.sums[Up][part], l.sums[Down][part])
		}
	}
	fmt.Fprintf(&b, "%-11s  %6d B  %6d B\n", "total", up.Total, down.Total)
	fmt.Fprintf(&b, "unaccounted: %d B\n", up.Unaccounted+down.Unaccounted)
	return b.String()
}

// quote returns b with CR, LF and other bytes that are no text escaped as in Go.
func quote(b []byte) string {
	quoted := strconv.Quote(string(b))
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// frameName describes the first byte of a frame.
func frameName(b byte) string {
	name := opcodeName(b & 0xF)
	if b&0x80 != 0 {
		name = "FIN, " + name
	}
	return name
}

// lengthName describes the bytes with MASK and the length, bit by bit.
func lengthName(b []byte) string {
	var f frame
	f.read = copy(f.header[1:], b) + 1
	mask := "no mask"
	if f.masked() {
		mask = "masked"
	}
	bits := make([]string, len(b))
	for i, c := range b {
		bits[i] = fmt.Sprintf("%08b", c)
	}
	return fmt.Sprintf("%s  %s, %d bytes", strings.Join(bits, " "), mask, f.length())
}

// unmask undoes the masking of a payload that begins with b (RFC 6455, section 5.3).
func unmask(key, b []byte) []byte {
	clear := bytes.Clone(b)
	for i := range key {
		for j := i; j < len(clear); j += len(key) {
			clear[j] ^= key[i]
		}
	}
	return clear
}
