package wire

import (
	"encoding/json"
	"slices"
)

// A RecordedExchange is what a recording still has of one exchange: the entries of which it has every byte.
type RecordedExchange struct {
	Exchange  uint64          `json:"exchange"`
	Conn      uint64          `json:"conn"`
	Transport string          `json:"transport"`
	HTTP      string          `json:"http"` // "1.1" or "2"
	TLS       bool            `json:"tls"`
	Entries   []RecordedEntry `json:"entries"`
	Dropped   int             `json:"dropped"` // entries that are no longer kept
}

// A RecordedEntry is an entry with its spans.
type RecordedEntry struct {
	Entry
	Spans []Span
}

// Exchange returns what the recording of a page has of an exchange; with a seq above 0 the request, the response's head
// and the entry of that number only. It returns false where the page is not recorded, or the recording does not have
// the exchange, or that entry, any longer.
func (l *Ledger) Exchange(page string, exchange, seq uint64) (x RecordedExchange, ok bool) {
	r := l.recordings.of(page)
	if r == nil {
		return x, false
	}
	r.mu.Lock()
	entries, all := r.entriesOf(exchange)
	spans := r.spansOf(exchange, entries)
	r.mu.Unlock()

	for i, e := range entries {
		size := int64(0)
		for _, s := range spans[i] {
			size += int64(s.Size)
		}
		if size != e.size() {
			continue // some of its spans are forgotten
		}
		x.Entries = append(x.Entries, RecordedEntry{e, spans[i]})
	}
	if len(x.Entries) == 0 {
		return x, false
	}
	first := x.Entries[0]
	x.Exchange, x.Conn, x.Transport = exchange, first.conn, first.transport
	x.HTTP, x.TLS, x.Dropped = first.version(), first.tls, all-len(x.Entries)
	if seq > 0 {
		x.Entries = slices.DeleteFunc(x.Entries, func(e RecordedEntry) bool {
			ok = ok || e.seq == seq
			return e.seq != seq && e.kind != entryRequest && e.kind != entryResponse
		})
		return x, ok
	}
	return x, true
}

// entriesOf returns the entries of an exchange, and how many there were.
func (r *Recording) entriesOf(exchange uint64) (entries []Entry, all int) {
	if f := r.firsts[exchange]; f != nil {
		entries = append(entries, f.entries...)
	}
	last := uint64(0)
	if len(entries) > 0 {
		last = entries[len(entries)-1].seq
	}
	for seq := max(r.oldest(), last+1); seq <= r.seq; seq++ {
		if e := r.entry(seq); e.exchange == exchange {
			entries = append(entries, *e)
		}
	}
	if len(entries) > 0 {
		all = int(entries[len(entries)-1].nth)
	}
	return entries, all
}

// spansOf returns the spans of each of the entries of an exchange.
func (r *Recording) spansOf(exchange uint64, entries []Entry) [][]Span {
	spans := make([][]Span, len(entries))
	if len(entries) == 0 {
		return spans
	}
	var at [2]int // by direction, the entry to which the next span may belong
	add := func(offset uint64, b []byte) {
		if exchangeOf(b) != exchange {
			return
		}
		s := readSpan(slices.Clone(b))
		i := &at[s.Dir]
		for *i < len(entries) && offset >= entries[*i].spans[s.Dir].to {
			*i++
		}
		if *i == len(entries) || offset < entries[*i].spans[s.Dir].from {
			return
		}
		if s.Text == "" && entries[*i].http2 {
			s.Text = s.text()
		}
		spans[*i] = append(spans[*i], s)
	}
	if f := r.firsts[exchange]; f != nil {
		for _, s := range f.spans {
			if s.offset < r.spans.first {
				add(s.offset, s.b)
			}
		}
	}
	r.spans.each(add)
	return spans
}

// MarshalJSON returns the entry as a JSON object.
func (e RecordedEntry) MarshalJSON() ([]byte, error) {
	type span struct {
		Dir    string `json:"dir"`
		Part   string `json:"part"`
		Role   string `json:"role"`
		Size   int    `json:"size"`
		Bytes  []byte `json:"bytes,omitempty"`
		Stream uint32 `json:"stream,omitempty"`
		Name   string `json:"name,omitempty"`
		Value  string `json:"value,omitempty"`
		Text   string `json:"text,omitempty"`
	}
	spans := []span{}
	for _, s := range e.Spans {
		spans = append(spans, span{
			s.Dir.String(), s.Part.String(), s.Role, s.Size, s.Bytes, s.Stream, s.Name, s.Value, s.Text,
		})
	}
	more, err := json.Marshal(spans)
	b := e.AppendJSON(nil)
	b = append(append(b[:len(b)-1], `,"spans":`...), more...)
	return append(b, '}'), err
}
