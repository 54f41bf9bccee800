package docs_test

import (
	"regexp"
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
