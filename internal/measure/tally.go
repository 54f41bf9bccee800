package measure

import (
	"sync"
	"time"

	"fourwires/internal/child"
	"fourwires/internal/scenario"
	"fourwires/internal/stats"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A reception is what one client received.
type reception struct {
	stats.IDs
	age stats.Age
}

// A tally is what all clients received. Its methods may be called by any number of goroutines at once.
type tally struct {
	mu      sync.Mutex
	clients []reception
	latency *hdrhistogram.Histogram // ns

	first    uint64 // the id of the message that is due at instants[0]
	start    int64  // from which instants count, by the monotonic clock
	instants []time.Duration
	numbered bool // the number in its data tells which instant a message belongs to; otherwise its id does
}

// newTally returns a tally of so many clients, which are to receive the ids from next on; 0: any id may be the first.
func newTally(clients int, next uint64) *tally {
	t := &tally{
		clients: make([]reception, clients),
		latency: hdrhistogram.New(1, longest.Nanoseconds(), 3),
	}
	for i := range t.clients {
		t.clients[i].Next = next
	}
	return t
}

// longest is the greatest latency that is distinguished: a greater one counts as this.
const longest = 10 * time.Minute

// begin discards what has been counted, and from now on records the latency of the ids from first on, which are due at
// these instants after start.
func (t *tally) begin(first uint64, start int64, instants []time.Duration, direction string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.first, t.start, t.instants, t.numbered = first, start, instants, direction == scenario.Both
	t.latency.Reset()
	for i := range t.clients {
		c := &t.clients[i]
		c.Delivered, c.Duplicated, c.Reordered = 0, 0, 0
	}
}

// take counts a message that a client received at now.
func (t *tally) take(client int, id uint64, data []byte, now int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.clients[client].Take(id) || id < t.first || id-t.first >= uint64(len(t.instants)) {
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
	t.clients[client].age.Take(due, now)
}

// answered counts message n, which the server echoed, as received at now.
func (t *tally) answered(n int, now int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n < len(t.instants) {
		t.clients[n%len(t.clients)].Delivered++
		t.latency.RecordValue(min(now-t.start-int64(t.instants[n]), longest.Nanoseconds()))
	}
}

// complete reports whether all clients have received all ids up to head.
func (t *tally) complete(head uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.clients {
		if !t.clients[i].Complete(head) {
			return false
		}
	}
	return true
}

// into writes what was counted into a result. Ids up to head that a client has not received are lost.
func (t *tally) into(r *Result, head uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var age stats.Age
	for i := range t.clients {
		c := &t.clients[i]
		age.Add(c.age)
		r.Delivered += c.Delivered
		r.Duplicated += c.Duplicated
		r.Reordered += c.Reordered
		r.Lost += c.Lost(head)
	}
	if !child.Shared {
		return
	}
	if ns, ok := age.Mean(); ok {
		us := ns / 1e3
		r.Age = &us
	}
	n := int(t.latency.TotalCount())
	quantile := func(q float64) *float64 {
		percent := 100 * float64(stats.Rank(n, q)) / float64(n) // the histogram rounds: it takes that rank
		us := float64(t.latency.ValueAtQuantile(percent)) / 1e3
		return &us
	}
	if n > 0 {
		r.P50 = quantile(0.5)
	}
	if stats.Enough(n, 0.99) {
		r.P99 = quantile(0.99)
	}
}
