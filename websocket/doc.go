// Package websocket carries a feed over a WebSocket (RFC 6455): after an HTTP
// upgrade both sides may send frames at any time.
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
// (section 5.2). The first frame has the epoch and the newest id. Every 15 s the
// server pings (section 5.5.2). testdata/wire.txt holds one exchange to the byte.
//
// # What it costs
//
// The upgrade once; then a few bytes a message, downstream and upstream. The server
// has a connection and, because it reads too, two goroutines for each client.
//
// With Deflate (RFC 7692) each message is compressed separately, so only messages
// that are long or repeat themselves get shorter; the one above would be 6 bytes
// longer. A frame then begins with c1: RSV1 is set. It takes no memory between
// messages, but some µs more a message and client.
//
// # When it breaks
//
// After the upgrade there is no HTTP: the application provides what the other
// transports get from it. There is no Last-Event-ID and no automatic reconnect: the
// client keeps the cursor and sends it as ?after=. There is no CORS, so the server
// must check Origin, or any page may open a WebSocket in its visitor's name. When a
// connection goes silent, the side that pings notices; browser code can neither send
// nor see a ping, and needs ?heartbeat=.
package websocket
