package measure

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"fourwires/internal/scenario"
)

// ScenarioTable prints the results of a scenario, and which they favour.
func ScenarioTable(w io.Writer, s scenario.Scenario, results []Result) error {
	var b strings.Builder
	direction := map[string]string{
		scenario.Down: "down", scenario.Both: "up, and down to all", scenario.Up: "up, each answered"}
	fmt.Fprintf(&b, "%s: %s\n%d clients, %g messages a second %s, %d bytes of data each",
		s.Name, s.Why, s.Clients, s.Rate, direction[s.Direction], s.Payload)
	if s.Burst > 1 {
		fmt.Fprintf(&b, ", in bursts of %d, %v apart", s.Burst, s.Apart)
	}
	fmt.Fprintf(&b, "; polling every %v.\n\n", s.Interval)
	const columns = "%-10s %4s %10s %10s %10s %14s %14s %6v %6v\n"
	fmt.Fprintf(&b, columns, "", "HTTP", "p50", "p99", "age, mean", "B/s a client", "CPU a client", "lost", "n")
	for _, r := range results {
		fmt.Fprintf(&b, columns, r.Transport, r.HTTP, duration(r.P50, 1), duration(r.P99, 1), duration(r.Age, 1),
			fmt.Sprintf("%.0f", clientBytes(s, r)), perSecond(clientCPU(s, r)), r.Lost, r.Delivered)
	}
	if len(results) > 1 {
		fmt.Fprintf(&b, "\n%s\n", Favours(s, results))
	}
	fmt.Fprintf(&b, "%s, network: %s; over %.1f s each, after a warm-up. CPU is the server's, a second.\n",
		protocols(results), results[0].Network, results[0].Took.Seconds())
	_, err := io.WriteString(w, b.String())
	return err
}

// clientBytes returns what crosses the sockets for each client in a second, without what is paid once.
func clientBytes(s scenario.Scenario, r Result) float64 {
	return float64(r.Up.Total+r.Down.Total-r.Up.Opening-r.Down.Opening) / float64(s.Clients) / r.Took.Seconds()
}

// clientCPU returns the server's CPU time for each client in a second, in µs; nil: unknown.
func clientCPU(s scenario.Scenario, r Result) *float64 {
	if r.CPU == nil {
		return nil
	}
	us := *r.CPU / float64(s.Clients) / r.Took.Seconds()
	return &us
}

// perSecond returns the text of µs a second.
func perSecond(us *float64) string {
	if us == nil {
		return unknown
	}
	return fmt.Sprintf("%.2f ms/s", *us/1000)
}

// Favours returns a sentence on which result these figures favour: the one whose worst figure is closest to the best.
func Favours(s scenario.Scenario, results []Result) string {
	var verdicts []verdict
	for _, r := range results {
		if r.Lost == 0 {
			verdicts = append(verdicts, worstFigure(s, r, results))
		}
	}
	if len(verdicts) < 2 {
		return "These figures favour none: messages were lost."
	}
	slices.SortStableFunc(verdicts, func(a, b verdict) int { return cmp.Compare(a.times, b.times) })
	return fmt.Sprintf("These figures favour %v; then comes %v.", verdicts[0], verdicts[1])
}

// A verdict is a result's worst figure.
type verdict struct {
	name   string  // of the result
	figure string  // empty: it is the best in all
	times  float64 // as a multiple of the best
}

func (v verdict) String() string {
	if v.figure == "" {
		return v.name + ", the best in all"
	}
	return fmt.Sprintf("%s, at most %.1f times the best (in %s)", v.name, v.times, v.figure)
}

// worstFigure returns the figure in which a result is the most times the best of all results.
func worstFigure(s scenario.Scenario, r Result, results []Result) verdict {
	v := verdict{name: r.Transport + " by HTTP/" + r.HTTP, times: 1}
	for _, figure := range []struct {
		name string
		of   func(Result) *float64
	}{
		{"age", func(r Result) *float64 { return r.Age }},
		{"p99", func(r Result) *float64 { return cmp.Or(r.P99, r.P50) }},
		{"bytes", func(r Result) *float64 { b := clientBytes(s, r); return &b }},
		{"CPU time", func(r Result) *float64 { return clientCPU(s, r) }},
	} {
		own := figure.of(r)
		for _, other := range results {
			best := figure.of(other)
			if own != nil && best != nil && *best > 0 && *own / *best > v.times {
				v.times, v.figure = *own / *best, figure.name
			}
		}
	}
	return v
}
