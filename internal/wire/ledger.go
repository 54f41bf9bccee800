package wire

import (
	"cmp"
	"container/list"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	usualPages = 1000
	pageTime   = 10 * time.Minute       // without traffic, after which a page has ended
	fresh      = 100 * time.Millisecond // how old the figures of one page may be
)

// A Ledger has the counts of dissectors, by page, lane, direction and part. The zero Ledger is empty and ready. It is
// safe for concurrent use; its methods do not block.
//
// The number of pages is bounded. A page that had no traffic for ten minutes ends, and so does the page without traffic
// for the longest time where a new one needs its place. Its counts are added to the page "", so the sums lose nothing.
type Ledger struct {
	// Paths are the lanes of further paths, or other lanes for the lab's own paths. They must not change once the
	// ledger is in use.
	Paths map[string]string

	// Pages is the highest number of pages; 0 means 1 000. It must not change either.
	Pages int

	// MaxHeaderBytes is that of the http.Server: how many bytes of a request's head it accepts; 0 means 1 MiB. The
	// dissection gives up on a longer head. It must not change either.
	MaxHeaderBytes int

	recordings recordings

	mu     sync.Mutex
	live   map[*Dissector]bool
	pages  map[string]*page
	quiet  list.List // the pages that have names, by the time of their last traffic, the oldest first
	opened int64
	socket [2]int64  // bytes on the sockets, by direction
	last   time.Time // when the live dissectors were last flushed
}

type page struct {
	rows  map[string]*sum // by lane
	seen  time.Time
	place *list.Element // in the list quiet; nil: the page "", which is not in it
}

// A sum is a row of the ledger.
type sum struct {
	requests, connections int64
	counts                [2]counts
	messages              [2]int64
	notes                 map[string]int64
}

func (s *sum) add(requests, connections int64, counts [2]counts, messages [2]int64) {
	s.requests += requests
	s.connections += connections
	for dir := range counts {
		s.counts[dir].add(counts[dir])
		s.messages[dir] += messages[dir]
	}
}

func (s *sum) note(what string, n int64) {
	if s.notes == nil {
		s.notes = map[string]int64{}
	}
	s.notes[what] += n
}

// A Row is the total of one lane for one page, or for the requests without a page. The lane is a transport, "publish",
// "echo", "websocket/echo", "other", or "connection" for what these share.
type Row struct {
	Page        string           `json:"page"`
	Transport   string           `json:"transport"`       // the lane
	Requests    int64            `json:"requests"`        // each begins an exchange
	Connections int64            `json:"connections"`     // whose first request was one of these
	Sent        int64            `json:"sent"`            // whole messages up
	Delivered   int64            `json:"delivered"`       // whole messages down
	Notes       map[string]int64 `json:"notes,omitempty"` // what was cut, or why the dissector gave up: how often
	Up          Parts            `json:"up"`
	Down        Parts            `json:"down"`
}

// A Snapshot is the content of a ledger at one time.
type Snapshot struct {
	Connections int64 `json:"connections"` // that were opened
	Open        int   `json:"open"`        // those of them that are open
	Up          int64 `json:"up"`          // bytes on the sockets; an unfinished line of a head is in no row yet
	Down        int64 `json:"down"`
	Rows        []Row `json:"rows"` // by page, then by lane
}

// Snapshot flushes every connection's counts and returns all rows.
func (l *Ledger) Snapshot() Snapshot {
	l.flush(0)
	l.mu.Lock()
	defer l.mu.Unlock()
	s := Snapshot{Connections: l.opened, Open: len(l.live), Up: l.socket[Up], Down: l.socket[Down], Rows: []Row{}}
	for _, name := range slices.Sorted(maps.Keys(l.pages)) {
		s.Rows = append(s.Rows, l.rows(name)...)
	}
	return s
}

// Page returns the rows of one page. They are at most 100 ms old, so that many pages that call it often cost no more
// than one.
func (l *Ledger) Page(name string) []Row {
	l.flush(fresh)
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rows(name)
}

func (l *Ledger) rows(name string) []Row {
	rows := []Row{}
	if l.pages[name] == nil {
		return rows
	}
	for transport, s := range l.pages[name].rows {
		rows = append(rows, Row{
			Page: name, Transport: transport, Requests: s.requests, Connections: s.connections,
			Sent: s.messages[Up], Delivered: s.messages[Down], Notes: maps.Clone(s.notes),
			Up: s.counts[Up].parts(), Down: s.counts[Down].parts(),
		})
	}
	slices.SortFunc(rows, func(a, b Row) int { return cmp.Compare(a.Transport, b.Transport) })
	return rows
}

// flush adds the counts of every live dissector to the ledger, unless that was done less than age ago, and then ends
// pages without traffic. A dissector is locked before the ledger, never after it.
func (l *Ledger) flush(age time.Duration) {
	l.mu.Lock()
	now := time.Now()
	if now.Sub(l.last) < age {
		l.mu.Unlock()
		return
	}
	l.last = now
	live := slices.Collect(maps.Keys(l.live))
	l.mu.Unlock()

	for _, d := range live {
		d.flush()
	}

	l.mu.Lock()
	defer l.mu.Unlock()
	for first := l.quiet.Front(); first != nil; first = l.quiet.Front() {
		name := first.Value.(string)
		if now.Sub(l.pages[name].seen) < pageTime {
			break
		}
		l.endPage(name)
	}
}

func (l *Ledger) open(d *Dissector) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.live == nil {
		l.live = map[*Dissector]bool{}
	}
	l.live[d] = true
	l.opened++
	d.number = uint64(l.opened)
}

func (l *Ledger) close(d *Dissector) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.live, d)
}

func (l *Ledger) foldSocket(bytes [2]int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.socket[Up] += bytes[Up]
	l.socket[Down] += bytes[Down]
}

// fold moves the counts of an exchange into the ledger.
func (l *Ledger) fold(ex *exchange) {
	if ex.requests == 0 && ex.counts == [2]counts{} && ex.messages == [2]int64{} && ex.notes == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.sum(ex.page, ex.lane.name)
	s.add(ex.requests, ex.connections, ex.counts, ex.messages)
	for _, what := range ex.notes {
		s.note(what, 1)
	}
	ex.requests, ex.connections = 0, 0
	ex.counts, ex.messages, ex.notes = [2]counts{}, [2]int64{}, nil
}

// sum returns the sum of a page's lane, which it makes where there is none.
func (l *Ledger) sum(name, transport string) *sum {
	p := l.pages[name]
	if p == nil {
		if l.pages == nil {
			l.pages = map[string]*page{}
		}
		p = &page{rows: map[string]*sum{}}
		if name != "" {
			if l.quiet.Len() == cmp.Or(l.Pages, usualPages) {
				l.endPage(l.quiet.Front().Value.(string))
			}
			p.place = l.quiet.PushBack(name)
		}
		l.pages[name] = p
	}
	if p.seen = time.Now(); p.place != nil {
		l.quiet.MoveToBack(p.place)
	}
	if p.rows[transport] == nil {
		p.rows[transport] = &sum{}
	}
	return p.rows[transport]
}

// endPage moves the counts of a page to the page "".
func (l *Ledger) endPage(name string) {
	ended := l.pages[name]
	delete(l.pages, name)
	l.quiet.Remove(ended.place)
	for transport, s := range ended.rows {
		to := l.sum("", transport)
		to.add(s.requests, s.connections, s.counts, s.messages)
		for what, n := range s.notes {
			to.note(what, n)
		}
	}
}
