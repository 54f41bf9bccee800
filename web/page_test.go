package web_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fourwires/internal/lab"
	"fourwires/internal/source"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

var (
	screenshots = flag.String("screenshot", "", "write page.png and page-360.png to this folder")
	everyScene  = flag.Bool("scenes", false, "and pictures of every step of every scene")
)

// A lane as its element tells it. ids are the epochs, each with the runs of
// ids that arrived: "k3v9qa:412-460 p81xzc:1-7".
type lane struct {
	Name       string `json:"lane"`
	State      string `json:"state"`
	IDs        string `json:"ids"`
	Messages   string `json:"messages"`
	Lost       string `json:"lost"`
	Gone       string `json:"gone"`
	Duplicated string `json:"duplicated"`
	Reordered  string `json:"reordered"`
}

func lanes(tab *tab) []lane {
	tab.t.Helper()
	lanes := eval[[]lane](tab, `[...document.querySelectorAll(".lane")].map(({ dataset }) => ({ ...dataset }))`)
	if len(lanes) != len(transports) {
		tab.t.Fatalf("%d lanes", len(lanes))
	}
	return lanes
}

// untilIDs waits until all lanes show these ids, and checks that nothing came
// twice or late on the way.
func (tab *tab) untilIDs(ids string, messages int) {
	tab.t.Helper()
	tab.until(fmt.Sprintf(`[...document.querySelectorAll(".lane")].every(({ dataset }) => dataset.ids === %q)`, ids))
	for i, got := range lanes(tab) {
		want := lane{transports[i], "live", ids, fmt.Sprint(messages), "0", "0", "0", "0"}
		if got != want {
			tab.t.Errorf("lane %+v, want %+v", got, want)
		}
	}
}

// pollOften sets the poll interval to 100 ms.
func (tab *tab) pollOften() {
	tab.t.Helper()
	eval[bool](tab, `(() => {
		const { interval } = document.querySelector("#controls form").elements;
		interval.value = 1;
		return interval.dispatchEvent(new Event("input"));
	})()`)
	tab.until(`document.querySelector('[data-lane="polling"] .about')?.textContent === "asks every 0.10 s"`)
}

// click clicks what a selector names, in either browser.
func (tab *tab) click(selector string) {
	tab.t.Helper()
	eval[bool](tab, fmt.Sprintf(`(document.querySelector(%q).click(), true)`, selector))
}

// choose sets a control as a user does.
func (tab *tab) choose(name, value string) {
	tab.t.Helper()
	eval[bool](tab, fmt.Sprintf(`(() => {
		const control = document.querySelector("#controls form").elements[%q];
		control.value = %q;
		return control.dispatchEvent(new Event("change"));
	})()`, name, value))
}

// settings returns what the control API says of the feed.
func (s *site) settings(t *testing.T) source.Settings {
	t.Helper()
	answer, err := http.Get("http://" + s.control.String() + "/control/feed")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	defer http.DefaultClient.CloseIdleConnections()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var settings source.Settings
	if err := json.Unmarshal(body, &settings); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return settings
}

func TestNewestAtOnce(t *testing.T) {
	inBoth(t, func(t *testing.T, newTab opener) {
		s := newTab.serve(t, quiet(100), nil, many(20)...)
		tab := s.open(t)
		tab.untilIDs(s.ids(20, 20), 1) // though nothing was published since
		tab.until(`[...document.querySelectorAll(".lane .newest")].every(({ textContent }) => textContent === "#20 19")`)
		if got := eval[string](tab, `document.querySelector('[data-lane="sse"] .n').textContent`); !strings.Contains(got, "none yet") {
			t.Errorf("a message older than the page counts as a latency: %q", got)
		}

		// An empty feed: the first message comes on all four.
		s = newTab.serve(t, quiet(100), nil)
		tab = s.open(t)
		s.publish(t, `"first"`)
		tab.untilIDs(s.ids(1, 1), 1)
	})
}

// With TLS the page is the same: it reaches the control API, which has none, and
// all but the WebSocket goes by HTTP/2.
func TestTLS(t *testing.T) {
	inBoth(t, func(t *testing.T, newTab opener) {
		s := newTab.serve(t, quiet(100), nil, many(20)...)
		tab := s.tab(t)
		tab.open("https://" + s.tls.String() + "/#free")
		tab.untilAll("live")
		tab.pollOften()
		tab.untilIDs(s.ids(20, 20), 1)
		s.publish(t, many(5)...)
		tab.untilIDs(s.ids(20, 25), 6)

		tab.until(`document.querySelectorAll("#controls :disabled").length === 0`)
		tab.choose("rate", "500")
		eventually(t, "the rate is 500", func() bool { return s.settings(t).Rate == 500 })
		tab.click("#tab-up")
		tab.click("#up button")
		tab.until(`[...document.querySelectorAll(".lane .value")].filter((value) => value.textContent === "Hello").length === 4`)

		got := eval[map[string]string](tab, `Object.fromEntries(performance.getEntriesByType("resource")
		.map(({ name, nextHopProtocol }) => [new URL(name).pathname, nextHopProtocol]))`)
		for path, want := range map[string]string{"/polling": "h2", "/longpoll": "h2", "/static/main.js": "h2"} {
			if got[path] != want {
				t.Errorf("%s came by %q, want %s", path, got[path], want)
			}
		}
	})
}

// Through a cut of every connection, while messages go on, nothing is lost.
func TestCut(t *testing.T) {
	inBoth(t, func(t *testing.T, newTab opener) {
		settings := quiet(4096)
		settings.Source.Source, settings.Source.Rate = source.Market, 50
		s := newTab.serve(t, settings, nil)
		tab := s.open(t)
		tab.pollOften()
		tab.until(`[...document.querySelectorAll(".lane")].every(({ dataset }) => dataset.messages > 20)`)

		tab.during(outage, func() {
			// One each for long-poll, SSE, WebSocket and the clock, at least; polling
			// may stand between two looks.
			if open := s.lanes.cut(); open < 4 {
				t.Errorf("only %d connections were there to be cut", open)
			}
			tab.untilAll("down")
			s.lanes.mend()
			tab.untilAll("live")
		})

		tab.choose("source", source.None)
		eventually(t, "the source is off", func() bool { return s.settings(t).Source == source.None })
		head := int(s.Feed.Head().ID)
		from := eval[int](tab, `Number(document.querySelector(".lane").dataset.ids.split(/[:-]/)[1])`) // where the page began
		tab.untilIDs(s.ids(from, head), head-from+1)
	})
}

// Through a restart each lane tells the new epoch once, and has all of it.
func TestRestart(t *testing.T) {
	inBoth(t, func(t *testing.T, newTab opener) {
		s := newTab.serve(t, quiet(100), nil, many(7)...)
		tab := s.open(t)
		tab.pollOften()
		s.publish(t, many(3)...)
		before := s.ids(7, 10)
		tab.untilIDs(before, 4)

		tab.during(outage, func() {
			s.stop()
			s = newTab.serve(t, quiet(100), s, many(3)...)
			tab.untilIDs(before+" "+s.ids(1, 3), 7)
			// The settings come from the new server too.
			tab.until(`!document.querySelector("#controls select").disabled && document.querySelector("#controls [role=status]").textContent === ""`)
		})
		s.publish(t, many(5)...)
		tab.untilIDs(before+" "+s.ids(1, 8), 12)
		for _, name := range transports {
			want := "live, 2nd epoch " + s.Feed.Head().Epoch
			if got := eval[string](tab, fmt.Sprintf(`document.querySelector('[data-lane=%q] .state').textContent`, name)); got != want {
				t.Errorf("%s says %q, want %q", name, got, want)
			}
		}
	})
}

// What anybody publishes is text on all four lanes, whatever it looks like.
func TestHostileText(t *testing.T) {
	chromium(t)
	t.Parallel()
	s := serve(t, quiet(100), nil)
	tab := s.open(t)
	tab.pollOften()
	for _, text := range []string{"Hello, wires", `<img src=x onerror=alert(1)>`} {
		for _, data := range []any{text, map[string]string{"chat": text}, map[string]string{text: text}} {
			published, err := json.Marshal(data)
			if err != nil {
				t.Fatal(err)
			}
			s.publish(t, string(published))
			tab.until(fmt.Sprintf(`[...document.querySelectorAll(".lane .newest b")].filter((id) => id.textContent === "#%d").length === 4`, s.Feed.Head().ID))
			for _, shown := range eval[[]string](tab, `[...document.querySelectorAll(".lane .value")].map((value) => value.textContent)`) {
				if !strings.Contains(shown, text) {
					t.Errorf("%s is shown as %q", published, shown)
				}
			}
		}
	}
	if images := eval[int](tab, `document.images.length`); images != 0 {
		t.Errorf("the text has become %d images", images)
	}
}

func TestControls(t *testing.T) {
	chromium(t)
	t.Parallel()
	s := serve(t, quiet(4096), nil)
	tab := s.open(t)
	check := func(source, rate, phase string) {
		t.Helper()
		want := fmt.Sprint(source, " ", rate, " ", phase)
		eventually(t, "the lab has "+want, func() bool {
			got := s.settings(t)
			return fmt.Sprint(got.Source, " ", got.Rate, " ", got.Phase) == want
		})
		tab.until(fmt.Sprintf(`["source", "rate", "phase"].map((name) => document.querySelector("#controls form").elements[name].value).join(" ") === %q`, want))
	}
	says := func(sentence string) {
		t.Helper()
		tab.until(fmt.Sprintf(`document.querySelector("#controls [role=status]").textContent.includes(%q)`, sentence))
	}
	check("none", "2", "poisson")

	tab.choose("phase", "even")
	check("none", "2", "even")
	tab.choose("source", "market")
	check("market", "2", "even")
	tab.choose("rate", "500")
	check("market", "500", "even")
	tab.until(`document.querySelector('[data-lane="sse"]').dataset.messages > 100`) // it runs
	tab.choose("source", "host")                                                    // takes 10 a second at most
	check("host", "10", "even")

	tab.during([]string{"status of 400"}, func() {
		tab.choose("rate", "11")
		says("host takes at most 10")
	})
	check("host", "10", "even")
	tab.choose("source", "none")
	check("none", "10", "even")
	tab.until(`document.querySelector("#controls [role=status]").textContent === ""`)
}

// A paused view stands still; the lanes go on behind it.
func TestPause(t *testing.T) {
	chromium(t)
	t.Parallel()
	s := serve(t, quiet(100), nil, many(1)...)
	tab := s.open(t)
	tab.pollOften()
	tab.untilIDs(s.ids(1, 1), 1)
	tab.do(chromedp.Click(chromedp.CSS("#pause")))
	eval[bool](tab, `new Promise((go) => setTimeout(go, 200, true))`) // all parts show the instant at which it stands still
	before := eval[string](tab, `document.getElementById("lanes").innerText`)
	s.publish(t, many(4)...)
	eval[bool](tab, `new Promise((go) => setTimeout(go, 600, true))`)
	if after := eval[string](tab, `document.getElementById("lanes").innerText`); after != before {
		t.Errorf("paused, it has changed:\n%s\n\n%s", before, after)
	}
	tab.do(chromedp.Click(chromedp.CSS("#pause")))
	tab.untilIDs(s.ids(1, 5), 5)
}

// Whoever prefers less motion gets a new figure once a second.
func TestReducedMotion(t *testing.T) {
	chromium(t)
	t.Parallel()
	s := opener(smoothTab).serve(t, quiet(100), nil, many(1)...)
	tab := s.open(t)
	tab.until(`document.querySelector(".age b").textContent !== "–"`)
	const changes = `new Promise((done) => {
		const age = document.querySelector('[data-lane="websocket"] .age b');
		let changes = 0;
		new MutationObserver(() => changes++).observe(age, { childList: true, characterData: true, subtree: true });
		setTimeout(() => done(changes), 2500);
	})`
	if n := eval[int](tab, changes); n < 5 {
		t.Errorf("the age has changed %d times in 2.5 s, want many", n)
	}
	tab.prefers("reduced-motion", "reduce")
	if n := eval[int](tab, changes); n < 1 || n > 3 {
		t.Errorf("with less motion the age has changed %d times in 2.5 s, want 2 or 3", n)
	}
}

// Without the control API the lanes run all the same, from now on, and the page
// says so. When it is back, so are the controls.
func TestNoControl(t *testing.T) {
	inBoth(t, func(t *testing.T, newTab opener) {
		s := newTab.serve(t, quiet(100), nil, many(5)...)
		s.control.cut()
		tab := s.tab(t)
		tab.during(outage, func() {
			tab.open("http://" + s.lanes.String() + "/#free")
			tab.until(`document.querySelector("#controls [role=status]")?.textContent.includes("the control address " + document.querySelector("meta[name=control]").content + " cannot be reached from here")`)
			tab.until(`document.querySelectorAll("#controls :disabled").length === 3`)
			tab.pollOften()
			tab.untilAll("live")
			s.publish(t, many(3)...)
			tab.untilIDs(s.ids(6, 8), 3)

			s.control.mend()
			tab.until(`document.querySelectorAll("#controls :disabled").length === 0`)
			tab.until(`document.querySelector("#controls [role=status]").textContent === ""`)
		})
	})
}

// What a projector and a phone show, with the source that a newcomer has.
// go test ./web -run Screenshots -screenshot ../docs takes the pictures.
func TestScreenshots(t *testing.T) {
	chromium(t)
	t.Parallel()
	s := opener(smoothTab).serve(t, lab.Settings{Keep: 4096, Source: source.Default()}, nil)
	tab := s.tab(t)
	tab.open("http://" + s.lanes.String() + "/")
	tab.untilAll("live")
	tab.until(`document.getElementById("net").textContent === "network: round trip 100 ms · HTTP/1.1"`) // set without a click

	// Every figure is there, and staleness is what it must be: a poll's answer is
	// old on average by half the interval, a stream's by next to nothing.
	tab.until(`[...document.querySelectorAll(".latency .figure")].every((figure) => figure.textContent !== "–")`)
	tab.do(chromedp.Click(chromedp.CSS("#tab-up")), chromedp.Click(chromedp.CSS("#up button")))
	tab.until(`[...document.querySelectorAll("#up td:nth-child(n + 6)")].every((td) => td.textContent.endsWith("s")) && !document.querySelector("#up :disabled")`)
	tab.until(`document.getElementById("says").textContent.startsWith("Mean age in the last 10 s")`)
	tab.do(chromedp.Click(chromedp.CSS("#tab-up"))) // and it is folded away again
	if *screenshots != "" {
		tab.until(`performance.now() > 21_000`) // the strips are full
	}
	for _, age := range eval[[]string](tab, `[...document.querySelectorAll(".age b")].map((b) => b.textContent)`) {
		if strings.Trim(age, "0123456789.") != "" {
			t.Errorf("an age of %q", age)
		}
	}
	means := eval[[]float64](tab, `[...document.querySelectorAll(".mean")].map((mean) => Number(mean.textContent.replace(/[^0-9.]/g, "")))`)
	if len(means) != 4 || means[0] < means[2]+0.3 || means[0] < means[3]+0.3 {
		t.Errorf("polling every 2 s, the mean ages are %v", means)
	}

	for _, screen := range []struct {
		width, height int64
		fits          bool // without scrolling
		file          string
	}{
		{1280, 720, true, "page.png"},
		{1920, 1080, true, ""},
		{800, 900, false, ""},
		{640, 360, false, ""}, // the first, enlarged to 200 %
		{360, 740, false, "page-360.png"},
	} {
		tab.resize(screen.width, screen.height)
		tab.until(fmt.Sprintf(`innerWidth === %d`, screen.width))
		for _, theme := range []string{"dark", "light"} {
			tab.prefers("color-scheme", theme)
			for _, fault := range eval[[]string](tab, fmt.Sprintf(inspect, screen.fits)) {
				t.Errorf("%d × %d, %s: %s", screen.width, screen.height, theme, fault)
			}
		}
		picture, err := chromedp.Run(tab.ctx, chromedp.CaptureScreenshot())
		if err != nil || !strings.HasPrefix(string(picture), "\x89PNG") {
			t.Fatalf("no picture: %v", err)
		}
		if *screenshots != "" && screen.file != "" {
			if err := os.WriteFile(filepath.Join(*screenshots, screen.file), picture, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// For a projector no text is smaller than 24 px, nor than it was; all of it fits.
func TestProjector(t *testing.T) {
	chromium(t)
	t.Parallel()
	s := serve(t, quiet(100), nil, many(3)...)
	tab := s.tab(t)
	tab.open("http://" + s.lanes.String() + "/")
	tab.untilAll("live")
	type text struct {
		Name string
		Size float64
	}
	const sizes = `[{ name: "html", size: parseFloat(getComputedStyle(document.documentElement).fontSize) },
		...[...document.querySelectorAll("header *, main *")].filter((element) => element.getBoundingClientRect().width > 2 && [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim()))
			.map((element) => ({ name: [...document.querySelectorAll("*")].indexOf(element) + " " + element.tagName + "." + (element.className.baseVal ?? element.className), size: parseFloat(getComputedStyle(element).fontSize) }))]`
	for _, screen := range []struct{ width, height int64 }{{1280, 720}, {1366, 768}, {1920, 1080}, {1920, 800}, {3840, 2160}} {
		tab.resize(screen.width, screen.height)
		tab.until(fmt.Sprintf(`innerWidth === %d`, screen.width))
		before := map[string]float64{}
		for _, text := range eval[[]text](tab, sizes) {
			before[text.Name] = text.Size
		}
		// The pictures are drawn anew meanwhile, in sizes of their own: those have no text in both.
		eval[bool](tab, `document.documentElement.toggleAttribute("data-projector")`)
		both := 0
		for _, text := range eval[[]text](tab, sizes) {
			size, known := before[text.Name]
			if !known {
				continue
			}
			both++
			if text.Size < size || text.Size < 24 || text.Name == "html" && text.Size < 1.05*size {
				t.Errorf("%d × %d: %s was %v px and is %v px for a projector", screen.width, screen.height, text.Name, size, text.Size)
			}
		}
		if both < 40 {
			t.Errorf("%d × %d: only %d texts are there in both", screen.width, screen.height, both)
		}
		if high := eval[int](tab, `document.documentElement.scrollHeight`); high > int(screen.height) {
			t.Errorf("%d × %d: for a projector the page is %d high", screen.width, screen.height, high)
		}
		eval[bool](tab, `!document.documentElement.toggleAttribute("data-projector")`)
	}
}

// prefers sets what the user prefers, such as color-scheme: dark.
func (tab *tab) prefers(what, value string) {
	tab.t.Helper()
	_, err := chromedp.Call(tab.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-" + what, Value: value}},
	})
	if err != nil {
		tab.t.Fatal(err)
	}
	tab.until(fmt.Sprintf(`matchMedia("(prefers-%s: %s)").matches`, what, value))
}

// inspect returns what is wrong with the page as it is laid out now: what does
// not fit, what is too small or too pale to be read (WCAG 2.2, 1.4.3: 4.5 to 1),
// and controls without a name.
const inspect = `((fits) => {
	const faults = [];
	const name = (element) => element.tagName + "." + element.className + " " + JSON.stringify(element.textContent.trim().slice(0, 30));
	const { scrollWidth, scrollHeight } = document.documentElement;
	if (scrollWidth > innerWidth) faults.push("it is " + scrollWidth + " wide");
	if (fits && scrollHeight > innerHeight) faults.push("it is " + scrollHeight + " high");

	const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
		.reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
	const rgb = (colour) => colour.match(/[\d.]+/g).map(Number);
	let texts = 0;
	for (const element of document.body.querySelectorAll("*")) {
		const text = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
		const box = element.getBoundingClientRect();
		if (!text || box.width < 2 || element.closest("option, noscript, :disabled")) continue;
		texts++;
		const style = getComputedStyle(element);
		let behind = element;
		while (behind && rgb(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
		const [low, high] = [light(rgb(style.color)), light(rgb(getComputedStyle(behind).backgroundColor))].sort((a, b) => a - b);
		const contrast = (high + 0.05) / (low + 0.05);
		if (!(contrast >= 4.5)) faults.push(name(element) + " has a contrast of " + contrast.toFixed(2));
		const least = innerWidth < 1280 ? 12 : !element.closest(".figure") ? 15 : element.closest(".age") && !element.closest(".unit") ? 32 : 20;
		if (parseFloat(style.fontSize) < least) faults.push(name(element) + " is " + style.fontSize);
		const lane = element.closest(".lane")?.getBoundingClientRect();
		if (lane && (box.right > lane.right || box.left < lane.left || box.bottom > lane.bottom)) faults.push(name(element) + " hangs out of its lane");
	}
	if (texts < 60) faults.push("it has only " + texts + " texts");

	const controls = [...document.querySelectorAll("button, input, select")];
	if (controls.length < 6) faults.push("it has only " + controls.length + " controls");
	for (const control of controls) {
		if (!control.labels?.[0]?.textContent.trim() && !control.textContent.trim()) faults.push("a control without a name: " + control.outerHTML);
	}
	return faults;
})(%t)`
