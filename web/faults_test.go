package web_test

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
	"time"

	windows "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/debugger"
	"github.com/chromedp/chromedp"
)

// A tab that was hidden drops what came meanwhile, and says so when it is seen again.
func TestHidden(t *testing.T) {
	chromium(t)
	t.Parallel()
	s := serve(t, quiet(100), nil)
	tab := s.open(t)
	tab.until(`document.getElementById("clock").textContent.includes("±")`)
	tab.window(windows.WindowStateMinimized)
	tab.until(`document.hidden`)
	s.publish(t, many(2)...)
	// Hidden, nothing is drawn; but a poll has its answer.
	tab.until(`performance.getEntriesByType("mark").filter(({ name }) => name.startsWith("first message by ")).length === 4`)
	tab.window(windows.WindowStateNormal)
	tab.until(`!document.hidden`)
	tab.until(`[...document.querySelectorAll(".lane .dropped")].every((dd) => dd.textContent === "2") && document.getElementById("says").textContent.startsWith("This tab was hidden for ")`)
}

// window minimizes the tab's window, which hides the tab, or brings it back.
func (tab *tab) window(state windows.WindowState) {
	tab.t.Helper()
	of, err := chromedp.Call(tab.ctx, windows.GetWindowForTarget, windows.GetWindowForTargetParams{})
	if err != nil {
		tab.t.Fatal(err)
	}
	if _, err := chromedp.Call(tab.ctx, windows.SetWindowBounds, windows.SetWindowBoundsParams{WindowID: of.WindowID, Bounds: &windows.Bounds{WindowState: state}}); err != nil {
		tab.t.Fatal(err)
	}
}

// When one of the clocks is set, what was measured before is dropped, and the page
// says so. Ours is put on by five seconds, as it would be after a sleep through which
// the browser's did not run.
func TestClockJumps(t *testing.T) {
	chromium(t)
	t.Parallel()
	s := serve(t, quiet(100), nil)
	tab := s.tab(t)
	tab.preload(quickClock)
	tab.open("http://" + s.lanes.String() + "/#free")
	tab.untilAll("live")
	tab.pollOften()
	tab.until(`document.getElementById("clock").textContent.includes("±")`)
	s.publish(t, many(3)...)
	tab.until(`[...document.querySelectorAll(".lane .n")].every((n) => n.textContent === "3")`)
	eval[bool](tab, `(Object.defineProperty(performance, "timeOrigin", { value: performance.timeOrigin + 5000 }), true)`)
	tab.until(`[...document.querySelectorAll(".lane .n")].every((n) => n.textContent === "none yet")`)
	tab.until(`document.getElementById("says").textContent.startsWith("A clock was set")`)
	tab.until(`document.getElementById("clock").textContent.startsWith("clock −5.0")`)
	s.publish(t, many(1)...)
	tab.until(`[...document.querySelectorAll(".lane .latency .figure")].every((figure) => /^[<\d]/.test(figure.textContent) && parseFloat(figure.textContent.replace("<", "")) < 2000)`)
}

// A page that stood still, as when a laptop sleeps, drops what came meanwhile.
func TestStoodStill(t *testing.T) {
	chromium(t)
	t.Parallel()
	s := serve(t, quiet(100), nil)
	tab := s.open(t)
	tab.pollOften()
	tab.until(`document.getElementById("clock").textContent.includes("±")`)
	s.publish(t, many(1)...)
	tab.until(`[...document.querySelectorAll(".lane .n")].every((n) => n.textContent === "1")`)
	tab.standStill(1500*time.Millisecond, func() { s.publish(t, many(2)...) })
	tab.until(`[...document.querySelectorAll(".lane .dropped")].every((dd) => dd.textContent === "2")`)
	tab.until(`document.getElementById("says").textContent.startsWith("This computer was asleep or too busy for ")`)
	s.publish(t, many(1)...)
	tab.until(`[...document.querySelectorAll(".lane .n")].every((n) => n.textContent === "2")`)
}

// standStill stops the page's scripts, as a laptop that sleeps does, runs f, and lets them go on after so long. The
// browser's network goes on meanwhile.
func (tab *tab) standStill(long time.Duration, f func()) {
	tab.t.Helper()
	stands := make(chan struct{})
	err := chromedp.Listen(tab.ctx, func(event any) {
		if _, ok := event.(*debugger.EventPaused); ok {
			close(stands)
		}
	})
	if err != nil {
		tab.t.Fatal(err)
	}
	if _, err := chromedp.Call(tab.ctx, debugger.Enable, debugger.EnableParams{}); err != nil {
		tab.t.Fatal(err)
	}
	if _, err := chromedp.Call(tab.ctx, debugger.Pause, cdp.Empty{}); err != nil {
		tab.t.Fatal(err)
	}
	select {
	case <-stands:
	case <-time.After(patience):
		tab.t.Fatal("the page does not stand still")
	}
	f()
	<-time.After(long)
	if _, err := chromedp.Call(tab.ctx, debugger.Resume, debugger.ResumeParams{}); err != nil {
		tab.t.Fatal(err)
	}
}

// A proxy that collects an event stream before it passes it on: the page says that
// the lane is behind, and what that looks like.
func TestBufferingProxy(t *testing.T) {
	inBoth(t, func(t *testing.T, newTab opener) {
		s := newTab.serve(t, quiet(100), nil, many(50)...)
		target := &url.URL{Scheme: "http", Host: s.lanes.String()}
		through := &httputil.ReverseProxy{
			Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(target)
				r.Out.Host = r.In.Host // or the WebSocket's Origin is another's
			},
			ErrorLog: log.New(io.Discard, "", 0), // the page goes while a stream is open
		}
		collects := *through
		collects.ModifyResponse = func(answer *http.Response) error {
			answer.Body = struct { // read whole, and only then passed on
				io.Reader
				io.Closer
			}{&collected{from: answer.Body}, answer.Body}
			return nil
		}
		mux := http.NewServeMux()
		mux.Handle("/", through)
		mux.Handle("/sse", &collects)
		proxy := httptest.NewServer(mux)
		t.Cleanup(func() { // after the tab's, which would tell of it
			proxy.CloseClientConnections()
			proxy.Close()
		})

		tab := newTab(t, proxy.URL, "http://"+s.control.String())
		tab.mu.Lock()
		tab.expect = append(outage, foreign...) // the controls are for the lanes' own port
		tab.mu.Unlock()
		tab.open(proxy.URL + "/#free")
		tab.until(`document.querySelectorAll('.lane[data-state="live"]').length >= 3`)
		tab.pollOften()
		s.publish(t, many(3)...)
		tab.until(`document.querySelector('[data-lane="sse"] .faults').textContent.startsWith("3 behind the others")`)
		tab.until(`[...document.querySelectorAll(".lane")].filter(({ dataset }) => dataset.behind === "0").length === 3`)
	})
}

// collected reads nothing before all is there.
type collected struct {
	from io.Reader
	all  *bytes.Reader
}

func (c *collected) Read(p []byte) (int, error) {
	if c.all == nil {
		text, err := io.ReadAll(c.from)
		if err != nil {
			return 0, err
		}
		c.all = bytes.NewReader(text)
	}
	return c.all.Read(p)
}

// quickClock has a page ask for the server's time twice a second, not once in five, and counts in window.asked how
// often it has.
const quickClock = `{
	const [later, { send }] = [setTimeout, WebSocket.prototype];
	window.setTimeout = (f, ms, ...more) => later(f, ms === 5000 ? 500 : ms, ...more);
	window.asked = 0;
	WebSocket.prototype.send = function (text) {
		asked += text === "what time is it?";
		send.call(this, text);
	};
}`

// After an outage the clock is asked for at the control address again, which no network
// delays; or its error would be half a round trip.
func TestClockAfterRestart(t *testing.T) {
	inBoth(t, func(t *testing.T, newTab opener) {
		settings := quiet(100)
		settings.Network.RTT = 200 * time.Millisecond
		s := newTab.serve(t, settings, nil)
		tab := s.tab(t)
		tab.preload(quickClock)
		tab.open("http://" + s.lanes.String() + "/#free")
		tab.untilAll("live")
		const error = `parseFloat(document.getElementById("clock").textContent.split("± ")[1])`
		tab.until(error + ` < 20`)
		tab.during(outage, func() {
			s.stop()
			s = newTab.serve(t, settings, s)
			tab.untilAll("live")
			// It counts sixteen samples: those from before have to be gone.
			tab.until(fmt.Sprintf("asked > %d", eval[int](tab, "asked")+16))
			tab.until(error + ` < 20`)
		})
	})
}
