package wire_test

import (
	"bytes"
	"fmt"
	"strings"

	"fourwires/internal/wire"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// A peer2 is one end of HTTP/2, which writes pieces.
type peer2 struct {
	*http2.Framer
	*hpack.Encoder
	dir    wire.Dir
	frames bytes.Buffer
	block  bytes.Buffer
}

func newPeer2(dir wire.Dir) *peer2 {
	p := &peer2{dir: dir}
	p.Framer = http2.NewFramer(&p.frames, nil)
	p.AllowIllegalWrites = true
	p.Encoder = hpack.NewEncoder(&p.block)
	return p
}

// fields returns a block of fields, "name: value" each.
func (p *peer2) fields(fields ...string) []byte {
	p.block.Reset()
	for _, field := range fields {
		i := strings.Index(field[1:], ":") + 1 // the first colon may begin the name
		p.WriteField(hpack.HeaderField{Name: field[:i], Value: field[i+2:]})
	}
	return bytes.Clone(p.block.Bytes())
}

// head writes a head in one frame.
func (p *peer2) head(stream uint32, end bool, fields ...string) *peer2 {
	p.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: p.fields(fields...), EndStream: end, EndHeaders: true})
	return p
}

func (p *peer2) data(stream uint32, end bool, text string) *peer2 {
	p.WriteData(stream, end, []byte(text))
	return p
}

// raw writes a frame of any content.
func (p *peer2) raw(kind http2.FrameType, flags http2.Flags, stream uint32, payload string) *peer2 {
	p.WriteRawFrame(kind, flags, stream, []byte(payload))
	return p
}

// piece returns what was written since the last piece.
func (p *peer2) piece() piece {
	text := p.frames.String()
	p.frames.Reset()
	return piece{p.dir, text}
}

// open2 returns the beginning of HTTP/2, 33 bytes up and 9 down, and both ends.
func open2() (begin []piece, client, server *peer2) {
	client, server = newPeer2(wire.Up), newPeer2(wire.Down)
	client.frames.WriteString(http2.ClientPreface)
	client.WriteSettings()
	server.WriteSettings()
	return []piece{client.piece(), server.piece()}, client, server
}

// open2Stream returns the beginning of a stream of events on HTTP/2, and its server.
func open2Stream() (begin []piece, server *peer2) {
	begin, client, server := open2()
	return append(begin, client.head(1, true, get("/sse")...).piece(), server.head(1, false, eventOK...).piece()), server
}

func get(path string) []string {
	return []string{":authority: lab", ":method: GET", ":path: " + path, ":scheme: http"}
}

var (
	ok200   = []string{":status: 200", "content-type: application/json"}
	eventOK = []string{":status: 200", "content-type: text/event-stream"}
)

// http2Cases are corners of HTTP/2, in the form of cases.
func http2Cases() (all []testCase) {
	add := func(name, want string, exchange func(client, server *peer2, is func(...interface{ piece() piece }))) {
		begin, client, server := open2()
		exchange(client, server, func(pieces ...interface{ piece() piece }) {
			for _, p := range pieces {
				begin = append(begin, p.piece())
			}
		})
		all = append(all, testCase{name, begin, want})
	}
	const begun = "connection 0/0/0 up opening=33 down opening=9; "
	type peers = func(...interface{ piece() piece })

	// 9 + :authority 5, :method 1, :path 8, :scheme 1; then 9 + 4 indexed. 9 + :status 1, content-type 13.
	add("HTTP/2: two polls", begun+"polling 2/0/1 up head=37 down payload=38 envelope=15 framing=9 head=33", func(client, server *peer2, is peers) {
		is(client.head(1, true, get("/polling")...), server.head(1, false, ok200...).data(1, true, `{"messages":[`+m1+`]}`))
		is(client.head(3, true, get("/polling")...), server.head(3, true, ":status: 204"))
	})
	// The path has 94 bits in 12 bytes, with its tag 153 in 20. From here on the connection's own bytes belong to the
	// page.
	add("HTTP/2: a page", begun+"connection@7f3a 0/0/0 up control=17 down; polling@7f3a 2/0/0 up head=43 tag=8 down head=20", func(client, server *peer2, is peers) {
		is(client.head(1, true, get("/polling?after=1&page=7f3a")...), server.head(1, true, ":status: 204"))
		client.WritePing(false, [8]byte{})
		is(client)
		is(client.head(3, true, get("/polling?after=1&page=7f3a")...), server.head(3, true, ":status: 204")) // the tag is in the table
	})
	add("HTTP/2: a stream of events", begun+"sse 1/0/2 up opening=21 control=26 down payload=76 envelope=23 framing=45 opening=67 control=29", func(client, server *peer2, is peers) {
		is(client.head(1, true, get("/sse")...), server.head(1, false, eventOK...))
		is(server.data(1, false, "id: a-0\nevent: hello\nretry: 3000\ndata: {}\n\n").data(1, false, ":\n\n"))
		is(server.data(1, false, "id: a-1\ndata: "+m1[:7]).data(1, false, m1[7:]+"\n\ndata:"+m1+"\n\n"))
		client.WriteWindowUpdate(1, 500)
		is(client, server.data(1, false, "event: heartbeat\ndata: 1\n\n"))
		client.WriteRSTStream(1, http2.ErrCodeCancel) // ends the stream in order
		is(client)
	})
	add("HTTP/2: a message up, padded, in a head of three frames", begun+"publish 1/1/0 up payload=7 framing=33 head=65 down envelope=2 framing=9 head=13", func(client, server *peer2, is peers) {
		block := client.fields(":authority: lab", ":method: POST", ":path: /publish", ":scheme: http", "x: abcdefgh")
		client.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block[:3], PadLength: 7, Priority: http2.PriorityParam{Weight: 1}})
		client.WriteContinuation(1, false, block[3:9])
		client.WriteContinuation(1, true, block[9:])
		client.WriteDataPadded(1, false, []byte(`{"a`), make([]byte, 5))
		client.data(1, false, `":1}`).data(1, true, "")
		is(client, server.head(1, false, ":status: 201").data(1, true, "{}"))
	})
	add("HTTP/2: two streams at once", begun+"longpoll 1/0/1 up head=25 down payload=38 envelope=15 framing=27 head=23; polling 1/0/0 up head=20 down head=10", func(client, server *peer2, is peers) {
		is(client.head(1, true, get("/longpoll")...).head(3, true, get("/polling")...))
		is(server.head(1, false, ok200...).data(1, false, `{"messages"`).head(3, true, ":status: 304").data(1, false, `:[`+m1).data(1, true, `]}`))
	})
	add("HTTP/2: what the connection shares", "connection 0/0/0 up opening=48 control=53 down opening=18 control=29; other 1/0/0 up head=17 down payload=3 framing=9 head=28 (cut: a body)", func(client, server *peer2, is peers) {
		client.WriteSettings(http2.Setting{ID: http2.SettingHeaderTableSize, Val: 65536})
		client.WriteWindowUpdate(0, 1<<20)
		client.WritePriority(7, http2.PriorityParam{Weight: 3})
		server.WriteSettingsAck()
		is(client, server, client.head(1, true, get("/")...))
		is(server.head(1, false, ":status: 103").head(1, false, ":status: 200", "x: y"))
		is(server.data(1, false, "abc"), client.raw(0x10, 0, 0, "\x00\x00\x00\x01u=1").raw(0xEE, 0, 0, "?"))
		server.WriteGoAway(1, http2.ErrCodeNo, []byte("bye bye wire"))
		is(server)
	})
	add("HTTP/2: HEAD, and a trailer", begun+"echo 1/1/1 up payload=2 framing=9 head=39 down payload=2 envelope=17 framing=9 head=25; polling 1/0/0 up head=23 down head=14", func(client, server *peer2, is peers) {
		is(client.head(1, true, ":method: HEAD", ":path: /polling"), server.head(1, true, ":status: 405"))
		is(client.head(3, false, ":method: POST", ":path: /echo", "trailer: x").data(3, false, "hi").head(3, true, "x: y"))
		is(server.head(3, false, ":status: 200").data(3, false, "Server received: hi").head(3, true, "x: yz"))
	})
	add("HTTP/2: HEAD of a stream of events", begun+"sse 1/0/0 up opening=20 down opening=29", func(client, server *peer2, is peers) {
		is(client.head(1, true, ":method: HEAD", ":path: /sse"), server.head(1, true, append(eventOK, "content-encoding: gzip")...))
	})
	add("HTTP/2: a field in 3 000 frames", begun+"polling 1/0/0 up head=30048 down head=10", func(client, server *peer2, is peers) {
		block := client.fields(append(get("/polling"), "x: "+strings.Repeat("~", 3000))...) // its Huffman code has 13 bits, so it is not used
		client.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block[:20], EndStream: true})
		for _, b := range block[20:] {
			client.WriteContinuation(1, false, []byte{b})
		}
		client.WriteContinuation(1, true, nil) // 29 + 3 001 × 10 + 9
		is(client, server.head(1, true, ":status: 204"))
	})
	// A cookie of 4 096 bytes does not fit into a table of 4 096 bytes: it is a literal each time.
	add("HTTP/2: a cookie that never fits", begun+"polling 2/0/0 up head=7215 down head=20", func(client, server *peer2, is peers) {
		for _, stream := range []uint32{1, 3} {
			is(client.head(stream, true, append(get("/polling"), "cookie: "+strings.Repeat("x", 4096))...), server.head(stream, true, ":status: 204"))
		}
	})
	add("HTTP/2: a table that shrinks", begun+"polling 2/0/0 up head=49 down head=20", func(client, server *peer2, is peers) {
		is(client.head(1, true, get("/polling")...), server.head(1, true, ":status: 204"))
		client.SetMaxDynamicTableSize(0)
		is(client.head(3, true, get("/polling")...), server.head(3, true, ":status: 204"))
	})
	add("HTTP/2: frames for a stream that has ended", "connection 0/0/0 up opening=33 control=13 down opening=9; polling 21/0/0 up head=284 control=299 down envelope=4 framing=9 head=10 (cut: before the answer 21)", func(client, server *peer2, is peers) {
		is(client.head(1, true, get("/polling")...))
		client.WriteRSTStream(1, http2.ErrCodeCancel)
		client.WriteRSTStream(1, http2.ErrCodeCancel)
		client.WriteWindowUpdate(1, 1)
		is(client, server.head(1, false, ":status: 200").data(1, true, "late"))
		for i := range uint32(20) { // so many that stream 1 is no longer remembered
			client.head(2*i+3, true, get("/polling")...)
			client.WriteRSTStream(2*i+3, http2.ErrCodeCancel)
		}
		client.WriteWindowUpdate(1, 1)
		is(client)
	})
	add("HTTP/2: the other side ends the stream within a frame", begun+"publish 1/0/0 up payload=4 framing=9 head=18 down control=13 (cut: a body, cut: before the answer)", func(client, server *peer2, is peers) {
		is(client.head(1, false, ":method: POST", ":path: /publish"))
		frame := client.data(1, true, "1234").piece()
		server.WriteRSTStream(1, http2.ErrCodeRefusedStream)
		is(up(frame.text[:11]), server, up(frame.text[11:]))
	})

	// Cut.
	all = append(all,
		testCase{"HTTP/2: half a preface", []piece{up(http2.ClientPreface[:20])}, "connection 0/0/0 up opening=20 down (cut: a preface)"},
		testCase{"HTTP/2: another preface", []piece{up("PRI * HTTP/2.0\r\n\r\nSN\r\n\r\n")}, "connection 0/0/0 up opening=19 unaccounted=5 down (no HTTP/2)"},
	)
	cut := func(name, want string, write func(client, server *peer2) piece) {
		add("HTTP/2: cut in "+name, want, func(client, server *peer2, is peers) {
			is(client.head(1, false, ":method: POST", ":path: /echo"), server.head(1, false, ":status: 200"))
			last := write(client, server).piece()
			last.text = last.text[:len(last.text)-1]
			is(last)
		})
	}
	const echo = "echo 1/0/0 up%s head=16 down head=10 (cut: a body 2%s)"
	cut("a frame's header", "connection 0/0/0 up framing=8 opening=33 down opening=9 (cut: a frame); "+fmt.Sprintf(echo, "", ""), func(client, server *peer2) piece { return client.data(1, false, "").piece() })
	cut("data", begun+fmt.Sprintf(echo, " payload=2 framing=9", ", cut: a frame"), func(client, server *peer2) piece { return client.data(1, false, "abc").piece() })
	cut("a request's head", "connection 0/0/0 up opening=33 unaccounted=11 down opening=9 (cut: a head); "+fmt.Sprintf(echo, "", ""), func(client, server *peer2) piece {
		return client.head(3, true, get("/")[1:]...).piece()
	})
	cut("the server's goodbye", "connection 0/0/0 up opening=33 down opening=9 control=16 (cut: a frame); "+fmt.Sprintf(echo, "", ""), func(client, server *peer2) piece {
		server.WriteGoAway(1, http2.ErrCodeNo, nil)
		return server.piece()
	})

	// Bad.
	bad := func(name, why string, bytes [2]int, write func(client, server *peer2)) {
		parts := func(dir wire.Dir) string {
			if bytes[dir] == 0 {
				return ""
			}
			return fmt.Sprintf(" unaccounted=%d", bytes[dir])
		}
		want := fmt.Sprintf("connection 0/0/0 up opening=33%s down opening=9%s (%s); echo 1/0/0 up head=16 down head=10 (cut: a body 2)", parts(wire.Up), parts(wire.Down), why)
		add("HTTP/2: "+name, want, func(client, server *peer2, is peers) {
			is(client.head(1, false, ":method: POST", ":path: /echo"), server.head(1, false, ":status: 200"))
			write(client, server)
			is(client, server)
		})
	}
	bad("data without a head", "a frame on a stream that is not open", [2]int{10, 0}, func(client, server *peer2) { client.data(3, true, "x") })
	bad("a continuation of nothing", "a head that is interrupted, or goes on before it begins", [2]int{10, 0}, func(client, server *peer2) { client.raw(http2.FrameContinuation, 4, 1, "x") })
	bad("a head interrupted", "a head that is interrupted, or goes on before it begins", [2]int{20, 0}, func(client, server *peer2) {
		client.raw(http2.FrameHeaders, 0, 3, "\x82").data(1, false, "x")
	})
	bad("a head of stream 0", "a frame on the wrong stream", [2]int{10, 0}, func(client, server *peer2) { client.raw(http2.FrameHeaders, 4, 0, "\x82") })
	bad("settings of a stream", "a frame on the wrong stream", [2]int{9, 0}, func(client, server *peer2) { client.raw(http2.FrameSettings, 0, 1, "") })
	bad("a client's even stream", "a stream that no client has opened", [2]int{10, 0}, func(client, server *peer2) { client.raw(http2.FrameHeaders, 4, 2, "\x82") })
	bad("an index of nothing", "a head that HPACK cannot read", [2]int{10, 0}, func(client, server *peer2) { client.raw(http2.FrameHeaders, 4, 3, "\xfe") })
	bad("half a field", "a head that HPACK cannot read", [2]int{11, 0}, func(client, server *peer2) { client.raw(http2.FrameHeaders, 4, 3, "\x40\x7f") })
	bad("a table beyond what is allowed", "a head that HPACK cannot read", [2]int{13, 0}, func(client, server *peer2) { client.raw(http2.FrameHeaders, 4, 3, "\x3f\xe2\x1f\x82") })
	bad("a head without an end", "a head beyond all bounds", [2]int{81930, 0}, func(client, server *peer2) {
		client.raw(http2.FrameHeaders, 0, 3, "\x82")
		for range 10 {
			client.raw(http2.FrameContinuation, 0, 3, strings.Repeat("\x82", 8183))
		}
	})
	bad("a head of many fields in few bytes", "a head beyond all bounds", [2]int{9 + 2000, 0}, func(client, server *peer2) {
		client.raw(http2.FrameHeaders, 4, 3, strings.Repeat("\x82", 2000)) // :method: GET is 42 bytes each time (RFC 7541, section 4.1)
	})
	bad("a head of references", "a head beyond all bounds", [2]int{9 + 4006 + 20, 0}, func(client, server *peer2) {
		client.raw(http2.FrameHeaders, 4, 3, "\x40\x01x\x7f\xa1\x1e"+strings.Repeat("x", 4000)+strings.Repeat("\xbe", 20))
	})
	bad("a head of padding", "more padding than frame", [2]int{11, 0}, func(client, server *peer2) { client.raw(http2.FrameHeaders, 12, 3, "\x09\x82") })
	bad("a push", "a push, which no client here allows", [2]int{0, 14}, func(client, server *peer2) { server.raw(http2.FramePushPromise, 4, 1, "\x00\x00\x00\x02\x82") })
	bad("an answer to nobody", "a stream that no client has opened", [2]int{0, 10}, func(client, server *peer2) { server.raw(http2.FrameHeaders, 4, 9, "\x88") })
	add("HTTP/2: more padding than data", "connection 0/0/0 up opening=33 unaccounted=2 down opening=9 (more padding than frame); echo 1/0/0 up framing=9 head=21 down (cut: a body, cut: before the answer)", func(client, server *peer2, is peers) {
		is(client.head(1, false, ":method: POST", ":path: /echo", "a: b").raw(http2.FrameData, 8, 1, "\x02x"))
	})
	add("HTTP/2: ENHANCE_YOUR_CALM", "connection 0/0/0 up opening=33 down opening=9 control=17 (GOAWAY: ENHANCE_YOUR_CALM)", func(client, server *peer2, is peers) {
		server.WriteGoAway(1, http2.ErrCodeEnhanceYourCalm, nil)
		is(server)
	})
	add("HTTP/2: a frame gone wrong for a stream that is over", "connection 0/0/0 up opening=33 down opening=9 unaccounted=2 (more padding than frame); polling 1/0/0 up head=24 down framing=9 head=10", func(client, server *peer2, is peers) {
		is(client.head(1, true, get("/polling")...), server.head(1, true, ":status: 204").raw(http2.FrameData, 8, 1, "\x05x"))
	})
	add("HTTP/2: a table that is resized twice at once", begun+"polling 2/0/0 up head=42 down head=20", func(client, server *peer2, is peers) {
		is(client.head(1, true, get("/polling")...), server.head(1, true, ":status: 204"))
		client.SetMaxDynamicTableSize(100)
		client.SetMaxDynamicTableSize(4096)
		is(client.head(3, true, get("/polling")...), server.head(3, true, ":status: 204"))
	})
	add("HTTP/2: many a GOAWAY", "connection 0/0/0 up opening=33 down opening=9 control=51 (GOAWAY: an error that has no name)", func(client, server *peer2, is peers) {
		for code := range uint32(3) {
			server.WriteGoAway(1, http2.ErrCode(100+code), nil)
		}
		is(server)
	})
	all = append(all, testCase{"HTTP/2 behind an interim answer", []piece{down("HTTP/1.1 100 Continue\r\n\r\n"), up(http2.ClientPreface)},
		"other 0/0/0 up unaccounted=24 down head=25 (HTTP/2 where something else was spoken)"})
	add("HTTP/2: too many streams", "connection 0/0/0 up opening=33 unaccounted=13 down opening=9 (too many streams at once); polling 1024/0/0 up head=13323 down (cut: before the answer 1024)", func(client, server *peer2, is peers) {
		for i := range uint32(1025) {
			client.head(2*i+1, true, get("/polling")...)
		}
		is(client)
	})
	return all
}

// piece returns the piece itself, so that it can stand beside those of a peer2.
func (p piece) piece() piece { return p }
