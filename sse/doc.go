// Package sse carries a feed as Server-Sent Events: one request, and one
// response that never ends. The format is that of WHATWG HTML, section 9.2;
// in a browser EventSource reads it.
//
// # On the wire
//
// Events are blocks of lines, each ended by an empty one. The id of each is the
// cursor behind it, which an EventSource that was cut off sends back as
// Last-Event-ID:
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
// The first block sets the id to where the stream begins. A client that is cut off
// before its first message resumes there, and one that came without a cursor gets
// one. By the standard an id would be enough (WHATWG HTML, section 9.2.6); but
// Firefox and npm's eventsource drop the id of a block that has no data. Its type
// keeps it from those who listen for messages. Every 15 s there
// is a comment, a line that begins with a colon. Around each flush HTTP/1.1 puts
// the size of a chunk and two line ends. testdata/wire.txt holds one exchange to
// the byte.
//
// # What it costs
//
// The heads once; then, for each message, the field names, the id and the
// chunk framing. The server holds a connection and a goroutine for each client.
//
// With Gzip an event that is much like the ones before it costs less than half:
// one window goes through the whole stream. That window, and what finds things
// in it, are about 800 KiB for each client.
//
// # When it breaks
//
// A proxy that buffers holds events back. A WriteTimeout meant for answers that
// end cuts a stream off: this handler sets a deadline for each write instead. A
// silent cut raises no event anywhere, and browser code sees no comments: only
// ?heartbeat= lets it notice. An EventSource gives up for good on any status but
// 200. And on HTTP/1.1 each stream takes one of the few connections that a
// browser opens to a host. It only ever goes down: what the client has to say
// takes a request of its own. Both ways on one connection is WebSocket.
package sse
