// Package polling carries a feed over plain HTTP polling: the client asks at an
// interval of its own choosing, and the server responds at once with the messages
// that it has.
//
// # On the wire
//
// Each poll is a request and a response. The request carries the client's cursor,
// so the server keeps no state for the client:
//
//	GET /polling?after=k3v9qa-411 HTTP/1.1
//	Host: lab
//
//	HTTP/1.1 200 OK
//	Cache-Control: no-store
//	Content-Length: 83
//	Content-Type: application/json
//	Etag: "k3v9qa-412"
//	Date: Sat, 01 Jan 2000 00:00:02 GMT
//
//	{"epoch":"k3v9qa","messages":[{"id":412,"at":946684801000000,"data":{"cpu":12.5}}]}
//
// The cursor is the epoch and the last id. A response that has not all messages, or
// none because the client has no cursor, names the newest id too: "head".
//
// To an empty poll, one that finds no news, the response is 204 No Content; or 304
// Not Modified to a client that sends the ETag it has as If-None-Match (RFC 9110,
// section 13.1.2). An ETag cannot replace the cursor: a proxy that compresses
// makes it weak, changes it or removes it.
// testdata/wire.txt holds one exchange to the byte.
//
// # What it costs
//
// Request headers and response headers for every poll, whether or not there is
// news; the bytes per message depend on how many messages share a poll. The
// connection persists from one poll to the next (RFC 9112, section 9.3). The
// server keeps nothing between polls.
//
// # When it breaks
//
// Every message is delayed: it waits for the next poll, from no time to a whole
// interval. Half the delay costs twice the polls. It hardly breaks: a lost
// connection costs one poll, and every proxy and cache supports such requests.
// Long-polling removes the delay: there the server holds the request.
package polling
