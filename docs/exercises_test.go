package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fourwires/docs/blocks"
	"fourwires/internal/needs"
)

// exercises has a folder for each chapter, with the code of its exercise: what the reader is given, a solution, and the
// test of both.
const exercises = "docs/testdata/exercises"

// TestExercises checks each exercise in code: what the reader is given compiles and fails its test, and the solution
// passes.
func TestExercises(t *testing.T) {
	var chapters, packages []string
	for name, text := range blocks.Pages(t) {
		stem := strings.TrimSuffix(strings.TrimPrefix(name, "docs/"), ".md")
		if !regexp.MustCompile(`^\d\d-`).MatchString(stem) || name == "docs/16-python.md" { // its exercise is in Python
			continue
		}
		chapters = append(chapters, stem)
		for _, part := range []string{"go test ./" + exercises + "/" + stem,
			"file=" + exercises + "/" + stem + "/exercise.go", "file=" + exercises + "/" + stem + "/solution.go"} {
			if !strings.Contains(strings.Join(strings.Fields(text), " "), part) {
				t.Errorf("%s does not have %q", name, part)
			}
		}
	}
	folders, err := os.ReadDir(filepath.Join(root, exercises))
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		packages = append(packages, folder.Name())
	}
	slices.Sort(chapters)
	if !slices.Equal(chapters, packages) {
		t.Errorf("the chapters are %q, %s has %q", chapters, exercises, packages)
	}
	for _, test := range []struct{ tags, want string }{
		{"", `(?m)^--- FAIL: .*\n(?:.*\n)*?FAIL\tfourwires/` + exercises + `/%s\t[\d.]+s$`}, // not: build failed
		{"solution", `(?m)^ok  \tfourwires/` + exercises + `/%s\t`},
	} {
		t.Run("tags="+test.tags, func(t *testing.T) {
			needs.Process(t)
			t.Parallel()
			command := exec.CommandContext(t.Context(), "go", "test", "-tags", test.tags, "./"+exercises+"/...")
			command.Dir = root
			out, _ := command.CombinedOutput()
			for _, name := range packages {
				if !regexp.MustCompile(strings.ReplaceAll(test.want, "%s", name)).Match(out) {
					t.Errorf("%s: %s prints\n%s", name, command, out)
				}
			}
		})
	}
}

// TestAges checks that chapter 1's solution is the function that made its table.
func TestAges(t *testing.T) {
	used, err := excerpt("docs/experiments/live_test.go#ages")
	if err != nil {
		t.Fatal(err)
	}
	shown, err := excerpt(exercises + "/01-ten-minutes/solution.go#ages")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(used, shown) {
		t.Errorf("the table is made by\n%s\nthe solution is\n%s", strings.Join(used, "\n"), strings.Join(shown, "\n"))
	}
}
