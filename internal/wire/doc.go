// Package wire shows what crosses a connection, and what each byte is there for.
//
// A [Ledger] taps connections: those that a listener accepts ([Ledger.Listen])
// and those that a client dials ([Ledger.Tap]). A tap passes everything on as it
// is, and lets a [Dissector] see it. The dissector follows the protocols byte by
// byte, in both directions: HTTP/1.1 (http1.go), events (sse.go), the answers of
// polls and echoes (json.go), WebSocket (websocket.go). What it names, the
// ledger adds up by page, lane, direction and part. A [Listing] shows it as text.
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
//	            and its trailer; header and masking key of data frames
//	head        start line, fields and blank line of polls, long-polls, POSTs and
//	            all other paths; interim answers (100) too
//	opening     the same of /sse, /websocket and /websocket/echo, also where the
//	            server refuses; what comes before the data in the first block of a
//	            stream of events; the hello frame, whole
//	control     comments with their blank line, and blocks of type heartbeat from
//	            their event line on; ping, pong, close and heartbeat frames, whole
//	tag         page= and its value in the request target, with the "?" or "&"
//	            that it costs
//	tls         nothing here
//	unaccounted what cannot be named: see below
//
// A chunk around a heartbeat is framing still. A message is only what begins
// with {"id" (in the array of an answer, or in a frame) or is the data of an event
// that is neither gap nor heartbeat; whatever else stands in its place is
// envelope.
//
// # What cannot be named
//
// Bytes that break the protocol, and all that follow them in that direction:
// the dissector does not look for a place to begin again. Also a request line
// that was cut (it has no lane yet), what a client sends between an upgrade and
// its answer, and compressed bodies that would have to be looked into. A note says
// why. An answer to no known request, such as 400 to garbage, is one of the lane
// "other".
//
// What is cut in the middle keeps the parts it has, and a note says what was cut:
// a head, a body, a chunk, an event, a frame, a message, a write, or a request
// before its answer. The last is also how a long-poll ends whose client leaves.
// A stream that ends between two events, or between two frames, is not cut.
//
// # What it costs
//
// For an event or a frame no allocation and no lock that connections share: each
// exchange has counts of its own, which go to the ledger when it ends or when a
// [Ledger.Snapshot] asks for them. No body is held: of a line of a head at most
// 64 KiB, of a frame its header and 12 bytes.
package wire
