//go:build unix

package main_test

import (
	"regexp"
	"strings"
	"testing"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args   string
		code   int
		stdout string // an expression for a part of it
		stderr string
	}{
		{"decide", 0, `(?m)^1000 clients, 1 message a second down to all, 200 bytes .*\n.*\n\n.* at most\* .*\n(.*\n){4}\* of trip and waiting alone; .*\n(.*\n)*Take sse\. `, ""},
		{"decide --rate 10 --clients 10000 --late 10s", 0, `Take polling every 9\.98s\. `, ""},
		{"decide --direction both --rate 80 --size 60 --clients 4 --late 50ms", 0, `Take \S+`, ""},
		{"decide --direction up --rate 10 --clients 50 --http 1 --headers go", 0, `Take POST\. `, ""},
		{"decide --late 1ms", 0, `Take none: `, ""},
		{"decide --late 0s", 2, `^$`, "lab: late 0s: must be above 0 and at most 1h\n"},
		{"decide --rate -1", 2, `^$`, "lab: rate -1: must be above 0 and at most 10000 messages a second\n"},
		{"decide --direction east", 2, `^$`, "lab: direction \"east\": must be down, both or up\n"},
		{"decide now", 2, `^$`, "lab: unknown command \"now\" for \"lab decide\" (lab decide --help says what there is)\n"},
	} {
		code, stdout, stderr := execute(t, test.args)
		if code != test.code || stderr != test.stderr || !regexp.MustCompile(test.stdout).MatchString(stdout) {
			t.Errorf("lab %s: exit %d\n%s%s\nwant %d\n%s\n%s",
				test.args, code, stdout, stderr, test.code, test.stdout, test.stderr)
		}
		if strings.Contains(stdout, "NaN") || strings.Contains(stdout, "Inf") {
			t.Errorf("lab %s:\n%s", test.args, stdout)
		}
	}
}
