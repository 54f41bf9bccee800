package wire

// An exchange is a request and its response.
type exchange struct {
	page string
	lane lane

	// Of the request, which decides how the response is read (RFC 9112, section 6.3).
	bodyless bool // HEAD
	upgrade  bool // to WebSocket, or CONNECT
	connect  bool

	ended [2]bool // by direction

	// What is not in the ledger yet.
	requests, connections int64
	counts                [2]counts
	messages              [2]int64
	notes                 []string

	trace *trace // nil: it is not recorded
}

// over reports whether both directions of the exchange have ended.
func (ex *exchange) over() bool { return ex.ended[Up] && ex.ended[Down] }

// stray returns an exchange for bytes that belong to no request.
func stray() *exchange { return &exchange{lane: lanes["other"], ended: [2]bool{true, false}} }

// note adds a note: what was cut, or why the dissector gave up.
func (ex *exchange) note(what string) {
	ex.notes = append(ex.notes, what)
	if ex.trace != nil {
		ex.trace.cut = what
	}
}
