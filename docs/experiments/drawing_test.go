package experiments_test

import (
	"bytes"
	"cmp"
	"fmt"
	"html"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
)

// An svg is a picture, readable on a light and on a dark background.
type svg struct {
	body          strings.Builder
	width, height float64
}

func (s *svg) add(format string, args ...any) { fmt.Fprintf(&s.body, format+"\n", args...) }

func (s *svg) text(x, y float64, anchor, class, text string) {
	s.add(`<text x="%.1f" y="%.1f" text-anchor="%s" class="%s">%s</text>`, x, y, anchor, class, html.EscapeString(text))
}

func (s *svg) line(x1, y1, x2, y2 float64, class string) {
	s.add(`<path d="M%.1f %.1fL%.1f %.1f" class="%s"/>`, x1, y1, x2, y2, class)
}

// bytes returns the content of the file.
func (s *svg) bytes(title, desc string) []byte {
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%[1]g" height="%[2]g" role="img" aria-labelledby="title desc">
<title id="title">%s</title>
<desc id="desc">%s</desc>
<style>
svg { --card: #ffffff; --line: #d8d8d2; --text: #16181d; --soft: #555a63; --polling: #b84a00; --longpoll: #8e3a75; --sse: #007a5a; --websocket: #0072b2; font: 13px system-ui, sans-serif; }
@media (prefers-color-scheme: dark) {
svg { --card: #1a1d23; --line: #353a44; --text: #eceef2; --soft: #a5acb8; --polling: #ff9650; --longpoll: #e7a5cb; --sse: #3fcf9f; --websocket: #73bdf0; }
}
text { fill: var(--text); }
path { fill: none; stroke-width: 1.5; }
.card { fill: var(--card); }
.soft { fill: var(--soft); }
.name { font-weight: 600; }
.pole, .axis { stroke: var(--soft); }
.grid { stroke: var(--line); stroke-width: 1; }
.dashed { stroke: var(--soft); stroke-dasharray: 5 4; }
.leader { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 1 3; }
.dot { fill: var(--text); }
path.polling { stroke: var(--polling); } text.polling, .polling .tip { fill: var(--polling); }
path.longpoll { stroke: var(--longpoll); } text.longpoll, .longpoll .tip { fill: var(--longpoll); }
path.sse { stroke: var(--sse); } text.sse, .sse .tip { fill: var(--sse); }
path.websocket { stroke: var(--websocket); } text.websocket, .websocket .tip { fill: var(--websocket); }
</style>
<rect class="card" width="100%%" height="100%%" rx="6"/>
%s</svg>
`, s.width, s.height, html.EscapeString(title), html.EscapeString(desc), s.body.String())
}

// sequence draws a trace: client and server, time downwards, an arrow for each flight. Scale is pixels per millisecond.
func (tr *trace) sequence(lane string, scale float64, until time.Duration) *svg {
	const client, server, top = 190.0, 600.0, 52.0
	s := &svg{width: 810, height: top + scale*float64(until/ms) + 18}
	y := func(at time.Duration) float64 { return top + scale*float64(at)/float64(ms) }
	s.text(client, 24, "middle", "name", "client")
	s.text(server, 24, "middle", "name", "server")
	s.line(client, 34, client, s.height-8, "pole")
	s.line(server, 34, server, s.height-8, "pole")

	for _, dial := range tr.dials {
		middle := (dial[0] + dial[1]) / 2
		s.line(client, y(dial[0]), server, y(middle), "dashed")
		s.line(server, y(middle), client, y(dial[1]), "dashed")
		s.along(client, y(dial[0]), server, y(middle), "soft", "connect: a round trip")
	}
	type note struct {
		at   time.Duration
		text string
	}
	var left, right []note
	last := uint64(0)
	for id, at := range tr.received {
		last = max(last, id)
		left = append(left, note{at, fmt.Sprintf("message %d, after %s", id, clock(at-tr.published[id]))})
	}
	for id, at := range tr.published {
		text := fmt.Sprintf("message %d, at %s", id, clock(at))
		if _, arrived := tr.received[id]; !arrived && id < last {
			text += ": lost"
		}
		right = append(right, note{at, text})
	}
	for _, flight := range tr.flights {
		from, to, arrived := server, client, cmp.Or(flight.arrived, flight.sent+50*ms)
		if flight.up {
			from, to = client, server
		}
		s.arrow(from, y(flight.sent), to, y(arrived), lane)
		s.along(from, y(flight.sent), to, y(arrived), lane, fmt.Sprintf("%s: %d B", flight.name(), len(flight.data)))
		if flight.up {
			left = append(left, note{flight.sent, clock(flight.sent)})
		}
	}
	for _, side := range []struct {
		notes      []note
		x, outward float64
		anchor     string
	}{{left, client, -1, "end"}, {right, server, 1, "start"}} {
		slices.SortFunc(side.notes, func(a, b note) int {
			return cmp.Or(cmp.Compare(a.at, b.at), strings.Compare(a.text, b.text))
		})
		free := 0.0
		for _, n := range side.notes {
			at := max(y(n.at), free)
			free = at + 16
			s.line(side.x, y(n.at), side.x+12*side.outward, at, "leader")
			s.add(`<circle cx="%.1f" cy="%.1f" r="3" class="dot"/>`, side.x, y(n.at))
			s.text(side.x+16*side.outward, at+4, side.anchor, "soft", n.text)
		}
	}
	return s
}

// clock formats a time: in s from 2 s on, else in ms.
func clock(d time.Duration) string {
	if d >= 2*time.Second {
		return fmt.Sprintf("%g s", math.Round(d.Seconds()*1000)/1000)
	}
	return fmt.Sprintf("%g ms", float64(d)/float64(ms))
}

func (s *svg) arrow(x1, y1, x2, y2 float64, lane string) {
	angle := math.Atan2(y2-y1, x2-x1)
	s.line(x1, y1, x2, y2, lane)
	s.add(`<g class="%s"><path d="M0 0L-10 -4L-10 4Z" class="tip" stroke="none" transform="translate(%.1f %.1f) rotate(%.2f)"/></g>`, lane, x2, y2, angle*180/math.Pi)
}

// along writes a text above a line, in its direction.
func (s *svg) along(x1, y1, x2, y2 float64, class, text string) {
	angle := math.Atan2(y2-y1, x2-x1)
	if x2 < x1 {
		angle -= math.Pi
	}
	s.add(`<text text-anchor="middle" class="%s" transform="translate(%.1f %.1f) rotate(%.2f)">%s</text>`,
		class, (x1+x2)/2, (y1+y2)/2-4, math.Mod(angle*180/math.Pi+360, 360), html.EscapeString(text))
}

var (
	request = regexp.MustCompile(`^([A-Z]+) (\S+) HTTP/1.1\r\n`)
	answer  = regexp.MustCompile(`^HTTP/1.1 (\d+)`)
	epoch   = regexp.MustCompile(`[a-z2-7]{6}-`)
)

// name returns what the bytes are, judged by how they begin.
func (tr *flight) name() string {
	if found := request.FindSubmatch(tr.data); found != nil {
		return fmt.Sprintf("%s %s", found[1], epoch.ReplaceAll(found[2], []byte("…-")))
	}
	if found := answer.FindSubmatch(tr.data); found != nil {
		switch n := bytes.Count(tr.data, []byte(`{"id":`)); {
		case n == 1:
			return fmt.Sprintf("%s, a message", found[1])
		case n > 1:
			return fmt.Sprintf("%s, %d messages", found[1], n)
		case bytes.Contains(tr.data, []byte("text/event-stream")):
			return fmt.Sprintf("%s, a stream begins", found[1])
		case bytes.Contains(tr.data, []byte(`"messages":[]`)):
			return string(found[1]) + ", no messages yet"
		case bytes.Contains(tr.data, []byte(`"head":`)):
			return string(found[1]) + ", and a first frame"
		case string(found[1]) == "204":
			return "204, no news"
		}
		return string(found[1])
	}
	switch {
	case bytes.Contains(tr.data, []byte("\ndata: ")):
		return "an event in a chunk"
	case bytes.HasSuffix(tr.data, []byte("\n:\n\n\r\n")):
		return "a comment in a chunk"
	case bytes.Contains(tr.data, []byte("retry: ")):
		return "the first block"
	case tr.data[0] == 0x81:
		return "a message in a frame"
	}
	return "bytes"
}
