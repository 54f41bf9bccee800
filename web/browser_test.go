package web_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/security"
	"github.com/chromedp/chromedp"
	"go.uber.org/goleak"

	browsers "fourwires/internal/chromium"
)

// TestMain runs six tests side by side, unless -parallel says how many: most of the time they wait for a page.
func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		flag.Set("test.parallel", "6")
	}
	code := m.Run()
	closeBrowser()
	closeFirefox()
	if err := goleak.Find(); err != nil && code == 0 {
		os.Stderr.WriteString(err.Error() + "\n")
		code = 1
	}
	os.Exit(code)
}

// patience is how long a condition may take to come true on a busy machine.
const patience = 40 * time.Second

// browser is the one Chromium of all tests; each test has a tab of its own, with a profile of its own.
var browser struct {
	mu    sync.Mutex
	ctx   context.Context // nil: not started yet
	close func()
}

// chromium returns the path of a Chromium, or skips the test.
func chromium(t testing.TB) string {
	t.Helper()
	return browsers.Path(t)
}

func startBrowser(t testing.TB) context.Context {
	t.Helper()
	path := chromium(t)
	browser.mu.Lock()
	defer browser.mu.Unlock()
	if browser.ctx != nil {
		return browser.ctx
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.NoSandbox,
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-features", "Translate,SpareRendererForSitePerProcess"), // no process is started before it is needed
		chromedp.WSURLReadTimeout(patience),
	)
	allocator, free := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	if err := chromedp.Do(ctx); err != nil {
		cancel()
		free()
		t.Fatalf("%s does not start: %v", path, err)
	}
	browser.ctx = ctx
	browser.close = func() {
		chromedp.Cancel(ctx) // closed in order, it leaves no files behind
		cancel()
		free()
	}
	return ctx
}

func closeBrowser() {
	if browser.close != nil {
		browser.close()
	}
}

// A tab shows one page and watches it: all that a page must not do is a fault
// of the test.
type tab struct {
	t     testing.TB
	ctx   context.Context
	hosts []string // that the page may talk to: origins

	firefox *firefox // nil: it is Chromium's
	context string   // its name there

	mu     sync.Mutex
	expect []string // parts of what the browser may tell now
	faults []string
}

// newTab returns a tab whose page may talk to these origins alone (http://host:port, https://host:port), and takes any
// certificate. Its page draws four times a second, as on a slow screen: most tests read what it shows.
func newTab(t testing.TB, hosts ...string) *tab {
	t.Helper()
	tab := smoothTab(t, hosts...)
	tab.preload(slowScreen)
	return tab
}

// smoothTab is [newTab] at the browser's own 60 frames a second.
func smoothTab(t testing.TB, hosts ...string) *tab {
	t.Helper()
	return newTabOf(t, startBrowser(t), hosts, chromedp.WithNewBrowserContext())
}

// slowScreen has a page wait before each frame.
const slowScreen = `{
	const draw = requestAnimationFrame;
	window.requestAnimationFrame = (frame) => setTimeout(draw, 234, frame);
}`

// beside returns a second tab in the profile of the first.
func (tab *tab) beside() *tab {
	tab.t.Helper()
	second := newTabOf(tab.t, tab.ctx, tab.hosts)
	second.preload(slowScreen)
	return second
}

// preload has each page that the tab opens run a script before its own.
func (tab *tab) preload(js string) {
	tab.t.Helper()
	var err error
	if tab.firefox == nil {
		_, err = chromedp.Call(tab.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: js})
	} else {
		ctx, cancel := context.WithTimeout(tab.ctx, patience)
		defer cancel()
		err = tab.firefox.preload(ctx, tab.context, js)
	}
	if err != nil {
		tab.t.Fatal(err)
	}
}

func newTabOf(t testing.TB, parent context.Context, hosts []string, options ...chromedp.ContextOption) *tab {
	t.Helper()
	tab := &tab{t: t, hosts: hosts}
	ctx, cancel := chromedp.NewContext(parent, append(options, chromedp.WithListener(tab.listen))...)
	tab.ctx = ctx
	if err := chromedp.Do(ctx); err != nil { // a first action with a deadline would take the tab along
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		tab.end()
		cancel()
	})
	tab.resize(1280, 720)
	if _, err := chromedp.Call(ctx, security.SetIgnoreCertificateErrors, security.SetIgnoreCertificateErrorsParams{Ignore: true}); err != nil {
		t.Fatal(err)
	}
	return tab
}

// end tells what of the page was a fault.
func (tab *tab) end() {
	if tab.t.Failed() {
		text, _ := evaluate[string](tab, `document.documentElement.innerText`)
		tab.t.Logf("the page at the end:\n%s", text)
	}
	tab.mu.Lock()
	defer tab.mu.Unlock()
	for _, fault := range tab.faults {
		tab.t.Error(fault)
	}
}

func (tab *tab) open(address string) {
	tab.t.Helper()
	if tab.firefox == nil {
		tab.do(chromedp.Navigate(address))
		return
	}
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	if err := tab.firefox.navigate(ctx, tab.context, address); err != nil {
		tab.t.Fatal(err)
	}
}

// listen is called for each event of the tab.
func (tab *tab) listen(event any) {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	switch event := event.(type) {
	case *network.EventRequestWillBeSent:
		tab.request(event.Request.URL)
	case *network.EventWebSocketCreated:
		tab.request(event.URL)
	case *page.EventJavascriptDialogOpening:
		tab.fault("the page opened a dialog: %s", event.Message)
	case *runtime.EventExceptionThrown:
		tab.fault("the page threw: %v", event.ExceptionDetails)
	case *runtime.EventConsoleAPICalled:
		text := ""
		for _, arg := range event.Args {
			text += " " + string(arg.Value) + arg.Description
		}
		tab.fault("the page wrote to the console: %s%s", event.Type, text)
	case *log.EventEntryAdded:
		tab.console(string(event.Entry.Level), event.Entry.Text+" "+event.Entry.URL)
	}
}

func (tab *tab) fault(format string, args ...any) {
	tab.faults = append(tab.faults, fmt.Sprintf(format, args...))
}

// request is told of each address that the page asks for.
func (tab *tab) request(address string) {
	u, err := url.Parse(address)
	if err != nil {
		tab.fault("the page asked for %s", address)
		return
	}
	if !slices.Contains(tab.hosts, strings.Replace(u.Scheme, "ws", "http", 1)+"://"+u.Host) {
		tab.fault("the page asked another host: %s", address)
	}
}

// console is told what the browser writes to its console. It tells of each request that
// fails, and no page can keep it from that: it is no fault where the test made them fail.
func (tab *tab) console(level, text string) {
	if !slices.ContainsFunc(tab.expect, func(part string) bool { return strings.Contains(text, part) }) {
		tab.fault("the browser's console: %s: %s", level, text)
	}
}

// outage is what Chromium and Firefox tell when connections fail, and foreign what they
// tell when an answer is not for this page.
var (
	outage  = []string{"net::ERR_", "WebSocket connection to", "establish a connection to the server at", "was interrupted while the page was loading", "CORS request did not succeed"}
	foreign = []string{"CORS policy", "Cross-Origin Request Blocked"}
)

// expects says what the browser may tell from now on.
func (tab *tab) expects(parts ...string) {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	tab.expect = append(tab.expect, parts...)
}

// during runs f, in which requests fail by the test's own doing, so that the
// browser tells of what is expected.
func (tab *tab) during(expect []string, f func()) {
	tab.t.Helper()
	set := func(expect []string) (before []string) {
		tab.mu.Lock()
		defer tab.mu.Unlock()
		before, tab.expect = tab.expect, expect
		return before
	}
	defer set(set(append(expect, tab.expect...)))
	f()
}

func (tab *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		tab.t.Fatal(err)
	}
}

func (tab *tab) resize(width, height int64) {
	tab.t.Helper()
	tab.do(chromedp.EmulateViewport(width, height))
}

// eval returns the value of a JavaScript expression, or what its promise gives.
func eval[T any](tab *tab, js string) T {
	tab.t.Helper()
	value, err := evaluate[T](tab, js)
	if err != nil {
		tab.t.Fatalf("%s: %v", js, err)
	}
	return value
}

func evaluate[T any](tab *tab, js string) (value T, err error) {
	ctx, cancel := context.WithTimeout(tab.ctx, patience+5*time.Second)
	defer cancel()
	if tab.firefox == nil {
		return chromedp.Run(ctx, chromedp.Evaluate[T](js, chromedp.EvalAwaitPromise))
	}
	text, err := tab.firefox.evaluate(ctx, tab.context, js)
	if err != nil {
		return value, err
	}
	return value, json.Unmarshal(text, &value)
}

// eventually waits until a condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(patience)
	for !holds() {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-deadline:
			t.Fatalf("not so after %v: %s", patience, what)
		}
	}
}

// until waits until a JavaScript expression is true.
func (tab *tab) until(js string) {
	tab.t.Helper()
	// The page's policy forbids it to evaluate text, as chromedp.Poll would have
	// it do; so the expression stands in the waiting itself.
	if !eval[bool](tab, fmt.Sprintf(`(async () => {
		for (const end = performance.now() + %d; performance.now() < end;) {
			if (%s) return true;
			await new Promise((go) => setTimeout(go, 50));
		}
		return false;
	})()`, patience.Milliseconds(), js)) {
		tab.t.Fatalf("not true after %v: %s", patience, js)
	}
}
