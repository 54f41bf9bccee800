package web_test

import (
	"context"
	"fmt"
	"net/url"
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

	browsers "fourwires/internal/chromium"
)

// patience is how long a condition may take to come true on a busy machine.
const patience = 40 * time.Second

// browser is the one Chromium of all tests; each test gets a tab with a
// profile of its own in it.
var browser struct {
	mu    sync.Mutex
	ctx   context.Context // nil: not started yet
	close func()
}

// chromium returns the path of a Chromium, or skips the test.
func chromium(t testing.TB) string {
	t.Helper()
	return browsers.Path(t, "THE PAGE IS NOT TESTED")
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

	mu     sync.Mutex
	expect []string // parts of what the browser may tell now
	faults []string
}

// newTab returns a tab whose page may talk to these origins alone
// (http://host:port, https://host:port), and takes any certificate.
func newTab(t testing.TB, hosts ...string) *tab {
	t.Helper()
	return newTabOf(t, startBrowser(t), hosts, chromedp.WithNewBrowserContext())
}

// beside returns a second tab in the profile of the first.
func (tab *tab) beside() *tab {
	tab.t.Helper()
	return newTabOf(tab.t, tab.ctx, tab.hosts)
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
		if t.Failed() {
			text, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`document.documentElement.innerText`))
			t.Logf("the page at the end:\n%s", text)
		}
		cancel()
		tab.mu.Lock()
		defer tab.mu.Unlock()
		for _, fault := range tab.faults {
			t.Error(fault)
		}
	})
	tab.resize(1280, 720)
	if _, err := chromedp.Call(ctx, security.SetIgnoreCertificateErrors, security.SetIgnoreCertificateErrorsParams{Ignore: true}); err != nil {
		t.Fatal(err)
	}
	return tab
}

func (tab *tab) open(address string) {
	tab.t.Helper()
	tab.do(chromedp.Navigate(address))
}

// listen is called for each event of the tab.
func (tab *tab) listen(event any) {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	fault := func(format string, args ...any) { tab.faults = append(tab.faults, fmt.Sprintf(format, args...)) }
	request := func(address string) {
		u, err := url.Parse(address)
		if err != nil {
			fault("the page asked for %s", address)
			return
		}
		if !slices.Contains(tab.hosts, strings.Replace(u.Scheme, "ws", "http", 1)+"://"+u.Host) {
			fault("the page asked another host: %s", address)
		}
	}
	switch event := event.(type) {
	case *network.EventRequestWillBeSent:
		request(event.Request.URL)
	case *network.EventWebSocketCreated:
		request(event.URL)
	case *page.EventJavascriptDialogOpening:
		fault("the page opened a dialog: %s", event.Message)
	case *runtime.EventExceptionThrown:
		fault("the page threw: %v", event.ExceptionDetails)
	case *runtime.EventConsoleAPICalled:
		text := ""
		for _, arg := range event.Args {
			text += " " + string(arg.Value) + arg.Description
		}
		fault("the page wrote to the console: %s%s", event.Type, text)
	case *log.EventEntryAdded:
		// The browser itself tells of each request that fails, and no page can
		// keep it from that. It is no fault where the test made them fail.
		text := event.Entry.Text + " " + event.Entry.URL
		if !slices.ContainsFunc(tab.expect, func(part string) bool { return strings.Contains(text, part) }) {
			fault("the browser's console: %s: %s", event.Entry.Level, text)
		}
	}
}

// outage is what the browser tells when connections fail.
var outage = []string{"net::ERR_", "WebSocket connection to"}

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
	ctx, cancel := context.WithTimeout(tab.ctx, patience+5*time.Second)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](js, chromedp.EvalAwaitPromise))
	if err != nil {
		tab.t.Fatalf("%s: %v", js, err)
	}
	return value
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
