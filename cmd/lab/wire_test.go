package main_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"fourwires/internal/lab"
)

// Every byte of the exchange is named, and the lines add up to the sums.
func TestWire(t *testing.T) {
	t.Parallel()
	for _, transport := range lab.Transports {
		for _, flags := range []string{"", "--http 2", "--tls", "--http 2 --tls --headers chrome --cookie 9"} {
			name := strings.TrimSpace(transport.Name + " " + flags)
			var stdout, stderr bytes.Buffer
			cmd := exec.Command(program(t), append([]string{"wire", transport.Name}, strings.Fields(flags)...)...)
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if err := cmd.Run(); err != nil {
				t.Fatal(name, err, stderr.String())
			}
			sections := strings.Split(stdout.String(), "\n\n")
			added := map[string]int{}
			for line := range strings.Lines(sections[0]) {
				var mark, unit, part string
				var n int
				if _, err := fmt.Sscan(line, &mark, &n, &unit, &part); err != nil {
					t.Fatalf("%s: line %q: %v", name, line, err)
				}
				added[mark+part] += n
				added[mark+"total"] += n
			}
			seen := 0
			for line := range strings.Lines(sections[1]) {
				var part string
				var up, down int
				if _, err := fmt.Sscanf(line, "%s %d B %d B", &part, &up, &down); err != nil {
					continue // the heading, and the last line
				}
				seen++
				if up != added[">"+part] || down != added["<"+part] {
					t.Errorf("%s: %s is %d and %d B, the lines add up to %d and %d",
						name, part, up, down, added[">"+part], added["<"+part])
				}
			}
			if seen < 4 || added["<payload"] == 0 || !strings.HasSuffix(strings.TrimSpace(sections[1]), "\nunaccounted: 0 B") {
				t.Errorf("%s: %d sums, want some, and nothing unaccounted:\n%s", name, seen, sections[1])
			}
			polls := !transport.Stream && strings.Contains(flags, "2")
			if compared := len(sections) == 6; compared != polls || len(sections) > 2 != polls {
				t.Errorf("%s: %d sections, want 6 where polls on HTTP/2 are compared, and else 2", name, len(sections))
			}
			tls := strings.Contains(flags, "tls")
			if tls != (added[">tls"] > 0) || tls && added["<opening"] < 500 {
				t.Errorf("%s: %d B of TLS and %d B of opening", name, added[">tls"], added["<opening"])
			}
		}
	}
}

// By HTTP/2 the first poll costs several times the next ones. A cookie of 512 bytes is paid once, one of 4 096 each
// time.
func TestWireHeads(t *testing.T) {
	t.Parallel()
	out, err := exec.Command(program(t), "wire", "polling", "--http", "2", "--headers", "chrome").Output()
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(out), "request, with a cookie      0 B     512 B    4096 B\n")
	var n, none, some, many [3]int
	for i := range n {
		line, rest, _ := strings.Cut(table, "\n")
		if _, err := fmt.Sscan(line, &n[i], &none[i], &some[i], &many[i]); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		table = rest
	}
	if n != [3]int{1, 2, 5} || none[0] < 6*none[1] || some[0] < none[0]+300 || some[2] > none[2]+3 ||
		many[1] < 3500 || many[2] < 3500 {
		t.Errorf("requests %v cost %v, with a cookie of 512 B %v, of 4 096 B %v", n, none, some, many)
	}
}
