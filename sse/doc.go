// Package sse carries a feed as Server-Sent Events: one request, and one
// response that never ends. The format is that of WHATWG HTML, section 9.2;
// in a browser EventSource reads it.
//
// # On the wire
//
// An event is a block of lines that ends with an empty line. Its id is the cursor
// behind it, which an EventSource sends as Last-Event-ID when it reconnects:
//
//	GET /sse HTTP/1.1
//	Host: lab
//	Accept: text/event-stream
//	Last-Event-ID: k3v9qa-411
//
//	HTTP/1.1 200 OK
//	Cache-Control: no-store, no-transform
//	Content-Type: text/event-stream
//	X-Accel-Buffering: no
//	Date: Sat, 01 Jan 2000 00:00:00 GMT
//	Transfer-Encoding: chunked
//
//	id: k3v9qa-411
//	event: hello
//	retry: 3000
//	data: {"epoch":"k3v9qa","head":411}
//
//	id: k3v9qa-412
//	data: {"id":412,"at":946684801000000,"data":{"cpu":12.5}}
//
// The first block sets the id to where the stream begins: a client that is
// disconnected before its first message resumes there, and a client without a
// cursor gets one. By the standard an id would be enough (WHATWG HTML, section
// 9.2.6), but Firefox and npm's eventsource ignore the id of a block that has no
// data. Its type is hello, so that listeners for messages do not get it. Every 15 s
// there is a comment, a line that begins with a colon. Around each flush HTTP/1.1
// puts the size of a chunk and two line ends. testdata/wire.txt holds one exchange
// to the byte.
//
// # What it costs
//
// Request headers and response headers once; then, for each message, the field
// names, the id and the chunk framing. The server has a connection and a goroutine
// for each client.
//
// With Gzip an event that resembles the ones before it costs less than half: the
// stream is compressed as one, with one window. That window and its index take
// about 800 KiB for each client.
//
// # When it breaks
//
// A proxy that buffers delays events. The WriteTimeout of an http.Server ends a
// stream after that time: this handler sets a deadline for each write instead. When
// a connection goes silent, no error is raised, and browser code sees no comments:
// only ?heartbeat= lets it notice. An EventSource gives up for good on any status
// but 200. On HTTP/1.1 each stream takes one of the few connections that a browser
// opens to a host. A stream only goes downstream: to send, the client makes a
// request of its own. Both directions on one connection: that is WebSocket.
package sse
