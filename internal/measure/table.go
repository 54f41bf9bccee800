package measure

import (
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"

	"fourwires/internal/wire"
)

// Table prints results side by side, and below them what they were measured with.
func Table(w io.Writer, o Options, results []Result) error {
	t := &table{results: results}
	t.row("", func(r Result) string { return r.Transport })
	if o.Protocol.HTTP == 2 {
		t.row("HTTP", func(r Result) string { return r.HTTP })
	}
	t.bytes("down", func(r Result) wire.Parts { return r.Down })
	t.bytes("up", func(r Result) wire.Parts { return r.Up })

	opening := func(r Result) float64 { return float64(r.Up.Opening + r.Down.Opening) }
	total := func(r Result) float64 { return float64(r.Up.Total + r.Down.Total) }
	t.row("both, without opening", perMessage("%.1f", func(r Result) float64 { return total(r) - opening(r) }))
	t.row("  opening, shared by all", perMessage("%.1f", opening))
	t.row("both, with opening", perMessage("%.1f", total))
	t.row("opening, a connection", func(r Result) string {
		if r.Connections == 0 {
			return unknown
		}
		return fmt.Sprintf("%.0f", opening(r)/float64(r.Connections))
	})
	t.row("requests per message", perMessage("%.3f", func(r Result) float64 { return float64(r.Requests) }))
	t.row("connections", func(r Result) string { return fmt.Sprint(r.Connections) })
	t.row("one way, p50", func(r Result) string { return latency(r.P50, r.Off) })
	t.row("one way, p99", func(r Result) string { return latency(r.P99, r.Off) })
	t.row("age, mean", func(r Result) string { return duration(r.Age, 1) })
	t.row("lost", func(r Result) string { return fmt.Sprint(r.Lost) })
	t.row("duplicated", func(r Result) string { return fmt.Sprint(r.Duplicated) })
	t.row("reordered", func(r Result) string { return fmt.Sprint(r.Reordered) })
	t.row("server CPU per message", func(r Result) string { return duration(r.CPU, r.Delivered) })
	t.row("n, messages delivered", func(r Result) string { return fmt.Sprint(r.Delivered) })
	t.row("over", func(r Result) string { return fmt.Sprintf("%.1f s", r.Took.Seconds()) })

	t.WriteString("\n" + o.conditions(results))
	_, err := io.WriteString(w, t.String())
	return err
}

// conditions returns what the results were measured with, in sentences.
func (o Options) conditions(results []Result) string {
	var b strings.Builder
	switch {
	case len(o.Targets) == 0:
		fmt.Fprintf(&b, "%g messages a second, %d bytes of data each, at random instants; %d more before, as a warm-up. "+
			"The server's tap is off.\n", o.Rate, o.Payload, WarmUp)
	case results[0].Off == nil:
		b.WriteString("The feed is the server's own, and so is its CPU; no warm-up. " +
			"It does not say its clock, so latency is not known.\n")
	default:
		fmt.Fprintf(&b, "The feed is the server's own, and so is its CPU; no warm-up. "+
			"Latency is between two clocks, and may be wrong by %s.\n", duration(results[0].Off, 1))
	}
	fmt.Fprintf(&b, "%s, polling every %v; headers as %s sends them, cookie %d bytes.\n",
		plural(int64(o.Clients), "client"), o.Interval, o.Protocol.Headers.Set, o.Protocol.Headers.Cookie)
	fmt.Fprintf(&b, "%s, network: %s. %s %s/%s, %d processors.\n", protocols(results), results[0].Network,
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	return b.String()
}

// A table has a column for each result.
type table struct {
	strings.Builder
	results []Result
}

// row writes a row.
func (t *table) row(name string, cell func(Result) string) {
	line := fmt.Sprintf("%-26s", name)
	for _, r := range t.results {
		line += fmt.Sprintf("%12s", cell(r))
	}
	t.WriteString(strings.TrimRight(line, " ") + "\n")
}

// bytes writes a row for each part of a direction that has bytes, and for what is unaccounted.
func (t *table) bytes(direction string, of func(Result) wire.Parts) {
	fmt.Fprintf(t, "bytes per message, %s\n", direction)
	for part := range (wire.Parts{}).All() {
		some := slices.ContainsFunc(t.results, func(r Result) bool { return of(r).Of(part) > 0 })
		if some && part != wire.Opening || part == wire.Unaccounted {
			t.row("  "+part.String(), perMessage("%.1f", func(r Result) float64 { return float64(of(r).Of(part)) }))
		}
	}
}

// perMessage returns a cell with a sum divided by the delivered messages.
func perMessage(format string, sum func(Result) float64) func(Result) string {
	return func(r Result) string {
		if r.Delivered == 0 {
			return unknown
		}
		return fmt.Sprintf(format, sum(r)/float64(r.Delivered))
	}
}

// protocols returns the versions of HTTP by which the results were measured, and whether over TLS.
func protocols(results []Result) string {
	versions, security := map[string]bool{}, map[string]bool{}
	for _, r := range results {
		versions["HTTP/"+r.HTTP] = true
		security[map[bool]string{false: "no TLS", true: "TLS"}[r.TLS]] = true
	}
	and := func(words map[string]bool) string { return strings.Join(slices.Sorted(maps.Keys(words)), " and ") }
	return and(versions) + ", " + and(security)
}

const unknown = "–"

// latency returns the text of a time in µs that may be wrong by off. Where off is more than a fifth of the time, the
// text has only an upper bound.
func latency(us, off *float64) string {
	if us == nil || off == nil || *off <= *us/5 {
		return duration(us, 1)
	}
	most := *us + *off
	return "< " + duration(&most, 1)
}

// duration returns the text of a share of a time in µs.
func duration(us *float64, of int) string {
	if us == nil || of == 0 {
		return unknown
	}
	switch value := *us / float64(of); {
	case value < 1000:
		return fmt.Sprintf("%.0f µs", value)
	case value < 100_000:
		return fmt.Sprintf("%.1f ms", value/1000)
	default:
		return fmt.Sprintf("%.0f ms", value/1000)
	}
}
