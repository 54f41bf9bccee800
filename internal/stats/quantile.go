// Package stats has one definition of each statistic that the lab's instruments share: lab measure, the benchmarks, the
// experiments of the docs and, in modules of its own that are held to the same test vectors, the page.
//
// The vectors are testdata/*.json: quantiles, how many values a quantile needs, the ids that a client received, and the
// age of the newest message it holds.
package stats

import (
	"cmp"
	"math"
)

// Quantile returns the smallest of the values that at least the share q of them does not exceed (the nearest rank):
// always a value that was measured, never one between two. The values must be sorted, and there must be one at least.
func Quantile[T cmp.Ordered](sorted []T, q float64) T { return sorted[Rank(len(sorted), q)-1] }

// Rank returns which of n sorted values [Quantile] takes, counted from 1.
func Rank(n int, q float64) int { return max(1, int(math.Ceil(q*float64(n)))) }

// Enough reports whether n values are enough to state their quantile q: one of them at least must lie beyond it. So p99
// takes 100 values, and p99.9 takes 1 000.
func Enough(n int, q float64) bool { return float64(n)*(1-q) >= 1-1e-9 }
