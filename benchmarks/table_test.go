package benchmarks

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the table of README.md")

const (
	begin = "<!-- from benchmarks/results/all.txt: go test ./benchmarks -run Table -update -->\n"
	end   = "<!-- end -->\n"
)

// TestTable holds README.md's table to the results it is made from.
func TestTable(t *testing.T) {
	raw, err := os.ReadFile("results/all.txt")
	if err != nil {
		t.Fatalf("benchmarks/run.sh makes what is missing here: %v", err)
	}
	want, err := table(string(raw))
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	head, rest, found := bytes.Cut(readme, []byte(begin))
	got, tail, closed := bytes.Cut(rest, []byte(end))
	if !found || !closed {
		t.Fatalf("README.md has no place for the table, between %q and %q", begin, end)
	}
	if string(got) == want {
		return
	}
	if !*update {
		t.Fatalf("README.md's table is not that of results/all.txt: go test ./benchmarks -run Table -update makes it\n%s", want)
	}
	if err := os.WriteFile("../README.md", slices.Concat(head, []byte(begin), []byte(want), []byte(end), tail), 0o666); err != nil {
		t.Fatal(err)
	}
}

// results are what a file of results says.
type results struct {
	config map[string]string
	values map[string][]float64 // by benchmark and unit: "Idle/transport=sse/readers=1000 B/reader"
}

var (
	configLine = regexp.MustCompile(`^([a-z][^\sA-Z:]*): +(.+)$`)
	cores      = regexp.MustCompile(`-\d+$`)
)

// parse reads the format of Go benchmarks (golang.org/design/14313-benchmark-format).
func parse(raw string) (results, error) {
	r := results{map[string]string{}, map[string][]float64{}}
	for line := range strings.Lines(raw) {
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
				return r, fmt.Errorf("%q: %w", line, err)
			}
			key := cores.ReplaceAllString(fields[0], "") + " " + fields[i+1]
			r.values[key] = append(r.values[key], value)
		}
	}
	return r, nil
}

// text stands under the table.
const text = `
1 000 readers; messages of 128 bytes, ten a second on average, at random; the tap that counts bytes is
off. Server and readers share one machine: %s, %s.
%s, commit %s, ` + "`%s`" + `. Each value is the median of %d
rounds, ± how far the rounds lie from it%s.

tcp is no transport but the least that it can cost: one goroutine that writes each message to each
connection. It makes one write for each message when a reader catches up, too; the four join what waits,
and that is how they pass it. A message reaches 1 000 readers one after the other, so p50 is the time by
which half of them had it. Polling asks every 2 s: what it saves, its readers pay for in time.

What is fair here, and what is not, is said in [benchmarks/doc.go](benchmarks/doc.go); more figures, among
them what connecting costs, are in [benchmarks/results](benchmarks/results/all.txt).
`

// table returns the Markdown between the marks.
func table(raw string) (string, error) {
	r, err := parse(raw)
	if err != nil {
		return "", err
	}
	var missing []string
	values := func(key, transport string) []float64 {
		key = strings.Replace(key, "*", "transport="+transport, 1)
		if len(r.values[key]) == 0 {
			missing = append(missing, key)
			return []float64{math.NaN()}
		}
		return r.values[key]
	}
	const cpu = "Fanout/*/readers=1000 cpu-ns/msg"
	var out strings.Builder
	out.WriteString("| | server CPU a message | × tcp | p50 | p99 | an idle reader | caught up, a core-second |\n|---|--:|--:|--:|--:|--:|--:|\n")
	for _, transport := range []string{"polling", "longpoll", "sse", "websocket", "tcp"} {
		var ratios []float64
		limit := values(cpu, "tcp")
		for i, v := range values(cpu, transport) {
			ratios = append(ratios, v/limit[min(i, len(limit)-1)]) // of the same round
		}
		fmt.Fprintf(&out, "| %s | %s | %s | %s | %s | %s | %s |\n", transport,
			cell(values(cpu, transport), 1e-3, " µs"),
			cell(ratios, 1, ""),
			cell(values("Fanout/*/readers=1000 p50-ns", transport), 1e-6, " ms"),
			cell(values("Fanout/*/readers=1000 p99-ns", transport), 1e-6, " ms"),
			cell(values("Idle/*/readers=1000 B/reader", transport), 1.0/1024, " KiB"),
			cell(values("CatchUp/* msg/cpu-s", transport), 1e-6, " M"))
	}
	config := func(key string) string {
		if r.config[key] == "" {
			missing = append(missing, key+":")
		}
		return r.config[key]
	}
	rounds := len(values(cpu, "tcp"))
	but := ""
	if rounds >= whole {
		but = ", the lowest and\nthe highest left out"
	}
	fmt.Fprintf(&out, text, config("cpu"), config("machine"), config("go"), config("commit"), config("command"), rounds, but)
	if missing != nil {
		return "", fmt.Errorf("results/all.txt lacks %q", missing)
	}
	return out.String(), nil
}

// whole is how many values must be there for the extremes to be left out.
const whole = 5

// cell returns the median of values, times scale, and how far they lie from it.
func cell(values []float64, scale float64, unit string) string {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	median := (sorted[(n-1)/2] + sorted[n/2]) / 2
	if n >= whole {
		sorted = sorted[1 : n-1]
	}
	spread := max(median-sorted[0], sorted[len(sorted)-1]-median) / median
	return fmt.Sprintf("%s%s ±%.0f %%", digits(median*scale), unit, 100*spread)
}

// digits writes three digits, or all those before the point.
func digits(v float64) string {
	before := 1 + int(math.Floor(math.Log10(max(v, 1))))
	return strconv.FormatFloat(v, 'f', max(0, 3-before), 64)
}
