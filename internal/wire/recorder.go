package wire

import "slices"

const (
	usualSpans = 8 << 10   // bytes of spans for which a connection keeps memory
	usualQueue = 8         // entries for which it does
	maxSpans   = 128 << 10 // bytes of spans of one read or write; further ones are recorded without their bytes
)

// A recorder collects what one read, or one write, adds to a recording, so that the recording is locked once.
type recorder struct {
	recording *Recording
	d         *Dissector
	gone      bool // the recording or the connection has ended
	spans     []byte
	queue     []queued
	touched   []*trace // those with new bytes
}

// queued is an entry that is not in the recording yet.
type queued struct {
	Entry
	trace *trace
	until int // its spans end here in the recorder's
}

// recorderOf returns the connection's recorder for the page, or nil where the page is not recorded.
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
		if len(c.touched)+len(c.queue) > 0 {
			c.flush()
		}
	}
}

func (c *recorder) flush() {
	for _, t := range c.touched {
		t.settle()
	}
	c.touched = c.touched[:0]
	r := c.recording
	r.mu.Lock()
	defer r.mu.Unlock()
	base := r.spans.next
	r.addSpans(c.spans)
	now := micros()
	for i := range c.queue {
		q := &c.queue[i]
		if q.at == 0 {
			q.at = now
		}
		t := q.trace
		q.from, q.to = t.from, base+uint64(q.until)
		t.from, t.last = q.to, 0
		r.append(&q.Entry)
	}
	clear(c.queue)
	c.spans, c.queue = c.spans[:0], c.queue[:0]
	if cap(c.spans) > usualSpans {
		c.spans = nil
	}
	if cap(c.queue) > usualQueue {
		c.queue = nil
	}
	if cap(c.touched) > usualQueue {
		c.touched = nil
	}
}
