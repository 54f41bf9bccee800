package web_test

import (
	"fmt"
	"testing"
)

// The pool of connections that a browser has for one host, as it is in a real
// one: six on HTTP/1.1, and an event stream keeps its own for as long as it is
// open (WHATWG HTML, section 9.2.1). On HTTP/2 requests are streams of one
// connection. WebSockets have another pool.
//
// The tests run on /healthz: a page of the same origin that opens nothing.

// openStreams opens eight event streams and notes what they do.
const openStreams = `(() => {
	window.streams = Array.from({ length: 8 }, (_, i) => {
		const stream = new EventSource("/sse?page=" + i);
		stream.got = 0;
		stream.onmessage = () => stream.got++;
		return stream;
	});
	return true;
})()`

// poll asks once, and notes the answer and the protocol that brought it.
const poll = `(() => {
	window.answer = null;
	fetch("/polling?after=0", { cache: "no-store" }).then(async (response) => {
		const { messages } = await response.json();
		await new Promise((go) => setTimeout(go)); // until the entry is there
		const entry = performance.getEntriesByName(response.url).at(-1);
		window.answer = { messages: messages.length, protocol: entry.nextHopProtocol };
	});
	return true;
})()`

const isOpen = `streams.filter((stream) => stream.readyState === 1).length`

type answer struct {
	Messages int
	Protocol string
}

// never checks that something does not come true within two seconds.
func (tab *tab) never(js string) {
	tab.t.Helper()
	if eval[bool](tab, fmt.Sprintf(`(async () => {
		for (const end = performance.now() + 2000; performance.now() < end;) {
			if (%s) return true;
			await new Promise((go) => setTimeout(go, 50));
		}
		return false;
	})()`, js)) {
		tab.t.Errorf("it came true: %s", js)
	}
}

// bare opens a page that opens nothing, at one of the site's addresses.
func (s *site) bare(t *testing.T, origin string) *tab {
	t.Helper()
	chromium(t)
	tab := s.tab(t)
	tab.mu.Lock()
	tab.expect = []string{"favicon.ico"} // which the browser asks for, and there is none
	tab.mu.Unlock()
	tab.open(origin + "/healthz")
	return tab
}

func TestPoolHTTP1(t *testing.T) {
	chromium(t)
	t.Parallel()
	s := serve(t, quiet(100), nil)
	tab := s.bare(t, "http://"+s.lanes.String())

	// Of eight streams six open, and two wait; so does a poll.
	eval[bool](tab, openStreams)
	tab.until(isOpen + ` === 6`)
	eval[bool](tab, poll)
	s.publish(t, `"news"`)
	tab.until(`streams.filter(({ got }) => got === 1).length === 6`)
	tab.never(isOpen + ` !== 6 || answer`)

	// Two streams make room for those that wait, and the third for the poll.
	for _, open := range []int{6, 6, 5} {
		tab.never(`answer`)
		eval[bool](tab, `(() => { streams.find((stream) => stream.readyState === 1).close(); return true; })()`)
		tab.until(fmt.Sprintf(isOpen+` === %d`, open))
	}
	tab.until(`answer`)
	if got, want := eval[answer](tab, `answer`), (answer{1, "http/1.1"}); got != want {
		t.Errorf("the poll's answer is %v, want %v", got, want)
	}
}

func TestPoolHTTP2(t *testing.T) {
	chromium(t)
	t.Parallel()
	s := serve(t, quiet(100), nil)
	tab := s.bare(t, "https://"+s.tls.String())
	before := s.tls.count()

	// All eight open, on the connection by which the page came; so does a poll.
	eval[bool](tab, openStreams)
	tab.until(isOpen + ` === 8`)
	s.publish(t, `"news"`)
	tab.until(`streams.every(({ got }) => got === 1)`)
	eval[bool](tab, poll)
	tab.until(`answer`)
	if got, want := eval[answer](tab, `answer`), (answer{1, "h2"}); got != want {
		t.Errorf("the poll's answer is %v, want %v", got, want)
	}
	if got := s.tls.count() - before; got != 0 {
		t.Errorf("it took %d more connections, want none", got)
	}
}

// Eight WebSockets open, on connections of their own, whatever the page has.
func TestPoolWebSockets(t *testing.T) {
	chromium(t)
	t.Parallel()
	s := serve(t, quiet(100), nil)
	for n, test := range []struct {
		origin, protocol string
		address          *cutter
	}{
		{"http://" + s.lanes.String(), "http/1.1", s.lanes},
		{"https://" + s.tls.String(), "h2", s.tls},
	} {
		tab := s.bare(t, test.origin)
		before := test.address.count()
		eval[bool](tab, `(() => {
			window.sockets = Array.from({ length: 8 }, (_, i) => {
				const socket = new WebSocket(location.origin.replace("http", "ws") + "/websocket?page=" + i);
				socket.got = 0;
				socket.onmessage = () => socket.got++;
				return socket;
			});
			return true;
		})()`)
		tab.until(`sockets.every(({ got }) => got === 1)`) // the frame that each begins with
		s.publish(t, `"news"`)
		tab.until(`sockets.every(({ got }) => got === 2)`)
		// A certificate for which nobody vouches has the browser try twice.
		if got := test.address.count() - before; got < 8 {
			t.Errorf("%s: 8 WebSockets took %d connections, want one each", test.origin, got)
		}
		eval[bool](tab, poll)
		tab.until(`answer`)
		if got, want := eval[answer](tab, `answer`), (answer{n + 1, test.protocol}); got != want {
			t.Errorf("%s: the poll's answer is %v, want %v", test.origin, got, want)
		}
	}
}
