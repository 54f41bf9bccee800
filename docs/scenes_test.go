package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"fourwires/docs/blocks"
)

// TestScenes checks that every chapter links to a scene by its title, and that the steps to which pages link exist.
func TestScenes(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "web", "static", "scenes", "scenes.js"))
	if err != nil {
		t.Fatal(err)
	}
	var titles []string
	var steps []int
	for _, scene := range strings.Split(string(text), "\n  {\n    title: \"")[1:] {
		title, rest, _ := strings.Cut(scene, "\",\n")
		titles = append(titles, title)
		steps = append(steps, len(regexp.MustCompile(`(?m)^      (?:\{|[a-z]+,)$`).FindAllString(rest, -1)))
	}
	if len(titles) != 5 {
		t.Fatalf("scenes.js has %q", titles)
	}
	for _, file := range []string{"scenes.js", "odd.js"} {
		text, err := os.ReadFile(filepath.Join(root, "web", "static", "scenes", file))
		if err != nil {
			t.Fatal(err)
		}
		chapters := regexp.MustCompile(`\bchapter: "([^"#]+)`).FindAllStringSubmatch(string(text), -1)
		if len(chapters) < 12 {
			t.Errorf("%s links %d chapters", file, len(chapters))
		}
		for _, stem := range chapters {
			if _, there := blocks.Pages(t)["docs/"+stem[1]+".md"]; !there {
				t.Errorf("%s links the chapter %s, which is not there", file, stem[1])
			}
		}
	}
	to := regexp.MustCompile(`\[([^\]]*)\]\([^)]*#scene=(\d+)(?:&step=(\d+))?\)`)
	chapter := regexp.MustCompile(`^docs/\d\d-`)
	for name, page := range blocks.Pages(t) {
		found := to.FindAllStringSubmatch(page, -1)
		if len(found) == 0 && chapter.MatchString(name) {
			t.Errorf("%s opens no scene", name)
		}
		for _, link := range found {
			scene, _ := strconv.Atoi(link[2])
			step := 1
			if link[3] != "" {
				step, _ = strconv.Atoi(link[3])
			}
			if scene < 1 || scene > len(titles) || step < 1 || step > steps[scene-1] {
				t.Errorf("%s: there is no scene %d, step %d", name, scene, step)
				continue
			}
			if want := "scene " + link[2] + ", " + titles[scene-1]; chapter.MatchString(name) &&
				strings.Join(strings.Fields(link[1]), " ") != want {
				t.Errorf("%s: a link to scene %d says %q, want %q", name, scene, link[1], want)
			}
		}
	}
}
