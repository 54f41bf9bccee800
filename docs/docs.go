// Package docs is the tutorial, the reference and the rest of this folder, as
// the lab serves them below /docs: Markdown, rendered on the first request.
//
// README.md is the index, and its list is the order of the pages. A link from
// page to page works in the lab as it does on disk; one to a file outside this
// folder becomes its name, since the lab has no such file to show.
package docs

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"sync"
)

//go:embed *.md *.png pictures/*.svg page.html docs.css docs.js
var files embed.FS

// Files returns what the pages load: the pictures, a style sheet and a module.
func Files() fs.FS { return loaded{} }

type loaded struct{}

func (loaded) Open(name string) (fs.File, error) {
	switch path.Ext(name) {
	case ".png", ".svg", ".css", ".js":
		return files.Open(name)
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// Page returns the HTML of the page that has this stem, such as "reference"; ""
// is the index. The error is fs.ErrNotExist, or says what cannot be rendered.
func Page(stem string) ([]byte, error) {
	pages, err := rendered()
	if err != nil {
		return nil, err
	}
	page, found := pages[stem]
	if !found {
		return nil, fs.ErrNotExist
	}
	return page, nil
}

// rendered has all pages, by their stems.
var rendered = sync.OnceValues(render)

var layout = template.Must(template.ParseFS(files, "page.html"))

// An entry is a page in the list of contents.
type entry struct {
	Stem, Title string
	Headings    []title // of the second level
}

// Path returns where the lab has the page.
func (e entry) Path() string { return strings.TrimSuffix("/docs/"+e.Stem, "/") }

func render() (map[string][]byte, error) {
	var entries []entry
	var bodies []template.HTML
	stems, err := stems()
	if err != nil {
		return nil, err
	}
	for _, stem := range stems {
		body, titles, err := convert(stem)
		if err != nil {
			return nil, err
		}
		if len(titles) == 0 || titles[0].level != 1 {
			return nil, fmt.Errorf("docs: %s does not begin with a heading", file(stem))
		}
		e := entry{Stem: stem, Title: titles[0].Text}
		for _, t := range titles {
			if t.level == 2 {
				e.Headings = append(e.Headings, t)
			}
		}
		entries, bodies = append(entries, e), append(bodies, body)
	}
	pages := map[string][]byte{}
	for i, here := range entries {
		var page bytes.Buffer
		data := struct {
			Here           entry
			All            []entry
			Previous, Next *entry
			Body           template.HTML
		}{Here: here, All: entries, Body: bodies[i]}
		if i > 0 {
			data.Previous = &entries[i-1]
		}
		if i+1 < len(entries) {
			data.Next = &entries[i+1]
		}
		if err := layout.Execute(&page, data); err != nil {
			return nil, err
		}
		pages[here.Stem] = page.Bytes()
	}
	return pages, nil
}

// file returns the name of a page's file.
func file(stem string) string {
	if stem == "" {
		stem = "README"
	}
	return stem + ".md"
}

var item = regexp.MustCompile(`(?m)^(?:\d+\.|-) \[.*?\]\(([^/)#]+)\.md\)`)

// stems returns the pages in order: the index, and what its list has, which are all that
// there are.
func stems() ([]string, error) {
	index, err := files.ReadFile(file(""))
	if err != nil {
		return nil, err
	}
	stems := []string{""}
	for _, found := range item.FindAllSubmatch(index, -1) {
		stems = append(stems, string(found[1]))
	}
	all, err := fs.Glob(files, "*.md")
	if err == nil && len(all) != len(stems) {
		err = fmt.Errorf("docs: %s lists %d pages, and there are %d", file(""), len(stems)-1, len(all)-1)
	}
	return stems, err
}
