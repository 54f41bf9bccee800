package measure

import (
	"slices"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"fourwires/internal/scenario"
)

// A tracker follows the ids that come to one client.
type tracker struct {
	next    uint64 // the id after the highest that came; 0: the first that comes, whichever it is
	missing []span // ids below next that have not come, in order

	delivered, duplicated, reordered int

	// The age of information: the newest message was due at newest, since then its
	// age has been added up until counted, from begun on (ns of the monotonic clock).
	begun, newest, counted int64
	area                   float64 // ns²
}

// age counts the age of the newest message until now, from when on it may be one
// that was due at due.
func (t *tracker) age(due, now int64) {
	if t.begun == 0 {
		t.begun = now
	} else {
		young, old := float64(t.counted-t.newest), float64(now-t.newest)
		t.area += (young + old) / 2 * float64(now-t.counted)
	}
	t.counted = now
	t.newest = max(t.newest, due)
}

// A span is the ids from the first to the last of it.
type span struct{ from, to uint64 }

// take counts an id, and reports whether it had not come before. One that comes
// after a higher one is reordered, and no longer missing.
func (t *tracker) take(id uint64) bool {
	if t.next == 0 {
		t.next = id
	}
	if id < t.next {
		i := slices.IndexFunc(t.missing, func(s span) bool { return s.from <= id && id <= s.to })
		if i < 0 {
			t.duplicated++
			return false
		}
		var rest []span
		if s := t.missing[i]; s.from < id {
			rest = append(rest, span{s.from, id - 1})
		}
		if s := t.missing[i]; id < s.to {
			rest = append(rest, span{id + 1, s.to})
		}
		t.missing = slices.Replace(t.missing, i, i+1, rest...)
		t.reordered++
		t.delivered++
		return true
	}
	if id > t.next {
		t.missing = append(t.missing, span{t.next, id - 1})
	}
	t.next = id + 1
	t.delivered++
	return true
}

// caught reports whether all ids up to head have come.
func (t *tracker) caught(head uint64) bool { return t.next > head && len(t.missing) == 0 }

// lost returns how many ids up to head have not come.
func (t *tracker) lost(head uint64) (n uint64) {
	for _, s := range t.missing {
		n += s.to - s.from + 1
	}
	if t.next > 0 && t.next <= head {
		n += head + 1 - t.next
	}
	return n
}

// A tally is what came to all clients. Its methods may be called by any number
// of goroutines at once.
type tally struct {
	mu       sync.Mutex
	trackers []tracker
	latency  *hdrhistogram.Histogram // ns

	first    uint64 // the id of the message that is due at instants[0]
	start    int64  // from which instants count, by the monotonic clock
	instants []time.Duration
	numbered bool // data says which instant a message is of; else its id does
}

// newTally returns a tally of so many clients, to whom the ids from next on
// are to come.
func newTally(clients int, next uint64) *tally {
	t := &tally{
		trackers: make([]tracker, clients),
		latency:  hdrhistogram.New(1, longest.Nanoseconds(), 3),
	}
	for i := range t.trackers {
		t.trackers[i].next = next
	}
	return t
}

// longest is the latency beyond which all count as this one.
const longest = 10 * time.Minute

// begin forgets what has been counted, and from now on takes the latency of the
// ids from first on, which are due at these instants after start.
func (t *tally) begin(first uint64, start int64, instants []time.Duration, direction string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.first, t.start, t.instants, t.numbered = first, start, instants, direction == scenario.Both
	t.latency.Reset()
	for i := range t.trackers {
		c := &t.trackers[i]
		c.delivered, c.duplicated, c.reordered = 0, 0, 0
	}
}

// take counts a message that came to a client at an instant.
func (t *tally) take(client int, id uint64, data []byte, now int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.trackers[client].take(id) || id < t.first || id-t.first >= uint64(len(t.instants)) {
		return
	}
	n := int(id - t.first)
	if t.numbered {
		if n = numberOf(data); n < 0 || n >= len(t.instants) {
			return
		}
	}
	due := t.start + int64(t.instants[n])
	t.latency.RecordValue(min(now-due, longest.Nanoseconds()))
	t.trackers[client].age(due, now)
}

// answered counts a text that was answered at an instant.
func (t *tally) answered(n int, now int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n < len(t.instants) {
		t.trackers[n%len(t.trackers)].delivered++
		t.latency.RecordValue(min(now-t.start-int64(t.instants[n]), longest.Nanoseconds()))
	}
}

// caught reports whether all ids up to head have come to all clients.
func (t *tally) caught(head uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.trackers {
		if !t.trackers[i].caught(head) {
			return false
		}
	}
	return true
}

// into writes what was counted into a result. Ids up to head that have not come
// are lost.
func (t *tally) into(r *Result, head uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	area, over := 0.0, 0.0
	for i := range t.trackers {
		c := &t.trackers[i]
		if c.begun > 0 {
			area += c.area
			over += float64(c.counted - c.begun)
		}
		r.Delivered += c.delivered
		r.Duplicated += c.duplicated
		r.Reordered += c.reordered
		r.Lost += c.lost(head)
	}
	quantile := func(percent float64) *float64 {
		us := float64(t.latency.ValueAtQuantile(percent)) / 1e3
		return &us
	}
	if over > 0 && shared {
		us := area / over / 1e3
		r.Age = &us
	}
	if n := t.latency.TotalCount(); n > 0 && shared {
		r.P50 = quantile(50)
		if n >= 100 {
			r.P99 = quantile(99)
		}
	}
}
