package wire

import (
	"errors"
	"fmt"
	"time"
)

const (
	maxRead   = 256              // entries
	afterTime = 10 * time.Second // that a recording goes on after its last reader has left
)

// ErrRecordings means that as many pages are recorded as can be.
var ErrRecordings = errors.New("wire: as many pages are recorded as can be")

// A Reader reads a [Recording]. Only one goroutine at a time may use it.
type Reader struct {
	Seq uint64 // the number of the last entry that it has read

	ledger    *Ledger
	recording *Recording
}

// Watch returns a reader of a page's recording, behind the entry of the number seq; where the recording has no such
// number yet, at its beginning. The recording begins with its first reader and ends 10 s after the last has called
// Close. The error is [ErrRecordings] where 100 other pages are recorded.
func (l *Ledger) Watch(page string, seq uint64) (*Reader, error) {
	all := &l.recordings
	all.mu.Lock()
	defer all.mu.Unlock()
	r := all.byPage[page]
	if r == nil {
		if len(all.byPage) == maxRecordings {
			return nil, fmt.Errorf("%w: %d", ErrRecordings, maxRecordings)
		}
		r = all.begin(page)
	}
	if r.ending != nil {
		r.ending.Stop()
		r.ending = nil
	}
	r.readers++
	return &Reader{seq, l, r}, nil
}

// Close ends the reading.
func (r *Reader) Close() {
	all, recording := &r.ledger.recordings, r.recording
	all.mu.Lock()
	defer all.mu.Unlock()
	if recording.readers--; recording.readers > 0 {
		return
	}
	var ending *time.Timer
	ending = time.AfterFunc(afterTime, func() {
		all.mu.Lock()
		defer all.mu.Unlock()
		if recording.ending == ending { // else there is a reader again
			all.end(recording)
		}
	})
	recording.ending = ending
}

// Next appends the next entries to dst, at most 256, and returns how many were forgotten before them. What happened
// before the instant now, in µs since the Unix epoch, is in the entries that were read, unless a write takes longer than
// a second; now is 0 where there are more entries. Next does not block.
func (r *Reader) Next(dst []Entry) (entries []Entry, dropped uint64, now int64) {
	all := r.recording
	all.mu.Lock()
	defer all.mu.Unlock()
	if r.Seq > all.seq || r.Seq < all.before {
		r.Seq = all.before
	}
	if oldest := all.oldest(); r.Seq+1 < oldest {
		dropped = oldest - r.Seq - 1
		r.Seq = oldest - 1
	}
	for n := 0; n < maxRead && r.Seq < all.seq; n++ {
		r.Seq++
		dst = append(dst, *all.entry(r.Seq))
	}
	if r.Seq == all.seq {
		now = all.now()
		all.pace(now)
	}
	return dst, dropped, now
}
