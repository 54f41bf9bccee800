package decide

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"fourwires/internal/scenario"
)

// Advise prints what each candidate for a need costs, which one to take and why, and which other needs would change
// the answer.
func (n Need) Advise(out io.Writer) error {
	var b strings.Builder
	direction := map[string]string{scenario.Down: "down to all", scenario.Both: "up, and down to all", scenario.Up: "up"}
	fmt.Fprintf(&b, "%s, %s a second %s, %d bytes of data each;\n",
		quantity(float64(n.Clients), "client"), quantity(n.Rate, "message"), direction[n.Direction], n.Size)
	fmt.Fprintf(&b, "early enough is %s late, over a round trip of %s; HTTP/%s and TLS, heads as %s sends them.\n\n",
		short(n.Late), n.RTT, map[int]string{1: "1.1", 2: "2"}[n.HTTP], n.Headers)
	candidates := n.Candidates()
	writeTable(&b, candidates)
	for _, c := range candidates {
		fmt.Fprintf(&b, "%s: %s.\n", c.Name, c.Note)
	}
	b.WriteString("\n")
	if choice := Choose(candidates); choice == nil {
		fmt.Fprintf(&b, "Take none: a trip alone takes %s.\n", short(n.RTT/2))
	} else {
		fmt.Fprintf(&b, "Take %s. %s\n", choice.Name, reason(candidates, choice))
	}
	for _, line := range n.changes() {
		fmt.Fprintln(&b, line)
	}
	if line := n.bytesAlone(); line != "" {
		fmt.Fprintln(&b, line)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// writeTable writes a row of figures for each candidate.
func writeTable(b *strings.Builder, candidates []Candidate) {
	width := 0
	for _, c := range candidates {
		width = max(width, len(c.Name))
	}
	fmt.Fprintf(b, "%-*s %9s %9s %11s %9s %10s %11s %10s\n",
		width, "", "late mean", "at most*", "requests/s", "Mbit/s", "CPU, cores", "memory, MiB", "times best")
	for _, c := range candidates {
		times := "too late"
		if c.InTime {
			times = fmt.Sprintf("%.1f", c.Times)
		}
		fmt.Fprintf(b, "%-*s %9s %9s %11s %9s %10s %11.0f %10s\n", width, c.Name, short(c.Mean), short(c.Most),
			digits(c.Requests), digits(c.Bits/1e6), digits(c.CPU), c.Memory/(1<<20), times)
	}
	b.WriteString("* of trip and waiting alone; pauses of the machines come on top.\n\n")
}

// reason says why a candidate is chosen, and why no other.
func reason(candidates []Candidate, choice *Candidate) string {
	var others []string
	for _, c := range candidates {
		switch {
		case c.Name == choice.Name:
		case !c.InTime:
			others = append(others, c.kind()+" is too late")
		case c.Times > asGood*choice.Times:
			others = append(others, fmt.Sprintf("%s takes %.1f times the best in %s", c.kind(), c.Times, c.Figure))
		default:
			others = append(others, c.kind()+" costs about the same, or more, and is less simple")
		}
	}
	own := "It is the best in all that counts"
	if choice.Figure != "" && choice.Times >= 1.05 {
		own = fmt.Sprintf("At its worst, in %s, it takes %.1f times the best", choice.Figure, choice.Times)
	}
	return own + "; " + strings.Join(others, "; ") + "."
}

// changes returns a sentence for each flag of lab decide that may change the choice: from which value on which
// candidate is chosen.
func (n Need) changes() []string {
	var sentences []string
	seconds := func(x float64) time.Duration { return time.Duration(x * float64(time.Second)) }
	for _, scan := range []struct {
		flag     string
		from, to float64
		set      func(n *Need, x float64)
		text     func(x float64) string
	}{
		{"--late", 0.001, 120,
			func(n *Need, x float64) { n.Late = seconds(x) }, func(x float64) string { return short(seconds(x)) }},
		{"--rate", 0.001, 1000,
			func(n *Need, x float64) { n.Rate = x }, digits},
		{"--clients", 1, 1_000_000,
			func(n *Need, x float64) { n.Clients = int(math.Round(x)) }, threeDigits},
	} {
		var choices []string
		last := ""
		for i, steps := 0, 600; i <= steps; i++ {
			x := scan.from * math.Pow(scan.to/scan.from, float64(i)/float64(steps))
			other := n
			scan.set(&other, x)
			if kind := Choose(other.Candidates()).kind(); kind != last {
				if last == "" {
					choices = append(choices, kind)
				} else {
					choices = append(choices, fmt.Sprintf("from %s on %s", scan.text(x), kind))
				}
				last = kind
			}
		}
		if len(choices) == 1 {
			choices = append(choices, "whatever it is")
		}
		sentences = append(sentences, fmt.Sprintf("With another %s: %s.", scan.flag, strings.Join(choices, ", ")))
	}
	return sentences
}

// bytesAlone says from which interval on polling needs fewer bytes than the streams.
func (n Need) bytesAlone() string {
	if n.Direction == scenario.Up {
		return ""
	}
	var streams []string
	for _, transport := range []string{"sse", "websocket"} {
		if t, messages, found := n.BreakEven(transport); found {
			streams = append(streams, fmt.Sprintf("%s from every %s on, when one brings %s",
				transport, short(t), quantity(messages, "message")))
		} else {
			streams = append(streams, transport+" not even once a minute")
		}
	}
	return "In bytes alone, polling beats " + strings.Join(streams, "; ") + "."
}

// kind returns the candidate's name without its interval and without what it sends messages by.
func (c *Candidate) kind() string {
	if c == nil {
		return "none of them"
	}
	name, _, _ := strings.Cut(c.Name, " every")
	name, _, _ = strings.Cut(name, ",")
	return name
}

// short returns a time with three digits.
func short(d time.Duration) string {
	if d <= 0 {
		return "0s"
	}
	unit := time.Duration(math.Pow(10, math.Floor(math.Log10(float64(d)))-2))
	return d.Round(max(unit, 1)).String()
}

// quantity returns a number with its noun, in the plural unless it is one.
func quantity(x float64, noun string) string {
	if x != 1 {
		noun += "s"
	}
	return digits(x) + " " + noun
}

// digits returns three digits of a number, or all that stand before the point.
func digits(x float64) string {
	if x >= 100 {
		return fmt.Sprintf("%.0f", x)
	}
	return strconv.FormatFloat(x, 'g', 3, 64)
}

// threeDigits returns a number rounded to three digits.
func threeDigits(x float64) string {
	unit := max(1, math.Pow(10, math.Floor(math.Log10(x))-2))
	return fmt.Sprintf("%.0f", math.Round(x/unit)*unit)
}
