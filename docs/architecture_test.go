package docs_test

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"go/build"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fourwires/docs/blocks"
)

var update = flag.Bool("update", false, "write the arrows of docs/architecture.md")

// arrows is the import rule: which packages of this module each package imports, and of which other modules. The order
// of packages in which an arrow points down only is drawn from it; Go itself forbids circles.
var arrows = map[string]string{
	"feed":                     "",
	"polling":                  "feed",
	"longpoll":                 "feed",
	"sse":                      "feed golang.org/x/text/encoding/unicode",
	"websocket":                "feed github.com/gorilla/websocket",
	"web":                      "",
	"docs":                     "github.com/yuin/goldmark",
	"docs/blocks":              "",
	"docs/python":              "docs/blocks internal/needs",
	"docs/experiments":         "",
	"docs/experiments/browser": "",
	"internal/wire":            "golang.org/x/net/http2/hpack",
	"internal/netsim":          "",
	"internal/chromium":        "internal/needs",
	"internal/child":           "golang.org/x/sys/unix",
	"internal/needs":           "",
	"internal/scenario":        "",
	"internal/protocol":        "internal/wire golang.org/x/net/http2 golang.org/x/net/http2/hpack",
	"internal/decide":          "feed internal/lab internal/protocol internal/scenario internal/source",
	"internal/stats":           "",
	"internal/source":          "feed sse github.com/shirou/gopsutil golang.org/x/text/encoding/unicode",
	"internal/lab": "docs feed internal/netsim internal/scenario internal/source internal/wire longpoll polling sse web websocket" +
		" github.com/gin-contrib/gzip github.com/gin-gonic/gin github.com/prometheus/client_golang golang.org/x/time/rate",
	"internal/wire/wiretest": "internal/wire",
	"internal/lab/labtest":   "internal/lab internal/netsim internal/source",
	"internal/measure": "feed internal/child internal/lab internal/netsim internal/protocol internal/scenario" +
		" internal/source internal/stats internal/wire websocket github.com/HdrHistogram/hdrhistogram-go",
	"benchmarks": "",
	"cmd/lab": "feed internal/decide internal/lab internal/measure internal/netsim internal/protocol internal/scenario internal/source internal/wire" +
		" github.com/mattn/go-isatty github.com/spf13/cobra github.com/spf13/pflag",
}

// TestArrows compares the import rule with what the packages import beside the standard library, tests aside, and the
// page with the rule:
//
//	go test ./docs -run Arrows -update
func TestArrows(t *testing.T) {
	folders, err := folders()
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		imports, err := importsOf(folder)
		if err != nil {
			t.Fatal(err)
		}
		rule, known := arrows[folder]
		if !known {
			t.Errorf("package %s has no place in the import rule", folder)
		}
		if want := slices.Sorted(strings.FieldsSeq(rule)); !slices.Equal(imports, want) {
			t.Errorf("%s imports %q, by the import rule %q", folder, imports, want)
		}
	}
	for folder := range arrows {
		if !slices.Contains(folders, folder) {
			t.Errorf("the import rule names %s, which is not there", folder)
		}
	}
	if t.Failed() {
		return
	}
	const begin, end = "<!-- the arrows: go test ./docs -run Arrows -update -->\n\n", "\n<!-- the end of the arrows -->"
	page := blocks.Pages(t)["docs/architecture.md"]
	before, rest, found := strings.Cut(page, begin)
	shown, after, closed := strings.Cut(rest, end)
	switch drawn := drawArrows(); {
	case !found || !closed:
		t.Error("docs/architecture.md has no place for the arrows")
	case *update:
		if err := os.WriteFile("architecture.md", []byte(before+begin+drawn+end+after), 0o666); err != nil {
			t.Fatal(err)
		}
	case shown != drawn:
		t.Error("docs/architecture.md shows other arrows than the import rule: go test ./docs -run Arrows -update")
	}
}

// folders returns the folders of the module's packages, by their paths from the root. Those of testdata belong to the
// tests beside them.
func folders() (folders []string, err error) {
	err = fs.WalkDir(os.DirFS(root), ".", func(name string, entry fs.DirEntry, err error) error {
		switch folder := path.Dir(name); {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata"):
			return fs.SkipDir
		case path.Ext(name) == ".go" && !slices.Contains(folders, folder):
			folders = append(folders, folder)
		}
		return nil
	})
	return folders, err
}

// importsOf returns what the package in a folder imports on Linux, sorted: folders of this module, and other modules as
// the import rule names them.
func importsOf(folder string) (imports []string, err error) {
	linux := build.Default
	linux.GOOS = "linux"
	found, err := linux.ImportDir(filepath.Join(root, folder), 0)
	if _, none := errors.AsType[*build.NoGoError](err); err != nil && !none { // it has tests alone
		return nil, err
	}
	for _, name := range found.Imports {
		inside, ours := strings.CutPrefix(name, "fourwires/")
		switch first, _, _ := strings.Cut(name, "/"); {
		case ours:
			imports = append(imports, inside)
		case strings.Contains(first, "."):
			imports = append(imports, module(name))
		}
	}
	slices.Sort(imports)
	return slices.Compact(imports), nil
}

// module returns the beginning of an import path that names its module: three elements, and of golang.org/x/net/http2
// all, since that is where the packages differ.
func module(name string) string {
	elements := strings.Split(name, "/")
	if elements[0] != "golang.org" {
		elements = elements[:min(3, len(elements))]
	}
	return strings.Join(elements, "/")
}

// drawArrows returns a table of the packages, each above all that it imports.
func drawArrows() string {
	var height func(name string) int
	height = func(name string) (most int) {
		for field := range strings.FieldsSeq(arrows[name]) {
			if _, ours := arrows[field]; ours {
				most = max(most, 1+height(field))
			}
		}
		return most
	}
	names := slices.SortedFunc(maps.Keys(arrows), func(a, b string) int {
		return cmp.Or(cmp.Compare(height(b), height(a)), strings.Compare(a, b))
	})
	table := "| height | package | imports of this module | of others |\n|---|---|---|---|\n"
	for _, name := range names {
		var ours, others []string
		for field := range strings.FieldsSeq(arrows[name]) {
			if _, inside := arrows[field]; inside {
				ours = append(ours, field)
			} else {
				others = append(others, strings.TrimPrefix(field, "github.com/"))
			}
		}
		table += fmt.Sprintf("| %d | `%s` | %s | %s |\n", height(name), name,
			cmp.Or(strings.Join(ours, ", "), "–"), cmp.Or(strings.Join(others, ", "), "–"))
	}
	return table
}

// TestRooms checks that the table of rooms has every package and every folder of web/static, and nothing else.
func TestRooms(t *testing.T) {
	want, err := folders()
	if err != nil {
		t.Fatal(err)
	}
	static, err := os.ReadDir(filepath.Join(root, "web", "static"))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range static {
		if entry.IsDir() {
			want = append(want, "web/static/"+entry.Name())
		}
	}
	page := blocks.Pages(t)["docs/architecture.md"]
	var got []string
	row := regexp.MustCompile(`(?m)^\| \[(\S+)\]\(\.\./\S+\) \|`)
	for _, found := range row.FindAllStringSubmatch(page, -1) {
		got = append(got, found[1])
	}
	slices.Sort(want)
	if sorted := slices.Sorted(slices.Values(got)); !slices.Equal(sorted, want) {
		t.Errorf("docs/architecture.md has the rooms\n%s\nthere are\n%s", strings.Join(sorted, "\n"),
			strings.Join(want, "\n"))
	}
}
