// Package polling carries a feed over plain HTTP polling: the client asks at an
// interval of its own choosing, and the server answers at once with what there
// is.
//
// # On the wire
//
// Each poll is a request and an answer. The cursor tells the server where the
// client stands, so it need remember nothing about it:
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
// The cursor is the epoch and the last id. Where an answer has no messages, to a
// client without a cursor, or not all of them, it names the newest id too: "head".
//
// With nothing new the answer is 204 No Content; or 304 Not Modified to a client
// that sends the ETag it has as If-None-Match (RFC 9110, section 13.1.2). A tag is
// no cursor: a proxy that compresses makes it weak, changes it or leaves it out.
// testdata/wire.txt holds one exchange to the byte.
//
// # What it costs
//
// A request head and a response head for every poll, whether or not there is
// news; what they cost a message depends on how many messages share a poll. The
// connection persists from one poll to the next (RFC 9112, section 9.3). The
// server holds nothing between polls.
//
// # When it breaks
//
// It is always late: a message waits for the next poll, from nothing to a whole
// interval. Half the delay is twice the polls. What it does not do is break: a
// lost connection costs one poll, and any proxy and cache knows such requests.
// Long-polling takes the delay away by holding the request.
package polling
