package wire_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// zipped returns the bytes of gzip for each text, which is flushed, and those of its end.
func zipped(texts ...string) (pieces []string) {
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	for _, text := range texts {
		zip.Write([]byte(text))
		zip.Flush()
		pieces = append(pieces, out.String())
		out.Reset()
	}
	zip.Close()
	return append(pieces, out.String())
}

// deflated returns a message as permessage-deflate compresses it (RFC 7692, section 7.2.1).
func deflated(text string) string {
	var out bytes.Buffer
	zip, _ := flate.NewWriter(&out, flate.BestSpeed)
	zip.Write([]byte(text))
	zip.Flush()
	return strings.TrimSuffix(out.String(), "\x00\x00\xff\xff")
}

// inflateCases are compressed streams and messages. The size of each unit is that of compress/gzip; asserted is its
// part.
func inflateCases() (all []testCase) {
	open := []piece{
		up("GET /sse HTTP/1.1\r\n\r\n"), // 21
		down("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\n\r\n"), // 76
	}
	texts := []string{
		"id: a-0\nevent: hello\nretry: 3000\ndata: {\"epoch\":\"a\",\"head\":0}\n\n", ":\n\n", "id: a-1\ndata: " + m1 + "\n\n", "event: gap\nid: a-2\ndata: {}\n\n",
		"event: heartbeat\ndata: 1\n\n", "data: 1\n\ndata: 2\n\n", strings.Repeat("data: "+m1+"\n\n", 1000),
	}
	units := zipped(texts...)
	n := func(i int) int { return len(units[i]) }
	var events []piece
	for _, unit := range units {
		events = append(events, down(unit))
	}
	all = append(all, testCase{"gzip: events", slices.Concat(open, events), fmt.Sprintf(
		"sse 1/0/1003 up opening=21 down payload=%d envelope=%d framing=%d opening=%d control=%d", n(2)+n(5)+n(6), n(3), n(7), 76+n(0), n(1)+n(4))})
	all = append(all, testCase{"gzip: an event cut", slices.Concat(open, []piece{down(units[0]), down(units[1]), down(units[2][:30])}), fmt.Sprintf(
		"sse 1/0/0 up opening=21 down envelope=30 opening=%d control=%d", 76+n(0), n(1))})
	all = append(all, testCase{"gzip: none", slices.Concat(open, []piece{down("data: 1\n\ndata: 2\n\n")}),
		"sse 1/0/0 up opening=21 down opening=76 unaccounted=18"})
	all = append(all, testCase{"gzip: never flushed", slices.Concat(open, []piece{down(units[0]), down(strings.Repeat("\xAA", 1<<17+1))}), fmt.Sprintf(
		"sse 1/0/0 up opening=21 down opening=%d unaccounted=%d", 76+n(0), 1<<17+1)})
	bomb := zipped(strings.Repeat("x", 2<<20))[0]
	all = append(all, testCase{"gzip: a bomb", slices.Concat(open, []piece{down(bomb)}), fmt.Sprintf(
		"sse 1/0/0 up opening=21 down envelope=%d opening=86", len(bomb)-10)})

	extended := []piece{
		openWebSocket[0], // 80
		down("HTTP/1.1 101 x\r\nUpgrade: websocket\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n\r\n"), // 140
	}
	hello, message, gap, beat := deflated(`{"epoch":"a","head":1}`), deflated(m1), deflated(`{"gap":{"from":1,"to":2}}`), deflated(`{"heartbeat":1}`)
	random := deflated(`{"id":7,"data":"` + string(bytes.Repeat([]byte("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"), 40)) + `"}`)
	all = append(all, testCase{"deflate: frames", slices.Concat(extended, []piece{
		down(frame(0xC1, "", hello)), down(frame(0xC1, "", message) + frame(0x81, "", m1) + frame(0xC1, "", gap)), down(frame(0xC1, "", beat) + frame(0x89, "", "")),
		down(frame(0x41, "", random[:110]) + frame(0x80, "", random[110:])), up(frame(0xC1, "abcd", message)),
	}), fmt.Sprintf("websocket 1/1/3 up payload=%d framing=6 opening=80 down payload=%d envelope=%d framing=%d opening=%d control=%d",
		len(message), len(message)+38+len(random), len(gap), 2*5, 140+2+len(hello), 2+len(beat)+2)})
	all = append(all, testCase{"deflate: no DEFLATE", slices.Concat(extended, []piece{down(frame(0xC1, "", "\xff\xff")), down(frame(0xC1, "", message)[:9])}),
		"websocket 1/0/0 up opening=80 down envelope=9 framing=4 opening=140 (cut: a frame)"})
	all = append(all, testCase{"deflate: a continuation that says it is compressed", slices.Concat(extended, []piece{down(frame(0x41, "", message[:9]) + "\xc0\x01x")}),
		"websocket 1/0/0 up opening=80 down envelope=9 framing=2 opening=140 unaccounted=3 (reserved bits, without an extension)"})
	return all
}

// A unit ends where its flush ends, wherever the chunks of the transfer coding end.
func TestUnitsAcrossChunks(t *testing.T) {
	units := zipped("id: a-0\n\n", "data: "+m1+"\n\n")
	all := strings.Join(units[:2], "")
	pieces := []piece{
		up("GET /sse HTTP/1.1\r\n\r\n"),
		down("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"),
	}
	for len(all) > 0 {
		n := min(7, len(all))
		pieces = append(pieces, down(fmt.Sprintf("%x\r\n%s\r\n", n, all[:n])))
		all = all[n:]
	}
	got := dissect(pieces, whole, nil).Rows[0]
	if got.Delivered != 1 || got.Down.Payload != int64(len(units[1])) || got.Down.Unaccounted != 0 {
		t.Errorf("got %+v, want a message of %d bytes", got, len(units[1]))
	}
}
