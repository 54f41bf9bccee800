package measure

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"

	"fourwires/internal/lab"
	"fourwires/internal/scenario"
)

// With returns options for the scenario, and leaves those that it does not name.
func (o Options) With(s scenario.Scenario) Options {
	o.Direction, o.Rate, o.Payload, o.Burst, o.Apart = s.Direction, s.Rate, s.Payload, s.Burst, s.Apart
	o.Clients, o.Interval = s.Clients, s.Interval
	return o
}

// RunAll measures the four by HTTP/1.1, and then by HTTP/2 those that speak it, as
// [Run] does.
func RunAll(ctx context.Context, o Options, done func(Result) error) error {
	var ways []way
	for _, http := range []int{1, 2} {
		for _, t := range lab.Transports {
			settings := o.Protocol
			if settings.HTTP = http; settings.Version(t.Name) == http {
				ways = append(ways, way{Target{Transport: t.Name}, settings})
			}
		}
	}
	return o.run(ctx, ways, rand.Uint64(), done)
}

// ScenarioTable prints the results of a scenario, and what they favour.
func ScenarioTable(w io.Writer, s scenario.Scenario, results []Result) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n%d clients, %g messages a second %s, %d bytes of data each", s.Name, s.Why, s.Clients, s.Rate,
		map[string]string{scenario.Down: "down", scenario.Both: "up, and down to all", scenario.Up: "up, each answered"}[s.Direction], s.Payload)
	if s.Burst > 1 {
		fmt.Fprintf(&b, ", in bursts of %d, %v apart", s.Burst, s.Apart)
	}
	fmt.Fprintf(&b, "; polling every %v.\n\n", s.Interval)
	fmt.Fprintf(&b, "%-10s %4s %10s %10s %10s %14s %14s %6s %6s\n", "", "HTTP", "p50", "p99", "age, mean", "B/s a client", "CPU a client", "lost", "n")
	for _, r := range results {
		fmt.Fprintf(&b, "%-10s %4s %10s %10s %10s %14s %14s %6d %6d\n", r.Transport, r.HTTP, duration(r.P50, 1), duration(r.P99, 1), duration(r.Age, 1),
			fmt.Sprintf("%.0f", bytesPerSecond(s, r)), rate(cpuPerSecond(s, r)), r.Lost, r.Delivered)
	}
	if len(results) > 1 {
		fmt.Fprintf(&b, "\n%s\n", Favours(s, results))
	}
	fmt.Fprintf(&b, "%s, network: %s; over %.1f s each, after a warm-up. CPU is the server's, a second.\n", spoken(results), results[0].Network, results[0].Took.Seconds())
	_, err := io.WriteString(w, b.String())
	return err
}

// bytesPerSecond returns what crosses the sockets for each client in a second, without what
// is paid once.
func bytesPerSecond(s scenario.Scenario, r Result) float64 {
	return float64(r.Up.Total+r.Down.Total-r.Up.Opening-r.Down.Opening) / float64(s.Clients) / r.Took.Seconds()
}

// cpuPerSecond returns the server's CPU time for each client in a second, in µs; nil: not
// known.
func cpuPerSecond(s scenario.Scenario, r Result) *float64 {
	if r.CPU == nil {
		return nil
	}
	us := *r.CPU / float64(s.Clients) / r.Took.Seconds()
	return &us
}

// rate prints a share of a second.
func rate(us *float64) string {
	if us == nil {
		return unknown
	}
	return fmt.Sprintf("%.2f ms/s", *us/1000)
}

// Favours says which result these figures favour: the one that is, in the figure
// in which it is worst, the least far from the best.
func Favours(s scenario.Scenario, results []Result) string {
	figures := []struct {
		name string
		of   func(Result) *float64
	}{
		{"age", func(r Result) *float64 { return r.Age }},
		{"p99", func(r Result) *float64 { return cmp.Or(r.P99, r.P50) }},
		{"bytes", func(r Result) *float64 { b := bytesPerSecond(s, r); return &b }},
		{"CPU time", func(r Result) *float64 { return cpuPerSecond(s, r) }},
	}
	type verdict struct {
		name, figure string
		times        float64
	}
	var verdicts []verdict
	for _, r := range results {
		v := verdict{name: r.Transport + " by HTTP/" + r.HTTP, times: 1}
		for _, figure := range figures {
			own := figure.of(r)
			for _, other := range results {
				best := figure.of(other)
				if own != nil && best != nil && *best > 0 && *own / *best > v.times {
					v.times, v.figure = *own / *best, figure.name
				}
			}
		}
		if r.Lost == 0 {
			verdicts = append(verdicts, v)
		}
	}
	slices.SortStableFunc(verdicts, func(a, b verdict) int { return cmp.Compare(a.times, b.times) })
	if len(verdicts) < 2 {
		return "These figures favour none: messages were lost."
	}
	says := func(v verdict) string {
		if v.figure == "" {
			return v.name + ", the best in all"
		}
		return fmt.Sprintf("%s, at most %.1f times the best (in %s)", v.name, v.times, v.figure)
	}
	return "These figures favour " + says(verdicts[0]) + "; then comes " + says(verdicts[1]) + "."
}
