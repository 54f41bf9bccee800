package web_test

import (
	"bytes"
	"cmp"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fourwires/web"
)

func TestIndex(t *testing.T) {
	var page bytes.Buffer
	if err := web.Index(&page, web.Data{Control: `http://127.0.0.1:8081"><script>`}); err != nil {
		t.Fatal(err)
	}
	html := page.String()

	if want := `<meta name="control" content="http://127.0.0.1:8081&#34;&gt;&lt;script&gt;">`; !strings.Contains(html, want) {
		t.Errorf("the page does not contain %s", want)
	}
	for _, inline := range []string{`<script>`, `<style`, ` style=`, ` on\w+=`} {
		if found := regexp.MustCompile(inline).FindString(html); found != "" {
			t.Errorf("the page has %q in it, which the policy forbids", found)
		}
	}
	links := regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(html, -1)
	if len(links) == 0 {
		t.Error("the page loads nothing")
	}
	for _, link := range links {
		if stem, ok := strings.CutPrefix(link[1], "/docs"); ok {
			if _, err := os.Stat("../docs" + cmp.Or(stem, "/README") + ".md"); err != nil {
				t.Error(err)
			}
			continue
		}
		name, ok := strings.CutPrefix(link[1], "/static/")
		if !ok {
			t.Errorf("%s leads neither to /static/ nor to /docs", link[1])
		} else if _, err := fs.Stat(web.Static(), name); err != nil {
			t.Error(err)
		}
	}
}

// layers are the folders of static/: a module imports what is in its own and in those before it.
var layers = []string{"figures", "transports", "lab", "stage", "lane", "charts", "inspector", "panels", "scenes", "."}

// What the modules import must be there, in a layer below, no file may name another host, and no folder has more than
// ten files.
func TestStatic(t *testing.T) {
	imports := regexp.MustCompile(`from "(\.[^"]+)"`)
	address := regexp.MustCompile(`https?://[\w.-]+`)
	modules := 0
	files := map[string]int{} // by folder
	err := fs.WalkDir(web.Static(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files[path.Dir(name)]++
		text, err := fs.ReadFile(web.Static(), name)
		if err != nil {
			return err
		}
		if strings.HasSuffix(name, ".js") {
			modules++
		}
		for _, match := range imports.FindAllSubmatch(text, -1) {
			imported := path.Join(path.Dir(name), string(match[1]))
			if _, err := fs.Stat(web.Static(), imported); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if slices.Index(layers, path.Dir(imported)) > slices.Index(layers, path.Dir(name)) {
				t.Errorf("%s imports %s, which is in a layer above", name, imported)
			}
		}
		for _, match := range address.FindAllString(string(text), -1) {
			if match != "http://www.w3.org" { // the name of SVG, which nobody loads
				t.Errorf("%s names another host: %s", name, match)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if modules < 4 {
		t.Errorf("%d modules, want four transports at least", modules)
	}
	for folder, n := range files {
		if !slices.Contains(layers, folder) {
			t.Errorf("%s is no layer", folder)
		}
		if n > 10 {
			t.Errorf("%s has %d files, want 10 at most", folder, n)
		}
	}
}

// The four transports are read side by side, each on one screen.
func TestTransportsFitOneScreen(t *testing.T) {
	for _, name := range transports {
		text, err := fs.ReadFile(web.Static(), "transports/"+name+".js")
		if err != nil {
			t.Fatal(err)
		}
		if lines := bytes.Count(text, []byte("\n")); lines > 65 {
			t.Errorf("%s.js has %d lines, want 65 at most", name, lines)
		}
		if !bytes.Contains(text, []byte("export function open(url, after, on) {")) {
			t.Errorf("%s.js does not export open(url, after, on)", name)
		}
	}
}

var transports = []string{"polling", "longpoll", "sse", "websocket"}

// titles are the transports' names where a person reads.
var titles = map[string]string{"polling": "polling", "longpoll": "long-polling", "sse": "SSE", "websocket": "WebSocket"}
