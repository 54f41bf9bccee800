package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"fourwires/internal/needs"
	"fourwires/internal/wire"
)

// inspected opens the inspector in a page, and lanes by hand whose exchanges it shows: their entries are window.entries.
const inspected = `(async () => {
	const { inspector } = await import("/static/inspector/inspector.js");
	const control = document.querySelector("meta[name=control]").content;
	window.entries = [];
	window.inspect = inspector(document.getElementById("inspector"), { control, missing: "", me: "test" });
	window.recording = new EventSource(control + "/control/exchanges?page=test");
	await new Promise((go) => (recording.onopen = go));
	recording.onmessage = ({ data }) => {
		const batch = JSON.parse(data);
		inspect.exchanged(batch);
		entries.push(...batch.entries);
	};
	return true;
})()`

func openInspector(t *testing.T, s *site, origin, lanes string) *tab {
	t.Helper()
	tab := s.tab(t)
	tab.open(origin + "/#free")
	tab.untilAll("live")
	eval[bool](tab, inspected)
	eval[bool](tab, record(lanes, s.cursor(0)))
	return tab
}

// A shownField is a field as the inspector shows it.
type shownField struct {
	Dir, Part, Role, Text string
	Size                  int
}

// fields returns what the inspector shows, entry by entry.
func (tab *tab) fields() [][]shownField {
	return eval[[][]shownField](tab, `[...document.querySelectorAll("#inspector .fields [role=group]")].map((group) =>
		[...group.querySelectorAll(".field")].map(({ dataset: { dir, part, role, size, text } }) => ({ dir, part, role, size: +size, text })))`)
}

// exchangeSpans returns the spans of an exchange as the control API has them, entry by entry.
func exchangeSpans(t *testing.T, s *site, exchange int) (entries [][]wire.Span) {
	t.Helper()
	response, err := http.Get(fmt.Sprintf("http://%s/control/exchanges/%d?page=test", s.control, exchange))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		Entries []struct {
			Spans []struct {
				Dir, Part string
				wire.Span // the fields that have other types in JSON are hidden by these
			}
		}
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	for _, entry := range answer.Entries {
		var spans []wire.Span
		for _, s := range entry.Spans {
			span := s.Span
			if s.Dir == "down" {
				span.Dir = wire.Down
			}
			for part := range (wire.Parts{}).All() {
				if part.String() == s.Part {
					span.Part = part
				}
			}
			spans = append(spans, span)
		}
		entries = append(entries, spans)
	}
	return entries
}

// listed returns the fields of a listing, and the lines with its sums.
func listed(l *wire.Listing) (fields []shownField, sums []string) {
	lines, rest, _ := strings.Cut(l.String(), "\n\n")
	for line := range strings.Lines(lines) {
		line = strings.TrimRight(line, "\n")
		size, _ := strconv.Atoi(strings.TrimSpace(line[2:8]))
		role, text, _ := strings.Cut(line[25:], "  ")
		fields = append(fields, shownField{
			Dir: map[byte]string{'>': "up", '<': "down"}[line[0]], Size: size,
			Part: strings.TrimSpace(line[12:23]), Role: role, Text: strings.TrimSpace(text),
		})
	}
	return fields, strings.Split(strings.TrimSpace(rest), "\n")[1:] // behind up and down
}

// The inspector shows of each transport what lab wire prints of the same bytes: field by field, and in sum.
func TestInspector(t *testing.T) {
	chromium(t)
	t.Parallel()
	for _, scheme := range []string{"http", "https"} {
		s := serve(t, quiet(100), nil, `{"text":"é \u202e שלום \\ \""}`, `2`)
		origin := "http://" + s.lanes.String()
		if scheme == "https" {
			origin = "https://" + s.tls.String()
		}
		tab := openInspector(t, s, origin, all)
		for _, name := range transports {
			t.Run(scheme+"/"+name, func(t *testing.T) {
				tab.t = t
				tab.until(fmt.Sprintf(`entries.some(({ transport, kind }) => transport === %q && kind === "message")`, name))
				exchange := eval[int](tab, fmt.Sprintf(
					`(window.shown = entries.find(({ transport, kind }) => transport === %q && kind === "message")).exchange`, name))
				eval[bool](tab, `inspect.open(shown.exchange).then(() => true)`)
				got := tab.fields()
				entries := exchangeSpans(t, s, exchange)
				if len(got) < 3 || len(entries) < len(got) {
					t.Fatalf("%d entries are shown, and %d recorded", len(got), len(entries))
				}
				var whole wire.Listing
				var flat []shownField
				for i, shown := range got {
					var listing wire.Listing
					for _, span := range entries[i] {
						listing.Add(span)
						whole.Add(span)
					}
					want, _ := listed(&listing)
					for k := range shown {
						shown[k].Text = strings.TrimSpace(shown[k].Text)
					}
					if !slices.Equal(shown, want) {
						t.Errorf("entry %d: shown\n%v\nlab wire prints\n%v", i, shown, want)
					}
					flat = append(flat, shown...)
				}
				if scheme == "http" {
					again, _ := listed(dissected(entries[:len(got)]))
					if !slices.Equal(flat, again) {
						t.Errorf("shown\n%v\nof the same bytes lab wire prints\n%v", flat, again)
					}
				}
				_, sums := listed(&whole)
				if got := tab.sums(); !slices.Equal(got, sums) {
					t.Errorf("the sums are\n%s\nlab wire prints\n%s", strings.Join(got, "\n"), strings.Join(sums, "\n"))
				}
				tab.press("\x1b")
				tab.until(`!document.getElementById("inspector").open`)
			})
		}
		tab.t = t
		eval[bool](tab, `(Object.values(close).forEach((close) => close()), recording.close(), true)`)
	}
}

// dissected lists the bytes of an exchange of HTTP/1.1 anew.
func dissected(entries [][]wire.Span) *wire.Listing {
	var listing wire.Listing
	var ledger wire.Ledger
	d := wire.NewDissector(&ledger, listing.Add)
	defer d.Close()
	for _, spans := range entries {
		for _, span := range spans {
			if span.Dir == wire.Up {
				d.Up(span.Bytes)
			} else {
				d.Down(span.Bytes)
			}
		}
	}
	return &listing
}

// sums returns the sums that the inspector shows, as a listing writes them.
func (tab *tab) sums() []string {
	return eval[[]string](tab, `[
		...[...document.querySelectorAll("#inspector .sums li")].map(({ dataset: { part = "total", up, down } }) =>
			part.padEnd(11) + "  " + up.padStart(6) + " B  " + down.padStart(6) + " B"),
		document.querySelector("#inspector .end").textContent,
	]`)
}

// The command that the inspector copies asks, in a shell, what the page asked. Keys, Esc and the focus are as in any
// dialog, and an exchange that is forgotten is no error of the page.
func TestInspectorByHand(t *testing.T) {
	chromium(t)
	needs.Program(t, "apt-get install curl", "curl")
	t.Parallel()
	s := serve(t, quiet(100), nil, many(3)...)
	tab := openInspector(t, s, "http://"+s.lanes.String(), all)
	tab.until(`entries.some(({ transport, kind }) => transport === "polling" && kind === "message")`)
	eval[bool](tab, `(document.getElementById("pause").focus(), true)`)
	eval[bool](tab, `inspect.open(entries.find(({ transport, kind }) => transport === "polling" && kind === "message").exchange).then(() => true)`)

	chosen := func() int {
		return eval[int](tab, `+document.querySelector("#inspector [aria-selected=true]").dataset.field`)
	}
	if got := chosen(); got != 0 {
		t.Errorf("field %d is chosen first", got)
	}
	tab.do(chromedp.KeyEvent(kb.ArrowDown))
	if got := chosen(); got != 1 {
		t.Errorf("after an arrow field %d is chosen, want 1", got)
	}
	lit := eval[[]string](tab, `[...new Set([...document.querySelectorAll("#inspector .lit")].map((e) => e.dataset.field ?? e.dataset.part))]`)
	if want := []string{"1", "tag"}; !slices.Equal(lit, want) {
		t.Errorf("lit are %v, want %v", lit, want)
	}

	eval[bool](tab, `(document.querySelector("#inspector .copy").click(), true)`)
	command := eval[string](tab, `document.querySelector("#inspector .curl").textContent`)
	out, err := exec.Command("sh", "-c", command).Output()
	if err != nil || !strings.Contains(string(out), `"messages":[{"id":1,`) {
		t.Errorf("%s: %v\n%s", command, err, out)
	}

	hostile := eval[string](tab, `import("/static/inspector/curl.js").then(({ curl }) => {
		const span = (role, text) => ({ dir: "up", part: "head", role, size: text.length, bytes: btoa(text) });
		return curl({ method: "PO'ST", http: "1.1", tls: false, transport: "publish" }, [
			span("request line", "PO'ST /p?a='$(x)&page=1 HTTP/1.1\r\n"), span("field name", "Host: "), span("field value", "h"), span("line end", "\r\n"),
			span("field name", "X: "), span("field value", "-\xe9%s\x1b'\\n\t!"), span("line end", "\r\n"), span("blank line", "\r\n"), span("body", "-e %d\0'\\\n\n"),
		]);
	})`)
	out, err = exec.Command("sh", "-c", `curl() { printf '[%s]' "$@"; cat; }; `+hostile).Output()
	if want := "[--http1.1][--request][PO'ST][--header][X: -\xe9%s\x1b'\\n\t!][--header][Content-Type:][--data-binary][@-][http://h/p?a='$(x)]-e %d\x00'\\\n\n"; err != nil || string(out) != want {
		t.Errorf("%s: %v\n%q, want\n%q", hostile, err, out, want)
	}

	eval[bool](tab, `(document.querySelector("#inspector .compare").click(), true)`)
	tab.until(`document.querySelectorAll("#inspector .costs tr").length > 5`)
	costs := eval[[][]string](tab, `[...document.querySelectorAll("#inspector .costs tr")].map((tr) => [...tr.children].map((cell) => cell.textContent))`)
	if last := costs[len(costs)-1]; last[0] != "all" || len(last) < 3 || last[1] == "0" {
		t.Errorf("the costs end with %v", last)
	}

	tab.press("\x1b")
	tab.until(`!document.getElementById("inspector").open && document.activeElement.id === "pause"`)

	tab.expects("404")
	eval[bool](tab, `inspect.open(123456789).then(() => true)`)
	if got := eval[string](tab, `document.querySelector("#inspector .news").textContent`); !strings.HasPrefix(got, "exchange 123456789: no longer kept") {
		t.Errorf("of an exchange that is not there it says %q", got)
	}
	eval[bool](tab, `(inspect.close(), true)`)
}

// 60 kB of hostile text are drawn at once, become no HTML, and fit the dialog at each size; axe-core finds nothing.
func TestInspectorHostile(t *testing.T) {
	chromium(t)
	axe := axeCore(t)
	t.Parallel()
	text, _ := json.Marshal(strings.Repeat("\u202e\x01\u0301שלום<img src=x>", 1500))
	s := serve(t, quiet(100), nil, string(text))
	tab := openInspector(t, s, "http://"+s.lanes.String(), "[]")
	eval[bool](tab, axe+"; true")
	for _, name := range transports { // one by one, since the lab keeps 256 KiB
		eval[bool](tab, record(fmt.Sprintf("[%q]", name), s.cursor(0)))
		tab.until(fmt.Sprintf(`entries.some(({ transport, kind }) => transport === %q && kind === "message")`, name))
		for _, size := range [][2]int64{{1280, 720}, {360, 740}} {
			tab.resize(size[0], size[1])
			took := eval[float64](tab, fmt.Sprintf(`(async () => {
				const { exchange, seq } = entries.find(({ transport, kind }) => transport === %q && kind === "message");
				const begun = performance.now();
				await inspect.open(exchange, seq);
				await new Promise(requestAnimationFrame);
				return performance.now() - begun;
			})()`, name))
			t.Logf("%s, %v: %.0f ms", name, size, took)
			if took > 2000 {
				t.Errorf("%s: the inspector took %.0f ms to draw it", name, took)
			}
			if wide := eval[[]string](tab, `[...document.querySelectorAll("#inspector, #inspector .fields, #inspector .hex, #inspector .sums, #inspector header")].filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.id + e.className)`); len(wide) > 0 {
				t.Errorf("%s, %v: too wide are %v", name, size, wide)
			}
			if images := eval[int](tab, `document.querySelectorAll("#inspector img").length`); images > 0 {
				t.Errorf("%s: text became HTML", name)
			}
			for _, fault := range eval[[]string](tab, `axe.run(document.getElementById("inspector")).then(({ violations }) => violations.flatMap(({ id, help, nodes }) => nodes.map(({ html }) => id + ": " + help + ": " + html.slice(0, 200))))`) {
				t.Errorf("%s, %v: %s", name, size, fault)
			}
		}
	}
	eval[bool](tab, `(inspect.close(), true)`)
}
