package web_test

import (
	"flag"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

var documents = flag.String("documents", "", "write a picture of each page of /docs to this folder")

// The pages of /docs: nothing on the console, every picture there, nothing wider
// than the screen, and what the copy button copies.
func TestDocs(t *testing.T) {
	chromium(t)
	t.Parallel()
	s := serve(t, quiet(1), nil)
	tab := s.tab(t)
	at := "http://" + s.lanes.String()
	tab.open(at + "/docs")
	paths := eval[[]string](tab, `[...document.querySelectorAll("#contents > ul > li > a")].map((a) => a.getAttribute("href"))`)
	if len(paths) < 5 {
		t.Errorf("the contents have %q", paths)
	}
	for _, page := range paths {
		tab.open(at + page)
		tab.until(`document.readyState === "complete" && [...document.images].every((image) => image.naturalWidth > 0)`)
		for _, width := range []int64{1280, 360} {
			tab.resize(width, map[int64]int64{1280: 720, 360: 740}[width])
			tab.until(fmt.Sprintf(`innerWidth === %d`, width))
			if eval[bool](tab, `document.documentElement.scrollWidth > innerWidth`) {
				t.Errorf("%s is wider than %d", page, width)
			}
			if *documents != "" {
				picture, err := chromedp.Run(tab.ctx, chromedp.CaptureScreenshot())
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(*documents, fmt.Sprintf("%s-%d.png", path.Base(page), width)), picture, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}

	tab.open(at + "/docs/01-ten-minutes")
	tab.until(`document.querySelector(".block button")`)
	if got, want := eval[string](tab, `(async () => {
		let copied;
		navigator.clipboard.writeText = async (text) => { copied = text; };
		document.querySelector(".block button").click();
		await null;
		return copied;
	})()`), "go run ./cmd/lab"; got != want {
		t.Errorf("the button copies %q, want %q", got, want)
	}
}

// A chapter shows a step of a scene live, in the place of its picture, and gives the picture back.
func TestStepInChapter(t *testing.T) {
	t.Parallel()
	s := serve(t, quiet(10), nil, many(3)...)
	tab := s.tab(t)
	tab.open("http://" + s.lanes.String() + "/docs/04-longpoll")
	tab.until(`document.querySelector("figure button")`)
	if eval[bool](tab, `document.querySelector("iframe") !== null`) {
		t.Error("the lab's page is loaded before anyone asked for it")
	}
	tab.do(chromedp.Click("figure button"))
	tab.until(`[...document.querySelector("iframe")?.contentDocument.querySelectorAll(".lane") ?? []]
		.filter((lane) => lane.dataset.ids?.endsWith("3")).length === 4`)
	if got := eval[string](tab, `document.querySelector("iframe").contentDocument.querySelector("#scenes").dataset.scene`); got != "1.1" {
		t.Errorf("the frame shows scene %s, want 1.1", got)
	}
	if eval[bool](tab, `document.querySelector("iframe").contentDocument.querySelector("header").checkVisibility()`) {
		t.Error("the frame shows more than the step and the stage")
	}
	if eval[bool](tab, `document.querySelector("figure img").checkVisibility()`) {
		t.Error("the picture is shown beside the frame")
	}
	tab.do(chromedp.Click("figure button"))
	tab.until(`!document.querySelector("iframe") && document.querySelector("figure img").checkVisibility()`)
}
