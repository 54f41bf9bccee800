package measure

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"fourwires/internal/lab"
)

// The directions in which messages go.
const (
	Down = "down" // the server publishes, clients read
	Both = "both" // clients publish, all of them read
	Up   = "up"   // clients send, and are answered: an echo stands for the acknowledgement
)

// A Scenario is a use of a live feed: what it asks of a transport.
type Scenario struct {
	Name      string
	Direction string
	Rate      float64       // messages a second, of all together
	Payload   int           // bytes of a message's data
	Burst     int           // messages that come together,
	Gap       time.Duration // so far from each other
	Clients   int
	Interval  time.Duration // of polling: as rarely as the use can bear
	Why       string
}

// Scenarios are those that there are.
var Scenarios = []Scenario{
	{"chat", Both, 4, 120, 1, 0, 20, time.Second,
		"A room of twenty, where somebody writes a line every five seconds. A second late is early enough."},
	{"ticker", Down, 10, 200, 1, 0, 20, time.Second,
		"Live updates: scores or prices of which everybody sees all, and nobody answers."},
	{"collab", Both, 20, 60, 5, 30 * time.Millisecond, 5, 200 * time.Millisecond,
		"Five people in one document. Whoever types sends a burst of small edits, and all see them as they are typed."},
	{"game", Both, 80, 60, 1, 0, 4, 50 * time.Millisecond,
		"Four players, each sends its position twenty times a second. What comes late is worth nothing."},
	{"iot", Up, 10, 200, 1, 0, 50, 10 * time.Second,
		"Fifty devices send a reading every five seconds, and are told that it came."},
	{"trading", Down, 200, 150, 10, time.Millisecond, 10, 100 * time.Millisecond,
		"Quotes in bursts: ten within some milliseconds, twenty times a second."},
}

// ScenarioNames are their names.
func ScenarioNames() (names []string) {
	for _, s := range Scenarios {
		names = append(names, s.Name)
	}
	return names
}

// Find returns the scenario of a name, or one sentence.
func Find(name string) (Scenario, error) {
	i := slices.Index(ScenarioNames(), name)
	if i < 0 {
		return Scenario{}, fmt.Errorf("scenario %q: must be one of %s", name, strings.Join(ScenarioNames(), ", "))
	}
	return Scenarios[i], nil
}

// Apply returns options for the scenario.
func (s Scenario) Apply(o Options) Options {
	o.Direction, o.Rate, o.Payload, o.Burst, o.Gap = s.Direction, s.Rate, s.Payload, s.Burst, s.Gap
	o.Clients, o.Interval = s.Clients, s.Interval
	return o
}

// RunAll measures the four by HTTP/1.1, and then by HTTP/2 those that speak it, as
// [Run] does.
func RunAll(ctx context.Context, o Options, done func(Result) error) error {
	var ways []way
	for _, http := range []int{1, 2} {
		for _, t := range lab.Transports {
			speech := o.Speech
			if speech.HTTP = http; speech.Version(t.Name) == http {
				ways = append(ways, way{Target{Transport: t.Name}, speech})
			}
		}
	}
	return o.run(ctx, ways, rand.Uint64(), done)
}

// ScenarioTable prints the results of a scenario, and what they favour.
func ScenarioTable(w io.Writer, s Scenario, results []Result) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n%d clients, %g messages a second %s, %d bytes of data each", s.Name, s.Why, s.Clients, s.Rate,
		map[string]string{Down: "down", Both: "up, and down to all", Up: "up, each answered"}[s.Direction], s.Payload)
	if s.Burst > 1 {
		fmt.Fprintf(&b, ", in bursts of %d, %v apart", s.Burst, s.Gap)
	}
	fmt.Fprintf(&b, "; polling every %v.\n\n", s.Interval)
	fmt.Fprintf(&b, "%-10s %4s %10s %10s %10s %14s %14s %6s %6s\n", "", "HTTP", "p50", "p99", "age, mean", "B/s a client", "CPU a client", "lost", "n")
	for _, r := range results {
		fmt.Fprintf(&b, "%-10s %4s %10s %10s %10s %14s %14s %6d %6d\n", r.Transport, r.HTTP, duration(r.P50, 1), duration(r.P99, 1), duration(r.Age, 1),
			fmt.Sprintf("%.0f", s.bytes(r)), rate(s.cpu(r)), r.Lost, r.Delivered)
	}
	if len(results) > 1 {
		fmt.Fprintf(&b, "\n%s\n", s.Favours(results))
	}
	fmt.Fprintf(&b, "%s, network: %s; over %.1f s each, after a warm-up. CPU is the server's, a second.\n", spoken(results), results[0].Network, results[0].Took.Seconds())
	_, err := io.WriteString(w, b.String())
	return err
}

// bytes returns what crosses the sockets for each client in a second, without what
// is paid once.
func (s Scenario) bytes(r Result) float64 {
	return float64(r.Up.Total+r.Down.Total-r.Up.Opening-r.Down.Opening) / float64(s.Clients) / r.Took.Seconds()
}

// cpu returns the server's CPU time for each client in a second, in µs; nil: not
// known.
func (s Scenario) cpu(r Result) *float64 {
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
func (s Scenario) Favours(results []Result) string {
	figures := []struct {
		name string
		of   func(Result) *float64
	}{
		{"age", func(r Result) *float64 { return r.Age }},
		{"p99", func(r Result) *float64 { return cmp.Or(r.P99, r.P50) }},
		{"bytes", func(r Result) *float64 { b := s.bytes(r); return &b }},
		{"CPU time", s.cpu},
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
