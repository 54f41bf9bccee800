package wire

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/net/http2/hpack"
)

// HeaderCosts compares the heads of one connection: how many bytes each header takes in the first request, in the
// second, in the n-th. Pass its Add to [Ledger.Tap]. The zero HeaderCosts is empty and ready. It is safe for concurrent
// use.
type HeaderCosts struct {
	mu    sync.Mutex
	heads [2][]*headCost
	line  string          // the header to which the next bytes of HTTP/1.1 belong
	table [2]dynamicTable // of HPACK
}

// headCost is the size of one head, in all and by header.
type headCost struct {
	names []string
	sizes map[string]int    // in bytes
	marks map[string]string // "=" and "+": see Table
	total int
}

// Add takes the next span of the connection.
func (h *HeaderCosts) Add(s Span) {
	h.mu.Lock()
	defer h.mu.Unlock()
	begins, mark := false, ""
	switch s.Role {
	case "request line", "status line":
		begins = h.line != "start line" // a page tag cuts it in two spans
		h.line = "start line"
	case "field name":
		h.line = strings.ToLower(strings.TrimRight(string(s.Bytes), ": \t"))
	case "blank line":
		h.line = "blank line"
	case "field value", "line end", rolePage:
	case roleFrame:
		begins = strings.HasPrefix(s.Text, "HEADERS")
		if h.line = "frame header"; !begins && !strings.HasPrefix(s.Text, "CONTINUATION") {
			return
		}
	case roleIndexed:
		h.line, mark = s.Name, "="
	case roleAdded:
		if h.line = s.Name; s.Text != "" {
			mark = "+"
			h.table[s.Dir].add(hpack.HeaderField{Name: s.Name, Value: s.Value})
		}
	case roleResized:
		h.line = s.Role
		if most, err := strconv.Atoi(s.Text); err == nil {
			h.table[s.Dir].resize(most)
		}
	default:
		if s.Name == "" {
			return
		}
		h.line = s.Name
	}
	if begins {
		h.heads[s.Dir] = append(h.heads[s.Dir], &headCost{sizes: map[string]int{}, marks: map[string]string{}})
	}
	if len(h.heads[s.Dir]) == 0 {
		return
	}
	last := h.heads[s.Dir][len(h.heads[s.Dir])-1]
	if _, known := last.sizes[h.line]; !known {
		last.names = append(last.names, h.line)
	}
	last.sizes[h.line] += s.Size
	last.marks[h.line] += mark
	last.total += s.Size
}

// Size returns the size of the n-th head of a direction, in bytes. The first is number 1. Size panics where there is no
// such head.
func (h *HeaderCosts) Size(dir Dir, n int) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.heads[dir][n-1].total
}

// Table shows the heads with these numbers side by side, one header a line, in bytes. A "=" marks a header that was an
// index into a table of HPACK, a "+" one that was written out and added to the dynamic table. Table panics where there
// is no such head.
func (h *HeaderCosts) Table(dir Dir, numbers ...int) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var names []string
	seen := map[string]bool{}
	for _, n := range numbers {
		for _, name := range h.heads[dir][n-1].names {
			if !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	var b strings.Builder
	row := func(name string, cell func(*headCost) string) {
		line := fmt.Sprintf("%-22s", name)
		for _, n := range numbers {
			line += fmt.Sprintf("%10s", cell(h.heads[dir][n-1]))
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	for _, name := range names {
		row(name, func(head *headCost) string {
			size, known := head.sizes[name]
			if !known {
				return "– "
			}
			return fmt.Sprintf("%d%-1s", size, head.marks[name])
		})
	}
	row("all", func(head *headCost) string { return fmt.Sprintf("%d ", head.total) })
	return b.String()
}

// DynamicTable shows the dynamic table of HPACK of a direction, as it is after the last head, one entry a line.
func (h *HeaderCosts) DynamicTable(dir Dir) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := &h.table[dir]
	var b strings.Builder
	fmt.Fprintf(&b, "%d fields, %d bytes of %d\n", len(t.fields), t.size(), defaultTable+t.more)
	for i, f := range t.fields {
		value := []rune(quote([]byte(f.Value)))
		if len(value) > 40 {
			value = append(value[:40], '…')
		}
		fmt.Fprintf(&b, "%6d  %5d B  %s: %s\n", staticFields+1+i, f.Size(), f.Name, string(value))
	}
	return b.String()
}
