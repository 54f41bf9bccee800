package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fourwires/web"
)

// blank serves an empty page, the page's modules, what is in testdata, and the test vectors of internal/stats.
func (newTab opener) blank(t *testing.T) (*http.ServeMux, *tab) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, `<!doctype html><link rel="icon" href="/static/favicon.svg"><title>blank</title>`)
	})
	mux.Handle("GET /static/", http.StripPrefix("/static", http.FileServerFS(web.Static())))
	mux.Handle("GET /testdata/", http.FileServer(http.Dir(".")))
	mux.Handle("GET /stats/", http.StripPrefix("/stats", http.FileServer(http.Dir("../internal/stats/testdata"))))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	tab := newTab(t, server.URL)
	tab.open(server.URL)
	return mux, tab
}

// TestModules runs the JavaScript tests in testdata.
func TestModules(t *testing.T) {
	inBoth(t, func(t *testing.T, newTab opener) {
		files, err := filepath.Glob("testdata/*.test.js")
		if err != nil || len(files) == 0 {
			t.Fatal("no tests in testdata", err)
		}
		_, tab := newTab.blank(t)
		for _, file := range files {
			eval[bool](tab, fmt.Sprintf(`import("/%s").then(() => true)`, file))
		}
		results := eval[[]struct{ Name, Error string }](tab, `import("/testdata/test.js").then(({ results }) => results())`)
		if len(results) < len(files) {
			t.Errorf("%d tests in %d files", len(results), len(files))
		}
		for _, result := range results {
			t.Run(result.Name, func(t *testing.T) {
				if result.Error != "" {
					t.Error(result.Error)
				}
			})
		}
	})
}

// record opens lanes by hand: each writes down what is reported to it in
// window.log[name], and window.close[name] closes it. It takes the lanes, the
// cursor, what else is in the query, and after which silence to give up.
const recorder = `(async () => {
	window.log ??= {};
	window.close ??= {};
	for (const name of %s) {
		const { open } = await import("/static/transports/" + name + ".js");
		const log = (window.log[name] = []);
		close[name] = open(location.origin + "/" + name + "?page=test%s", %q, {
			state: (text) => log.push(text),
			message: (m, now) => log.push(typeof now === "number" && Math.abs(performance.now() - now) < 10_000 ? m.id : "no time"),
			gap: ({ from, to }) => log.push("gap " + from + "-" + to),
			epoch: (epoch) => log.push("epoch " + epoch),
			asked: () => {},
			answered: () => {},
			beat: () => log.push("beat"),
			interval: () => 100,
			silence: () => %d,
			pipe: () => {},
		});
	}
	return true;
})()`

func record(lanes, cursor string) string { return recordWith(lanes, "", cursor, 0) }

func recordWith(lanes, query, cursor string, silence int) string {
	return fmt.Sprintf(recorder, lanes, query, cursor, silence)
}

const all = `["polling", "longpoll", "sse", "websocket"]`

// news returns what a lane has reported, without the states, which say how
// often a try failed.
func news(tab *tab, name string) string {
	return eval[string](tab, fmt.Sprintf(`log[%q].filter((entry) => !["connecting", "live", "down"].includes(entry)).join()`, name))
}

// untilMessages waits until so many messages have arrived on each lane since the page was opened.
func (tab *tab) untilMessages(n int) {
	tab.t.Helper()
	tab.until(fmt.Sprintf(`Object.values(log).every((log) => log.filter(Number.isInteger).length >= %d)`, n))
}

// bare opens a document of the site that has no lanes of its own.
func bare(t *testing.T, s *site) *tab {
	t.Helper()
	tab := s.tab(t)
	tab.expects("/favicon.ico") // which browsers look for where the document names none
	tab.open("http://" + s.lanes.String() + "/static/favicon.svg")
	return tab
}

// The four modules report the same, through a gap, a cut and a new epoch.
func TestTransports(t *testing.T) {
	inBoth(t, func(t *testing.T, newTab opener) {
		s := newTab.serve(t, quiet(8), nil, many(50)...)
		tab := bare(t, s)
		tab.expects(outage...)
		eval[bool](tab, record(all, s.cursor(0)))

		// A gap, then what is kept, in order; and first of all, that it is live.
		tab.untilMessages(8)
		for _, name := range transports {
			if got, want := eval[string](tab, fmt.Sprintf(`log[%q].slice(0, 3).join()`, name)), "connecting,live,gap 1-42"; got != want {
				t.Errorf("%s began with %s, want %s", name, got, want)
			}
			if got, want := news(tab, name), "gap 1-42,43,44,45,46,47,48,49,50"; got != want {
				t.Errorf("%s reported %s, want %s", name, got, want)
			}
		}

		// A new epoch is reported once, and then all of its messages.
		tab.during(outage, func() {
			s.stop()
			s = newTab.serve(t, quiet(8), s, many(3)...)
			tab.untilMessages(11)
		})
		s.publish(t, many(2)...)
		tab.untilMessages(13)
		for _, name := range transports {
			want := "gap 1-42,43,44,45,46,47,48,49,50,epoch " + s.Feed.Head().Epoch + ",1,2,3,4,5"
			if got := news(tab, name); got != want {
				t.Errorf("after the restart %s had reported %s, want %s", name, got, want)
			}
		}

		// Closed is closed: while another lane polls three times and gets a message,
		// these report nothing.
		before := eval[string](tab, `(window.old = log, window.log = {}, Object.values(close).forEach((close) => close()), JSON.stringify(old))`)
		eval[bool](tab, record(`["polling", "sse"]`, s.cursor(5)))
		s.publish(t, `"late"`)
		tab.untilMessages(1)
		tab.until(`log.polling.filter((entry) => entry === "live").length >= 3`)
		if after := eval[string](tab, `JSON.stringify(old)`); after != before {
			t.Errorf("after they were closed the lanes reported more:\nbefore %s\nafter  %s", before, after)
		}
	})
}

// Without a cursor a lane begins with the next message.
func TestTransportsFromNow(t *testing.T) {
	inBoth(t, func(t *testing.T, newTab opener) {
		s := newTab.serve(t, quiet(100), nil, many(20)...)
		tab := bare(t, s)
		eval[bool](tab, record(all, ""))
		tab.until(`Object.values(log).every((log) => log.includes("live"))`)
		s.publish(t, many(3)...)
		tab.untilMessages(3)
		for _, name := range transports {
			if got, want := news(tab, name), "epoch "+s.Feed.Head().Epoch+",21,22,23"; got != want {
				t.Errorf("%s reported %s, want %s", name, got, want)
			}
		}
	})
}

// An EventSource that is refused closes for good: then the module makes
// another, from its own cursor.
func TestSSERefused(t *testing.T) {
	inBoth(t, func(t *testing.T, newTab opener) {
		mux, tab := newTab.blank(t)
		asked := make(chan string, 10)
		var tries atomic.Int64
		mux.HandleFunc("GET /sse", func(w http.ResponseWriter, r *http.Request) {
			asked <- fmt.Sprintf("after=%s last=%s", r.URL.Query().Get("after"), r.Header.Get("Last-Event-ID"))
			try := tries.Add(1)
			if try%2 == 0 {
				http.Error(w, `{"error":"too many clients"}`, http.StatusServiceUnavailable)
				return
			}
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprintf(w, "retry: 10\n\nid: one-%d\ndata: {\"id\":%[1]d,\"at\":1,\"data\":0}\n\n", try)
		})
		tab.during(append(outage, "status of 503"), func() {
			eval[bool](tab, record(`["sse"]`, "one-0"))
			tab.untilMessages(2)
			eval[bool](tab, `(close.sse(), true)`)
		})
		for _, want := range []string{
			"after=one-0 last=",      // opened
			"after=one-0 last=one-1", // by the browser, after the end
			"after=one-1 last=",      // by the module, after the 503
		} {
			if got := <-asked; got != want {
				t.Errorf("asked with %s, want %s", got, want)
			}
		}
	})
}

// An answer that does not hold all of it is followed by the next question at
// once, however long the interval.
func TestPollingInParts(t *testing.T) {
	inBoth(t, func(t *testing.T, newTab opener) {
		mux, tab := newTab.blank(t)
		const head = 3
		mux.HandleFunc("GET /polling", func(w http.ResponseWriter, r *http.Request) {
			var id int
			fmt.Sscanf(r.URL.Query().Get("after"), "one-%d", &id)
			more := ""
			if id+1 < head {
				more = fmt.Sprintf(`"head":%d,`, head)
			}
			fmt.Fprintf(w, `{"epoch":"one",%s"messages":[{"id":%d,"at":1,"data":0}]}`, more, id+1)
		})
		eval[bool](tab, strings.Replace(record(`["polling"]`, "one-0"), "interval: () => 100", "interval: () => 3_600_000", 1))
		tab.untilMessages(head)
		if got, want := news(tab, "polling"), "1,2,3"; got != want {
			t.Errorf("reported %s, want %s", got, want)
		}
		// It would poll next only in an hour, if the interval did not change.
		eval[bool](tab, `(close.polling(), true)`)
	})
}

// A proxy that compresses changes the tag, or drops it (RFC 9110, section 8.8.3.3): the
// cursor is in the body.
func TestCursorIsInTheBody(t *testing.T) {
	inBoth(t, func(t *testing.T, newTab opener) {
		for _, tag := range []string{`"one-7"`, `W/"one-7"`, `"one-7-gzip"`, ""} {
			mux, tab := newTab.blank(t)
			serve := func(w http.ResponseWriter, r *http.Request) {
				if tag != "" {
					w.Header().Set("ETag", tag)
				}
				after := r.URL.Query().Get("after")
				switch after {
				case "":
					fmt.Fprint(w, `{"epoch":"one","head":7,"messages":[]}`)
				case "one-7":
					fmt.Fprint(w, `{"epoch":"one","messages":[{"gap":{"from":8,"to":9}},{"id":10,"at":1,"data":0}]}`)
				case "one-10":
					<-r.Context().Done()
				default:
					http.Error(w, `{"error":"a cursor is EPOCH-ID"}`, http.StatusBadRequest)
				}
			}
			mux.HandleFunc("GET /polling", serve)
			mux.HandleFunc("GET /longpoll", serve)
			eval[bool](tab, record(`["polling", "longpoll"]`, ""))
			tab.untilMessages(1)
			for _, name := range transports[:2] {
				if got, want := news(tab, name), "epoch one,gap 8-9,10"; got != want {
					t.Errorf("with the tag %s %s reported %s, want %s", tag, name, got, want)
				}
			}
			eval[bool](tab, `(close.polling(), close.longpoll(), true)`)
		}
	})
}

// What is published while a stream is cut before its first message arrives: the first event
// has an id and data, since Firefox drops the id of one that has none.
func TestCutBeforeFirstMessage(t *testing.T) {
	inBoth(t, func(t *testing.T, newTab opener) {
		s := newTab.serve(t, quiet(100), nil, many(7)...)
		tab := bare(t, s)
		tab.during(outage, func() {
			eval[bool](tab, record(all, ""))
			tab.until(`Object.values(log).every((log) => log.includes("live") && log.some((entry) => String(entry).startsWith("epoch")))`)
			s.lanes.cut()
			s.publish(t, many(2)...)
			tab.until(`Object.values(log).every((log) => log.includes("down"))`)
			s.lanes.mend()
			tab.untilMessages(2)
		})
		for _, name := range transports {
			if got, want := news(tab, name), "epoch "+s.Feed.Head().Epoch+",8,9"; got != want {
				t.Errorf("%s reported %s, want %s", name, got, want)
			}
		}
	})
}

// Where the browser forbids a WebSocket, Firefox fires error and never close, and all throw where a
// page with TLS asks an address without: the lane and the clock go on.
func TestForbiddenWebSocket(t *testing.T) {
	inBoth(t, func(t *testing.T, newTab opener) {
		_, tab := newTab.blank(t)
		got := eval[string](tab, `(async () => {
			const real = WebSocket;
			const asked = [];
			window.WebSocket = class extends EventTarget {
				constructor(url) {
					super();
					asked.push(url);
					if (url.includes("mixed")) throw new DOMException("insecure", "SecurityError");
					setTimeout(() => this.onerror?.(new Event("error")));
				}
				close() {}
			};
			try {
				const { sync } = await import("/static/lab/sync.js");
				sync(["https://mixed/", "http://forbidden/"], {});
				const { open } = await import("/static/transports/websocket.js");
				const states = [];
				const close = open("http://lane/?page=test", "", { asked() {}, state: (state, why = "") => states.push(state), silence: () => 0 });
				const twice = () => ["mixed", "forbidden", "lane"].filter((host) => asked.filter((url) => url.includes(host)).length >= 2);
				for (const end = performance.now() + 20_000; performance.now() < end && twice().length < 3;)
					await new Promise((go) => setTimeout(go, 20));
				close();
				return [states.slice(0, 3), twice()].join();
			} finally {
				window.WebSocket = class { close() {} }; // the clock goes on asking, and nobody answers
			}
		})()`)
		if want := "connecting,down,down,mixed,forbidden,lane"; got != want {
			t.Errorf("the states of the lane, and who was asked twice: %s, want %s", got, want)
		}
	})
}

// Of three tabs that ask at the same instant, or almost, without Web Locks, one leads: the first in name where none is
// early by more than an answer takes, which leader.test.js asserts in a time of its own.
func TestLeaderAtOnce(t *testing.T) {
	_, first := opener(newTab).blank(t)
	tabs := []*tab{first, first.beside(), first.beside()}
	at := time.Now().Add(2 * time.Second).UnixMilli()
	for i, tab := range tabs {
		if i > 0 {
			tab.open(first.hosts[0])
		}
		eval[bool](tab, fmt.Sprintf(`import("/static/lab/leader.js").then(({ lead }) => {
			Object.defineProperty(navigator, "locks", { value: undefined });
			const ask = async () => { // and anew, where a message was so late that two lead
				window.role = null;
				window.role = await lead("%d", { state: () => ({ page: "%[1]d" }), entry() {}, yield: ask, reload: ask });
			};
			setTimeout(ask, %d - Date.now());
			return true;
		})`, i, at))
	}
	eventually(t, "one leads, and the others view it", func() bool {
		roles := make([]string, len(tabs))
		for i, tab := range tabs {
			roles[i] = eval[string](tab, `window.role ? role.leads ? "leads" : "views " + role.state?.page : ""`)
		}
		leader := slices.Index(roles, "leads")
		for i, role := range roles {
			if i != leader && role != fmt.Sprintf("views %d", leader) {
				return false
			}
		}
		return leader >= 0
	})
}
