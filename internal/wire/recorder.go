package wire

import (
	"slices"
	"sync"
)

const (
	maxPages = 16        // of one connection that are recorded at once
	maxSpans = 128 << 10 // bytes of spans of one read or write; further ones are recorded without their bytes
)

// A recorder is a connection whose requests have named a recorded page.
type recorder struct {
	recording *Recording
	d         *Dissector
	gone      bool   // the recording or the connection has ended
	batch     *batch // nil between a read or write and the next
}

// A batch is what one read, or one write, adds to a recording, which so is locked once. No connection keeps its memory.
type batch struct {
	spans   []byte
	queue   []queued
	touched []*trace // those with new bytes
}

var batches = sync.Pool{New: func() any { return new(batch) }}

// fill returns the batch to which bytes are added.
func (c *recorder) fill() *batch {
	if c.batch == nil {
		c.batch = batches.Get().(*batch)
	}
	return c.batch
}

// queued is an entry that is not in the recording yet.
type queued struct {
	Entry
	trace *trace
	until int // its spans end here in the batch
}

// recorderOf returns the connection's recorder for the page, or nil where the page is not recorded here.
func (d *Dissector) recorderOf(page string) *recorder {
	if page == "" || d.closed {
		return nil
	}
	r := d.ledger.recordings.of(page)
	if r == nil {
		return nil
	}
	for _, c := range d.recorders {
		if c.recording == r {
			return c
		}
	}
	if len(d.recorders) == maxPages {
		return nil
	}
	c := &recorder{recording: r, d: d}
	r.mu.Lock()
	r.recorders[c] = true
	r.mu.Unlock()
	d.recorders = append(d.recorders, c)
	return c
}

// follow makes the dissector record the exchanges of the pages that are recorded now.
func (d *Dissector) follow() {
	generation := d.ledger.recordings.generation.Load()
	if generation == d.generation {
		return
	}
	d.generation = generation
	d.recorders = slices.DeleteFunc(d.recorders, func(c *recorder) bool {
		c.recording.mu.Lock()
		defer c.recording.mu.Unlock()
		c.gone = c.recording.ended
		return c.gone
	})
	if generation == 0 {
		return
	}
	d.recordConn()
	for _, ex := range d.queue {
		d.recordExchange(ex)
	}
	for _, h := range []*half{&d.up, &d.down} {
		if h.ex != nil && h.ex != d.conn {
			d.recordExchange(h.ex)
		}
	}
	if d.session != nil {
		for _, s := range d.session.streams {
			d.recordExchange(s.ex)
		}
	}
}

// recordConn begins the record of the connection itself, where its page is recorded.
func (d *Dissector) recordConn() {
	if d.own.lives() {
		return
	}
	c := d.recorderOf(d.page)
	if c == nil {
		return
	}
	d.own = c.trace(connectionLane)
	d.own.entry(entryOpen, Down).at = d.opened
	if d.conn != nil && d.conn.page == d.page {
		d.conn.trace = d.own
	}
}

// recordExchange begins the record of an exchange, where its page is recorded.
func (d *Dissector) recordExchange(ex *exchange) {
	if ex.trace.lives() || ex.over() {
		return
	}
	if c := d.recorderOf(ex.page); c != nil {
		ex.trace = c.trace(ex.lane)
	}
}

// endRecords ends the records of a connection that has ended.
func (d *Dissector) endRecords() {
	if len(d.recorders) == 0 {
		return
	}
	const why = "connection closed"
	for _, ex := range d.queue {
		ex.trace.ends(why)
	}
	for _, h := range []*half{&d.up, &d.down} {
		if h.ex != nil && h.ex != d.conn {
			h.ex.trace.ends(why)
		}
	}
	if d.own.lives() {
		d.own.entry(entryClose, Down).add(&d.own.pending[Up])
	}
	d.record()
	for _, c := range d.recorders {
		c.gone = true
		c.recording.mu.Lock()
		delete(c.recording.recorders, c)
		c.recording.mu.Unlock()
	}
	d.recorders = nil
}

// record gives the recordings what was collected.
func (d *Dissector) record() {
	for _, c := range d.recorders {
		if c.batch != nil {
			c.flush()
		}
	}
}

func (c *recorder) flush() {
	b, r := c.batch, c.recording
	hasFirst := false
	for _, t := range b.touched {
		t.settle()
		t.touched = false
		hasFirst = hasFirst || t.first != nil && !t.first.full
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	base := r.spans.next
	if hasFirst {
		r.keepFirst(b.spans)
	}
	r.spans.append(b.spans)
	now := int64(0)
	for i := range b.queue {
		q := &b.queue[i]
		if q.at == 0 {
			if now == 0 {
				now = micros()
			}
			q.at = now
		}
		t := q.trace
		t.last = 0
		for dir := range t.from {
			if Dir(dir) == q.dir || q.kind == entryEnd || q.kind == entryClose {
				q.Entry.spans[dir] = interval{t.from[dir], base + uint64(q.until)}
				t.from[dir] = base + uint64(q.until)
			}
		}
		r.append(&q.Entry)
		if t.first != nil && !t.first.full {
			t.first.entries = append(t.first.entries, q.Entry)
		}
		if i == len(b.queue)-1 {
			r.pace(q.at)
		}
	}
	clear(b.queue)
	clear(b.touched)
	b.spans, b.queue, b.touched = b.spans[:0], b.queue[:0], b.touched[:0]
	c.batch = nil
	batches.Put(b)
}
