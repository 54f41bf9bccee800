package feed

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	// Keep is the usual number of messages that a feed keeps.
	Keep = 4096

	// MaxData is the most bytes of data that a message may carry.
	MaxData = 64 << 10

	// MaxDepth is the most levels of arrays and objects that the data of a message
	// may have. A poll's answer has three more around it, and System.Text.Json reads
	// 64; other parsers read more, but none reads any number.
	MaxDepth = 60

	// MaxRead is the most bytes of encoded messages that one read returns,
	// but for a single message that is larger by its id and time.
	MaxRead = 64 << 10

	maxKept = 16 << 20 // bytes of encoded messages that a feed keeps
)

var (
	// ErrClosed says that the feed was closed and that the reader has all of it.
	ErrClosed = errors.New("feed: closed")

	// ErrAhead says that a cursor lies ahead of the feed's newest message.
	ErrAhead = errors.New("feed: the cursor lies ahead of the feed")

	// ErrInvalid says that data is not valid UTF-8 JSON.
	ErrInvalid = errors.New("feed: data is not valid JSON")

	// ErrTooLarge says that data has more than [MaxData] bytes.
	ErrTooLarge = fmt.Errorf("feed: data has more than %d bytes", MaxData)

	// ErrTooDeep says that data has more than [MaxDepth] levels.
	ErrTooDeep = fmt.Errorf("feed: data has more than %d levels of arrays and objects", MaxDepth)
)

// A Feed is an ordered log with a bounded memory. The package comment states
// its guarantees. Make one with [New].
type Feed struct {
	epoch string
	begun time.Time

	mu     sync.Mutex
	ring   []Message     // message id stands at ring[id%len(ring)]
	first  uint64        // the oldest id kept; head+1 where none is
	head   uint64        // the newest id; 0 where there is none yet
	size   int           // bytes that the kept encodings hold
	closed bool          //
	wake   chan struct{} // closed by the next Publish or Close; nil where nobody waits
}

// New returns an empty feed, in an epoch of its own, that keeps the newest
// messages: at most keep of them (at least 1) and at most 16 MiB.
func New(keep int) *Feed {
	return &Feed{
		epoch: strings.ToLower(rand.Text()[:6]), // 30 random bits
		begun: time.Now(),
		ring:  make([]Message, max(keep, 1)),
		first: 1,
	}
}

// Publish appends a message with data, which must be JSON in valid UTF-8 of at
// most [MaxData] bytes and [MaxDepth] levels; white space between its tokens is
// dropped. It does not keep data, and never waits for readers. The error is
// [ErrInvalid], [ErrTooLarge], [ErrTooDeep] or [ErrClosed].
func (f *Feed) Publish(data []byte) (Message, error) {
	if len(data) > MaxData {
		return Message{}, ErrTooLarge
	}
	if isTooDeep(data) {
		return Message{}, ErrTooDeep
	}
	if !utf8.Valid(data) { // json.Compact lets bad UTF-8 through
		return Message{}, fmt.Errorf("%w: bad UTF-8", ErrInvalid)
	}
	// The head of the encoding is known only under the lock, so data is laid
	// behind room for the longest one: all the encoding is one allocation.
	const room = len(`{"id":18446744073709551615,"at":-9223372036854775808,"data":`)
	b := bytes.NewBuffer(make([]byte, room, room+len(data)+1))
	if err := json.Compact(b, data); err != nil {
		return Message{}, fmt.Errorf("%w: %v", ErrInvalid, err)
	}
	b.WriteByte('}')
	encoded := b.Bytes()

	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return Message{}, ErrClosed
	}
	now := time.Now()
	m := Message{ID: f.head + 1, At: now.UnixMicro(), Data: encoded[room : len(encoded)-1], since: now.Sub(f.begun)}
	head := append(make([]byte, 0, room), `{"id":`...)
	head = strconv.AppendUint(head, m.ID, 10)
	head = append(head, `,"at":`...)
	head = strconv.AppendInt(head, m.At, 10)
	head = append(head, `,"data":`...)
	m.encoded = encoded[room-len(head):]
	copy(m.encoded, head)

	f.head++
	if f.head-f.first == uint64(len(f.ring)) {
		f.drop()
	}
	f.ring[f.head%uint64(len(f.ring))] = m
	f.size += cap(m.encoded)
	for f.size > maxKept && f.first < f.head {
		f.drop()
	}
	f.rouse()
	return m, nil
}

// isTooDeep reports whether JSON has more than MaxDepth levels. It looks no closer
// where there are not so many brackets, as there seldom are.
func isTooDeep(data []byte) bool {
	if bytes.Count(data, []byte("["))+bytes.Count(data, []byte("{")) <= MaxDepth {
		return false
	}
	depth, inString := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == '"':
			inString = !inString
		case inString:
			if c == '\\' {
				i++
			}
		case c == '[' || c == '{':
			if depth++; depth > MaxDepth {
				return true
			}
		case c == ']' || c == '}':
			depth--
		}
	}
	return false
}

// drop forgets the oldest message.
func (f *Feed) drop() {
	m := &f.ring[f.first%uint64(len(f.ring))]
	f.size -= cap(m.encoded)
	*m = Message{}
	f.first++
}

// rouse wakes all that wait. One close serves any number of them.
func (f *Feed) rouse() {
	if f.wake != nil {
		close(f.wake)
		f.wake = nil
	}
}

// Age returns how long ago this feed published m, by the monotonic clock.
func (f *Feed) Age(m Message) time.Duration { return time.Since(f.begun) - m.since }

// Head returns the cursor of a reader that has everything: the newest id, or 0.
func (f *Feed) Head() Cursor {
	f.mu.Lock()
	defer f.mu.Unlock()
	return Cursor{f.epoch, f.head}
}

// Resume returns the cursor from which a reader that comes with after goes on:
// after itself in this feed's epoch, or the beginning where after's epoch is
// another. The epoch is judged first; within this one the error is [ErrAhead].
func (f *Feed) Resume(after Cursor) (Cursor, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.resume(after)
}

func (f *Feed) resume(after Cursor) (Cursor, error) {
	switch {
	case after.Epoch != "" && after.Epoch != f.epoch:
		return Cursor{f.epoch, 0}, nil
	case after.ID > f.head:
		return after, ErrAhead
	}
	return Cursor{f.epoch, after.ID}, nil
}

// Since appends to dst what comes after the cursor, at most [MaxRead] bytes of
// it, and returns that with the cursor to read on from. Nothing new is no
// error. It does not block.
//
// Where the next messages can no longer be had it returns none, a [*GapError]
// and the cursor behind the gap. Other errors are [ErrAhead], and [ErrClosed]
// once a closed feed is drained.
func (f *Feed) Since(after Cursor, dst []Message) ([]Message, Cursor, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.read(after, dst)
}

// Wait is Since, but blocks while there is nothing new, until ctx ends; then
// the error is ctx's.
func (f *Feed) Wait(ctx context.Context, after Cursor, dst []Message) ([]Message, Cursor, error) {
	for {
		f.mu.Lock()
		msgs, cursor, err := f.read(after, dst)
		if len(msgs) > len(dst) || err != nil {
			f.mu.Unlock()
			return msgs, cursor, err
		}
		if f.wake == nil {
			f.wake = make(chan struct{})
		}
		wake := f.wake
		f.mu.Unlock()

		select {
		case <-wake:
		case <-ctx.Done():
			return dst, cursor, ctx.Err()
		}
	}
}

func (f *Feed) read(after Cursor, dst []Message) ([]Message, Cursor, error) {
	cursor, err := f.resume(after)
	if err != nil {
		return dst, cursor, err
	}
	if cursor.ID+1 < f.first {
		gap := &GapError{From: cursor.ID + 1, To: f.first - 1}
		cursor.ID = gap.To
		return dst, cursor, gap
	}
	if cursor.ID == f.head && f.closed {
		return dst, cursor, ErrClosed
	}
	for size := 0; cursor.ID < f.head; cursor.ID++ {
		m := f.ring[(cursor.ID+1)%uint64(len(f.ring))]
		if size += len(m.encoded); size > MaxRead && size > len(m.encoded) {
			break
		}
		dst = append(dst, m)
	}
	return dst, cursor, nil
}

// Close ends the feed: readers drain what is kept and then get [ErrClosed],
// Publish fails with it at once. It may be called more than once.
func (f *Feed) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	f.rouse()
}
