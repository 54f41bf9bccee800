package wire

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// An Entry is one thing that a [Recording] has of a connection: a request that was read, a message that was written.
// Its bytes are those of its exchange in its direction since the entry before.
type Entry struct {
	seq       uint64 // ascending by one in a recording
	at        int64  // µs since the Unix epoch
	exchange  uint64
	conn      uint64
	id, also  uint64      // of a message: its id, and when it was published; of a gap: its first and last id
	spans     [2]interval // of its exchange, in the recording, by direction
	nth       uint32      // in its exchange
	bytes     [parts]uint32
	status    uint16 // of a response
	kind      entryKind
	dir       Dir
	http2     bool
	tls       bool
	transport string
	word      string // of a request its method, of control bytes their role, of an end why it was cut
	target    string // of a request, without the page tag
}

// An interval is from one offset in a recording to another. The zero interval is empty.
type interval struct{ from, to uint64 }

type entryKind uint8

const (
	entryOpen entryKind = iota
	entryRequest
	entryResponse
	entryMessage
	entryGap
	entryControl
	entryEnd
	entryClose
)

func (k entryKind) String() string {
	return [...]string{"open", "request", "response", "message", "gap", "control", "end", "close"}[k]
}

// The most bytes of a request's method, and of its target, that an entry has.
const (
	maxMethod = 32
	maxTarget = 256
)

// add adds bytes.
func (e *Entry) add(bytes *[parts]uint32) {
	for part, n := range bytes {
		e.bytes[part] += n
	}
	*bytes = [parts]uint32{}
}

// size returns the number of bytes.
func (e *Entry) size() (n int64) {
	for _, more := range e.bytes {
		n += int64(more)
	}
	return n
}

// AppendJSON appends the entry as a JSON object; docs/reference.md names its fields. It costs no allocation, but for a
// target that is not plain ASCII.
func (e *Entry) AppendJSON(b []byte) []byte {
	number := func(name string, n int64) { b = strconv.AppendInt(append(b, name...), n, 10) }
	word := func(name, s string) { b = appendString(append(b, name...), s) }
	number(`{"seq":`, int64(e.seq))
	word(`,"kind":`, e.kind.String())
	number(`,"at":`, e.at)
	number(`,"exchange":`, int64(e.exchange))
	number(`,"conn":`, int64(e.conn))
	word(`,"transport":`, e.transport)
	switch e.kind {
	case entryRequest:
		word(`,"method":`, e.word)
		word(`,"target":`, e.target)
		word(`,"http":`, e.version())
		b = strconv.AppendBool(append(b, `,"tls":`...), e.tls)
	case entryResponse:
		number(`,"status":`, int64(e.status))
	case entryMessage:
		word(`,"dir":`, e.dir.String())
		number(`,"id":`, int64(e.id))
		number(`,"published":`, int64(e.also))
	case entryGap:
		number(`,"from":`, int64(e.id))
		number(`,"to":`, int64(e.also))
	case entryControl:
		word(`,"dir":`, e.dir.String())
		word(`,"role":`, e.word)
	case entryEnd:
		if e.word != "" {
			word(`,"cut":`, e.word)
		}
	}
	if e.kind != entryOpen {
		b = append(b, `,"bytes":{`...)
		comma := false
		for part, n := range e.bytes {
			if n == 0 {
				continue
			}
			if comma {
				b = append(b, ',')
			}
			comma = true
			b = append(append(append(b, '"'), Part(part).String()...), `":`...)
			b = strconv.AppendUint(b, uint64(n), 10)
		}
		b = append(b, '}')
	}
	return append(b, '}')
}

// version returns the version of HTTP.
func (e *Entry) version() string {
	if e.http2 {
		return "2"
	}
	return "1.1"
}

// appendString appends a JSON string.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			quoted, _ := json.Marshal(s)
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}
