package experiments_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"fourwires/docs/blocks"
)

// servers draws the second table of chapter 16, which TestPython of docs/python compares.
func servers(t *testing.T) *svg {
	const left, top, row, bar = 250.0, 42.0, 54.0, 15.0
	_, table, _ := strings.Cut(blocks.Pages(t)["docs/16-python.md"], "\n    server, by the lab's clients ")
	rows := regexp.MustCompile(`(?m)^    (\S.*?)  +(\d+|–)  (?:1 for all |1 for each|–) +(\d+|–) +(?:\d+|–) +(\d+|–) +(?:\d+|–)$`).FindAllStringSubmatch(table, -1)
	if len(rows) != 7 {
		t.Fatalf("chapter 16 has a table of %d servers", len(rows))
	}
	s := &svg{width: 680, height: top + row*float64(len(rows)) + 6}
	x := left
	for _, key := range []struct{ lane, text string }{{"polling", "a poll"}, {"sse", "an event"},
		{"websocket", "a frame"}} {
		s.add(`<g class="%s"><path d="M%.1f 14h16v12h-16Z" class="tip"/></g>`, key.lane, x)
		s.text(x+22, 25, "start", "soft", key.text)
		x += 100
	}
	for i, found := range rows {
		y := top + row*float64(i)
		s.text(left-12, y+bar+11, "end", "name", found[1])
		for j, lane := range []string{"polling", "sse", "websocket"} {
			at := y + bar*float64(j)
			value, err := strconv.ParseFloat(found[2+j], 64)
			if err != nil {
				s.text(left, at+11, "start", "soft", "–")
				continue
			}
			s.add(`<g class="%s"><path d="M%.1f %.1fh%.1fv12h%.1fZ" class="tip"/></g>`, lane, left, at, value, -value)
			s.text(left+value+6, at+11, "start", "soft", found[2+j]+" B")
		}
	}
	return s
}
