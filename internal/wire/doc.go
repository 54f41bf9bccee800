// Package wire shows the bytes that cross a connection, and the purpose of each.
//
// A [Ledger] taps connections: those that a listener accepts ([Ledger.Listen]) and those that a client dials
// ([Ledger.Tap]). A tap passes all bytes on unchanged, and gives them to a [Dissector]. The dissector follows the
// protocols byte by byte, in both directions: HTTP/1.1 (http1.go), HTTP/2 (http2.go) and its header compression
// (hpack.go), events (sse.go), the JSON of polls and echoes (json.go), WebSocket (websocket.go). For TLS
// ([Ledger.ListenTLS], [Ledger.TapTLS]) there are two taps: one below it, which counts the bytes of the socket, and one
// above (tls.go). The ledger adds the named bytes up by page, lane, direction and part. A [Listing] shows them as text,
// a [HeaderCosts] header by header.
//
// # Parts
//
// Every byte has one part, so the sum of the parts is the number of bytes on the socket:
//
//	payload     a message, as the feed encoded it; upstream, the body of a POST to
//	            /publish or /echo and the payload of a client's text and binary
//	            frames, whether or not the server accepts it; the text in the
//	            response to an echo, as it is there (with ?stamps=1, as a JSON
//	            string); the bodies of all other paths, which are no messages
//	envelope    a poll's JSON around its messages; the lines and names around an
//	            event's data, its id and its type; gap objects; "Server received: "
//	            and the JSON of the stamps; the response to a publish; every body
//	            of status 400 and above, and any other body of a lane
//	framing     chunk sizes and extensions, the line ends of chunks, the last chunk
//	            and its trailer; header and masking key of WebSocket's data frames;
//	            header and padding of HTTP/2's DATA frames
//	head        start line, fields and blank line of polls, long-polls, POSTs and
//	            all other paths; on HTTP/2 HEADERS and CONTINUATION frames, whole,
//	            those of trailers too; interim responses (100) too
//	opening     the same of /sse, /websocket and /websocket/echo, also where the
//	            server refuses; the hello frame, whole; the first block of a stream of
//	            events, whole if its type is hello, else the lines before its data;
//	            the preface and the SETTINGS of HTTP/2; the handshake of TLS
//	control     comments with their blank line, and blocks of type heartbeat from
//	            their event line on; ping, pong, close and heartbeat frames, whole;
//	            all frames of HTTP/2 that are not named above
//	tag         page= and its value in the request target, with the "?" or "&"
//	            before it; on HTTP/2 the bytes that they add to the field, Huffman
//	            code and length included: none where the field is an index
//	tls         the bytes of TLS records besides their content, after the
//	            handshake: header, type and tag; and records without content
//	unaccounted bytes that cannot be named: see below
//
// Compressed bytes (inflate.go) that were flushed at once, or are one message, are one part: payload if they contain
// bytes of a message, else the first of opening, control and envelope of which they contain bytes, and framing if they
// contain none. Gzip's header is opening, its trailer framing.
//
// A chunk around a heartbeat is framing too. A message is only an object that begins with {"id" (in the array of a
// response, or in a frame) or the data of an event that is neither gap nor heartbeat; anything else in its place is
// envelope.
//
// # What a connection shares
//
// On HTTP/2 many exchanges share a connection. The bytes that belong to no single one are in the lane "connection": the
// preface, frames of stream 0, TLS records with bytes of several exchanges, or of none, and also on HTTP/1.1 the
// handshake. From the first request that names a page on, they belong to that page.
//
// A frame that arrives for a stream which has ended still belongs to that stream, if it is one of the last 16 that
// ended.
//
// # What cannot be named
//
// Unaccounted are bytes that break the protocol, and all bytes behind them in that direction: the dissector does not
// search for a place to begin once more. Also unaccounted are:
//
//   - a request line that was cut, which has no lane yet;
//   - bytes of a client behind an upgrade, beyond 8 KiB or where the upgrade has no response;
//   - heads that are longer than the server accepts ([Ledger.MaxHeaderBytes]); on HTTP/2 the length is that
//     of the decoded fields (RFC 9113, section 10.5.1);
//   - WebSockets with an extension other than permessage-deflate without context takeover;
//   - compressed bodies whose messages would have to be found, except by gzip (without its optional fields) on
//     a stream of events.
//
// A note says why. A response to no known request, such as 400 to garbage, is in the lane "other".
//
// Where a connection ends within something, its bytes keep their parts, and a note says what was cut: a head, a body, a
// chunk, an event, a frame, a message, a write, or a request before its response. The last is also the end of a
// long-poll whose client leaves. A stream that ends between two events, or between two frames, is not cut. There are
// also notes on a TLS handshake that fails, and on GOAWAY with an error.
//
// # Recordings
//
// While somebody reads the [Recording] of a page ([Ledger.Watch], [Ledger.Exchange]), the ledger keeps what its requests
// and their responses were: an [Entry] for each request, response, message, gap and control frame, when it was read or
// written, and of which bytes; and the spans themselves. What is to be recorded of an exchange is its trace (trace.go),
// nil where there is none; the parsers give it each span, and report to it where a message or a frame ends. A read or a
// write is recorded at its end, in one batch (recorder.go). A write is stamped before it begins and when it has
// returned; what is read is stamped when it is recorded, before the server has it.
//
// Values of Cookie and Authorization are masked before they are kept; of what is unaccounted, and of a header that was
// cut, no bytes are kept. In a flood only the entries are recorded, and 128 KiB of spans a second.
//
// # What it costs
//
// An event or a frame that is not compressed costs no allocation, and takes no lock that connections share: each
// exchange has counts of its own, which are added to the ledger when it ends or when a [Ledger.Snapshot] is made. TLS
// costs one more system call for each record that is read. A connection compares one number at each read and write to
// know that nothing is recorded; a recorded message costs no allocation either.
//
// Whatever arrives, each byte costs at most 64 bytes of allocation, in half an object, and a time that does not grow
// with the bytes before it: about 10 ns, where it is recorded 60 ns, for a field of HPACK 50 ns, and for gzip the time
// to inflate it, of 1 MiB at most for bytes that were flushed at once. (A test asserts this for every parser.) The most
// expensive is a request, of 10 bytes on HTTP/2: about 700 bytes of allocation, which are freed when it has ended.
//
// No body is kept in memory. The dissector keeps: of HTTP/1.1 a line of a head; of HTTP/2 a frame of a head, and the
// field in which the frame ends, and while a page is recorded up to 16 KiB of a head; up to 8 KiB behind an upgrade,
// until its response; of a WebSocket's frame the header and 12 bytes, or 512 where they are compressed; the dynamic
// table of HPACK in each direction, 4 096 bytes unless SETTINGS allow more, and at most 64 KiB; of a stream of gzip the
// bytes that were not flushed yet, at most 128 KiB, and about 150 KiB to inflate them. At most 256 requests of HTTP/1.1
// wait for their responses, and 1 024 streams are open at once. With spans, a head of HTTP/2 is kept whole, at most
// four times the length that the server accepts. A client's tap keeps 32 bytes for each thing of which a write
// consists. Where the dissection gives up, this memory is freed.
package wire
