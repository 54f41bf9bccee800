package wire_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"fourwires/internal/wire"

	"golang.org/x/net/http2"
)

// A stream is one direction of a connection, as tshark or the dissector found it.
type stream struct {
	payload []byte   // of TCP
	heads   []int    // the length of each, start line to blank line
	chunks  []int    // the size of each, from its size line
	frames  []string // of WebSocket
	frames2 []string // of HTTP/2
}

// frame2Of describes a frame of HTTP/2, for comparison.
func frame2Of(kind, flags, stream, length int) string {
	return fmt.Sprintf("type=%d flags=%x stream=%d length=%d", kind, flags, stream, length)
}

// frameOf describes a frame of a WebSocket, for comparison.
func frameOf(fin bool, opcode uint64, masked bool, length uint64) string {
	return fmt.Sprintf("FIN=%t opcode=%x MASK=%t length=%d", fin, opcode, masked, length)
}

// stream returns what the dissector found in one direction.
func (c *connection) stream(t *testing.T, dir wire.Dir) (s stream) {
	t.Helper()
	inHead, inside, left := false, false, 0 // inside a chunk or a frame, and the bytes that are left of it
	ends := func() {
		if inside && left != 0 {
			t.Errorf("%s %s: a chunk or frame has %d bytes less than its size", c.name, dir, left)
		}
		inside = false
	}
	var opcode byte
	for _, span := range c.spans[dir] {
		s.payload = append(s.payload, span.Bytes...)
		if span.Role == "request line" || span.Role == "status line" {
			if !inHead { // a page tag cuts the line
				s.heads, inHead = append(s.heads, 0), true
			}
		}
		if inHead {
			s.heads[len(s.heads)-1] += len(span.Bytes)
			inHead = span.Role != "blank line"
			continue
		}
		switch span.Role {
		case "frame header":
			b := span.Bytes
			id := int(b[5])<<24 | int(b[6])<<16 | int(b[7])<<8 | int(b[8])
			s.frames2 = append(s.frames2, frame2Of(int(b[3]), int(b[4]), id, int(b[0])<<16|int(b[1])<<8|int(b[2])))
		case "chunk size":
			size, err := strconv.ParseUint(string(span.Bytes), 16, 31)
			if err != nil {
				t.Fatal(err)
			}
			s.chunks = append(s.chunks, int(size))
			inside, left = true, int(size)
		case "chunk end", "end of the last chunk":
			ends()
		case "FIN and opcode":
			ends()
			opcode = span.Bytes[0]
		case "MASK and length":
			length := uint64(span.Bytes[0] & 0x7F)
			if length > 125 {
				length = 0
				for _, b := range span.Bytes[1:] {
					length = length<<8 | uint64(b)
				}
			}
			s.frames = append(s.frames, frameOf(opcode&0x80 != 0, uint64(opcode&0xF), span.Bytes[0]&0x80 != 0, length))
			inside, left = true, int(length)
		case "masking key":
		default:
			if inside && (span.Part != wire.Framing) {
				left -= len(span.Bytes)
			}
		}
	}
	ends()
	return s
}

// compare compares two lists, item by item.
func compare[T comparable](t *testing.T, what string, theirs, ours []T) {
	t.Helper()
	for i := range max(len(theirs), len(ours)) {
		if i >= len(theirs) || i >= len(ours) || theirs[i] != ours[i] {
			t.Errorf("%s: tshark has %d, the dissector %d; from number %d on %v, and %v", what, len(theirs), len(ours), i,
				theirs[min(i, len(theirs)):], ours[min(i, len(ours)):])
			return
		}
	}
}

// covers checks that the run had the frames and chunks that the test is for.
func (l *tappedLab) covers(t *testing.T, streams map[int]*[2]stream) {
	t.Helper()
	var frames [2][]string
	var chunks [2][]int
	for _, both := range streams {
		for dir, s := range both {
			frames[dir] = append(frames[dir], s.frames...)
			chunks[dir] = append(chunks[dir], s.chunks...)
		}
	}
	const (
		continuation = 0x0
		text         = 0x1
		close        = 0x8
		ping         = 0x9
		pong         = 0xA
	)
	for _, length := range []uint64{125, 126, 1<<16 - 1, 1 << 16} {
		for dir := range frames {
			masked := wire.Dir(dir) == wire.Up
			if want := frameOf(true, text, masked, length); !slices.Contains(frames[dir], want) {
				t.Errorf("%v: no frame with %s", wire.Dir(dir), want)
			}
		}
	}
	for _, want := range []string{
		frameOf(false, text, true, 1<<10), frameOf(false, continuation, true, 1<<10), frameOf(true, continuation, true, 1<<10),
		frameOf(true, ping, true, 6), frameOf(true, pong, true, 0), frameOf(true, close, true, 2), frameOf(true, close, true, 5),
	} {
		if !slices.Contains(frames[wire.Up], want) {
			t.Errorf("up: no frame with %s", want)
		}
	}
	for _, want := range []string{
		frameOf(true, ping, false, 0), frameOf(true, pong, false, 6), frameOf(true, close, false, 2), frameOf(true, close, false, 20),
	} {
		if !slices.Contains(frames[wire.Down], want) {
			t.Errorf("down: no frame with %s", want)
		}
	}
	if l.http2 {
		coversHTTP2(t, streams)
		return
	}
	for what, bounds := range map[string][2]int{
		"20 B": {20, 200}, "300 B": {300, 500}, "10 x 300 B": {3000, 5000}, "5 000 B": {5000, 5200}, "the end": {0, 0},
	} {
		within := func(size int) bool { return bounds[0] <= size && size <= bounds[1] }
		if !slices.ContainsFunc(chunks[wire.Down], within) {
			t.Errorf("down: no chunk for %s", what)
		}
	}
	if len(chunks[wire.Up]) < 2 {
		t.Error("up: no chunks")
	}
}

// coversHTTP2 checks that the run had every type of frame that HTTP/2 needs here.
func coversHTTP2(t *testing.T, streams map[int]*[2]stream) {
	t.Helper()
	var seen [2]map[string]bool
	for dir := range seen {
		seen[dir] = map[string]bool{}
		for _, both := range streams {
			for _, frame := range both[dir].frames2 {
				kind, _, _ := strings.Cut(frame, " ")
				seen[dir][kind] = true
			}
		}
	}
	for dir, want := range [2][]http2.FrameType{
		{http2.FrameData, http2.FrameHeaders, http2.FrameRSTStream, http2.FrameSettings, http2.FrameWindowUpdate},
		{http2.FrameData, http2.FrameHeaders, http2.FrameSettings, http2.FrameGoAway, http2.FrameWindowUpdate},
	} {
		for _, kind := range want {
			if !seen[dir][fmt.Sprintf("type=%d", kind)] {
				t.Errorf("%v: no frame %v", wire.Dir(dir), kind)
			}
		}
	}
}
