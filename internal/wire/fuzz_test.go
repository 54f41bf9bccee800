package wire_test

import (
	"bytes"
	"encoding/binary"
	"net"
	"slices"
	"strings"
	"testing"

	"fourwires/internal/netsim"
	"fourwires/internal/wire"

	"golang.org/x/net/http2"
)

// beginnings are exchanges that fuzzed bytes continue.
func beginnings() [][]piece {
	bare, _, _ := open2()
	polled, client, server := open2()
	client.head(1, true, get("/polling?page=1")...).head(3, false, ":method: POST", ":path: /publish")
	streaming, reader, sender := open2()
	reader.head(1, true, get("/sse")...)
	sender.head(1, false, eventOK...)
	gz, gc, gs := open2()
	gz = append(gz, gc.head(1, true, get("/sse")...).piece(), gs.head(1, false, append(eventOK, "content-encoding: gzip")...).piece())
	return [][]piece{
		nil,
		{up("GET /polling?page=1 HTTP/1.1\r\n\r\n"), down("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")},
		{up("POST /publish HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"), down("HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n")},
		openSSE,
		openWebSocket,
		{up("GET /websocket/echo HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"), down("HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n")},
		bare,
		append(polled, client.piece(), server.head(1, false, ok200...).piece()),
		append(streaming, reader.piece(), sender.piece()),
		{up("GET /sse HTTP/1.1\r\n\r\n"), down("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\n\r\n")},
		{openWebSocket[0], down("HTTP/1.1 101 x\r\nUpgrade: websocket\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n\r\n")},
		gz,
	}
}

// FuzzDissector gives the dissector any bytes, in any pieces, in both directions. The sum of the parts is the number of
// bytes, and the parts do not depend on the splits, nor on a recording, whose entries have these bytes too. Each piece has a length, whose lowest bit is its direction.
func FuzzDissector(f *testing.F) {
	seed := func(begin byte, pieces []piece) {
		var lengths, data []byte
		for _, p := range pieces {
			lengths = binary.BigEndian.AppendUint16(lengths, uint16(len(p.text)<<1|int(p.dir)))
			data = append(data, p.text...)
		}
		f.Add(begin, lengths, data)
	}
	for _, c := range cases {
		if len(c.pieces) > 0 && len(c.pieces[0].text) < 2000 {
			seed(0, c.pieces)
		}
	}
	for _, name := range transports {
		seed(0, transcript(f, name))
	}
	seed(1, []piece{down(`{"messages":[` + m1 + `]}`)})
	seed(3, []piece{down("event: gap\ndata: {}\n\n")})
	seed(4, []piece{down(frame(0x81, "", m1)), up(frame(0x81, "abcd", m1))})
	client, server := newPeer2(wire.Up), newPeer2(wire.Down)
	seed(6, []piece{client.head(1, true, get("/longpoll")...).piece(), server.head(1, false, ok200...).data(1, false, "{").piece()})
	seed(7, []piece{server.data(1, true, `{"messages":[`+m1+`]}`).piece(), client.data(3, true, "1").piece()})
	seed(8, []piece{server.data(1, false, "id: a-1\ndata: "+m1+"\n\n").piece(), client.raw(http2.FrameRSTStream, 0, 1, "\x00\x00\x00\x08").piece()})

	z := zipped("id: a-0\n\n", ":\n\n", "data: "+m1+"\n\n", "event: heartbeat\ndata: 1\n\n")
	seed(9, []piece{down(strings.Join(z, ""))})
	seed(9, []piece{down(z[0] + z[1] + z[2][:20])})
	seed(11, []piece{server.data(1, false, z[0]+z[1]).piece(), server.data(1, true, z[2]+z[3]+z[4]).piece()})
	seed(11, []piece{server.data(1, false, z[0]+z[1]+z[2][:20]).piece(), client.raw(http2.FrameRSTStream, 0, 1, "\x00\x00\x00\x08").piece(), server.data(1, true, "late").piece()})
	seed(10, []piece{down(frame(0xC1, "", deflated(m1)) + frame(0x41, "", deflated(m1)[:9]) + frame(0x89, "", "") + frame(0x80, "", deflated(m1)[9:])), up(frame(0xC1, "abcd", deflated(m1)))})
	f.Fuzz(func(t *testing.T, begin byte, lengths, data []byte) {
		all := beginnings()
		pieces := slices.Clone(all[int(begin)%len(all)])
		for ; len(lengths) >= 2 && len(data) > 0; lengths = lengths[2:] {
			n := binary.BigEndian.Uint16(lengths)
			length := min(int(n>>1), len(data))
			pieces = append(pieces, piece{wire.Dir(n & 1), string(data[:length])})
			data = data[length:]
		}
		pieces = append(pieces, down(string(data)))

		var listing wire.Listing
		want := dissect(pieces, whole, listing.Add)
		_ = listing.String()
		if got := dissect(pieces, byteByByte, nil); summary(got.Rows) != summary(want.Rows) {
			t.Errorf("byte by byte:\n%s\nin pieces:\n%s", summary(got.Rows), summary(want.Rows))
		}
		ledger := wire.Ledger{MaxHeaderBytes: 64 << 10}
		readers := watch(t, &ledger, "1", "a")
		warmed(&ledger, pieces).Close()
		addsUp(t, "recorded", &ledger, readers)
		if got := ledger.Snapshot(); summary(got.Rows) != summary(want.Rows) {
			t.Errorf("recorded:\n%s\nelse:\n%s", summary(got.Rows), summary(want.Rows))
		}
		var fed, counted [2]int64
		for _, p := range pieces {
			fed[p.dir] += int64(len(p.text))
		}
		for _, r := range want.Rows {
			for dir, parts := range []wire.Parts{r.Up, r.Down} {
				counted[dir] += parts.Total
				for _, n := range []int64{parts.Payload, parts.Envelope, parts.Framing, parts.Head, parts.Opening, parts.Control, parts.Tag, parts.Unaccounted} {
					if n < 0 {
						t.Errorf("a part is negative: %s", summary(want.Rows))
					}
				}
			}
		}
		if counted != fed || want.Up != fed[wire.Up] || want.Down != fed[wire.Down] {
			t.Errorf("the parts have %d bytes, the ledger has %d %d, %d were given", counted, want.Up, want.Down, fed)
		}
	})
}

// FuzzTap sends any bytes through two taps, which do not change them.
func FuzzTap(f *testing.F) {
	f.Add([]byte("GET /sse HTTP/1.1\r\n\r\n"), []byte("HTTP/1.1 200 OK\r\n\r\n"))
	f.Add([]byte("\x00"), []byte("\xff"))
	f.Fuzz(func(t *testing.T, ask, answer []byte) {
		network := netsim.Listen()
		var server, client wire.Ledger
		listener := server.Listen(network)
		accepted := make(chan net.Conn, 1)
		go func() {
			c, _ := listener.Accept()
			accepted <- c
		}()
		c, err := client.Tap(network.Dial, nil)(t.Context(), "tcp", "x")
		if err != nil {
			t.Fatal(err)
		}
		s := <-accepted
		for _, pair := range []struct {
			from, to net.Conn
			text     []byte
		}{{c, s, ask}, {s, c, answer}} {
			go pair.from.Write(pair.text)
			got := make([]byte, len(pair.text))
			for n := 0; n < len(got); {
				more, err := pair.to.Read(got[n:])
				if err != nil {
					t.Fatal(err)
				}
				n += more
			}
			if !bytes.Equal(got, pair.text) {
				t.Errorf("%q arrived as %q", pair.text, got)
			}
		}
		c.Close()
		s.Close()
	})
}
