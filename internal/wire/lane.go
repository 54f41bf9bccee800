package wire

import "bytes"

// A lane is the use of a path: the kinds of the bodies of its exchanges, and whether their heads recur.
type lane struct {
	name     string
	head     Part // of its heads: Head where they recur, Opening where they are paid once
	up, down kind
}

// lanes are all lanes of exchanges. A path is the lane's name behind a slash; every other path is the lane "other".
var lanes = map[string]lane{
	"polling":        {"polling", Head, wrapping, answer},
	"longpoll":       {"longpoll", Head, wrapping, answer},
	"sse":            {"sse", Opening, wrapping, eventStream},
	"websocket":      {"websocket", Opening, text, entries},
	"publish":        {"publish", Head, text, wrapping},
	"echo":           {"echo", Head, text, echoed},
	"websocket/echo": {"websocket/echo", Opening, text, echoed},
	"other":          {"other", Head, file, file},
}

// connectionLane is for bytes that belong to no single exchange.
var connectionLane = lane{"connection", Opening, wrapping, wrapping}

// A kind is that of a body, or of the messages of a WebSocket.
type kind uint8

const (
	wrapping    kind = iota // without a message
	text                    // one message from end to end
	file                    // what a browser or a script has requested: payload, but no message
	unreadable              // compressed, so that its messages cannot be found
	answer                  // the JSON of the response to a poll
	eventStream             // Server-Sent Events
	entries                 // a message, a gap, a heartbeat or the hello each
	echoed                  // "Server received: " and a text
)

// laneOf returns the lane of a request target, the page that it names, and where the page tag is: target[from:to], with
// its "?" or "&".
func (l *Ledger) laneOf(target []byte) (found lane, page string, from, to int) {
	// The absolute form has scheme and authority before the path (RFC 9112, section 3.2.2).
	path := target
	if _, rest, absolute := bytes.Cut(path, []byte("://")); absolute && path[0] != '/' {
		path = rest[max(0, bytes.IndexByte(rest, '/')):]
	}
	path, query, _ := bytes.Cut(path, []byte("?"))
	page, from, to = pageOf(target, len(target)-len(query))

	name, known := l.Paths[string(path)]
	if own, ok := bytes.CutPrefix(path, []byte("/")); ok && !known {
		name = string(own)
	}
	if found, known = lanes[name]; !known {
		found = lanes["other"]
	}
	return found, page, from, to
}

// pageOf finds page= in a target's query, which begins at start.
func pageOf(target []byte, start int) (page string, from, to int) {
	for pair := range bytes.SplitSeq(target[start:], []byte("&")) {
		end := start + len(pair)
		if value, ok := bytes.CutPrefix(pair, []byte("page=")); ok && isPage(value) {
			if end == len(target) { // the last pair, or the only one: "&page=7f3a", "?page=7f3a"
				return string(value), start - 1, end
			}
			return string(value), start, end + 1 // "page=7f3a&"
		}
		start = end + 1
	}
	return "", 0, 0
}

// isPage reports whether value is valid as a page's id in the lab. So a ledger's rows have short names.
func isPage(value []byte) bool {
	for _, c := range value {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return len(value) >= 1 && len(value) <= 16
}
