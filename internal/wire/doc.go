// Package wire shows what crosses a connection, and what each byte is there for.
//
// A [Ledger] taps connections: those that a listener accepts ([Ledger.Listen])
// and those that a client dials ([Ledger.Tap]). A tap passes everything on as it
// is, and lets a [Dissector] see it. The dissector follows the protocols byte by
// byte, in both directions: HTTP/1.1 (http1.go), HTTP/2 (http2.go) and its heads
// (hpack.go), events (sse.go), the answers of polls and echoes (json.go),
// WebSocket (websocket.go). Where TLS is spoken ([Ledger.ListenTLS],
// [Ledger.TapTLS]) there are two taps: one below it, which counts what the socket
// carries, and one above (tls.go). What is named, the ledger adds up by page, lane,
// direction and part. A [Listing] shows it as text.
//
// # Parts
//
// Every byte has one part, so the sum of the parts is what the socket carried:
//
//	payload     a message, as the feed encoded it; on the way up, the body of a
//	            POST to /publish or /echo and the payload of a client's text and
//	            binary frames, whether or not the server takes it; the text in the
//	            answer to an echo, as it stands there (with ?stamps=1, as a JSON
//	            string); the bodies of all other paths, which are no messages
//	envelope    a poll's JSON around its messages; the lines and names around an
//	            event's data, its id and its type; gap objects; "Server received: "
//	            and what the stamps add; the answer to a publish; every body of
//	            status 400 and above, and any other body of a lane
//	framing     chunk sizes and extensions, the line ends of chunks, the last chunk
//	            and its trailer; header and masking key of WebSocket's data frames;
//	            header and padding of HTTP/2's DATA frames
//	head        start line, fields and blank line of polls, long-polls, POSTs and
//	            all other paths; on HTTP/2 HEADERS and CONTINUATION frames, whole,
//	            those of trailers too; interim answers (100) too
//	opening     the same of /sse, /websocket and /websocket/echo, also where the
//	            server refuses; the hello frame, whole; the first block of a stream of
//	            events, whole if its type is hello, else what comes before its data;
//	            the preface and the SETTINGS of HTTP/2; the handshake of TLS
//	control     comments with their blank line, and blocks of type heartbeat from
//	            their event line on; ping, pong, close and heartbeat frames, whole;
//	            all frames of HTTP/2 that are not named above
//	tag         page= and its value in the request target, with the "?" or "&"
//	            that it costs; on HTTP/2 what they add to the field, Huffman code
//	            and length included: nothing where the field is an index
//	tls         what the records of TLS have beside what they carry, after the
//	            handshake: header, type and tag; and those that carry nothing
//	unaccounted what cannot be named: see below
//
// What is compressed (inflate.go) is one part as far as it was flushed at once, or is
// one message: payload if there is anything of a message in it, else what it has the
// first of, opening, control and envelope; framing if it has nothing. What gzip
// begins with is opening, its trailer framing.
//
// A chunk around a heartbeat is framing still. A message is only what begins
// with {"id" (in the array of an answer, or in a frame) or is the data of an event
// that is neither gap nor heartbeat; whatever else stands in its place is
// envelope.
//
// # What a connection shares
//
// On HTTP/2 many exchanges share a connection. What is none of theirs alone is the
// lane "connection": the preface, frames of stream 0, records of TLS that carry bytes
// of several exchanges, or none, and on HTTP/1.1 too the handshake. It is the page's
// that was the first to name itself on the connection, from then on.
//
// A frame that comes for a stream which has ended is still that stream's, if it is
// one of the last 16.
//
// # What cannot be named
//
// Bytes that break the protocol, and all that follow them in that direction:
// the dissector does not look for a place to begin again. Also a request line
// that was cut (it has no lane yet), what a client sends behind an upgrade beyond 8 KiB
// or without an answer to it, heads beyond what the server takes ([Ledger.MaxHeaderBytes]; on HTTP/2 it is the
// fields that count, RFC 9113, section 10.5.1, not how they are written), WebSockets with an extension other than
// permessage-deflate without context takeover, and bodies that would have to be
// looked into and are compressed, except by gzip (without its optional fields) on a
// stream of events. A note says
// why. An answer to no known request, such as 400 to garbage, is one of the lane
// "other".
//
// What is cut in the middle keeps the parts it has, and a note says what was cut:
// a head, a body, a chunk, an event, a frame, a message, a write, or a request
// before its answer. The last is also how a long-poll ends whose client leaves.
// A stream that ends between two events, or between two frames, is not cut. Noted
// is also a handshake of TLS that fails, and GOAWAY with an error.
//
// # What it costs
//
// For an event or a frame that is not compressed no allocation, and no lock that
// connections share: each
// exchange has counts of its own, which go to the ledger when it ends or when a
// [Ledger.Snapshot] asks for them. TLS costs one more system call for each record
// that is read.
//
// Whatever comes, a byte of it costs at most 64 bytes of allocation, in half an object,
// and time that does not grow with what came before: some 10 ns, for a field of HPACK 50,
// and for what gzip has compressed as much as it takes to inflate that, of 1 MiB at most
// for what was flushed at once. (A test holds every parser to it.) Most costs a request,
// of 10 bytes on HTTP/2: about 700 bytes of allocation, which are let go when it has ended.
//
// No body is held: of HTTP/1.1 a line of a head, of HTTP/2 a frame of one, and the field
// in which it ends; and up to 8 KiB behind an upgrade, until it is answered.
// Of a WebSocket's frame it is the header and 12 bytes, or 512 where
// they are compressed. The dynamic table of HPACK is what the two ends hold, 4 096 bytes
// in each direction unless SETTINGS allow more, and at most 64 KiB. At most 256 requests
// of HTTP/1.1 wait for their answers, and 1 024 streams are open at once. A stream of gzip
// holds what was not flushed yet, of 128 KiB at most, and some 150 KiB to inflate it.
// Who is told of spans has a head of HTTP/2 held whole, at most four times what the
// server takes, and who writes has 32 bytes held for each thing that a write consists of.
// Where the dissection gives up, all of it is let go.
package wire
