//go:build !solution

package table

// A field of a head has a name and a value.
type field struct{ name, value string }

// A table is HPACK's dynamic table. Its entries are the fields that both ends of a
// connection remember, the newest first. The size of an entry is that of its name
// and its value, and 32 (RFC 7541, section 4.1).
type table struct {
	most    int // the largest sum of its entries' sizes
	entries []field
}

// add adds a field to the table. Where there is no room for it, the oldest entries
// are removed, and a field that is larger than the whole table empties it (section
// 4.4). Now add keeps everything.
func (t *table) add(f field) {
	t.entries = append([]field{f}, t.entries...)
}
