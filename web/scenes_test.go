package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fourwires/internal/lab"
	"fourwires/internal/needs"
	"fourwires/internal/source"

	"github.com/chromedp/chromedp"
)

// press presses keys on the page.
func (tab *tab) press(keys string) {
	tab.t.Helper()
	if tab.firefox == nil {
		tab.do(chromedp.KeyEvent(keys))
		return
	}
	var actions []map[string]any
	for _, key := range keys {
		actions = append(actions, map[string]any{"type": "keyDown", "value": string(key)}, map[string]any{"type": "keyUp", "value": string(key)})
	}
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	if _, err := tab.firefox.call(ctx, "input.performActions", map[string]any{
		"context": tab.context,
		"actions": []map[string]any{{"type": "key", "id": "keyboard", "actions": actions}},
	}); err != nil {
		tab.t.Fatal(err)
	}
}

// market are the settings of a lab that a newcomer opens, with a source that is
// the same everywhere.
func market() lab.Settings {
	settings := source.Default()
	settings.Source = source.Market
	return lab.Settings{Keep: 4096, Source: settings}
}

// The five scenes, each from its first step to its last by the keyboard alone, in Chromium and in Firefox: every
// expectation ticks. A machine that is busy may need another try. The scenes run side by side, and nothing else beside
// them, since they measure times; the two that expect the most of a time do so while their pages draw at full speed.
func TestScenes(t *testing.T) {
	t.Run("chromium", func(t *testing.T) {
		chromium(t)
		for scene, steps := range scenes {
			t.Run(fmt.Sprint(scene+1), func(t *testing.T) {
				t.Parallel()
				browser := opener(newTab)
				if scene == 0 || scene == 2 {
					browser = smoothTab
				}
				browser.playScene(t, scene, steps)
			})
		}
		for _, steps := range [][]string{{"2.1", "2.3", "2.5"}, {"4.4", "5.1", "5.3"}} {
			t.Run("HTTP2/"+steps[0], func(t *testing.T) {
				t.Parallel()
				overHTTP2(t, steps)
			})
		}
	})
	t.Run("firefox", func(t *testing.T) {
		startFirefox(t)
		for scene, steps := range scenes {
			t.Run(fmt.Sprint(scene+1), func(t *testing.T) {
				t.Parallel()
				opener(firefoxTab).playScene(t, scene, steps)
			})
		}
	})
}

// scenes are how many steps each of the five has.
var scenes = []int{4, 5, 2, 5, 3}

// playScene runs all steps of a scene, from 0 on, by the keyboard.
func (newTab opener) playScene(t *testing.T, scene, steps int) {
	s := newTab.serve(t, market(), nil)
	tab := s.tab(t)
	tab.expects(outage...) // the scenes cut
	if scene == 0 {
		tab.open("http://" + s.lanes.String() + "/") // without a click or a link
	} else {
		tab.open(fmt.Sprintf("http://%s/#scene=%d&silence=8", s.lanes, scene+1))
	}
	tab.untilAll("live")
	tab.until(`document.getElementById("clock").textContent.includes("±")`)
	for step := range steps {
		at := fmt.Sprintf("%d.%d", scene+1, step+1)
		tab.until(fmt.Sprintf(`document.getElementById("scenes").dataset.scene === %q`, at))
		tab.press("2")
		tab.until(`document.querySelectorAll(".choices button")[1].ariaPressed === "true"`)
		tab.step(at)
		tab.picture(fmt.Sprintf("scene-%d-%d", scene+1, step+1))
		tab.press("n")
	}
	next := fmt.Sprintf("%d.1", scene+2)
	if scene == 4 {
		next = "odd-1"
	}
	tab.until(fmt.Sprintf(`document.getElementById("scenes").dataset.scene === %q`, next))
	tab.press("b")
	tab.until(fmt.Sprintf(`document.getElementById("scenes").dataset.scene === "%d.%d"`, scene+1, steps))
}

// Each odd experiment is set up by one key, says so, and is put back when it is left.
func TestOdd(t *testing.T) {
	chromium(t)
	t.Parallel()
	s := serve(t, market(), nil)
	tab := s.tab(t)
	tab.expects(outage...) // one cuts
	tab.open("http://" + s.lanes.String() + "/#odd=1")
	tab.untilAll("live")
	tab.until(`document.getElementById("net").textContent.startsWith("network: round trip 100 ms")`) // which a page sets that is opened alone
	before, network := s.settings(t), s.Network.Settings()
	const scenes = `document.getElementById("scenes")`
	changed := 0
	for n := 1; n <= 12; n++ {
		tab.until(fmt.Sprintf(scenes+`.dataset.scene === "odd-%d" && document.querySelector(".watch").textContent.startsWith("Watch ")`, n))
		if status := eval[int](tab, `fetch(document.querySelector(".chapter").href).then(({ status }) => status)`); status != 200 {
			t.Errorf("experiment %d leads to a chapter that answers %d", n, status)
		}
		if eval[bool](tab, `document.querySelector('[data-do="run"]').checkVisibility()`) {
			tab.press(" ")
			tab.until(`document.querySelector(".progress").textContent === "set up until you leave"`)
			if s.settings(t) != before || s.Network.Settings() != network {
				changed++
			}
			if n == 2 && !eval[bool](tab, `document.cookie.length > 4000`) {
				t.Error("there is no cookie of 4 KB")
			}
			if n == 5 { // the pool of six is full
				tab.until(`Number.parseFloat(document.querySelector('[data-lane="polling"] .age b').textContent) > 3`)
			}
			if n == 12 {
				tab.until(`document.querySelector('[data-lane="sse"]').dataset.state === "down"`)
			}
			tab.picture(fmt.Sprintf("odd-%d", n))
		} else if !eval[bool](tab, `document.querySelector(".watch").textContent.includes("By hand: ")`) {
			t.Errorf("experiment %d has nothing to do", n)
		}
		tab.press("n")
		eventually(t, "it is put back", func() bool {
			return s.settings(t) == before && s.Network.Settings() == network
		})
		tab.until(`document.cookie === ""`)
	}
	if changed != 6 { // the other four leave the feed and the network as they are
		t.Errorf("%d of 12 experiments set something", changed)
	}
	tab.until(scenes + `.dataset.scene === "free"`)

	// A link to none says so.
	eval[bool](tab, `(location.hash = "#odd=13", true)`)
	tab.until(`document.querySelector(".ask").textContent.startsWith("The link #odd=13 leads nowhere: the odd experiments are 1 to 12.")`)
}

// step runs the step that is shown until what it measured, on the median of its
// tries, is what it expected: on a busy machine a time may miss, and a try that was too busy to tell does not count. What
// is so always (order, counts, causes) may not miss once.
func (tab *tab) step(at string) {
	tab.t.Helper()
	const state = `document.getElementById("scenes").dataset.state`
	// Where the lanes are, with the results and without.
	const lanesAt = `(() => {
		const at = () => (({ top, bottom }) => top + " to " + bottom)(document.getElementById("lanes").getBoundingClientRect());
		const parts = [...document.querySelectorAll(".verdict, .checks, .picture, .progress")].map((part) => [part, [...part.childNodes]]);
		const after = at();
		for (const [part] of parts) part.replaceChildren();
		const before = at();
		for (const [part, nodes] of parts) part.replaceChildren(...nodes);
		return [before, after];
	})()`
	var hits []int // by check
	tries := 0     // that count
	for try := 1; ; try++ {
		if try == 1 {
			tab.press(" ")
		} else {
			tab.press("a")
		}
		tab.until(state + ` !== "running"`)
		checks := eval[[]struct {
			Text, State string
			Always      bool
		}](tab, `[...document.querySelectorAll(".checks li")].map(({ textContent, dataset }) => ({ text: textContent, state: dataset.state, always: "always" in dataset }))`)
		tab.t.Logf("step %s, try %d: %s: %+v", at, try, eval[string](tab, `document.querySelector(".progress").textContent`), checks)
		if eval[bool](tab, state+` === "done"`) {
			if sentence := eval[string](tab, `document.querySelector(".verdict").textContent`); len(sentence) < 20 {
				tab.t.Errorf("step %s says %q", at, sentence)
			}
			if place := eval[[2]string](tab, lanesAt); place[0] != place[1] {
				tab.t.Errorf("step %s: its results move the lanes from %v to %v", at, place[0], place[1])
			}
		}
		if hits == nil {
			hits = make([]int, len(checks))
		}
		settled, busy := len(hits) > 0, false
		for i, check := range checks {
			if check.Always && check.State != "ok" {
				tab.t.Errorf("step %s: not so, and no busy machine is the cause: %s", at, check.Text)
			}
			if check.State == "ok" {
				hits[i]++
			}
			busy = busy || check.State == "busy"
		}
		if !busy {
			tries++
		}
		for _, n := range hits {
			settled = settled && 2*n > tries
		}
		if settled {
			return
		}
		if tries == 5 || try == 10 {
			tab.t.Fatalf("step %s: of %d tries, %d of them too busy to tell, %v were as expected", at, try, try-tries, hits)
		}
	}
}

// picture takes pictures for -screenshot, as a projector and a phone show it.
func (tab *tab) picture(name string) {
	tab.t.Helper()
	if *screenshots == "" || !*everyScene || tab.firefox != nil {
		return
	}
	for _, screen := range []struct{ width, height int64 }{{360, 740}, {1280, 720}} {
		tab.resize(screen.width, screen.height)
		tab.until(fmt.Sprintf(`innerWidth === %d`, screen.width))
		eval[bool](tab, `new Promise((go) => setTimeout(go, 700, true))`)
		picture, err := chromedp.Run(tab.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			tab.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(*screenshots, fmt.Sprintf("%s-%d.png", name, screen.width)), picture, 0o644); err != nil {
			tab.t.Fatal(err)
		}
	}
}

// overHTTP2 runs steps that turn out otherwise by HTTP/2.
func overHTTP2(t *testing.T, steps []string) {
	s := serve(t, market(), nil)
	tab := s.tab(t)
	tab.expects(outage...)
	for _, at := range steps {
		scene, step, _ := strings.Cut(at, ".")
		tab.open("about:blank")
		tab.open(fmt.Sprintf("https://%s/#scene=%s&step=%s&silence=14", s.tls, scene, step))
		tab.untilAll("live")
		tab.until(fmt.Sprintf(`document.getElementById("scenes").dataset.scene === %q`, at))
		tab.step(at)
	}
	if got := eval[string](tab, `document.getElementById("net").textContent`); !strings.Contains(got, "HTTP/2") {
		t.Errorf("the header says %q", got)
	}
}

// A step that is left while it runs puts back what it changed, and so does one that ends. To look at another changes
// nothing, and to run that sets what it needs.
func TestLeaveRunning(t *testing.T) {
	chromium(t)
	t.Parallel()
	s := serve(t, market(), nil)
	tab := s.tab(t)
	tab.open("http://" + s.lanes.String() + "/#scene=1")
	tab.untilAll("live")
	tab.until(`document.getElementById("net").textContent.startsWith("network: round trip 100 ms")`)
	tab.press(" ")
	tab.until(`document.querySelector(".progress").textContent.startsWith("the feed is quiet")`)
	eval[bool](tab, `(location.hash = "#scene=2", setTimeout(() => (location.hash = "#scene=2&step=2")), true)`) // and that at once, too
	tab.until(`document.querySelector("#controls select").value === "market"`)
	tab.never(`document.querySelector("#controls select").value !== "market" || !document.getElementById("net").textContent.startsWith("network: round trip 100 ms")`)
	before := s.settings(t)
	tab.press(" ")
	tab.until(`document.getElementById("net").textContent.startsWith("network: no delay") && document.querySelector('[data-lane="polling"] .about').textContent === "asks every 1.0 s"`)
	if got := s.settings(t); got.Source != source.None {
		t.Errorf("scene 2 has the source %q", got.Source)
	}
	tab.until(`document.getElementById("scenes").dataset.state === "done"`)
	tab.until(`document.getElementById("net").textContent.startsWith("network: round trip 100 ms") && document.querySelector('[data-lane="polling"] .about').textContent === "asks every 2.0 s"`)
	if got := s.settings(t); got != before {
		t.Errorf("after scene 2 the feed is set to %+v, before it was %+v", got, before)
	}

	// So does a page that is closed.
	tab.press("a")
	eventually(t, "the step runs", func() bool { return s.settings(t) != before })
	start := time.Now()
	tab.open("about:blank")
	eventually(t, "the feed is as before", func() bool { return s.settings(t) == before })
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("a page that is closed has its run ended after %v", took)
	}
}

// To open a page changes neither the network nor the feed that another one measures with,
// whether that has set them or not. While a step of one runs, another runs none, nor changes a setting.
func TestSecondVisitor(t *testing.T) {
	chromium(t)
	t.Parallel()
	s := serve(t, market(), nil)
	before := s.settings(t)
	visit := func(hash string) *tab {
		t.Helper()
		tab := s.tab(t) // in a browser of its own
		tab.open("http://" + s.lanes.String() + "/" + hash)
		tab.untilAll("live")
		return tab
	}
	first := visit("#free")
	const calm = `document.getElementById("net").textContent.startsWith("network: no delay")`
	first.until(calm)
	second := visit("")
	second.never(`!` + calm)
	if got := s.settings(t); got != before {
		t.Errorf("to open a page has set the feed to %+v", got)
	}

	eval[bool](first, `(location.hash = "#scene=2&step=4", true)`) // which takes 8 s
	first.until(`document.getElementById("scenes").dataset.scene === "2.4"`)
	third := visit("#scene=3")
	first.press(" ")
	first.until(`document.querySelector(".progress").textContent.startsWith("measuring")`)
	third.expects("409")
	third.press(" ")
	third.until(`document.querySelector(".verdict").textContent.startsWith("Not done: another page runs a step")`)
	third.choose("rate", "9")
	third.until(`document.querySelector("#controls [role=status]").textContent.startsWith("Not changed: another page runs a step")`)
	if got := s.settings(t); got.Source != source.None || got.Rate != before.Rate {
		t.Errorf("while a step of scene 2 runs, the feed is set to %+v", got)
	}
	first.until(`document.getElementById("scenes").dataset.state === "done"`)
	if got := s.settings(t); got != before {
		t.Errorf("after the step the feed is set to %+v, before it was %+v", got, before)
	}
}

// A step sets its network when it runs: another lab that has taken this one's place has none. This step measures times,
// so nothing runs beside it.
func TestStepAfterRestart(t *testing.T) {
	chromium(t)
	browser := opener(smoothTab)
	s := browser.serve(t, market(), nil)
	tab := s.tab(t)
	tab.open("http://" + s.lanes.String() + "/")
	tab.untilAll("live")
	tab.until(`document.getElementById("net").textContent.startsWith("network: round trip 100 ms")`)
	tab.during(outage, func() {
		s.stop()
		s = browser.serve(t, market(), s)
		tab.until(`document.getElementById("net").textContent.startsWith("network: no delay")`)
		tab.untilAll("live")
		eval[bool](tab, `(setInterval(() => (window.delayed ||= document.getElementById("net").textContent.startsWith("network: round trip 100 ms")), 20), true)`)
		tab.step("1.1")
	})
	if !eval[bool](tab, `window.delayed`) {
		t.Error("the step has not set its network")
	}
	tab.until(`document.getElementById("net").textContent.startsWith("network: no delay")`) // as it was before the step
}

// Who points at a button means the page with the next key; while a step runs, a space
// does not pause it.
func TestSpaceAfterClick(t *testing.T) {
	chromium(t)
	t.Parallel()
	s := serve(t, market(), nil)
	tab := s.tab(t)
	tab.open("http://" + s.lanes.String() + "/#scene=5&step=1")
	tab.untilAll("live")
	const scenes = `document.getElementById("scenes").dataset`
	tab.do(chromedp.Click(chromedp.CSS(`[data-do="next"]`)))
	tab.until(scenes + `.scene === "5.2"`)
	tab.do(chromedp.Click(chromedp.CSS("#pause")), chromedp.Click(chromedp.CSS(".choices button")))
	tab.press(" ")
	tab.until(scenes + `.state === "running" && document.getElementById("pause").ariaPressed === "false"`)
	tab.press(" ")
	tab.until(scenes + `.state === "done"`)
	if eval[bool](tab, scenes+`.scene !== "5.2" || document.getElementById("pause").ariaPressed === "true"`) {
		t.Error("a space while the step ran has paused it, or gone on")
	}
}

// What the page says of its bytes is what the ledger has of that page.
func TestBytesAreTheLedgers(t *testing.T) {
	chromium(t)
	t.Parallel()
	s := serve(t, quiet(100), nil)
	tab := s.open(t)
	s.publish(t, many(9)...)
	tab.until(`[...document.querySelectorAll(".lane")].every(({ dataset }) => dataset.messages === "9")`)
	tab.until(`performance.now() > 5000`) // polling's next poll is a while away
	tab.press("c")
	tab.do(chromedp.Click(chromedp.CSS(`#costs button:nth-child(2)`)))
	id := eval[string](tab, `performance.getEntriesByType("resource").map(({ name }) => new URL(name).searchParams.get("page")).find(Boolean)`)
	// The page asks once a second; in between the ledger may have gone on.
	eventually(t, "the page's table is the ledger's", func() bool {
		table := eval[map[string]string](tab, `Object.fromEntries([...document.querySelectorAll("#costs tr:has(th[scope=row])")].map((tr) => [tr.cells[0].textContent, tr.cells[3].textContent]))`)
		answer, err := http.Get(fmt.Sprintf("http://%s/control/ledger?page=%s", s.control, id))
		if err != nil {
			t.Fatal(err)
		}
		defer http.DefaultClient.CloseIdleConnections()
		defer answer.Body.Close()
		var ledger struct {
			Rows []struct {
				Transport string
				Delivered int
				Down      map[string]int
			}
		}
		if err := json.NewDecoder(answer.Body).Decode(&ledger); err != nil {
			t.Fatal(err)
		}
		same := 0
		for _, row := range ledger.Rows {
			if strings.Join(strings.Fields(table[titles[row.Transport]]), "") == fmt.Sprint(row.Down["total"]) && row.Delivered == 9 && row.Down["payload"] > 0 && row.Down["unaccounted"] == 0 {
				same++
			}
		}
		return same == len(transports)
	})
	tab.until(`document.querySelector("#costs .note").textContent.startsWith("unaccounted: 0 B; ")`)

	// What is set is changed: what a message costs begins anew, what was counted stays.
	tab.choose("rate", "500")
	tab.do(chromedp.Click(chromedp.CSS(`#costs button:nth-child(1)`)))
	tab.until(`/HTTP.1.1: 0 messages each in/.test(document.querySelector("#costs .note").textContent) && document.querySelector("#costs .title").textContent.startsWith("Bytes per second")`)
	s.publish(t, many(3)...)
	tab.until(`/HTTP.1.1: 3 messages each in/.test(document.querySelector("#costs .note").textContent) && document.querySelector("#costs .title").textContent === "Bytes per message"`)
	tab.until(`[...document.querySelectorAll('[data-count="messages"]')].every((dd) => dd.textContent === "12") && document.querySelector('[data-lane="sse"] [data-cost="requests"]').textContent === "1"`)

	// Another server, set alike, counts from nothing.
	alike := quiet(100)
	alike.Source.Rate = 500
	tab.during(outage, func() {
		s.stop()
		s = serve(t, alike, s, many(2)...)
		tab.until(`/HTTP.1.1: 2 messages each in/.test(document.querySelector("#costs .note").textContent)`)
	})
}

// A second tab of the same browser looks on, and measures when the first is told to
// yield.
func TestTwoTabs(t *testing.T) {
	chromium(t)
	t.Parallel()
	s := serve(t, quiet(100), nil)
	first := s.open(t)
	second := first.beside()
	second.open("http://" + s.lanes.String() + "/#free")
	second.until(`"viewer" in document.body.dataset`)
	s.publish(t, `"for both"`)
	for _, tab := range []*tab{first, second} {
		tab.until(`[...document.querySelectorAll(".lane .value")].filter((value) => value.textContent === "for both").length === 4`)
	}
	if streams := eval[int](second, `performance.getEntriesByType("resource").filter(({ name }) => new URL(name).searchParams.has("after")).length`); streams != 0 {
		t.Errorf("the tab that looks on has asked %d times", streams)
	}
	eval[bool](second, `(location.hash = "#scene=2", true)`) // who looks on sets nothing
	second.press("n ")
	second.never(`"scene" in document.getElementById("scenes").dataset`)
	second.do(chromedp.Click(chromedp.CSS("#viewer button")))
	// Both load anew, and what is evaluated meanwhile fails.
	for tab, js := range map[*tab]string{
		second: `!("viewer" in document.body.dataset) && document.querySelectorAll('.lane[data-state="live"]').length === 4`,
		first:  `"viewer" in document.body.dataset`,
	} {
		eventually(t, js, func() bool {
			is, err := chromedp.Run(tab.ctx, chromedp.Evaluate[bool](js))
			return err == nil && is
		})
	}
}

// Of three tabs that open at once, without Web Locks (as on plain HTTP from another machine), one measures.
func TestThreeTabs(t *testing.T) {
	chromium(t)
	t.Parallel()
	s := serve(t, quiet(100), nil)
	first := s.tab(t)
	tabs := []*tab{first, first.beside(), first.beside()}
	for _, tab := range tabs {
		tab.preload(`Object.defineProperty(navigator, "locks", { value: undefined })`)
		// One that measured before it has heard of the others yields, and closes what was still opening.
		tab.expects("WebSocket is closed before the connection is established")
	}
	var opening sync.WaitGroup
	for _, tab := range tabs {
		opening.Go(func() { chromedp.Do(tab.ctx, chromedp.Navigate("http://"+s.lanes.String()+"/#free")) })
	}
	opening.Wait()
	// One that yields loads anew, and what is evaluated meanwhile fails.
	eventually(t, "one measures and two look on", func() bool {
		measure, looks := 0, 0
		for _, tab := range tabs {
			state, _ := chromedp.Run(tab.ctx, chromedp.Evaluate[string](`"viewer" in document.body.dataset ? "looks" :
				document.querySelectorAll('.lane[data-state="live"]').length === 4 ? "measures" : ""`))
			measure, looks = measure+map[string]int{"measures": 1}[state], looks+map[string]int{"looks": 1}[state]
		}
		return measure == 1 && looks == 2
	})
	s.publish(t, `"for all"`)
	for _, tab := range tabs {
		tab.until(`[...document.querySelectorAll(".lane .value")].filter((value) => value.textContent === "for all").length === 4`)
	}
}

// A second tab shows what the first one holds, and all that comes while it still asks for the feed.
func TestTwoTabsEarly(t *testing.T) {
	chromium(t)
	t.Parallel()
	s := serve(t, quiet(100), nil)
	first := s.open(t)
	first.pollOften()
	s.publish(t, many(3)...)
	first.untilIDs(s.ids(1, 3), 3)
	second := first.beside()
	second.preload(`
		const asks = fetch;
		fetch = async (url, options) => {
			if (!window.go && String(url).endsWith("/control/feed")) await new Promise((go) => (window.go = go));
			return asks(url, options);
		};`)
	second.open("http://" + s.lanes.String() + "/#free")
	second.until(`window.go`)
	s.publish(t, many(3)...)
	first.untilIDs(s.ids(1, 6), 6)
	eval[bool](second, `(go(), true)`)
	second.untilAll("live")
	second.untilIDs(s.ids(3, 6), 4) // from the newest that was there
}

// H opens the page by the other HTTP, which shows beside its own bytes those that
// this browser had before.
func TestBothHTTP(t *testing.T) {
	chromium(t)
	t.Parallel()
	s := serve(t, quiet(100), nil)
	tab := s.open(t)
	s.publish(t, many(3)...)
	const shown = `document.querySelectorAll("#costs .part.head").length > 3 && document.querySelector("#costs .note").textContent`
	tab.until(shown + `.replace(/in [0-9]+ s/, "in … s") === "unaccounted: 0 B; HTTP/1.1: 3 messages each in … s; network: no delay"`)
	head := func(side string) (n int) {
		return eval[int](tab, fmt.Sprintf(`Number([...document.querySelectorAll("#costs tr")].find((tr) => tr.cells[0].textContent === %q).nextSibling.cells[7].textContent.replace(/\s/g, ""))`, side))
	}
	tab.press("t")
	tab.until(`document.querySelectorAll("#costs tr").length > 8`)
	before := head("polling")
	tab.press("h")
	// It loads anew, and what is evaluated meanwhile fails.
	eventually(t, "the page came by HTTP/2", func() bool {
		is, err := chromedp.Run(tab.ctx, chromedp.Evaluate[bool](`location.protocol === "https:" && document.querySelectorAll('.lane[data-state="live"]').length === 4`))
		return err == nil && is
	})
	tab.until(shown + `.replace(/in [0-9]+ s/g, "in … s").startsWith("unaccounted: 0 B; HTTP/2: 1 message each in … s; HTTP/1.1: 3 messages each in … s;")`)
	tab.until(`[...document.querySelectorAll("#costs svg .tick")].filter((text) => text.textContent.startsWith("HTTP/")).map((text) => text.textContent).join() === "HTTP/2,HTTP/1.1"`)
	tab.press("t")
	tab.until(`document.querySelectorAll("#costs tr").length > 16`)
	if after := head("polling, HTTP/1.1"); after < before || after > 2*before+2000 {
		t.Errorf("polling's heads up were %d B, and %d B when the other page shows them", before, after)
	}

	// And back: it is the page before that is shown, not the one before that.
	second := head("polling")
	tab.press("h")
	eventually(t, "the page came by HTTP/1.1", func() bool {
		is, err := chromedp.Run(tab.ctx, chromedp.Evaluate[bool](`location.protocol === "http:" && document.querySelectorAll('.lane[data-state="live"]').length === 4`))
		return err == nil && is
	})
	tab.until(`document.querySelectorAll("#costs svg .tick").length > 8`)
	tab.press("t")
	tab.until(`document.querySelectorAll("#costs tr").length > 16`)
	if after := head("polling, HTTP/2"); after < second || after > before {
		t.Errorf("polling's heads up were %d B by HTTP/2, and %d B when the other page shows them", second, after)
	}
}

// Single keys can be switched off, and are while something is typed.
func TestKeys(t *testing.T) {
	chromium(t)
	t.Parallel()
	s := serve(t, quiet(100), nil)
	tab := s.open(t)
	tab.press(" ")
	tab.until(`document.getElementById("pause").ariaPressed === "true"`)
	tab.press(" t")
	tab.until(`document.getElementById("latencies").dataset.kind === "table" && document.getElementById("pause").ariaPressed === "false"`)
	tab.press("3")
	tab.until(`document.querySelectorAll(".lane.dim").length === 3`)
	tab.press("3d")
	tab.until(`document.querySelectorAll(".lane.dim").length === 0 && document.documentElement.dataset.theme === "dark"`)
	tab.press("lll")
	tab.until(`document.getElementById("latencies").dataset.kind === "percentiles"`)
	tab.press("r")
	tab.until(`document.getElementById("clock").textContent.startsWith("replay of ") && document.getElementById("stage").hasAttribute("data-past")`)
	tab.press("r")
	tab.until(`!document.getElementById("clock").textContent.startsWith("replay")`)
	tab.press("c")
	tab.until(`!document.getElementById("charts").hidden && document.activeElement.id === "tab-charts"`)
	tab.press("s")
	tab.until(`!document.getElementById("save").hidden && document.activeElement.id === "tab-save" && document.getElementById("charts").hidden`)
	tab.press(" ") // the button has a use for it
	tab.until(`document.getElementById("save").hidden && document.getElementById("pause").ariaPressed === "false"`)
	eval[bool](tab, `(document.activeElement.blur(), true)`)
	tab.press(" ")
	tab.until(`document.getElementById("pause").ariaPressed === "true"`)
	tab.press(" ")
	tab.until(`document.getElementById("pause").ariaPressed === "false"`)
	tab.during(outage, func() {
		tab.press("x")
		tab.until(`document.querySelector('[data-lane="websocket"] .recovery').textContent.startsWith("noticed ")`)
		tab.untilAll("live")
	})

	tab.do(chromedp.Click(chromedp.CSS("#tab-up")), chromedp.SendKeys(chromedp.CSS("#up input"), "t 3"))
	tab.until(`document.querySelector("#up input").value.includes("t 3") && document.querySelectorAll(".lane.dim").length === 0 && document.getElementById("latencies").dataset.kind === "percentiles"`)

	tab.do(chromedp.Click(chromedp.CSS("details.menu:last-child summary")), chromedp.Click(chromedp.CSS("#help")), chromedp.Click(chromedp.CSS("#keys input")), chromedp.Click(chromedp.CSS("#keys button")))
	eval[bool](tab, `(document.activeElement.blur(), true)`)
	tab.press("3td")
	tab.never(`document.querySelectorAll(".lane.dim").length > 0 || document.getElementById("latencies").dataset.kind !== "percentiles"`)
}

// The record is saved as it is, and the picture as it looks.
func TestSave(t *testing.T) {
	chromium(t)
	t.Parallel()
	s := serve(t, quiet(100), nil)
	tab := s.open(t)
	s.publish(t, many(3)...)
	tab.until(`[...document.querySelectorAll(".lane")].every(({ dataset }) => dataset.messages === "3")`)
	const saved = `(async (name) => {
		let blob;
		const make = URL.createObjectURL;
		URL.createObjectURL = (b) => ((blob = b), make(b));
		HTMLAnchorElement.prototype.click = () => {};
		document.querySelector("[data-save=" + name + "]").click();
		URL.createObjectURL = make;
		return await blob.text();
	})(%q)`
	lines := strings.Split(strings.TrimSpace(eval[string](tab, fmt.Sprintf(saved, "jsonl"))), "\n")
	messages := 0
	for i, line := range lines {
		var entry struct{ Kind, Lane, HTTP, Lab, Browser string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		if i == 0 && (entry.Kind != "settings" || entry.HTTP != "HTTP/1.1" || entry.Lab != lab.Version() || !strings.Contains(entry.Browser, "Chrom")) {
			t.Errorf("it begins with %s", line)
		}
		if entry.Kind == "message" {
			messages++
		}
	}
	if messages != 12 {
		t.Errorf("%d messages are saved, want 3 on each lane", messages)
	}
	if rows := strings.Count(eval[string](tab, fmt.Sprintf(saved, "csv")), "\nsse,"); rows != 3 {
		t.Errorf("%d rows of sse, want 3", rows)
	}
	for _, name := range []string{"latency", "bytes"} {
		if svg := eval[string](tab, fmt.Sprintf(saved, name)); !strings.HasPrefix(svg, "<svg ") || !strings.Contains(svg, "network:") || !strings.Contains(svg, "stroke=") {
			t.Errorf("the picture of %s is %.200s", name, svg)
		}
	}
}

// axeCore returns the code of axe-core, whose file AXE names, or skips the test.
func axeCore(t *testing.T) string {
	t.Helper()
	path := os.Getenv("AXE")
	if path == "" {
		needs.Missing(t, "axe-core is not there", "npm install --prefix /tmp/axe axe-core; AXE=/tmp/axe/node_modules/axe-core/axe.min.js go test ./web")
	}
	code, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(code)
}

// axe-core finds nothing to object to, in a scene, in free play and in the dark.
func TestAxe(t *testing.T) {
	chromium(t)
	axe := axeCore(t)
	t.Parallel()
	s := serve(t, market(), nil)
	tab := s.tab(t)
	tab.open("http://" + s.lanes.String() + "/#scene=2")
	tab.untilAll("live")
	tab.press("1 ")
	tab.until(`document.getElementById("scenes").dataset.state === "done"`)
	eval[bool](tab, axe+"; true")
	for _, theme := range []string{"light", "dark"} {
		tab.prefers("color-scheme", theme)
		part := "document" // and then the dock alone: the rest is as before
		for _, panel := range []string{"charts", "controls", "network", "up", "uses", "wire", "save"} {
			tab.do(chromedp.Click(chromedp.CSS("#tab-" + panel)))
			for _, fault := range eval[[]string](tab, `axe.run(`+part+`, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }).then(({ violations }) => violations.flatMap(({ id, help, nodes }) => nodes.map(({ html }) => id + ": " + help + ": " + html.slice(0, 200))))`) {
				t.Errorf("%s, %s: %s", theme, panel, fault)
			}
			part = `document.getElementById("dock")`
		}
		tab.press("t")
	}
	tab.press("?")
	for _, fault := range eval[[]string](tab, `axe.run(document.getElementById("keys")).then(({ violations }) => violations.map(({ id, help }) => id + ": " + help))`) {
		t.Errorf("keys: %s", fault)
	}
}

// The page weighs less than 150 KB on its way, heads included.
func TestWeight(t *testing.T) {
	chromium(t)
	t.Parallel()
	s := serve(t, quiet(100), nil, many(3)...)
	tab := s.open(t)
	tab.untilIDs(s.ids(3, 3), 1)
	weight := eval[int](tab, `[...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource").filter(({ name }) => name.includes("/static/"))].reduce((sum, { transferSize }) => sum + transferSize, 0)`)
	t.Logf("the page weighs %d B", weight)
	if weight < 20_000 || weight >= 150_000 {
		t.Errorf("the page weighs %d B, want less than 150 000", weight)
	}
}
