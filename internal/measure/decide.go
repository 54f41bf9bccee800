package measure

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"fourwires/feed"
	"fourwires/internal/scenario"
	"fourwires/internal/source"
)

// A Need is what somebody needs a live feed for.
type Need struct {
	Rate      float64 // messages a second, of all clients together
	Size      int     // bytes of a message's data
	Direction string  // scenario.Down and Both: each message goes to all clients
	Clients   int
	Late      time.Duration // how late is early enough
	RTT       time.Duration
	HTTP      int    // version; a WebSocket opens its connection by 1
	Headers   string // of the polls' heads: Go, Chrome
}

// Usual is a need to begin with.
func Usual() Need {
	return Need{Rate: 1, Size: 200, Direction: scenario.Down, Clients: 1000, Late: time.Second, RTT: 40 * time.Millisecond, HTTP: 2, Headers: Chrome}
}

// Check returns nil for a need that can be decided on, and otherwise one sentence on
// the first fault.
func (n Need) Check() error {
	switch {
	case !(n.Rate > 0) || n.Rate > source.MaxRate: // so written, NaN is refused too
		return fmt.Errorf("rate %v: must be above 0 and at most %d messages a second", n.Rate, source.MaxRate)
	case n.Size < MinPayload || n.Size > feed.MaxData:
		return fmt.Errorf("size %d: must be from %d to %d bytes", n.Size, MinPayload, feed.MaxData)
	case n.Direction != scenario.Down && n.Direction != scenario.Both && n.Direction != scenario.Up:
		return fmt.Errorf("direction %q: must be %s, %s or %s", n.Direction, scenario.Down, scenario.Both, scenario.Up)
	case n.Clients < 1 || n.Clients > 1_000_000:
		return fmt.Errorf("clients %d: must be from 1 to 1000000", n.Clients)
	case n.Late <= 0 || n.Late > time.Hour:
		return fmt.Errorf("late %v: must be above 0 and at most 1h", n.Late)
	case n.RTT < 0 || n.RTT > time.Minute:
		return fmt.Errorf("rtt %v: must be from 0s to 1m", n.RTT)
	case n.HTTP != 1 && n.HTTP != 2:
		return fmt.Errorf("http %d: must be 1 or 2", n.HTTP)
	case n.Headers != Go && n.Headers != Chrome:
		return fmt.Errorf("headers %q: must be %s or %s", n.Headers, Go, Chrome)
	}
	return nil
}

func (n Need) version(transport string) int {
	if transport == "websocket" {
		return 1
	}
	return n.HTTP
}

// A Way is one way to meet a need, and what it costs.
type Way struct {
	Name       string
	Mean, Most time.Duration // how late a message is, of trip and waiting alone
	Requests   float64       // a second, of all clients
	Bits       float64       // a second
	CPU        float64       // cores of the server
	Memory     float64       // bytes of the server
	InTime     bool          // it can be as early as is needed
	Note       string
	Times      float64 // the best, in the figure in which it is worst; 0 where not in time
	Figure     string  // that figure
}

// What nobody minds: figures below these count as these.
const (
	minorBits   = 1e6
	minorCPU    = 0.05
	minorMemory = 64 << 20
)

// near is how much dearer than the best a way may be and still be as good, so that the
// simplest is taken.
const near = 1.25

// Ways returns the ways to meet a need, the simplest first: the one that keeps the
// least, and that the most proxies and libraries know.
func (n Need) Ways() []Way {
	var ways []Way
	if n.Direction == scenario.Up {
		ways = []Way{n.sending("post"), n.sending("websocket")}
	} else {
		for _, transport := range []string{"polling", "sse", "longpoll", "websocket"} {
			way := n.reading(transport)
			if n.Direction == scenario.Both {
				up := "post"
				if transport == "websocket" {
					up = transport
				} else {
					way.Name += ", and POST"
				}
				sent := n.sending(up)
				way.Mean, way.Most = way.Mean+sent.Mean, way.Most+sent.Most
				way.Bits += sent.Bits
				way.CPU += sent.CPU
				way.Requests += sent.Requests
			}
			ways = append(ways, way)
		}
	}
	figures := []struct {
		name  string
		minor float64
		of    func(Way) float64
	}{
		{"bytes", minorBits, func(w Way) float64 { return w.Bits }},
		{"CPU time", minorCPU, func(w Way) float64 { return w.CPU }},
		{"memory", minorMemory, func(w Way) float64 { return w.Memory }},
	}
	for i := range ways {
		w := &ways[i]
		if w.InTime = w.Most <= n.Late; !w.InTime {
			continue
		}
		w.Times = 1
		for _, figure := range figures {
			best := math.Inf(1)
			for _, other := range ways {
				if other.Most <= n.Late {
					best = min(best, max(figure.of(other), figure.minor))
				}
			}
			if times := max(figure.of(*w), figure.minor) / best; times > w.Times {
				w.Times, w.Figure = times, figure.name
			}
		}
	}
	return ways
}

// reading returns what it costs to have messages come down.
func (n Need) reading(transport string) Way {
	clients, rtt := float64(n.Clients), n.RTT.Seconds()
	length := float64(n.Size + around)
	http := n.version(transport)
	w := Way{Name: transport, Mean: n.RTT / 2, Most: n.RTT / 2, Memory: clients * fitted("%s/%d held-B", transport, http)}
	var bytes float64 // of a client, a second
	switch transport {
	case "polling":
		late := n.Late
		if n.Direction == scenario.Both {
			late -= n.RTT / 2 // for the way up
		}
		interval := n.interval(late)
		t := interval.Seconds()
		news := 1 - math.Exp(-n.Rate*t) // the share of polls that bring some
		bytes = (news*(message(transport, n)-1)+(1-news)*vain(n))/t + n.Rate*(length+1)
		w.Name = "polling every " + short(interval)
		w.Mean, w.Most = interval/2+n.RTT/2, interval+n.RTT/2
		w.Requests = clients / t
		w.CPU = w.Requests*poll(http, w.Requests) + clients*n.Rate*fitted("polling joined cpu-ns")/1e9
		w.Note = fmt.Sprintf("a poll brings %s on average; %.0f %% of them bring nothing", many(n.Rate*t, "message"), 100*(1-news))
	case "longpoll":
		requests, missed, empty := rearm(n.Rate, rtt)
		bytes = requests*((1-empty)*(message(transport, n)-1)+empty*vain(n)) + n.Rate*(length+1)
		w.Mean += time.Duration(missed * rtt / 2 * float64(time.Second))
		w.Most = n.RTT * 3 / 2
		w.Requests = clients * requests
		w.CPU = w.Requests*fitted("longpoll/%d cpu-ns", http)/1e9 + clients*n.Rate*fitted("longpoll joined cpu-ns")/1e9
		w.Note = fmt.Sprintf("%.0f %% of the messages find no request waiting; %s a client and second", 100*missed, many(requests, "request"))
	default:
		bytes = n.Rate*(length+message(transport, n)) + silence(transport, http)
		w.CPU = clients * n.Rate * fitted("%s/%d cpu-ns", transport, http) / 1e9
		w.Note = fmt.Sprintf("%.0f bytes around a message of %.0f", message(transport, n), length)
	}
	w.Bits = 8 * clients * bytes
	return w
}

// interval returns how rarely a client may poll for messages that are to be so late at
// most; but it asks once a minute at the least, and once a round trip at the most.
func (n Need) interval(late time.Duration) time.Duration {
	return min(max(late-n.RTT/2, n.RTT, time.Millisecond), time.Minute)
}

// sending returns what it costs to have messages come up, and to be told that they
// came. Each client has a connection.
func (n Need) sending(by string) Way {
	http, held := n.HTTP, "polling"
	w := Way{Name: "POST", Requests: n.Rate}
	if by == "websocket" {
		http, held = 1, by
		w = Way{Name: by}
	}
	around := fitted("up/%s/%d B", by, http)
	w.Mean, w.Most = n.RTT/2, n.RTT/2
	w.Bits = 8 * n.Rate * (float64(n.Size) + around)
	w.CPU = n.Rate * fitted("up/%s/%d cpu-ns", by, http) / 1e9
	w.Memory = float64(n.Clients) * fitted("%s/%d held-B", held, http)
	w.Note = fmt.Sprintf("%.0f bytes around a message of %d", around, n.Size)
	if by == "websocket" && n.Direction == scenario.Up {
		w.Bits += 8 * float64(n.Clients) * silence(by, 1)
	}
	return w
}

// Take returns the way to take: the simplest of those that are about as good as the
// best; nil: none is in time.
func Take(ways []Way) *Way {
	best := math.Inf(1)
	for _, w := range ways {
		if w.InTime {
			best = min(best, w.Times)
		}
	}
	for i, w := range ways {
		if w.InTime && w.Times <= near*best {
			return &ways[i]
		}
	}
	return nil
}

// kind is a way without its interval.
func (w *Way) kind() string {
	if w == nil {
		return "none of them"
	}
	name, _, _ := strings.Cut(w.Name, " every")
	name, _, _ = strings.Cut(name, ",")
	return name
}

// short prints a time with three digits.
func short(d time.Duration) string {
	if d <= 0 {
		return "0s"
	}
	unit := time.Duration(math.Pow(10, math.Floor(math.Log10(float64(d)))-2))
	return d.Round(max(unit, 1)).String()
}

// many prints how many there are.
func many(x float64, what string) string {
	if x != 1 {
		what += "s"
	}
	return digits(x) + " " + what
}

// digits prints three digits, or all there are before the point.
func digits(x float64) string {
	if x >= 100 {
		return fmt.Sprintf("%.0f", x)
	}
	return strconv.FormatFloat(x, 'g', 3, 64)
}

// Decide prints what a need costs by each way, which to take and why, and where the
// answer changes.
func (n Need) Decide(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s a second %s, %d bytes of data each;\nearly enough is %s late, over a round trip of %s; HTTP/%s and TLS, heads as %s sends them.\n\n",
		many(float64(n.Clients), "client"), many(n.Rate, "message"), map[string]string{scenario.Down: "down to all", scenario.Both: "up, and down to all", scenario.Up: "up"}[n.Direction],
		n.Size, short(n.Late), n.RTT, map[int]string{1: "1.1", 2: "2"}[n.HTTP], n.Headers)
	ways := n.Ways()
	wide := 0
	for _, w := range ways {
		wide = max(wide, len(w.Name))
	}
	fmt.Fprintf(&b, "%-*s %9s %9s %11s %9s %10s %11s %10s\n", wide, "", "late mean", "at most*", "requests/s", "Mbit/s", "CPU, cores", "memory, MiB", "times best")
	for _, w := range ways {
		times := "too late"
		if w.InTime {
			times = fmt.Sprintf("%.1f", w.Times)
		}
		fmt.Fprintf(&b, "%-*s %9s %9s %11s %9s %10s %11.0f %10s\n", wide, w.Name, short(w.Mean), short(w.Most),
			digits(w.Requests), digits(w.Bits/1e6), digits(w.CPU), w.Memory/(1<<20), times)
	}
	b.WriteString("* of trip and waiting alone; pauses of the machines come on top.\n\n")
	for _, w := range ways {
		fmt.Fprintf(&b, "%s: %s.\n", w.Name, w.Note)
	}
	b.WriteString("\n")
	take := Take(ways)
	if take == nil {
		fmt.Fprintf(&b, "Take none: a trip alone takes %s.\n", short(n.RTT/2))
	} else {
		fmt.Fprintf(&b, "Take %s. %s\n", take.Name, n.because(ways, take))
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

// because gives the reason for a way.
func (n Need) because(ways []Way, take *Way) string {
	var rest []string
	for _, w := range ways {
		switch {
		case w.Name == take.Name:
		case !w.InTime:
			rest = append(rest, w.kind()+" is too late")
		case w.Times > near*take.Times:
			rest = append(rest, fmt.Sprintf("%s takes %.1f times the best in %s", w.kind(), w.Times, w.Figure))
		default:
			rest = append(rest, w.kind()+" costs about the same, or more, and is less simple")
		}
	}
	said := "It is the best in all that counts"
	if take.Figure != "" && take.Times >= 1.05 {
		said = fmt.Sprintf("At its worst, in %s, it takes %.1f times the best", take.Figure, take.Times)
	}
	return said + "; " + strings.Join(rest, "; ") + "."
}

// changes says for which other values another way is to be taken.
func (n Need) changes() (lines []string) {
	for _, scan := range []struct {
		flag     string
		from, to float64
		set      func(n *Need, x float64)
		print    func(x float64) string
	}{
		{"--late", 0.001, 120, func(n *Need, x float64) { n.Late = time.Duration(x * float64(time.Second)) },
			func(x float64) string { return short(time.Duration(x * float64(time.Second))) }},
		{"--rate", 0.001, 1000, func(n *Need, x float64) { n.Rate = x }, digits},
		{"--clients", 1, 1_000_000, func(n *Need, x float64) { n.Clients = int(math.Round(x)) },
			func(x float64) string {
				unit := max(1, math.Pow(10, math.Floor(math.Log10(x))-2))
				return fmt.Sprintf("%.0f", math.Round(x/unit)*unit)
			}},
	} {
		var line []string
		last := ""
		for i, steps := 0, 600; i <= steps; i++ {
			x := scan.from * math.Pow(scan.to/scan.from, float64(i)/float64(steps))
			other := n
			scan.set(&other, x)
			if kind := Take(other.Ways()).kind(); kind != last {
				if last == "" {
					line = append(line, kind)
				} else {
					line = append(line, fmt.Sprintf("from %s on %s", scan.print(x), kind))
				}
				last = kind
			}
		}
		if len(line) == 1 {
			line = append(line, "whatever it is")
		}
		lines = append(lines, fmt.Sprintf("With another %s: %s.", scan.flag, strings.Join(line, ", ")))
	}
	return lines
}

// BreakEven returns how rarely a client has to poll to need no more bytes than an
// open stream by this transport, and how many messages a poll brings then; found
// false: not once a minute.
func (n Need) BreakEven(transport string) (interval time.Duration, messages float64, found bool) {
	stream := n.reading(transport).Bits
	for t := time.Millisecond; t <= time.Minute; t += max(time.Millisecond, t/200) {
		at := n
		at.Direction, at.RTT, at.Late = scenario.Down, 0, t
		if at.reading("polling").Bits <= stream {
			return t, n.Rate * t.Seconds(), true
		}
	}
	return 0, 0, false
}

// bytesAlone says where polling needs fewer bytes than the streams.
func (n Need) bytesAlone() string {
	if n.Direction == scenario.Up {
		return ""
	}
	var parts []string
	for _, transport := range []string{"sse", "websocket"} {
		if t, messages, found := n.BreakEven(transport); found {
			parts = append(parts, fmt.Sprintf("%s from every %s on, when one brings %s", transport, short(t), many(messages, "message")))
		} else {
			parts = append(parts, transport+" not even once a minute")
		}
	}
	return "In bytes alone, polling beats " + strings.Join(parts, "; ") + "."
}
