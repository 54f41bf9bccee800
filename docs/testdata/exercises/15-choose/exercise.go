//go:build !solution

package choice

// A way to do something costs so much in each figure: bytes, CPU time, memory. The
// ways that are compared have the same figures, and none of them is 0.
type way struct {
	name  string
	costs []float64
}

// take returns the name of the way to take. Each way is judged by the figure in which
// it is worst: how many times the best of all ways it takes there. Of the ways that
// are by this at most a quarter worse than the best, the first is taken, for the
// simpler ones come first. Now it takes the first, whatever it costs.
func take(ways []way) string {
	return ways[0].name
}
