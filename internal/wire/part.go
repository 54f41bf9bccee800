package wire

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

// Add returns the sum of p and q.
func (p Parts) Add(q Parts) Parts { return p.plus(q, 1) }

// Sub returns p minus q.
func (p Parts) Sub(q Parts) Parts { return p.plus(q, -1) }

func (p Parts) plus(q Parts, sign int64) Parts {
	return Parts{
		Payload:     p.Payload + sign*q.Payload,
		Envelope:    p.Envelope + sign*q.Envelope,
		Framing:     p.Framing + sign*q.Framing,
		Head:        p.Head + sign*q.Head,
		Opening:     p.Opening + sign*q.Opening,
		Control:     p.Control + sign*q.Control,
		Tag:         p.Tag + sign*q.Tag,
		TLS:         p.TLS + sign*q.TLS,
		Unaccounted: p.Unaccounted + sign*q.Unaccounted,
		Total:       p.Total + sign*q.Total,
	}
}

// counts are numbers of bytes by part, as an array so that counting is indexing.
type counts [parts]int64

func (c *counts) add(more counts) {
	for part, n := range more {
		c[part] += n
	}
}

func (c counts) parts() Parts {
	p := Parts{
		Payload: c[Payload], Envelope: c[Envelope], Framing: c[Framing], Head: c[Head], Opening: c[Opening],
		Control: c[Control], Tag: c[Tag], TLS: c[TLS], Unaccounted: c[Unaccounted],
	}
	for _, n := range c {
		p.Total += n
	}
	return p
}
