package wire_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"fourwires/internal/wire"
)

func up(text string) piece   { return piece{wire.Up, text} }
func down(text string) piece { return piece{wire.Down, text} }

const (
	m1    = `{"id":1,"at":2,"data":{"a":"}]\"{[,"}}` // 38 bytes
	head1 = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
)

var (
	openSSE = []piece{
		up("GET /sse HTTP/1.1\r\n\r\n"), // 21
		down("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n"), // 67
	}
	openWebSocket = []piece{
		up("GET /websocket HTTP/1.1\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\r\n"), // 80
		down("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),  // 77
		down("\x81\x0b{\"epoch\":1}"), // 13
	}
)

// frame returns a frame of a WebSocket; mask is "" or four bytes. The payload is already masked.
func frame(first byte, mask, payload string) string {
	bit := byte(0)
	if mask != "" {
		bit = 0x80
	}
	n := len(payload)
	switch {
	case n < 126:
		return string([]byte{first, bit | byte(n)}) + mask + payload
	case n < 1<<16:
		return string([]byte{first, bit | 126, byte(n >> 8), byte(n)}) + mask + payload
	default:
		return string([]byte{first, bit | 127, 0, 0, 0, 0, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}) + mask + payload
	}
}

func sized(head, body string) string {
	return fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, len(body), body)
}

// A testCase is an exchange, and the rows that the ledger must have.
type testCase struct {
	name   string
	pieces []piece
	want   string
}

// cases are corners of the protocols. Each has the rows that the ledger must have: "lane[@page]
// requests/sent/delivered", the bytes of each part up and down, and the notes.
var cases = append([]testCase{
	{
		"page alone", []piece{up("GET /polling?page=7f3a HTTP/1.1\r\n\r\n"), down("HTTP/1.1 204 No Content\r\n\r\n")},
		"polling@7f3a 1/0/0 up head=25 tag=10 down head=27",
	},
	{
		"page first", []piece{up("GET /polling?page=7f3a&after=1 HTTP/1.1\r\n\r\n"), down("HTTP/1.1 204 No Content\r\n\r\n")},
		"polling@7f3a 1/0/0 up head=33 tag=10 down head=27",
	},
	{
		"page last", []piece{up("GET /polling?after=1&page=7f3a HTTP/1.1\r\n\r\n"), down("HTTP/1.1 204 No Content\r\n\r\n")},
		"polling@7f3a 1/0/0 up head=33 tag=10 down head=27",
	},
	{
		"a page that is none", []piece{up("GET /polling?page=7F HTTP/1.1\r\n\r\n"), down("HTTP/1.1 204 No Content\r\n\r\n")},
		"polling 1/0/0 up head=33 down head=27",
	},
	{
		"absolute form", []piece{up("GET http://lab/polling?page=1 HTTP/1.1\r\n\r\n"), down("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n")},
		"polling@1 1/0/0 up head=35 tag=7 down head=48",
	},
	{
		"bare line feeds", []piece{up("GET /polling HTTP/1.0\n\n"), down("HTTP/1.0 200 OK\nContent-Type: text/plain\n\nwhat")},
		"polling 1/0/0 up head=23 down envelope=4 head=42",
	},
	{
		"messages, a gap and what looks like them", []piece{
			up("GET /longpoll HTTP/1.1\r\n\r\n"),
			down(sized(head1, `{"m":"messages","messages":[`+m1+`,{"gap":{"from":1,"to":2}}, `+m1+`,{"i":1},7,[{"id":3}],{}],"x":[{"id":1}]}`)),
		},
		"longpoll 1/0/2 up head=26 down payload=76 envelope=97 head=72",
	},
	{
		"pipelined", []piece{
			up("GET /polling HTTP/1.1\r\n\r\nHEAD /longpoll HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
			down("HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n<html/>"),
		},
		"longpoll 1/0/0 up head=27 down head=38; other 1/0/0 up head=18 down payload=7 head=38; polling 1/0/0 up head=25 down head=27",
	},
	{
		"publish, chunked both ways", []piece{
			up("POST /publish HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=\"y\"\r\n{\"a\r\n4\r\n\":1}\r\n0\r\nTrailer: 1\r\n\r\n"),
			down("HTTP/1.1 201 Created\r\nTransfer-Encoding: gzip, chunked\r\n\r\n00A\r\n0123456789\r\n0\r\n\r\n"),
		},
		"publish 1/1/0 up payload=7 framing=33 head=54 down envelope=10 framing=12 head=58",
	},
	{
		"100-continue", []piece{
			up("POST /publish HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n"),
			down("HTTP/1.1 100 Continue\r\n\r\n"), up("1"), down("HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"),
		},
		"publish 1/1/0 up payload=1 head=67 down envelope=2 head=68",
	},
	{
		"refused before it was sent", []piece{
			up("POST /publish HTTP/1.1\r\nContent-Length: 100000\r\n\r\nxxxx"),
			down("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"), up("xxxx"), down("x"),
		},
		"other 0/0/0 up down unaccounted=1 (bytes after the end); publish 1/0/0 up payload=8 head=50 down envelope=2 head=64 (cut: a body)",
	},
	{
		"echo", []piece{
			up(sized("POST /echo HTTP/1.1\r\n", "hi")), down(sized("HTTP/1.1 200 OK\r\n", "Server received: hi")),
			up(sized("POST /echo HTTP/1.1\r\n", "")), down(sized("HTTP/1.1 200 OK\r\n", "Server received: ")),
			up(sized("POST /echo HTTP/1.1\r\n", "hi")), down(sized("HTTP/1.1 400 Bad Request\r\n", "Server received: hi")),
			up(sized("POST /echo HTTP/1.1\r\n", "hi")), down(sized("HTTP/1.1 200 OK\r\n", "Server sent: hi")),
		},
		"echo 4/4/2 up payload=6 head=168 down payload=2 envelope=68 head=165",
	},
	{
		"stamped echo", []piece{
			up("GET /websocket/echo?stamps=1&page=a HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"),
			down("HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n"),
			up(frame(0x81, "abcd", "xxxx")), down(frame(0x81, "", `{"echo":"Server received: a\"é\\","sent":1}`)),
			up(frame(0x01, "abcd", "xx")), up(frame(0x89, "abcd", "")), up(frame(0x80, "abcd", "yy")),
			down(frame(0x8A, "", "")), down(frame(0x01, "", `Server re`)), down(frame(0x80, "", `ceived: xxyy`)),
		},
		"websocket/echo@a 1/2/2 up payload=8 framing=18 opening=61 control=6 tag=7 down payload=11 envelope=54 framing=6 opening=38 control=2",
	},
	{
		"to the end of the connection", []piece{
			up("GET /polling HTTP/1.1\r\n\r\n"), down("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"messages\":[" + m1 + "]}"),
		},
		"polling 1/0/1 up head=25 down payload=38 envelope=15 head=51",
	},
	{
		"compressed", []piece{
			up("GET /polling HTTP/1.1\r\n\r\n"), down(sized(head1+"Content-Encoding: gzip\r\n", "\x1f\x8b")),
		},
		"polling 1/0/0 up head=25 down head=94 unaccounted=2",
	},
	{
		"answers without a request", []piece{down("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n408 Request Timeout")},
		"other 0/0/0 up down envelope=19 head=51",
	},
	{
		"an event stream of all line ends", append(slices.Clone(openSSE),
			down("id: a\r\nretry: 3000\r\n\r\n:\r\r"+ // 22 opening, 3 control
				"id: b\rdata: {}\r\r"+ // 6 + 2 + 2+6
				"event: gap\nid: c\ndata: {}\n\n"+ // 27
				"data:x\ndata\ndata:  y\nfoo: bar\nabcdefghijklm:n\n\n"+ // 1 + 2 of 47
				"event: heartbeat\ndata: 1\n\n"+ // 26
				":x\nevent: other event\ndata: z\n\n"+ // 3 and 1 of 28
				"\n")), // 1
		"sse 1/0/3 up opening=21 down payload=6 envelope=113 opening=89 control=32",
	},
	{
		"an event stream with a hello, and another that is too late", append(slices.Clone(openSSE),
			down("id: a-7\nevent: hello\nretry: 3000\ndata: {\"epoch\":\"a\",\"head\":7}\n\n"+ // 8 + 13 + 12 + 29 + 1
				"event: hello\ndata: {}\n\n"+ // 13 + 9 + 1
				"id: a-8\ndata: "+m1+"\n\n")), // 8 + 6 + 38 + 2
		"sse 1/0/1 up opening=21 down payload=38 envelope=39 opening=130",
	},
	{
		"a response without entries has the head", []piece{
			up("GET /longpoll HTTP/1.1\r\n\r\n"), down(sized(head1, `{"epoch":"messages","head":7,"messages":[]}`)),
			up("GET /polling HTTP/1.1\r\n\r\n"), down(sized(head1, `{"epoch":"a","head":7,"messages":[`+m1+`]}`)),
		},
		"longpoll 1/0/0 up head=26 down envelope=43 head=71; polling 1/0/1 up head=25 down payload=38 envelope=36 head=71",
	},
	{
		"HEAD of each", []piece{
			up("HEAD /polling HTTP/1.1\r\n\r\n"), down(head1 + "Content-Length: 40\r\n\r\n"),
			up("HEAD /sse HTTP/1.1\r\n\r\n"), down("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"),
			up("HEAD /websocket HTTP/1.1\r\n\r\n"), down("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 9\r\n\r\n"),
			up("HEAD / HTTP/1.1\r\n\r\n"), down("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"),
		},
		"other 1/0/0 up head=19 down head=38; polling 1/0/0 up head=26 down head=71; sse 1/0/0 up opening=22 down opening=104; " +
			"websocket 1/0/0 up opening=28 down opening=52",
	},
	{
		"an event stream in chunks", []piece{
			openSSE[0], down("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"),
			down("1\r\ni\r\n4\r\nd: a\r\n2\r\n\n\n\r\n8\r\ndata: {}\r\n1\r\n\n\r\n1\r\n\n\r\n0\r\n\r\n"),
		},
		"sse 1/0/1 up opening=21 down payload=2 envelope=8 framing=35 opening=87",
	},
	{
		"an event stream with a byte order mark", append(slices.Clone(openSSE), down("\xEF\xBB\xBFdata: x\n\n")),
		"sse 1/0/1 up opening=21 down payload=1 envelope=11 opening=67",
	},
	{
		"an event cut", append(slices.Clone(openSSE), down("id: a\n\nda")),
		"sse 1/0/0 up opening=21 down envelope=2 opening=74 (cut: an event)",
	},
	{
		"frames", append(slices.Clone(openWebSocket),
			down(frame(0x81, "", m1)+frame(0x81, "", `{"gap":1}`)+frame(0x81, "", `{"heartbeat":7}`)+frame(0x81, "", ``)+frame(0x81, "", `{"epoch":1}`)),
			up(frame(0x81, "abcd", "1")+frame(0x82, "abcd", strings.Repeat("x", 200))+frame(0x81, "abcd", strings.Repeat("x", 1<<16))),
			down(frame(0x81, "", `{"id"`+strings.Repeat("x", 1<<16))),
			down(frame(0x01, "", `{"id"`)+frame(0x89, "", "ab")+frame(0x00, "", "x")+frame(0x80, "", "")),
			up(frame(0x8A, "abcd", "ab")), up(frame(0x88, "abcd", "")), down(frame(0x88, "", "\x03\xe8bye")),
		),
		"websocket 1/3/3 up payload=65737 framing=28 opening=80 control=14 down payload=65585 envelope=20 framing=24 opening=90 control=28",
	},
	{
		"a frame cut", append(slices.Clone(openWebSocket), down(frame(0x81, "", m1)[:20]), up("\x81\xfe")),
		"websocket 1/0/0 up framing=2 opening=80 down payload=18 framing=2 opening=90 (cut: a frame 2)",
	},
	{
		"frames after the close", append(slices.Clone(openWebSocket), down("\x88\x00\x81\x00")),
		"websocket 1/0/0 up opening=80 down opening=90 control=2 unaccounted=2 (bytes after the end)",
	},
	{
		"an upgrade refused", []piece{
			openWebSocket[0], down(sized("HTTP/1.1 403 Forbidden\r\n", "{}")), up("GET /polling HTTP/1.1\r\n\r\n"), down("HTTP/1.1 204 No Content\r\n\r\n"),
		},
		"polling 1/0/0 up head=25 down head=27; websocket 1/0/0 up opening=80 down envelope=2 opening=45",
	},
	{
		"requests behind upgrades that are refused", []piece{
			up(openWebSocket[0].text + openWebSocket[0].text + "GET /polling HTTP/1.1\r\n\r\n"), down(sized("HTTP/1.1 403 Forbidden\r\n", "{}")),
			down(sized("HTTP/1.1 403 Forbidden\r\n", "{}")), down("HTTP/1.1 204 No Content\r\n\r\n"),
		},
		"polling 1/0/0 up head=25 down head=27; websocket 2/0/0 up opening=160 down envelope=4 opening=90",
	},
	{
		"too much behind an upgrade", []piece{openWebSocket[0], up(strings.Repeat("x", 9000)), down(sized("HTTP/1.1 403 Forbidden\r\n", "{}"))},
		"websocket 1/0/0 up opening=80 unaccounted=9000 down envelope=2 opening=45 (too much between an upgrade and its answer)",
	},
	{
		"an upgrade without an answer", []piece{openWebSocket[0], up("\x81\x80abcd")},
		"websocket 1/0/0 up opening=80 unaccounted=6 down (bytes between an upgrade and its answer, cut: before the answer)",
	},
	{
		"empty lines before a request", []piece{
			up("POST /publish HTTP/1.1\r\nContent-Length: 1\r\n\r\n1\r\n"), down("HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"),
			up("\nGET /polling HTTP/1.1\r\n\r\n"), down("HTTP/1.1 204 No Content\r\n\r\n"), up("\r\n"),
		},
		"polling 1/0/0 up head=27 down head=27; publish 1/1/0 up payload=1 head=48 down envelope=2 head=43",
	},
	{
		"folded fields that matter", []piece{
			up("POST /publish HTTP/1.1\r\nContent-Length:\r\n 1\r\n\r\n1"), down("HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"),
			up("POST /publish HTTP/1.1\r\nTransfer-Encoding:\r\n\tchunked\r\n\r\n1\r\n1\r\n0\r\n\r\n"), down("HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"),
		},
		"publish 2/2/0 up payload=2 framing=10 head=103 down envelope=4 head=86",
	},
	{
		"no upgrade", []piece{openWebSocket[0], down("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")},
		"websocket 1/0/0 up opening=80 down envelope=2 opening=38",
	},
	{
		"a WebSocket elsewhere", []piece{
			up("GET /x HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"), down("HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n"),
			down(frame(0x81, "", "ab")), up(frame(0x81, "abcd", "ab")),
		},
		"other 1/0/0 up payload=2 framing=6 head=39 down payload=2 framing=2 head=38",
	},
	{
		"a WebSocket where polls are", []piece{
			up("GET /polling HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"), down("HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n"),
			down(frame(0x81, "", "ab")), up(frame(0x81, "abcd", "ab")),
		},
		"polling 1/0/0 up envelope=2 framing=6 head=45 down envelope=2 framing=2 head=38",
	},
	{
		"no path", []piece{up("OPTIONS * HTTP/1.1\r\n\r\n"), down("HTTP/1.1 204 x\r\n\r\n"), up("GET xpolling HTTP/1.1\r\n\r\n"), down("HTTP/1.1 400 x\r\n\r\nno")},
		"other 2/0/0 up head=47 down envelope=2 head=36",
	},

	// Bad input.
	{"garbage", []piece{up("\x16\x03\x01\r\n\r\n"), down("\x15\r\n")}, "other 0/0/0 up unaccounted=7 down unaccounted=3 (TLS, where none is spoken, no HTTP/1.1)"},
	{"HTTP/2 late", []piece{up("GET / HTTP/1.1\r\n\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")}, "other 1/0/0 up head=18 unaccounted=24 down (cut: before the answer, no HTTP/1.1)"},
	{"half a request line", []piece{up("GET /poll")}, "other 0/0/0 up unaccounted=9 down (cut: a head)"},
	{"half a request", []piece{up("GET /polling HTTP/1.1\r\nHost: l")}, "polling 1/0/0 up head=30 down (cut: a head, cut: before the answer)"},
	{"half an answer", []piece{up("GET /polling HTTP/1.1\r\n\r\n"), down("HTTP/1")}, "polling 1/0/0 up head=25 down head=6 (cut: a head)"},
	{
		"an answer cut", []piece{up("GET /polling HTTP/1.1\r\n\r\n"), down("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{\"messages\":[{\"i")},
		"polling 1/0/0 up head=25 down envelope=16 head=71 (cut: a body)",
	},
	{"a field without a name", []piece{up("GET /polling HTTP/1.1\r\n: x\r\n\r\n")}, "polling 1/0/0 up head=23 unaccounted=7 down (a field without a name, cut: before the answer)"},
	{"a folded field", []piece{up("GET /polling HTTP/1.1\r\nA: x\r\n y\r\n\r\n"), down("HTTP/1.1 204 No Content\r\n\r\n")}, "polling 1/0/0 up head=35 down head=27"},
	{"fields with odd values", []piece{up("GET /polling HTTP/1.1\r\nA::\r\nB:\r\nC: \r\nD:\td \r\n\r\n"), down("HTTP/1.1 204 No Content\r\n\r\n")}, "polling 1/0/0 up head=46 down head=27"},
	{"two lengths", []piece{up("POST /publish HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n")}, "publish 1/0/0 up head=43 unaccounted=21 down (a Content-Length that is none, cut: before the answer)"},
	{"a negative length", []piece{up("POST /publish HTTP/1.1\r\nContent-Length: -1\r\n\r\n")}, "publish 1/0/0 up head=24 unaccounted=22 down (a Content-Length that is none, cut: before the answer)"},
	{
		"a chunk too long", []piece{up("POST /publish HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n")},
		"publish 1/0/0 up payload=1 framing=3 head=54 unaccounted=8 down (a chunk longer than its size, cut: before the answer)",
	},
	{
		"a chunk without a size", []piece{up("POST /publish HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n")},
		"publish 1/0/0 up head=54 unaccounted=5 down (a chunk without a size, cut: before the answer)",
	},
	{
		"a chunk beyond all bounds", []piece{up("POST /publish HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n")},
		"publish 1/0/0 up head=54 unaccounted=19 down (a chunk beyond all bounds, cut: before the answer)",
	},
	{
		"a chunk's end cut", []piece{up("POST /publish HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r"), down("HTTP/1.1 400 x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxyz")},
		"publish 1/0/0 up payload=1 framing=4 head=54 down envelope=1 framing=3 head=46 unaccounted=2 (cut: a chunk 2)",
	},
	{
		"a chunk's size cut", []piece{up("POST /publish HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1f"), down("HTTP/1.1 400 x\r\nTransfer-Encoding: chunked\r\n\r\n?")},
		"publish 1/0/0 up framing=2 head=54 down head=46 unaccounted=1 (cut: a chunk 2)",
	},
	{"a line beyond all bounds", []piece{up("GET /" + strings.Repeat("x", 70_000))}, "other 0/0/0 up unaccounted=70005 down (a line beyond all bounds)"},
	{"another protocol", []piece{up("GET / HTTP/1.1\r\nUpgrade: x\r\n\r\n"), down("HTTP/1.1 101 x\r\n\r\n?"), up("!")}, "other 1/0/0 up head=30 unaccounted=1 down head=18 unaccounted=1 (another protocol 2)"},
	{"a tunnel", []piece{up("CONNECT x:1 HTTP/1.1\r\n\r\n"), down("HTTP/1.1 200 OK\r\n\r\n?"), up("!")}, "other 1/0/0 up head=24 unaccounted=1 down head=19 unaccounted=1 (another protocol 2)"},
	{"reserved bits", append(slices.Clone(openWebSocket), down("\xC1\x01x")), "websocket 1/0/0 up opening=80 down opening=90 unaccounted=3 (reserved bits, without an extension)"},
	{"a reserved opcode", append(slices.Clone(openWebSocket), down("\x83\x01x")), "websocket 1/0/0 up opening=80 down opening=90 unaccounted=3 (an opcode without a meaning)"},
	{"a client that does not mask", append(slices.Clone(openWebSocket), up("\x81\x01x"), down("\x88\x00")), "websocket 1/0/0 up opening=80 unaccounted=3 down opening=90 control=2 (a mask where none belongs, or none where one does)"},
	{"a long ping", append(slices.Clone(openWebSocket), down(frame(0x89, "", strings.Repeat("x", 126)))), "websocket 1/0/0 up opening=80 down opening=90 unaccounted=130 (a control frame too long, or in pieces)"},
	{"a frame beyond all bounds", append(slices.Clone(openWebSocket), down("\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xffx")), "websocket 1/0/0 up opening=80 down opening=90 unaccounted=11 (a frame beyond all bounds)"},
	{"a huge frame", append(slices.Clone(openWebSocket), down("\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xff{\"id\":1...")), "websocket 1/0/0 up opening=80 down payload=10 framing=10 opening=90 (cut: a frame)"},
	{"a continuation of none", append(slices.Clone(openWebSocket), down("\x80\x00")), "websocket 1/0/0 up opening=80 down opening=90 unaccounted=2 (a message inside another, or a continuation of none)"},
	{"impatience", []piece{openWebSocket[0], up("\x81\x80abcd"), openWebSocket[1], up("\x81\x80abcd"), down("\x89\x00")}, "websocket 1/2/0 up framing=12 opening=80 down opening=77 control=2"},
	{"an extension", []piece{openWebSocket[0], down("HTTP/1.1 101 x\r\nUpgrade: websocket\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n\xC1\x00")}, "websocket 1/0/0 up opening=80 down opening=84 unaccounted=2 (a WebSocket extension 2)"},
	{"too many requests", []piece{up(strings.Repeat("GET /polling HTTP/1.1\r\n\r\n", 257))}, "other 0/0/0 up unaccounted=25 down (too many requests that wait for an answer); polling 256/0/0 up head=6400 down (cut: before the answer 256)"},
}, slices.Concat(http2Cases(), inflateCases())...)

func TestCases(t *testing.T) {
	for _, c := range cases {
		var spans [2]strings.Builder
		s := dissect(c.pieces, whole, func(s wire.Span) { spans[s.Dir].Write(s.Bytes) })
		if got := summary(s.Rows); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
		var fed [2]strings.Builder
		for _, p := range c.pieces {
			fed[p.dir].WriteString(p.text)
		}
		for dir := range fed {
			got, want := spans[dir].String(), fed[dir].String()
			if c.name == "an event stream in chunks" { // the span of a name that a chunk's end cuts is behind it
				got, want = sorted(got), sorted(want)
			}
			if got != want {
				t.Errorf("%s: the spans %v are\n%.300q\nbut the bytes were\n%.300q", c.name, wire.Dir(dir), got, want)
			}
		}
	}
}

func sorted(text string) string {
	b := []byte(text)
	slices.Sort(b)
	return string(b)
}

// summary returns rows in the form of the cases.
func summary(rows []wire.Row) string {
	var lines []string
	for _, r := range rows {
		name := r.Transport
		if r.Page != "" {
			name += "@" + r.Page
		}
		line := fmt.Sprintf("%s %d/%d/%d up%s down%s", name, r.Requests, r.Sent, r.Delivered, parts(r.Up), parts(r.Down))
		var notes []string
		for _, what := range slices.Sorted(maps.Keys(r.Notes)) {
			if n := r.Notes[what]; n > 1 {
				what += fmt.Sprint(" ", n)
			}
			notes = append(notes, what)
		}
		if notes != nil {
			line += " (" + strings.Join(notes, ", ") + ")"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "; ")
}

func parts(p wire.Parts) string {
	var b strings.Builder
	sum := int64(0)
	for _, part := range []struct {
		name  string
		bytes int64
	}{
		{"payload", p.Payload}, {"envelope", p.Envelope}, {"framing", p.Framing}, {"head", p.Head}, {"opening", p.Opening},
		{"control", p.Control}, {"tag", p.Tag}, {"tls", p.TLS}, {"unaccounted", p.Unaccounted},
	} {
		if part.bytes != 0 {
			fmt.Fprintf(&b, " %s=%d", part.name, part.bytes)
		}
		sum += part.bytes
	}
	if sum != p.Total {
		fmt.Fprintf(&b, " BUT total=%d", p.Total)
	}
	return b.String()
}
