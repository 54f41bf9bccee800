package wire

import (
	"bytes"
	"strings"
)

// maxBegun is the number of bytes in which the beginning of a message has its id and when it was published.
const maxBegun = 64

// A trace is what is being recorded of one exchange. A nil trace is of an exchange that is not recorded; its methods do
// nothing. The dissector's lock guards it.
type trace struct {
	// The fields that a message of a stream needs are first, and together: with many readers they are in no cache.
	recorder  *recorder
	first     *firstExchange // nil: it is no first one
	exchange  uint64
	began     int64            // when the write with the first of the pending bytes down began
	pending   [2][parts]uint32 // the bytes that are in no entry yet, by direction
	from      [2]uint64        // where the spans of the next entry begin in the recording, by direction
	last      int              // 1 + the index of its last entry in the batch; 0: it has none there
	entries   uint32
	secret    bool // the value that follows is a secret
	touched   bool // it has new bytes
	begunSize uint8
	begun     [maxBegun]byte // what may be the first bytes of a message, behind what is before its JSON
	role      string         // of the last bytes
	transport string
	http2     bool

	asked, answered, ended bool   // it has the entry, or began to be recorded behind it
	method, target         string // of the request
	cut                    string // why it ended
}

// trace returns a new trace.
func (c *recorder) trace(of lane) *trace {
	http2 := c.d.session != nil
	number := c.d.ledger.recordings.exchanges.Add(1)
	t := &trace{recorder: c, exchange: number, transport: of.name, http2: http2, asked: true}
	t.first = c.recording.addFirst(t.exchange, firstExchange{transport: of.name, http2: http2, tls: c.d.tls != nil})
	return t
}

// lives reports whether what the trace gets is still recorded.
func (t *trace) lives() bool { return t != nil && !t.recorder.gone }

// count counts bytes.
func (t *trace) count(dir Dir, part Part, n int64) {
	if !t.lives() || n == 0 {
		return
	}
	if dir == Down && t.began == 0 {
		t.began = t.recorder.d.began
	}
	t.pending[dir][part] += uint32(n)
	t.touch()
}

// touch has settle called at the end of the read or write.
func (t *trace) touch() {
	if !t.touched {
		t.touched = true
		b := t.recorder.fill()
		b.touched = append(b.touched, t)
	}
}

// span records a span, in which it masks the values of Cookie and Authorization.
func (t *trace) span(s *Span) {
	if !t.lives() {
		return
	}
	t.role = s.Role
	switch s.Role {
	case "field name":
		t.secret = isSecret(string(bytes.TrimRight(s.Bytes, ": \t")))
	case "field value", "folded value":
		if t.secret {
			s.Bytes = bytes.Repeat([]byte("*"), len(s.Bytes))
		}
	case "field", "trailer", "unknown": // there may be a secret in it
		s.Bytes = nil
	case "message", "gap", "data", rolePayload:
		if s.Dir == Down && s.Part <= Envelope {
			t.begunSize += uint8(copy(t.begun[t.begunSize:], s.Bytes))
		}
	}
	if s.Name != "" && isSecret(s.Name) {
		s.Value = strings.Repeat("*", len(s.Value))
	}
	if (t.first == nil || t.first.full) && t.recorder.recording.crowded.Load() {
		return // an entry without all its spans is no longer kept
	}
	b := t.recorder.fill()
	switch size := len(b.spans) + len(s.Bytes) + len(s.Name) + len(s.Value) + len(s.Text); {
	case len(b.spans) > 2*maxSpans:
		return
	case size > maxSpans:
		s.Bytes, s.Name, s.Value, s.Text = nil, "", "", ""
	}
	b.spans = appendSpan(b.spans, t.exchange, s)
	t.touch()
}

// isSecret reports whether the value of the header is masked.
func isSecret(name string) bool {
	for _, secret := range []string{"cookie", "set-cookie", "authorization", "proxy-authorization"} {
		if strings.EqualFold(name, secret) {
			return true
		}
	}
	return false
}

// entry adds an entry with the pending bytes of a direction. It lies in the batch: the pointer is valid until the next.
func (t *trace) entry(kind entryKind, dir Dir) *Entry {
	b, d := t.recorder.fill(), t.recorder.d
	t.entries++
	b.queue = append(b.queue, queued{trace: t, until: len(b.spans), Entry: Entry{
		kind: kind, dir: dir, exchange: t.exchange, conn: d.number, transport: t.transport, nth: t.entries,
		http2: t.http2, tls: d.tls != nil,
	}})
	t.last = len(b.queue)
	e := &b.queue[t.last-1].Entry
	e.add(&t.pending[dir])
	t.touch()
	return e
}

// request is the beginning of the request.
func (t *trace) request(method, target string) {
	t.asked = false
	t.method, t.target = method[:min(len(method), maxMethod)], target
	if len(target) > maxTarget {
		t.target = target[:maxTarget] + "…"
	}
}

// requestEnds is the end of the request.
func (t *trace) requestEnds() {
	if !t.lives() || t.asked {
		return
	}
	t.asked = true
	e := t.entry(entryRequest, Up)
	e.word, e.target = t.method, t.target
}

// response is the end of the response's head, or of an interim response, which is recorded with the response itself.
func (t *trace) response(status int) {
	if !t.lives() || t.answered {
		return
	}
	if status < 200 && status != 101 {
		t.began = 0
		return
	}
	t.answered = true
	e := t.entry(entryResponse, Down)
	e.status, e.at = uint16(status), t.began
}

// message is the end of a message. One that is the body of a request belongs to the request.
func (t *trace) message(dir Dir) {
	if !t.lives() || dir == Up && !t.asked {
		return
	}
	e := t.entry(entryMessage, dir)
	if dir == Down {
		e.at = t.recorder.d.began
		e.id, e.also, _ = numbers(t.begun[:t.begunSize], `{"id":`, `,"at":`)
		t.begunSize = 0
	}
}

// start takes the first bytes of a message.
func (t *trace) start(b []byte) { t.begunSize = uint8(copy(t.begun[:], b)) }

// packed takes the first bytes of a compressed message.
func (t *trace) packed(dir Dir, zip []byte) {
	if t.lives() && dir == Down {
		clear(t.begun[inflateStart(t.begun[:], zip):])
		t.begunSize = maxBegun // what follows is compressed
	}
}

// gap is the end of what may be a gap.
func (t *trace) gap() {
	if !t.lives() {
		return
	}
	from, to, ok := numbers(t.begun[:t.begunSize], `{"gap":{"from":`, `,"to":`)
	t.begunSize = 0
	if ok {
		e := t.entry(entryGap, Down)
		e.at, e.id, e.also = t.recorder.d.began, from, to
	}
}

// control is the end of a frame, a comment or an event that keeps a stream alive, opens or ends it.
func (t *trace) control(dir Dir, role string) {
	if !t.lives() {
		return
	}
	e := t.entry(entryControl, dir)
	e.word = role
	if dir == Down {
		e.at = t.recorder.d.began
		t.begunSize = 0
	}
}

// ends is the end of both directions. Why is "" where the exchange ended by itself.
func (t *trace) ends(why string) {
	if !t.lives() || t.ended {
		return
	}
	t.ended = true
	e := t.entry(entryEnd, Down)
	e.add(&t.pending[Up])
	e.word = why
	if t.cut != "" {
		e.word = strings.TrimPrefix(t.cut, "cut: ")
	}
}

// settle is the end of a read or a write. Bytes of framing and TLS behind the last entry in the same direction belong
// to it: the end of a chunk, a record. Bytes of an exchange that has ended have an entry of their own.
func (t *trace) settle() {
	for dir := range t.pending {
		pending := &t.pending[dir]
		if *pending == ([parts]uint32{}) {
			continue
		}
		if t.last > 0 {
			last := &t.recorder.batch.queue[t.last-1]
			only := [parts]uint32{Framing: pending[Framing], TLS: pending[TLS]}
			if last.kind == entryEnd || last.dir == Dir(dir) && *pending == only {
				last.add(pending)
				last.until = len(t.recorder.batch.spans)
				continue
			}
		}
		if t.ended {
			t.control(Dir(dir), t.role)
		}
	}
}

// numbers returns the two numbers at the beginning of a JSON object, behind the words before them.
func numbers(b []byte, before, between string) (first, second uint64, ok bool) {
	start := bytes.IndexByte(b, '{')
	if start < 0 {
		return 0, 0, false
	}
	for i, word := range [...]string{before, between} {
		if i == 0 {
			b = b[start:]
		}
		if len(b) < len(word) || string(b[:len(word)]) != word {
			return 0, 0, false
		}
		first = second
		second, b = number(b[len(word):])
	}
	return first, second, len(b) > 0 // else the number may go on
}

// number returns the number at the beginning of b, and what follows it.
func number(b []byte) (n uint64, rest []byte) {
	for len(b) > 0 && b[0] >= '0' && b[0] <= '9' {
		n = n*10 + uint64(b[0]-'0')
		b = b[1:]
	}
	return n, b
}
