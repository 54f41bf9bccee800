package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"fourwires/docs/blocks"
)

// TestKey checks that each figure of the instructor's answer key stands in the chapter that the key names for it.
func TestKey(t *testing.T) {
	pages := blocks.Pages(t)
	_, key, _ := strings.Cut(pages["docs/instructors.md"], "\n## Answer key\n")
	row := regexp.MustCompile(`(?m)^\| \[\d+\]\((\d\d-[a-z0-9-]+\.md)#predict\) \|.*\|$`)
	rows := row.FindAllStringSubmatch(key, -1)
	if len(rows) < 16 {
		t.Fatalf("the key has %d rows", len(rows))
	}
	for _, row := range rows {
		chapter := pages["docs/"+row[1]]
		for _, figure := range regexp.MustCompile(`\*\*([^*]+)\*\*`).FindAllStringSubmatch(row[0], -1) {
			if !regexp.MustCompile(`(^|[^\d.])` + regexp.QuoteMeta(figure[1]) + `([^\d.]|\.\D|$)`).MatchString(chapter) {
				t.Errorf("the key has %s, docs/%s has not", figure[1], row[1])
			}
		}
	}
}

// TestSteps checks that the instructor's table has every step of the page's scenes in its order, by its title, and as the
// right answer the one that the page has; where that depends on the page, one of the four.
func TestSteps(t *testing.T) {
	scenes, err := os.ReadFile(filepath.Join(root, "web", "static", "scenes", "scenes.js"))
	if err != nil {
		t.Fatal(err)
	}
	const step = `(?m)^ +title: "([^"]*)",\n +ask: .*\n +choices: \[(.*)\],\n +answer: (\d,)?`
	steps := regexp.MustCompile(step).FindAllStringSubmatch(string(scenes), -1)
	twice := steps[0] // the first step of scene 1, and of scene 3
	steps = slices.Insert(steps, slices.IndexFunc(steps, func(step []string) bool { return step[1] == "Without a cursor" }), twice)

	_, table, _ := strings.Cut(blocks.Pages(t)["docs/instructors.md"], "\n## What each step shows\n")
	rows := regexp.MustCompile(`(?m)^\| \d\.\d (.*?) \| (.*?) \| .* \|$`).FindAllStringSubmatch(table, -1)
	if len(rows) != len(steps) || len(rows) < 19 {
		t.Fatalf("the table has %d steps, the page %d", len(rows), len(steps))
	}
	for i, row := range rows {
		title, answer := steps[i][1], steps[i][3]
		choices := regexp.MustCompile(`"([^"]*)"`).FindAllStringSubmatch(steps[i][2], -1)
		if answer != "" {
			right, _ := strconv.Atoi(strings.TrimSuffix(answer, ","))
			choices = choices[right : right+1]
		}
		isAnswer := func(choice []string) bool { return choice[1] == row[2] }
		if row[1] != title || !slices.ContainsFunc(choices, isAnswer) {
			t.Errorf("the table has %q, answered by %q; the page has %q, answered by one of %q", row[1], row[2], title, choices)
		}
	}
}
