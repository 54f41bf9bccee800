// Package longpoll carries a feed over HTTP long-polling: the client asks, and
// the server holds the request until there is news. See RFC 6202, section 2.
//
// # On the wire
//
// The bytes are those of polling; only their timing differs. Between request and
// response lies the wait:
//
//	GET /longpoll?after=k3v9qa-411 HTTP/1.1
//	Host: lab
//
//	                                  … until message 412 is published
//	HTTP/1.1 200 OK
//	Cache-Control: no-store
//	Content-Length: 83
//	Content-Type: application/json
//	Etag: "k3v9qa-412"
//	Date: Sat, 01 Jan 2000 00:00:01 GMT
//
//	{"epoch":"k3v9qa","messages":[{"id":412,"at":946684801000000,"data":{"cpu":12.5}}]}
//
// A wait without news ends with 204 No Content, so that no proxy takes the silence
// for a dead server; the client then sends its next request at once.
// testdata/wire.txt holds one exchange to the byte.
//
// # What it costs
//
// Request headers and response headers for every response, and so for almost every
// message where messages are single; but next to nothing while the feed is
// quiet. The server has an open request, and its goroutine, for each client.
//
// # When it breaks
//
// A single message takes one one-way delay, half a round trip. But while a response
// is on its way to the client, or the next request on its way to the server, no
// request waits at the server: this is the re-arm gap. A message that is published
// in it is not lost, because the next request brings the cursor; it arrives up to
// three one-way delays after it was published (RFC 6202, section 2.2). The faster
// the feed, the more messages fall into that gap, and long-polling becomes polling
// as fast as the network allows. A response that does not end needs no next
// request: that is SSE.
package longpoll
