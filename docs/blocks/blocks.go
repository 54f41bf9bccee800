// Package blocks reads README.md and the pages of docs/ for their tests. A block is what stands between two fences.
//
// A block marked console shows commands and what they print:
//
//	$ command
//	what it prints
//
// In what it prints, … stands for any text, with the spaces around it, and alone on a line for one line or more. Tests
// of package docs run each command and compare what it prints. They leave out the experiments, whose commands are go
// test ./docs/… -run TestName -v: each experiment compares its report itself, by [Printed].
package blocks

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A Block is what stands between two fences.
type Block struct {
	Page  string // its path from the root
	Kind  string // the text behind the first fence, such as console
	Line  int    // of the first fence
	Lines []string
}

// Root returns the path of the repository's root, from the folder in which a test runs.
func Root(t testing.TB) string {
	t.Helper()
	root := "."
	for {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			return root
		}
		if abs, err := filepath.Abs(root); err != nil || abs == filepath.Dir(abs) {
			t.Fatalf("no go.mod above the test (%v)", err)
		}
		root = filepath.Join(root, "..")
	}
}

// Pages returns the text of README.md and of every page of docs/, by its path from the root.
func Pages(t testing.TB) map[string]string {
	t.Helper()
	root := Root(t)
	paths, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	pages := map[string]string{}
	for _, path := range append(paths, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}
		pages[filepath.ToSlash(name)] = string(text)
	}
	return pages
}

// Of returns the blocks of a page, and its prose without them.
func Of(page, text string) (blocks []Block, prose string) {
	inside := false
	for i, line := range strings.Split(text, "\n") {
		kind, fence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case fence && !inside:
			blocks = append(blocks, Block{Page: page, Kind: kind, Line: i + 1})
			inside = true
		case fence:
			inside = false
		case inside:
			b := &blocks[len(blocks)-1]
			b.Lines = append(b.Lines, line)
		default:
			prose += line + "\n"
		}
	}
	return blocks, prose
}

var some = regexp.MustCompile(` *…[ …]*`)

// Pattern returns an expression that matches the output of a command, given the lines that a page shows of it. An
// endless command may print more.
func Pattern(want []string, endless bool) *regexp.Regexp {
	var lines []string
	for _, line := range want {
		if line == "…" {
			lines = append(lines, `(?s:.*)`)
		} else {
			lines = append(lines, some.ReplaceAllString(regexp.QuoteMeta(line), ".*"))
		}
	}
	end := `\n*\z`
	if endless {
		end = ""
	}
	return regexp.MustCompile(`\A` + strings.Join(lines, "\n") + end)
}

// An experiment's command names its folder and its test.
var experiment = regexp.MustCompile(`^\$ go test \./(docs/\S+) -run '?(\w+)\$?'? -v$`)

// Experiment returns the folder and the test of a block that shows an experiment, and whether it does.
func (b Block) Experiment() (folder, test string, ok bool) {
	if len(b.Lines) == 0 {
		return "", "", false
	}
	found := experiment.FindStringSubmatch(b.Lines[0])
	if found == nil {
		return "", "", false
	}
	return found[1], found[2], true
}

// Printed prints the report of an experiment, as go test -v shows it, and compares it with the blocks that show it.
// Such a block may leave out what go test prints before and after.
func Printed(t testing.TB, report string) {
	t.Helper()
	fmt.Fprint(t.Output(), report)
	shown := false
	for page, text := range Pages(t) {
		all, _ := Of(page, text)
		for _, b := range all {
			if _, test, ok := b.Experiment(); ok && test == t.Name() {
				shown = true
				b.compare(t, report)
			}
		}
	}
	if !shown {
		t.Errorf("no page shows go test -run %s -v", t.Name())
	}
}

func (b Block) compare(t testing.TB, report string) {
	t.Helper()
	around := regexp.MustCompile(`^(=== RUN   ` + t.Name() + `|--- PASS: ` + t.Name() + ` \(…s\)|PASS|ok .*|…|)$`)
	var want []string
	for i, line := range b.Lines[1:] {
		of, indented := strings.CutPrefix(line, "    ")
		switch {
		case indented:
			want = append(want, of)
		case !around.MatchString(line):
			t.Errorf("%s:%d: go test -v does not print %q", b.Page, b.Line+2+i, line)
		case line == "" && len(want) > 0:
			want = append(want, "")
		}
	}
	got := regexp.MustCompile(`(?m) +$`).ReplaceAllString(report, "")
	if !Pattern(want, false).MatchString(got) {
		t.Errorf("%s:%d shows\n%s\nand it is\n%s", b.Page, b.Line, strings.Join(want, "\n"), report)
	}
}
