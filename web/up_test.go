package web_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"fourwires/internal/scenario"
	"fourwires/internal/source"

	"github.com/chromedp/chromedp"
)

// The way up: the same text by a request and by a frame. As a chat it comes back on
// all four lanes, as an echo to its sender alone.
func TestWayUp(t *testing.T) {
	chromium(t)
	t.Parallel()
	s := serve(t, quiet(100), nil)
	tab := s.open(t)
	tab.pollOften()
	tab.do(chromedp.Click(chromedp.CSS("#tab-up")))
	say := func(kind string, echo, lanes bool) {
		t.Helper()
		tab.do(chromedp.Click(chromedp.CSS(fmt.Sprintf("#up button[value=%s]", kind))))
		tab.until(`[...document.querySelectorAll("#up td:first-of-type")].every((td) => td.textContent === "1") && !document.querySelector("#up :disabled")`)
		for row, cells := range eval[[][]string](tab, `[...document.querySelectorAll("#up tbody tr")].map((tr) => [...tr.querySelectorAll("td")].map((td) => td.textContent))`) {
			var up int
			if fmt.Sscan(strings.ReplaceAll(cells[1], "\u202f", ""), &up); row == 0 && up < 300 || row == 1 && (up < 6 || up > 90) {
				t.Errorf("%s: %q up", kind, cells[1])
			}
			if nothing := cells[2] == "nothing"; nothing != (row == 1 && kind == "chat") {
				t.Errorf("%s: answered with %q", kind, cells[2])
			}
			for i, back := range cells[3:] {
				if came := strings.HasSuffix(back, "s"); came != (i == 0 && echo || i > 0 && lanes) {
					t.Errorf("%s, row %d: back %q", kind, row, cells[3:])
				}
			}
		}
	}
	say("chat", false, true)
	if got := s.Feed.Head().ID; got != 2 {
		t.Errorf("the head is %d, want 2: the chat, twice", got)
	}
	tab.until(`[...document.querySelectorAll(".lane .value")].filter((value) => value.textContent === "Hello").length === 4`)
	say("echo", true, false)
	if got := s.Feed.Head().ID; got != 2 {
		t.Errorf("the head is %d after the echoes, want 2", got)
	}
}

// The page's scenarios are those of the command line, and one is played as it is.
func TestScenarios(t *testing.T) {
	chromium(t)
	t.Parallel()
	s := serve(t, quiet(4096), nil)
	tab := s.open(t)
	tab.until(`document.querySelectorAll("#uses option").length > 0`)
	tab.do(chromedp.Click(chromedp.CSS("#tab-uses")))
	direction := map[string]string{scenario.Down: "downstream", scenario.Both: "upstream, and downstream to all", scenario.Up: "upstream, each answered"}
	for _, s := range scenario.All {
		want := fmt.Sprintf("%s %d clients, %g messages a second %s", s.Why, s.Clients, s.Rate, direction[s.Direction])
		if s.Burst > 1 {
			want += fmt.Sprintf(", in bursts of %d, %d ms apart", s.Burst, s.Apart.Milliseconds())
		}
		want += fmt.Sprintf(", %d B of data each; polling every %.2f s.", s.Payload, s.Interval.Seconds())
		tab.do(chromedp.SetValue(chromedp.CSS("#uses select"), s.Name))
		got := strings.ReplaceAll(eval[string](tab, `document.querySelector("#uses .why").textContent`), "\u202f", "")
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s is %q, want %q", s.Name, got, want)
		}
	}
	if got := eval[[]string](tab, `[...document.querySelectorAll("#uses option")].map(({ value }) => value)`); !slices.Equal(got, scenario.Names()) {
		t.Errorf("the page has the scenarios %q, the command %q", got, scenario.Names())
	}

	// One that goes up and down: the others' messages are the feed's, its own are up.
	const sent = `[...document.querySelectorAll("#up td:first-of-type")].every((td) => Number(td.textContent) >= 2)`
	tab.do(chromedp.SetValue(chromedp.CSS("#uses select"), "collab"), chromedp.Click(chromedp.CSS("#uses button")))
	eventually(t, "the feed is like the scenario", func() bool {
		got := s.settings(t)
		return got == source.Settings{Source: source.Market, Rate: 16, Phase: source.Poisson, Burst: 5, Apart: 30, Payload: 60, Seed: 1}
	})
	tab.until(`document.querySelector('[data-lane="polling"] .about').textContent === "asks every 0.20 s"`)
	tab.until(sent + ` && [...document.querySelectorAll("#up td:nth-child(n + 6)")].every((td) => td.textContent.endsWith("s"))`)
	tab.until(`parseInt(document.querySelector("#up td:nth-child(3)").textContent.replace(/\s/g, "")) > 500 && parseInt(document.querySelectorAll("#up td:nth-child(3)")[1].textContent) < 120`)
	tab.do(chromedp.Click(chromedp.CSS("#uses button:nth-of-type(2)")))
	eventually(t, "the feed is as before", func() bool {
		got := s.settings(t)
		return got.Source == source.None && got.Burst == 1 && got.Apart == 0 && got.Payload == 0
	})
	tab.until(`document.querySelector('[data-lane="polling"] .about').textContent === "asks every 2.0 s" && !document.querySelector("#uses select").disabled`)

	// One that only goes up.
	tab.do(chromedp.SetValue(chromedp.CSS("#uses select"), "iot"), chromedp.Click(chromedp.CSS("#uses button")))
	tab.until(`[...document.querySelectorAll("#up td:nth-child(5)")].some((td) => td.textContent.endsWith("s"))`)
	tab.do(chromedp.Click(chromedp.CSS("#uses button:nth-of-type(2)")))
	tab.until(`!document.querySelector("#uses select").disabled`)
}
