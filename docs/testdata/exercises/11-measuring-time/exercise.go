//go:build !solution

package clock

// A sample has the four stamps of a question, in ms: the first and the last by our
// clock, the two between by the server's.
type sample struct{ asked, received, sent, answered float64 }

// ahead returns how far the server's clock is ahead of ours, and by how much that
// may be wrong; false where no sample can be used.
func ahead(samples []sample) (ahead, off float64, ok bool) {
	for _, s := range samples {
		ahead += (s.received - s.asked) / float64(len(samples)) // a mean
	}
	return ahead, 0, true
}
