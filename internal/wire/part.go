package wire

import "iter"

// A Dir is one of the two directions of a connection.
type Dir uint8

const (
	Up   Dir = iota // from the client to the server
	Down            // from the server to the client
)

// String returns "up" or "down".
func (d Dir) String() string { return [...]string{"up", "down"}[d] }

// A Part is the purpose of a byte on the wire. Every byte has exactly one; the package comment defines them.
type Part uint8

const (
	Payload     Part = iota // the messages themselves
	Envelope                // around a message inside a body
	Framing                 // of chunks and frames
	Head                    // start line and headers of requests and responses that recur
	Opening                 // once for a stream or a connection
	Control                 // keeps a stream alive, and ends it
	Tag                     // added to a request by page=
	TLS                     // added by encryption
	Unaccounted             // could not be named
	parts
)

// String returns the name of the part, as in the JSON of [Parts].
func (p Part) String() string {
	return [...]string{"payload", "envelope", "framing", "head", "opening", "control", "tag", "tls", "unaccounted"}[p]
}

// Parts are the numbers of bytes in one direction, by part.
type Parts struct {
	Payload     int64 `json:"payload"`
	Envelope    int64 `json:"envelope"`
	Framing     int64 `json:"framing"`
	Head        int64 `json:"head"`
	Opening     int64 `json:"opening"`
	Control     int64 `json:"control"`
	Tag         int64 `json:"tag"`
	TLS         int64 `json:"tls"`
	Unaccounted int64 `json:"unaccounted"`
	Total       int64 `json:"total"` // the sum of all others
}

// Of returns the bytes of a part.
func (p Parts) Of(part Part) int64 { return *p.field(part) }

// All yields each part, in their order, with its bytes; the total is none of them.
func (p Parts) All() iter.Seq2[Part, int64] {
	return func(yield func(Part, int64) bool) {
		for part := range parts {
			if !yield(part, p.Of(part)) {
				return
			}
		}
	}
}

// Add returns the sum of p and q.
func (p Parts) Add(q Parts) Parts { return p.plus(q, 1) }

// Sub returns p minus q.
func (p Parts) Sub(q Parts) Parts { return p.plus(q, -1) }

func (p Parts) plus(q Parts, sign int64) Parts {
	for part, n := range q.All() {
		*p.field(part) += sign * n
	}
	p.Total += sign * q.Total
	return p
}

func (p *Parts) field(part Part) *int64 {
	return [...]*int64{
		&p.Payload, &p.Envelope, &p.Framing, &p.Head, &p.Opening, &p.Control, &p.Tag, &p.TLS, &p.Unaccounted,
	}[part]
}

// counts are numbers of bytes by part, as an array so that counting is indexing.
type counts [parts]int64

func (c *counts) add(more counts) {
	for part, n := range more {
		c[part] += n
	}
}

func (c counts) parts() (p Parts) {
	for part, n := range c {
		*p.field(Part(part)) = n
		p.Total += n
	}
	return p
}
