package experiments_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"fourwires/docs/blocks"
	"fourwires/internal/decide"
	"fourwires/internal/protocol"
	"fourwires/internal/scenario"
)

// The experiments of chapter 15, with the model of lab decide.

// TestUses prints which transport it chooses for the six scenarios of lab measure, with as many clients as each has, and
// with 5 000.
func TestUses(t *testing.T) {
	var report strings.Builder
	fmt.Fprintf(&report, "%-8s %9s %6s %5s %8s   %-29s %s\n", "", "messages/s", "bytes", "way", "in time",
		"as many as it has", "5 000 clients")
	for _, s := range scenario.All {
		n := decide.Usual()
		n.Rate, n.Size, n.Direction, n.Clients = s.Rate, s.Payload, s.Direction, s.Clients
		n.Late = s.Interval + n.RTT // one round trip more than the interval: polling can just do it
		many := n
		many.Clients = 5000
		if n.Direction == scenario.Up { // each client sends as often as before
			many.Rate *= float64(many.Clients) / float64(n.Clients)
		}
		fmt.Fprintf(&report, "%-8s %9g %7d %5s %8v   %3d: %-24s %s\n", s.Name, n.Rate, n.Size, n.Direction, n.Late,
			n.Clients, decide.Choose(n.Candidates()).Name, decide.Choose(many.Candidates()).Name)
	}
	blocks.Printed(t, report.String())
}

// TestBreakEven prints the polling interval from which on polling takes no more bytes than a stream.
func TestBreakEven(t *testing.T) {
	var report strings.Builder
	fmt.Fprintf(&report, "messages of 200 bytes, TLS; polling needs no more bytes than a stream, if a poll brings\n")
	fmt.Fprintf(&report, "%-26s %22s %22s\n", "messages/s", "sse", "websocket")
	for _, row := range []struct {
		http    int
		headers string
	}{{1, protocol.Chrome}, {1, protocol.Go}, {2, protocol.Chrome}, {2, protocol.Go}} {
		for _, rate := range []float64{0.1, 1, 10} {
			n := decide.Usual()
			n.HTTP, n.Headers, n.Rate = row.http, row.headers, rate
			fmt.Fprintf(&report, "%4g, HTTP/%-3s %-8s", rate, map[int]string{1: "1.1", 2: "2"}[row.http], row.headers)
			for _, transport := range []string{"sse", "websocket"} {
				cell := "never"
				if interval, messages, found := n.BreakEven(transport); found {
					cell = fmt.Sprintf("%.1f, so every %.1f s", messages, interval.Seconds())
				}
				fmt.Fprintf(&report, " %25s", cell)
			}
			fmt.Fprintln(&report)
		}
	}
	blocks.Printed(t, report.String())
}

// choosing draws which transport is chosen, by the delay that is allowed and by the rate.
func choosing(t *testing.T) *svg {
	const left, wide, gap, top, high, columns, rows = 76.0, 300.0, 60.0, 54.0, 270.0, 60, 54
	s := &svg{width: left + 2*wide + gap + 30, height: top + high + 92}
	for i, clients := range []int{1000, 10_000} {
		x0 := left + float64(i)*(wide+gap)
		s.text(x0, top-24, "start", "name", fmt.Sprintf("%d clients", clients))
		used := map[string]bool{}
		for row := range rows {
			rate := math.Pow(10, -2+4*(float64(rows-row)-0.5)/rows)
			from, last := 0, ""
			for column := 0; column <= columns; column++ {
				kind := ""
				if column < columns {
					n := decide.Usual()
					n.Clients, n.Rate = clients, rate
					n.Late = time.Duration(0.01 * math.Pow(10, 4*(float64(column)+0.5)/columns) * float64(time.Second))
					kind = "none"
					if take := decide.Choose(n.Candidates()); take != nil {
						kind, _, _ = strings.Cut(take.Name, " ")
					}
				}
				if kind == last {
					continue
				}
				if last != "" && last != "none" {
					used[last] = true
					y := top + (float64(row)+0.5)*high/rows
					s.add(`<path d="M%.1f %.1fH%.1f" class="%s" style="stroke-width:%.1f"/>`,
						x0+wide*float64(from)/columns, y, x0+wide*float64(column)/columns, last, high/rows+0.3)
				}
				from, last = column, kind
			}
		}
		for decade := 0; decade <= 4; decade++ {
			x := x0 + wide*float64(decade)/4
			s.line(x, top, x, top+high, "grid")
			s.text(x, top+high+18, "middle", "soft", []string{"10 ms", "0.1 s", "1 s", "10 s", "100 s"}[decade])
			y := top + high - high*float64(decade)/4
			s.line(x0, y, x0+wide, y, "grid")
			if i == 0 {
				s.text(x0-10, y+4, "end", "soft", []string{"0.01/s", "0.1/s", "1/s", "10/s", "100/s"}[decade])
			}
		}
		s.text(x0+wide/2, top+high+40, "middle", "soft", "early enough")
	}
	for i, name := range []string{"polling", "sse", "longpoll", "websocket"} {
		x := left + 150*float64(i)
		s.add(`<path d="M%.1f %.1fh24" class="%s" style="stroke-width:12"/>`, x, top+high+70, name)
		s.text(x+32, top+high+74, "start", "name", name)
	}
	return s
}
