package docs_test

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fourwires/docs"
	"fourwires/docs/blocks"
)

// TestSite opens every page of /docs in a lab and follows its links.
func TestSite(t *testing.T) {
	lanes, _ := open(t)
	got := map[string]string{}
	get := func(path string) (body string) {
		if body, done := got[path]; done {
			return body
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, lanes+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode == http.StatusOK {
			body = string(text)
		}
		got[path] = body
		return body
	}

	reference := regexp.MustCompile(`(?:href|src)="([^"]*)"`)
	for name, text := range blocks.Pages(t) {
		path := "/" + strings.TrimSuffix(name, ".md")
		switch name {
		case "README.md": // the repository's
			continue
		case "docs/README.md":
			path = "/docs"
		}
		html := get(path)
		if !strings.Contains(html, "<h1 id=") {
			t.Errorf("%s: not a page", path)
			continue
		}
		if strings.Contains(html, "raw HTML omitted") {
			t.Errorf("%s has HTML that is not shown", name)
		}
		if got, want := strings.Count(html, "<pre"), len(first(blocks.Of(name, text))); got != want {
			t.Errorf("%s has %d blocks, %s has %d", path, got, name, want)
		}
		links := reference.FindAllStringSubmatch(html, -1)
		for _, link := range links {
			to, anchor, _ := strings.Cut(strings.ReplaceAll(link[1], "&amp;", "&"), "#")
			switch {
			case strings.HasPrefix(to, "https://"), strings.HasPrefix(to, "http://"):
				continue
			case to == "":
				to = path
			}
			switch there := get(to); {
			case there == "":
				t.Errorf("%s links to %s, which is not there", path, link[1])
			case anchor != "" && to != "/" && !strings.Contains(there, ` id="`+anchor+`"`):
				t.Errorf("%s links to %s, which has no such heading", path, link[1])
			}
		}
		if !strings.Contains(html, `rel="prev"`) && !strings.Contains(html, `rel="next"`) {
			t.Errorf("%s has no page before it, and none after it", path)
		}
	}

	for _, path := range []string{"docs.go", "page.html", "testdata", "../README.md", "reference.md", "."} {
		if _, err := docs.Files().Open(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a browser can have docs/%s: %v", path, err)
		}
	}
}

func first[A, B any](a A, _ B) A { return a }

// TestColours compares the colours of the docs with those of the page.
func TestColours(t *testing.T) {
	variable := regexp.MustCompile(`(--\w+): (light-dark\(.*\));`)
	colours := func(path string) map[string]string {
		text, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		set := map[string]string{}
		for _, found := range variable.FindAllStringSubmatch(string(text), -1) {
			set[found[1]] = found[2]
		}
		return set
	}
	here, page := colours("docs/docs.css"), colours("web/static/style.css")
	if len(here) == 0 {
		t.Error("docs/docs.css has no colours")
	}
	for _, name := range slices.Sorted(maps.Keys(here)) {
		if here[name] != page[name] {
			t.Errorf("%s is %s here, %q on the page", name, here[name], page[name])
		}
	}
}
