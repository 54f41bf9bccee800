package benchmarks

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"fourwires/internal/stats"
)

// results are what a file of results/ holds. Keys that were looked up and are not in it are collected in missing.
type results struct {
	config  map[string]string
	values  map[string][]float64 // by benchmark and unit: "Idle/transport=sse/readers=1000 B/reader"
	missing []string
}

var (
	configLine = regexp.MustCompile(`^([a-z][^\sA-Z:]*): +(.+)$`)
	cores      = regexp.MustCompile(`-\d+$`)
)

// recorded reads a file of results, in the format of Go benchmarks (golang.org/design/14313-benchmark-format).
func recorded(t *testing.T, file string) *results {
	t.Helper()
	raw, err := os.ReadFile("results/" + file + ".txt")
	if err != nil {
		t.Fatalf("doc.go says what makes this: %v", err)
	}
	r := &results{config: map[string]string{}, values: map[string][]float64{}}
	for line := range strings.Lines(string(raw)) {
		if config := configLine.FindStringSubmatch(strings.TrimSpace(line)); config != nil {
			r.config[config[1]] = config[2]
		}
		name, isResult := strings.CutPrefix(line, "Benchmark")
		if !isResult {
			continue
		}
		fields := strings.Fields(name)
		for i := 2; i+1 < len(fields); i += 2 {
			value, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				t.Fatalf("%s: %q: %v", file, line, err)
			}
			key := cores.ReplaceAllString(fields[0], "") + " " + fields[i+1]
			r.values[key] = append(r.values[key], value)
		}
	}
	return r
}

// complete returns an error if a key was missing.
func (r *results) complete() error {
	if r.missing == nil {
		return nil
	}
	return fmt.Errorf("it lacks %q", r.missing)
}

// all returns the values of a key; NaN where there is none.
func (r *results) all(key string) []float64 {
	if len(r.values[key]) == 0 {
		r.missing = append(r.missing, key)
		return []float64{math.NaN()}
	}
	return r.values[key]
}

// median returns the median of a key's values.
func (r *results) median(key string) float64 { return stats.Median(r.all(key)) }

// least returns the least of them.
func (r *results) least(key string) float64 { return slices.Min(r.all(key)) }

// Config returns what the file says about the machine, the command and so on.
func (r *results) Config(key string) string {
	if r.config[key] == "" {
		r.missing = append(r.missing, key+":")
	}
	return r.config[key]
}

// Ms returns the median of a key in ms, to three digits; its values are in ns.
func (r *results) Ms(key string) string { return threeDigits(r.median(key) * 1e-6) }

// fixed returns the median of a key times scale, with so many digits after the point.
func (r *results) fixed(key string, scale float64, digits int) string {
	return strconv.FormatFloat(r.median(key)*scale, 'f', digits, 64)
}

// withSpread returns the median of values times scale, and how far they lie from it.
func withSpread(values []float64, scale float64, unit string) string {
	return fmt.Sprintf("%s%s ±%.0f %%", threeDigits(stats.Median(values)*scale), unit, 100*stats.Spread(values))
}

// threeDigits writes three digits, or all those before the point.
func threeDigits(v float64) string {
	before := 1 + int(math.Floor(math.Log10(max(v, 1))))
	return strconv.FormatFloat(v, 'f', max(0, 3-before), 64)
}
