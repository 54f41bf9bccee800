// Package websocket carries a feed over a WebSocket (RFC 6455): after an HTTP
// upgrade both sides send frames whenever they like.
//
// # On the wire
//
//	GET /websocket?after=k3v9qa-411 HTTP/1.1
//	Host: lab
//	Connection: Upgrade
//	Upgrade: websocket
//	Sec-WebSocket-Version: 13
//	Sec-WebSocket-Key: v8UlRUrdDNhydNZwhMqvDg==
//
//	HTTP/1.1 101 Switching Protocols
//	Upgrade: websocket
//	Connection: Upgrade
//	Sec-WebSocket-Accept: p3YIBdBIPlnFBFx03RyvTqMNdsY=
//
//	81 1d {"epoch":"k3v9qa","head":411}
//	81 33 {"id":412,"at":946684801000000,"data":{"cpu":12.5}}
//
// A frame begins with FIN and the opcode (81: a whole text message), and the
// length of the payload: two bytes up to 125, four up to 65 535, ten beyond. A
// client's frames have four bytes more, the key by which they are masked
// (section 5.2). The first frame tells where the feed stands. Every 15 s the
// server pings (section 5.5.2). testdata/wire.txt holds one exchange to the byte.
//
// # What it costs
//
// The upgrade once; then a few bytes a message, down and up. The server holds a
// connection and, since it must read what may come, two goroutines for each
// client.
//
// With Deflate (RFC 7692) each message is compressed by itself, so only what is
// long or repeats itself gets shorter; the message above would be 6 bytes longer.
// A frame then begins with c1, RSV1 set. No memory is held for it, but a message
// takes some µs more for each client.
//
// # When it breaks
//
// It is no HTTP after the upgrade: what HTTP gives the others must be made
// again. There is no Last-Event-ID and no reconnecting: the client keeps the
// cursor and asks with ?after=. There is no CORS, so the server itself must
// look at Origin, or any page may open a WebSocket in its visitor's name. A
// silent cut is seen by whoever pings; browser code can neither ping nor see a
// ping, and needs ?heartbeat=.
package websocket
