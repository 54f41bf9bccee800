package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fourwires/docs/blocks"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	code    = regexp.MustCompile("`[^`\n]*`")
	noSlug  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// TestLinks follows the links that do not leave the repository.
func TestLinks(t *testing.T) {
	pages := blocks.Pages(t)
	headings := map[string][]string{} // of each page
	for name, text := range pages {
		headings[name] = anchors(text)
	}
	for name, text := range pages {
		_, prose := blocks.Of(name, text)
		for _, found := range link.FindAllStringSubmatch(code.ReplaceAllString(prose, ""), -1) {
			target, anchor, _ := strings.Cut(found[1], "#")
			if strings.Contains(target, ":") {
				continue
			}
			to := name
			if target != "" {
				to = filepath.ToSlash(filepath.Join(filepath.Dir(name), target))
			}
			if _, err := os.Stat(filepath.Join(root, to)); err != nil {
				t.Errorf("%s: link to %s: %v", name, found[1], err)
			} else if anchor != "" && !slices.Contains(headings[to], anchor) {
				t.Errorf("%s: link to %s: %s has no such heading", name, found[1], to)
			}
		}
	}
}

// anchors returns the names by which the headings of a page are linked to.
func anchors(page string) []string {
	_, prose := blocks.Of("", page)
	var all []string
	for _, found := range heading.FindAllStringSubmatch(prose, -1) {
		all = append(all, strings.ReplaceAll(noSlug.ReplaceAllString(strings.ToLower(found[1]), ""), " ", "-"))
	}
	return all
}
