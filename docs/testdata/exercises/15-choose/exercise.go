//go:build !solution

package choice

// A candidate has a cost in each figure: bytes, CPU time, memory. All candidates have
// the same figures, and no cost is 0.
type candidate struct {
	name  string
	costs []float64
}

// take returns the name of the candidate to take. The candidates stand in order, the
// simplest first. The score of each is its worst figure, as a multiple of the lowest
// that any candidate has. take returns the first candidate whose score is at most a
// quarter above the lowest score. Now it returns the first, whatever it costs.
func take(candidates []candidate) string {
	return candidates[0].name
}
