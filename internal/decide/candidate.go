package decide

import (
	"fmt"
	"math"
	"time"

	"fourwires/internal/scenario"
)

// A Candidate is one transport that may meet a need, and what it would cost.
type Candidate struct {
	Name       string        // "polling every 980ms", "sse", "sse, and POST", "POST" …
	Mean, Most time.Duration // from a message's instant to its client: one-way delay and waiting alone
	Requests   float64       // a second, of all clients
	Bits       float64       // a second, of all clients, in both directions
	CPU        float64       // cores of the server
	Memory     float64       // bytes of the server
	InTime     bool          // Most is no longer than is needed
	Note       string        // what the figures come from, in words
	Times      float64       // its worst figure of bytes, CPU and memory, in multiples of the lowest; 0: not in time
	Figure     string        // which figure that is; empty: all its figures are the lowest
}

// A figure below these is too small to matter: it counts as this much.
const (
	minorBits   = 1e6
	minorCPU    = 0.05
	minorMemory = 64 << 20
)

// figures are those by which candidates are compared.
var figures = []struct {
	name  string
	minor float64
	of    func(Candidate) float64
}{
	{"bytes", minorBits, func(c Candidate) float64 { return c.Bits }},
	{"CPU time", minorCPU, func(c Candidate) float64 { return c.CPU }},
	{"memory", minorMemory, func(c Candidate) float64 { return c.Memory }},
}

// asGood is how many times as much as the best a candidate may cost and still count as equally good, so that the
// simplest is chosen.
const asGood = 1.25

// Candidates returns the candidates for a need, the simplest first: the one that keeps the least state and that most
// proxies and libraries support.
func (n Need) Candidates() []Candidate {
	var all []Candidate
	if n.Direction == scenario.Up {
		all = []Candidate{n.upstream("post"), n.upstream("websocket")}
	} else {
		for _, transport := range []string{"polling", "sse", "longpoll", "websocket"} {
			c := n.downstream(transport)
			if n.Direction == scenario.Both {
				by := "post"
				if transport == "websocket" {
					by = transport
				} else {
					c.Name += ", and POST"
				}
				up := n.upstream(by)
				c.Mean, c.Most = c.Mean+up.Mean, c.Most+up.Most
				c.Bits += up.Bits
				c.CPU += up.CPU
				c.Requests += up.Requests
			}
			all = append(all, c)
		}
	}
	n.compare(all)
	return all
}

// compare fills in InTime, Times and Figure.
func (n Need) compare(all []Candidate) {
	for i := range all {
		c := &all[i]
		if c.InTime = c.Most <= n.Late; !c.InTime {
			continue
		}
		c.Times = 1
		for _, figure := range figures {
			best := math.Inf(1)
			for _, other := range all {
				if other.Most <= n.Late {
					best = min(best, max(figure.of(other), figure.minor))
				}
			}
			if times := max(figure.of(*c), figure.minor) / best; times > c.Times {
				c.Times, c.Figure = times, figure.name
			}
		}
	}
}

// Choose returns the first candidate, which is the simplest, whose worst figure is at most a quarter above that of the
// best; nil: none is in time.
func Choose(candidates []Candidate) *Candidate {
	best := math.Inf(1)
	for _, c := range candidates {
		if c.InTime {
			best = min(best, c.Times)
		}
	}
	for i, c := range candidates {
		if c.InTime && c.Times <= asGood*best {
			return &candidates[i]
		}
	}
	return nil
}

// downstream returns what messages from the server to all clients cost by a transport.
func (n Need) downstream(transport string) Candidate {
	clients, rtt := float64(n.Clients), n.RTT.Seconds()
	length := float64(n.Size + aroundData)
	http := n.version(transport)
	c := Candidate{Name: transport, Mean: n.RTT / 2, Most: n.RTT / 2,
		Memory: clients * fitted("%s/%d memory-B", transport, http)}
	var bytes float64 // of a client, a second
	switch transport {
	case "polling":
		late := n.Late
		if n.Direction == scenario.Both {
			late -= n.RTT / 2 // for the message's upstream half
		}
		interval := n.interval(late)
		t := interval.Seconds()
		news := 1 - math.Exp(-n.Rate*t) // the share of polls that find some
		bytes = (news*(aroundMessage(transport, n)-1)+(1-news)*emptyPoll(n))/t + n.Rate*(length+1)
		c.Name = "polling every " + short(interval)
		c.Mean, c.Most = interval/2+n.RTT/2, interval+n.RTT/2
		c.Requests = clients / t
		c.CPU = c.Requests*pollCPU(http, c.Requests) + clients*n.Rate*fitted("polling joined cpu-ns")/1e9
		c.Note = fmt.Sprintf("a poll brings %s on average; %.0f %% of them bring nothing",
			quantity(n.Rate*t, "message"), 100*(1-news))
	case "longpoll":
		requests, missed, empty := rearm(n.Rate, rtt)
		bytes = requests*((1-empty)*(aroundMessage(transport, n)-1)+empty*emptyPoll(n)) + n.Rate*(length+1)
		c.Mean += time.Duration(missed * rtt / 2 * float64(time.Second))
		c.Most = n.RTT * 3 / 2
		c.Requests = clients * requests
		c.CPU = c.Requests*fitted("longpoll/%d cpu-ns", http)/1e9 +
			clients*n.Rate*fitted("longpoll joined cpu-ns")/1e9
		c.Note = fmt.Sprintf("%.0f %% of the messages find no request waiting; %s a client and second",
			100*missed, quantity(requests, "request"))
	default:
		bytes = n.Rate*(length+aroundMessage(transport, n)) + silence(transport, http)
		c.CPU = clients * n.Rate * fitted("%s/%d cpu-ns", transport, http) / 1e9
		c.Note = fmt.Sprintf("%.0f bytes around a message of %.0f", aroundMessage(transport, n), length)
	}
	c.Bits = 8 * clients * bytes
	return c
}

// interval returns the longest interval of polling with which messages take no longer than late; but at most a minute,
// and at least a round trip.
func (n Need) interval(late time.Duration) time.Duration {
	return min(max(late-n.RTT/2, n.RTT, time.Millisecond), time.Minute)
}

// upstream returns what messages from clients to the server cost, and the answers that acknowledge them, by POST or by
// WebSocket. Each client has a connection.
func (n Need) upstream(by string) Candidate {
	http, memory := n.HTTP, "polling"
	c := Candidate{Name: "POST", Requests: n.Rate}
	if by == "websocket" {
		http, memory = 1, by
		c = Candidate{Name: by}
	}
	around := fitted("up/%s/%d B", by, http)
	c.Mean, c.Most = n.RTT/2, n.RTT/2
	c.Bits = 8 * n.Rate * (float64(n.Size) + around)
	c.CPU = n.Rate * fitted("up/%s/%d cpu-ns", by, http) / 1e9
	c.Memory = float64(n.Clients) * fitted("%s/%d memory-B", memory, http)
	c.Note = fmt.Sprintf("%.0f bytes around a message of %d", around, n.Size)
	if by == "websocket" && n.Direction == scenario.Up {
		c.Bits += 8 * float64(n.Clients) * silence(by, 1)
	}
	return c
}

// BreakEven returns the shortest interval with which polling needs no more bytes than an open stream by this transport,
// and how many messages a poll then brings. It does not find one above a minute.
func (n Need) BreakEven(transport string) (interval time.Duration, messages float64, found bool) {
	stream := n.downstream(transport).Bits
	for t := time.Millisecond; t <= time.Minute; t += max(time.Millisecond, t/200) {
		at := n
		at.Direction, at.RTT, at.Late = scenario.Down, 0, t
		if at.downstream("polling").Bits <= stream {
			return t, n.Rate * t.Seconds(), true
		}
	}
	return 0, 0, false
}
