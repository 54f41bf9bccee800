package wire

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	maxRecordings = 100     // at once
	maxEntries    = 4 << 10 // of a recording
	longWrite     = time.Second
	beginning     = 1 // for the instant at which a write begins, while that is read from the clock
)

// A Recording has the newest entries of one page: what its requests and their responses were, when, and of which bytes.
// It is bounded: 4 096 entries, 256 KiB of spans, and beside these the first exchange of each transport on each
// protocol, at most 8 KiB of spans each. [Ledger.Watch] begins one.
type Recording struct {
	page    string
	readers int         // guarded by recordings.mu
	ending  *time.Timer // ends the recording when it has no reader; guarded by recordings.mu

	mu        sync.Mutex
	ended     bool
	before    uint64  // the numbers before its first entry
	seq       uint64  // of the newest entry
	entries   []Entry // a ring: the entry seq is at entries[(seq-before-1)%maxEntries]
	spans     spanRing
	firsts    map[uint64]*firstExchange // by their numbers
	recorders map[*recorder]bool        // of the open connections
	known     int64                     // the last instant before which everything was known

	// In a flood spans would be forgotten before anybody could ask for them: in one second no more are kept than there
	// is room for.
	crowded    atomic.Bool // no more spans are kept in this second
	second     int64       // when it began, in µs since the Unix epoch
	secondFrom uint64      // the offset of its first span
}

// recordings are the recordings of a ledger.
type recordings struct {
	// generation is 0 where no page is recorded. It changes when a recording begins or ends. A connection compares it
	// with the one that it has followed: that is all that a recording costs when there is none.
	generation atomic.Uint64

	exchanges atomic.Uint64 // the number of the newest recorded exchange

	mu     sync.RWMutex
	begun  uint64 // recordings so far, and ends
	seq    uint64 // the highest of ended recordings, so that the next one does not use a number again
	byPage map[string]*Recording
}

// begin begins the recording of a page.
func (all *recordings) begin(page string) *Recording {
	if all.byPage == nil {
		all.byPage = map[string]*Recording{}
	}
	r := &Recording{
		page: page, before: all.seq, seq: all.seq,
		firsts: map[uint64]*firstExchange{}, recorders: map[*recorder]bool{},
	}
	all.byPage[page] = r
	all.changed()
	return r
}

// end ends a recording.
func (all *recordings) end(r *Recording) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	all.seq = max(all.seq, r.seq)
	delete(all.byPage, r.page)
	all.changed()
}

func (all *recordings) changed() {
	all.begun++
	all.generation.Store(all.begun)
	if len(all.byPage) == 0 {
		all.generation.Store(0)
	}
}

// of returns the recording of a page, or nil.
func (all *recordings) of(page string) *Recording {
	all.mu.RLock()
	defer all.mu.RUnlock()
	return all.byPage[page]
}

// oldest returns the number of the oldest entry that is kept.
func (r *Recording) oldest() uint64 { return r.seq - uint64(len(r.entries)) + 1 }

func (r *Recording) entry(seq uint64) *Entry { return &r.entries[(seq-r.before-1)%maxEntries] }

func (r *Recording) append(e *Entry) {
	r.seq++
	e.seq = r.seq
	if len(r.entries) < maxEntries {
		r.entries = append(r.entries, *e)
	} else {
		*r.entry(e.seq) = *e
	}
}

// now returns the instant before which everything is known. A write whose bytes are not recorded yet began before it at
// most by longWrite.
func (r *Recording) now() int64 {
	now := micros()
	oldest := now - longWrite.Microseconds()
	for c := range r.recorders {
		switch began := c.d.writing.Load(); {
		case began == beginning:
			return r.known
		case began > oldest:
			now = min(now, began)
		}
	}
	r.known = max(r.known, now)
	return r.known
}

// pace begins another second where one has passed, and notes whether there is room for more spans: half of the ring is
// for one second, so that what was kept can be asked for until the next one has passed.
func (r *Recording) pace(at int64) {
	if at-r.second >= time.Second.Microseconds() {
		r.second, r.secondFrom = at, r.spans.next
	}
	if crowded := r.spans.next-r.secondFrom >= maxSpanBytes/2; crowded != r.crowded.Load() {
		r.crowded.Store(crowded)
	}
}

// micros returns the time in µs since the Unix epoch.
func micros() int64 { return time.Now().UnixMicro() }
