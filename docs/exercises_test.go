package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestExercise says whether chapter 1's code exercise can be solved, and not by
// doing nothing: its skeleton compiles and fails, and with its solution, which
// is the function that TestLive uses, it passes.
func TestExercise(t *testing.T) {
	const chapter = "docs/01-ten-minutes.md"
	var skeleton, solution string
	blocks, _ := blocks(chapter, pages(t)[chapter])
	for _, b := range blocks {
		text := strings.Join(b.lines, "\n") + "\n"
		switch {
		case b.kind != "go":
		case strings.HasPrefix(text, "package "):
			skeleton = text
		default:
			solution = text
		}
	}
	own, err := os.ReadFile("live_test.go")
	if err != nil {
		t.Fatal(err)
	}
	if solution == "" || !strings.Contains(string(own), solution) {
		t.Errorf("%s solves the exercise otherwise than live_test.go", chapter)
	}
	empty := regexp.MustCompile(`(?ms)^func ages\(.*?^}\n`)
	if !empty.MatchString(skeleton) {
		t.Fatalf("%s: the skeleton has no func ages", chapter)
	}
	for name, file := range map[string]string{
		"ok": empty.ReplaceAllLiteralString(skeleton, solution), "--- FAIL: TestAges": skeleton,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "ages_test.go")
			if err := os.WriteFile(path, []byte(file), 0o666); err != nil {
				t.Fatal(err)
			}
			test := exec.CommandContext(t.Context(), "go", "test", "ages_test.go")
			test.Dir = filepath.Dir(path)
			out, _ := test.Output()
			if !strings.HasPrefix(string(out), name) {
				t.Errorf("go test prints\n%s\nwant %s", out, name)
			}
		})
	}
}
