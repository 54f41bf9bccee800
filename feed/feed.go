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
	// may have. The response to a poll has three more around it, and System.Text.Json
	// accepts 64; other parsers accept more, but each has a limit.
	MaxDepth = 60

	// MaxRead is the most bytes of encoded messages that one read returns, except
	// that a single message may be larger by its id and time.
	MaxRead = 64 << 10

	maxKept = 16 << 20 // bytes of encoded messages that a feed keeps
)

var (
	// ErrClosed means that the feed was closed and that the reader has all its messages.
	ErrClosed = errors.New("feed: closed")

	// ErrAhead means that a cursor lies ahead of the feed's newest message.
	ErrAhead = errors.New("feed: the cursor lies ahead of the feed")

	// ErrInvalid means that data is not valid UTF-8 JSON.
	ErrInvalid = errors.New("feed: data is not valid JSON")

	// ErrTooLarge means that data has more than [MaxData] bytes.
	ErrTooLarge = fmt.Errorf("feed: data has more than %d bytes", MaxData)

	// ErrTooDeep means that data has more than [MaxDepth] levels.
	ErrTooDeep = fmt.Errorf("feed: data has more than %d levels of arrays and objects", MaxDepth)
)

// A Feed is an ordered log with a bounded memory. The package comment states
// its guarantees. Make one with [New].
type Feed struct {
	epoch string
	begun time.Time

	mu     sync.Mutex
	ring   []Message // message id stands at ring[id%len(ring)]
	first  uint64    // the oldest id kept; head+1 where none is
	head   uint64    // the newest id; 0 where there is none yet
	size   int       // bytes that the kept encodings hold
	closed bool
	wake   chan struct{} // closed by the next Publish or Close; nil where no reader waits
}

// New returns an empty feed with a new epoch. It keeps the newest messages: at most
// keep of them (at least 1), and at most 16 MiB.
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
// removed. Publish does not keep data, and never waits for readers. The error is
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
	// The id and the time are known only under the lock, so data is placed behind
	// space for the longest: the whole encoding is one allocation.
	const space = len(`{"id":18446744073709551615,"at":-9223372036854775808,"data":`)
	b := bytes.NewBuffer(make([]byte, space, space+len(data)+1))
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
	m := Message{ID: f.head + 1, At: now.UnixMicro(), Data: encoded[space : len(encoded)-1], since: now.Sub(f.begun)}
	start := append(make([]byte, 0, space), `{"id":`...)
	start = strconv.AppendUint(start, m.ID, 10)
	start = append(start, `,"at":`...)
	start = strconv.AppendInt(start, m.At, 10)
	start = append(start, `,"data":`...)
	m.encoded = encoded[space-len(start):]
	copy(m.encoded, start)

	f.head++
	if f.head-f.first == uint64(len(f.ring)) {
		f.drop()
	}
	f.ring[f.head%uint64(len(f.ring))] = m
	f.size += cap(m.encoded)
	for f.size > maxKept && f.first < f.head {
		f.drop()
	}
	f.wakeReaders()
	return m, nil
}

// isTooDeep reports whether JSON has more than MaxDepth levels. It counts the
// brackets first: that there are so many is rare.
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

// drop removes the oldest message.
func (f *Feed) drop() {
	m := &f.ring[f.first%uint64(len(f.ring))]
	f.size -= cap(m.encoded)
	*m = Message{}
	f.first++
}

// wakeReaders wakes all readers that wait, with one close.
func (f *Feed) wakeReaders() {
	if f.wake != nil {
		close(f.wake)
		f.wake = nil
	}
}

// Age returns how long ago this feed published m, by the monotonic clock. The m must
// come from this feed, by Publish, Since or Wait.
func (f *Feed) Age(m Message) time.Duration { return time.Since(f.begun) - m.since }

// Head returns the cursor of a reader that has every message: the newest id, or 0
// where there is none yet.
func (f *Feed) Head() Cursor {
	f.mu.Lock()
	defer f.mu.Unlock()
	return Cursor{f.epoch, f.head}
}

// Resume returns the cursor from which a reader whose cursor is after reads on: after
// itself, with this feed's epoch, or the beginning where after has another epoch. The
// epoch is compared first; where it is this feed's, the error is [ErrAhead].
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

// Since appends the messages after the cursor to dst, at most [MaxRead] bytes of them,
// and returns dst with the cursor to read on from. Without news it returns dst as it
// is, and no error. It does not block.
//
// Where the feed no longer has the next messages it returns none, a [*GapError] and
// the cursor behind the gap. Other errors are [ErrAhead], and [ErrClosed] once the
// reader has all messages of a closed feed.
func (f *Feed) Since(after Cursor, dst []Message) ([]Message, Cursor, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.read(after, dst)
}

// Wait is Since, but blocks while there is no news, until ctx ends; then the error is
// ctx's.
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

// Close ends the feed: readers get the messages that it has and then [ErrClosed];
// Publish fails with [ErrClosed] at once. It may be called more than once.
func (f *Feed) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	f.wakeReaders()
}
