// Package longpoll carries a feed over HTTP long-polling: the client asks, and
// the server holds the request until there is something to say. See RFC 6202,
// section 2.
//
// # On the wire
//
// The bytes are those of polling; only their times are others. Between request
// and answer lies the wait:
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
// A wait without news ends with 204 No Content, so that no proxy on the way
// takes the silence for a dead server; the client asks again at once.
// testdata/wire.txt holds one exchange to the byte.
//
// # What it costs
//
// A request head and a response head for every answer, and so for almost every
// message where messages come singly; but next to nothing while the feed is
// quiet. The server holds a request, and its goroutine, for each client.
//
// # When it breaks
//
// A lone message takes one trip. But one that is published while the last
// answer is on its way down, or the next request on its way up, finds nobody
// waiting: the re-arm gap. It is not lost, because the next request brings the
// cursor; it is late, by up to three trips (RFC 6202, section 2.2). The faster
// the feed, the more messages fall into that gap, and long-polling becomes
// polling as fast as the network allows. An answer that does not end needs no
// next request: that is SSE.
package longpoll
