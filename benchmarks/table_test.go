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

// TestTable holds README.md's tables to the results that they are made from.
func TestTable(t *testing.T) {
	for file, make := range map[string]func(results) (string, error){"all": table, "overhead": overheadTable} {
		raw, err := os.ReadFile("results/" + file + ".txt")
		if err != nil {
			t.Fatalf("doc.go says what makes this: %v", err)
		}
		r, err := parse(string(raw))
		if err != nil {
			t.Fatal(err)
		}
		want, err := make(r)
		if err != nil {
			t.Fatalf("results/%s.txt: %v", file, err)
		}
		readme, err := os.ReadFile("../README.md")
		if err != nil {
			t.Fatal(err)
		}
		begin := fmt.Sprintf("<!-- from benchmarks/results/%s.txt: go test ./benchmarks -run Table -update -->\n", file)
		const end = "<!-- end -->\n"
		head, rest, found := bytes.Cut(readme, []byte(begin))
		got, tail, closed := bytes.Cut(rest, []byte(end))
		if !found || !closed {
			t.Fatalf("README.md has no place for the table, between %q and %q", begin, end)
		}
		if string(got) == want {
			continue
		}
		if !*update {
			t.Fatalf("README.md's table is not that of results/%s.txt: go test ./benchmarks -run Table -update makes it\n%s", file, want)
		}
		if err := os.WriteFile("../README.md", slices.Concat(head, []byte(begin), []byte(want), []byte(end), tail), 0o666); err != nil {
			t.Fatal(err)
		}
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
func table(r results) (string, error) {
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
		return "", fmt.Errorf("it lacks %q", missing)
	}
	return out.String(), nil
}

// overheadTable returns the Markdown of the bytes that a message costs.
func overheadTable(r results) (string, error) {
	var missing []string
	of := func(transport string, payload int, headers string, cookie int, unit string) string {
		key := fmt.Sprintf("Overhead/transport=%s/payload=%d/headers=%s/cookie=%d %s", transport, payload, headers, cookie, unit)
		values := r.values[key]
		if len(values) == 0 || slices.Min(values) != slices.Max(values) {
			missing = append(missing, key)
			return ""
		}
		return strconv.FormatFloat(values[0], 'f', -1, 64)
	}
	value := func(transport, headers string, cookie int, unit string) string {
		return of(transport, 128, headers, cookie, unit)
	}
	var out strings.Builder
	out.WriteString("| | headers of | head | envelope | framing | all, with the message | once | all, with a cookie of 512 B | 4 096 B |\n|---|---|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, transport := range []string{"polling", "longpoll", "sse", "websocket"} {
		for _, headers := range []string{"go", "chrome"} {
			fmt.Fprintf(&out, "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", transport, headers,
				value(transport, headers, 0, "head-B/msg"), value(transport, headers, 0, "envelope-B/msg"), value(transport, headers, 0, "framing-B/msg"),
				value(transport, headers, 0, "wire-B/msg"), value(transport, headers, 0, "opening-B"),
				value(transport, headers, 512, "wire-B/msg"), value(transport, headers, 4096, "wire-B/msg"))
		}
	}
	out.WriteString(`
Bytes a message, up and down, on HTTP/1.1: 100 messages of 128 bytes of data (169 with id and time), each by
itself, so that a poll or long-poll finds one and none is in vain; a poll in vain costs its heads for
nothing. They are counted, not timed, and come out the same on every machine. Once is what a stream pays
when it is opened, and there the cookie goes. Chrome's headers are those of a real Chromium, recorded. The
command: ` + "`go test ./benchmarks -run '^$' -bench Overhead -benchtime 1x`" + `.

`)
	fmt.Fprintf(&out, "- What headers cost is no constant: the heads of a poll and its answer have %s B from Go's client, %s B with\n"+
		"  Chromium's headers, and %s B where a cookie of 4 096 B goes with them. A stream pays once, and so does its cookie.\n",
		value("polling", "go", 0, "head-B/msg"), value("polling", "chrome", 0, "head-B/msg"), value("polling", "chrome", 4096, "head-B/msg"))
	fmt.Fprintf(&out, "- An SSE event is not \"5 bytes\": id, field names and blank line come to %s B here, and the chunk around a flush to\n"+
		"  6 more (%s a message, with the first block's).\n", value("sse", "go", 0, "envelope-B/msg"), value("sse", "go", 0, "framing-B/msg"))
	fmt.Fprintf(&out, "- The header of a WebSocket frame has %s B around a message of 20 B of data, %s B around one of 128 and %s B around one\n"+
		"  of 2 048: two up to 125 bytes of payload, four up to 65 535 (RFC 6455, §5.2).\n",
		of("websocket", 20, "go", 0, "framing-B/msg"), of("websocket", 128, "go", 0, "framing-B/msg"), of("websocket", 2048, "go", 0, "framing-B/msg"))
	if missing != nil {
		return "", fmt.Errorf("it lacks, or has not always the same, %q", missing)
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
