package wire

// A stream is an exchange on HTTP/2.
type stream struct {
	ex      *exchange
	bodies  [2]body // by direction
	hasHead [2]bool // the head has been read: another one is a trailer
}

// openStream makes the exchange of a request, and returns its path without the page tag, or "" where it has none.
func (d *Dissector) openStream(id uint32, method, path string) (s *stream, untagged string) {
	found, page, from, to := d.ledger.laneOf([]byte(path))
	ex := &exchange{page: page, lane: found, requests: 1, bodyless: method == "HEAD"}
	d.begins(ex)
	if ex.trace != nil {
		ex.trace.request(method, path[:from]+path[to:])
	}
	s = &stream{ex: ex}
	for dir := range s.bodies {
		s.bodies[dir] = body{d: d, dir: Dir(dir), ex: ex, stream: id}
	}
	d.session.streams[id], d.session.newest = s, id
	if from < to {
		untagged = path[:from] + path[to:]
	}
	return s, untagged
}

// streamEnds ends one direction of a stream.
func (d *Dissector) streamEnds(id uint32, dir Dir) {
	ex := d.session.streams[id].ex
	ex.ended[dir] = true
	if dir == Up {
		ex.trace.requestEnds()
	}
	if ex.over() {
		ex.trace.ends("")
		d.forget(id, ex)
	}
}

// forget removes a stream from those that are open, and remembers its exchange.
func (d *Dissector) forget(id uint32, ex *exchange) {
	s := d.session
	d.ledger.fold(ex)
	delete(s.streams, id)
	s.ended[s.nextEnded].id, s.ended[s.nextEnded].ex = id, ex
	s.nextEnded = (s.nextEnded + 1) % maxEnded
}

// reset ends a stream by RST_STREAM (RFC 9113, section 5.4.2) or with the connection, and notes what was cut.
func (d *Dissector) reset(id uint32) {
	s := d.session.streams[id]
	for dir := range s.bodies {
		m := &s.bodies[dir]
		switch kind, unfinished := m.kind, m.contentCut(); {
		case s.ex.ended[dir]:
		case !s.hasHead[dir]:
			s.ex.note("cut: before the answer")
		case unfinished != "":
			s.ex.note("cut: " + unfinished)
		case kind != eventStream:
			s.ex.note("cut: a body")
		}
	}
	s.ex.ended = [2]bool{true, true}
	s.ex.trace.ends("stream reset")
	d.forget(id, s.ex)
}
