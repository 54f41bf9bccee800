package stats

import "slices"

// Trim is the number of values from which on [Spread] leaves out the lowest and the highest.
const Trim = 5

// Median returns the middle of the values, which are what repeated runs measured: of an even number of values the mean
// of the two in the middle, as benchstat has it. There must be one value at least.
func Median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// Spread returns how far the values lie from their median, at most, as a share of it. The lowest and the highest do not
// count where there are at least [Trim] values.
func Spread(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	median := Median(sorted)
	if n := len(sorted); n >= Trim {
		sorted = sorted[1 : n-1]
	}
	return max(median-sorted[0], sorted[len(sorted)-1]-median) / median
}
