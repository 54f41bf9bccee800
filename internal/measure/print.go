package measure

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"fourwires/internal/wire"
)

// JSON returns what prints a result as one line.
func JSON(w io.Writer) func(Result) error {
	return func(r Result) error { return json.NewEncoder(w).Encode(r) }
}

// CSV returns what prints a result as one record, the first behind a header.
// The names are those of the JSON, "up_" and "down_" before those of parts; what
// is not known is empty.
func CSV(w io.Writer) func(Result) error {
	out := csv.NewWriter(w)
	header := false
	return func(r Result) error {
		names := []string{"transport", "http", "tls", "network", "delivered", "lost", "duplicated", "reordered",
			"requests", "connections", "p50_us", "p99_us", "clock_error_us", "age_us", "cpu_us"}
		values := []string{r.Transport, r.HTTP, strconv.FormatBool(r.TLS), r.Network,
			fmt.Sprint(r.Delivered), fmt.Sprint(r.Lost), fmt.Sprint(r.Duplicated), fmt.Sprint(r.Reordered),
			fmt.Sprint(r.Requests), fmt.Sprint(r.Connections), known(r.P50), known(r.P99), known(r.Off), known(r.Age), known(r.CPU)}
		for _, direction := range []struct {
			name  string
			parts wire.Parts
		}{{"up_", r.Up}, {"down_", r.Down}} {
			for _, part := range parts {
				names = append(names, direction.name+part.name)
				values = append(values, fmt.Sprint(part.of(direction.parts)))
			}
		}
		if !header {
			out.Write(names)
			header = true
		}
		out.Write(values)
		out.Flush()
		return out.Error()
	}
}

// known returns the text of a value, or none.
func known(value *float64) string {
	if value == nil {
		return ""
	}
	return strconv.FormatFloat(*value, 'f', -1, 64)
}

// parts are the names of all parts, and the total.
var parts = []struct {
	name string
	of   func(wire.Parts) int64
}{
	{"payload", func(p wire.Parts) int64 { return p.Payload }},
	{"envelope", func(p wire.Parts) int64 { return p.Envelope }},
	{"framing", func(p wire.Parts) int64 { return p.Framing }},
	{"head", func(p wire.Parts) int64 { return p.Head }},
	{"opening", func(p wire.Parts) int64 { return p.Opening }},
	{"control", func(p wire.Parts) int64 { return p.Control }},
	{"tag", func(p wire.Parts) int64 { return p.Tag }},
	{"tls", func(p wire.Parts) int64 { return p.TLS }},
	{"unaccounted", func(p wire.Parts) int64 { return p.Unaccounted }},
	{"total", func(p wire.Parts) int64 { return p.Total }},
}

// Table prints results side by side, and under them what they hold for.
func Table(w io.Writer, o Options, results []Result) error {
	var b strings.Builder
	row := func(name string, cell func(Result) string) {
		line := fmt.Sprintf("%-26s", name)
		for _, r := range results {
			line += fmt.Sprintf("%12s", cell(r))
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	each := func(sum func(Result) float64) func(Result) string { // per delivered message
		return func(r Result) string {
			if r.Delivered == 0 {
				return unknown
			}
			return fmt.Sprintf("%.1f", sum(r)/float64(r.Delivered))
		}
	}
	row("", func(r Result) string { return r.Transport })
	if o.Protocol.HTTP == 2 {
		row("HTTP", func(r Result) string { return r.HTTP })
	}
	for _, direction := range []struct {
		name string
		of   func(Result) wire.Parts
	}{{"down", func(r Result) wire.Parts { return r.Down }}, {"up", func(r Result) wire.Parts { return r.Up }}} {
		fmt.Fprintf(&b, "bytes per message, %s\n", direction.name)
		for _, part := range parts {
			some := false
			for _, r := range results {
				some = some || part.of(direction.of(r)) > 0
			}
			if some && part.name != "opening" && part.name != "total" || part.name == "unaccounted" {
				row("  "+part.name, each(func(r Result) float64 { return float64(part.of(direction.of(r))) }))
			}
		}
	}
	opening := func(r Result) float64 { return float64(r.Up.Opening + r.Down.Opening) }
	total := func(r Result) float64 { return float64(r.Up.Total + r.Down.Total) }
	row("both, without opening", each(func(r Result) float64 { return total(r) - opening(r) }))
	row("  opening, shared by all", each(opening))
	row("both, with opening", each(total))
	row("opening, a connection", func(r Result) string {
		if r.Connections == 0 {
			return unknown
		}
		return fmt.Sprintf("%.0f", opening(r)/float64(r.Connections))
	})
	row("requests per message", func(r Result) string {
		if r.Delivered == 0 {
			return unknown
		}
		return fmt.Sprintf("%.3f", float64(r.Requests)/float64(r.Delivered))
	})
	row("connections", func(r Result) string { return fmt.Sprint(r.Connections) })
	row("one way, p50", func(r Result) string { return latency(r.P50, r.Off) })
	row("one way, p99", func(r Result) string { return latency(r.P99, r.Off) })
	row("age, mean", func(r Result) string { return duration(r.Age, 1) })
	row("lost", func(r Result) string { return fmt.Sprint(r.Lost) })
	row("duplicated", func(r Result) string { return fmt.Sprint(r.Duplicated) })
	row("reordered", func(r Result) string { return fmt.Sprint(r.Reordered) })
	row("server CPU per message", func(r Result) string { return duration(r.CPU, r.Delivered) })
	row("n, messages delivered", func(r Result) string { return fmt.Sprint(r.Delivered) })
	row("over", func(r Result) string { return fmt.Sprintf("%.1f s", r.Took.Seconds()) })

	b.WriteString("\n")
	if len(o.Targets) == 0 {
		fmt.Fprintf(&b, "%g messages a second, %d bytes of data each, at random instants; %d more before, as a warm-up. The server's tap is off.\n", o.Rate, o.Payload, WarmUp)
	} else {
		b.WriteString("The feed is the server's own, and so is its CPU; no warm-up. ")
		if results[0].Off == nil {
			b.WriteString("It does not say its clock, so latency is not known.\n")
		} else {
			fmt.Fprintf(&b, "Latency is between two clocks, and may be wrong by %s.\n", duration(results[0].Off, 1))
		}
	}
	clients := "1 client"
	if o.Clients > 1 {
		clients = fmt.Sprintf("%d clients", o.Clients)
	}
	fmt.Fprintf(&b, "%s, polling every %v; headers as %s sends them, cookie %d bytes.\n", clients, o.Interval, o.Protocol.Headers.Set, o.Protocol.Headers.Cookie)
	fmt.Fprintf(&b, "%s, network: %s. %s %s/%s, %d processors.\n", spoken(results), results[0].Network, runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	_, err := io.WriteString(w, b.String())
	return err
}

// spoken says by what version of HTTP the results were measured, and over what.
func spoken(results []Result) string {
	versions, over := map[string]bool{}, map[string]bool{}
	for _, r := range results {
		versions["HTTP/"+r.HTTP] = true
		over[map[bool]string{false: "no TLS", true: "TLS"}[r.TLS]] = true
	}
	and := func(words map[string]bool) string { return strings.Join(slices.Sorted(maps.Keys(words)), " and ") }
	return and(versions) + ", " + and(over)
}

const unknown = "–"

// latency prints a time in µs that may be wrong by off: where that is more than a
// fifth of it, only what it is less than.
func latency(us, off *float64) string {
	if us == nil || off == nil || *off <= *us/5 {
		return duration(us, 1)
	}
	most := *us + *off
	return "< " + duration(&most, 1)
}

// duration prints a share of a time in µs.
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
