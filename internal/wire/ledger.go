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
	pageTime   = 10 * time.Minute       // without traffic; then a page has ended
	fresh      = 100 * time.Millisecond // how old the figures of one page may be
)

// A Ledger holds what dissectors have counted, by page, lane, direction and
// part. The zero Ledger is empty and ready. It is safe for concurrent use.
//
// It knows a bounded number of pages. A page that had no traffic for ten minutes
// has ended, and where one more comes the one that was quiet the longest ends;
// what it had counted goes to the page "", so nothing is lost from the sums.
type Ledger struct {
	// Paths say which lane a path is, where it is not the lab's own of that
	// name. They must not change once the ledger is in use.
	Paths map[string]string

	// Pages is how many pages it knows at most; 0 means 1 000. It must not change
	// either.
	Pages int

	// MaxHeaderBytes is that of the http.Server: how many bytes of a request's head it accepts; 0 means 1 MiB. The
	// dissection gives up on a longer head. It must not change either.
	MaxHeaderBytes int

	mu     sync.Mutex
	live   map[*Dissector]bool
	pages  map[string]*page
	quiet  list.List // the pages that have names, those first that were quiet the longest
	opened int64
	socket [2]int64
	last   time.Time // when the live dissectors were asked
}

type page struct {
	rows  map[string]*sum // by lane
	seen  time.Time
	place *list.Element // of its name among the quiet; nil: it has none
}

// A sum is what a row of the ledger is made of.
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

// A Row is the total of one lane, for one page or for requests that named none.
type Row struct {
	Page        string           `json:"page"`
	Transport   string           `json:"transport"`       // the lane: a transport, publish, echo, websocket/echo, other; or connection, what these share
	Requests    int64            `json:"requests"`        // each begins an exchange
	Connections int64            `json:"connections"`     // whose first request was one of these
	Sent        int64            `json:"sent"`            // messages up, whole
	Delivered   int64            `json:"delivered"`       // messages down, whole
	Notes       map[string]int64 `json:"notes,omitempty"` // what was cut, and why the dissector gave up, each how often
	Up          Parts            `json:"up"`
	Down        Parts            `json:"down"`
}

// A Snapshot is what a ledger holds at a moment.
type Snapshot struct {
	Connections int64 `json:"connections"` // opened so far
	Open        int   `json:"open"`        // of them
	Up          int64 `json:"up"`          // bytes on the sockets; a line of a head that is not whole yet is in no row
	Down        int64 `json:"down"`
	Rows        []Row `json:"rows"` // by page, then by lane
}

// Snapshot asks every connection and returns all rows.
func (l *Ledger) Snapshot() Snapshot {
	l.ask(0)
	l.mu.Lock()
	defer l.mu.Unlock()
	s := Snapshot{Connections: l.opened, Open: len(l.live), Up: l.socket[Up], Down: l.socket[Down], Rows: []Row{}}
	for _, name := range slices.Sorted(maps.Keys(l.pages)) {
		s.Rows = append(s.Rows, l.rows(name)...)
	}
	return s
}

// Page returns the rows of one page. They are at most 100 ms old, so that many
// pages that ask often cost no more than one.
func (l *Ledger) Page(name string) []Row {
	l.ask(fresh)
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

// ask has every live dissector tell what it counted, unless that was done just
// now, and then ends pages that are quiet. A dissector is locked before the
// ledger, never the other way round.
func (l *Ledger) ask(age time.Duration) {
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
	for first := l.quiet.Front(); first != nil && now.Sub(l.pages[first.Value.(string)].seen) >= pageTime; first = l.quiet.Front() {
		l.endPage(first.Value.(string))
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

// fold takes over what an exchange has counted.
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

// sum returns the sum of a page's lane, and makes room for it.
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

// endPage moves what a page has counted to the page "".
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
