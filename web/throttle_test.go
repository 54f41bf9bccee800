package web_test

import (
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// What the developer tools call throttling, as it is in a real browser: a latency of
// half a second holds up a request, and neither an event nor a frame on what is open
// already. So the four are not to be compared by it.
func TestThrottle(t *testing.T) {
	chromium(t)
	s := serve(t, quiet(100), nil)
	tab := s.bare(t, "http://"+s.lanes.String())
	eval[bool](tab, `(() => {
		window.late = {};
		const took = (name, since) => { late[name] ??= performance.now() - since; };
		const stream = new EventSource("/sse");
		stream.onmessage = () => took("sse", window.published);
		const socket = new WebSocket(location.origin.replace("http", "ws") + "/websocket");
		socket.onmessage = ({ data }) => { if ("id" in JSON.parse(data)) took("websocket", window.published); };
		const echo = new WebSocket(location.origin.replace("http", "ws") + "/websocket/echo");
		echo.onmessage = () => took("echo", window.asked);
		window.sources = { stream, socket, echo };
		return true;
	})()`)
	tab.until(`sources.stream.readyState === 1 && sources.socket.readyState === 1 && sources.echo.readyState === 1`)

	const latency = 500 // ms
	if _, err := chromedp.Call(tab.ctx, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
		MatchedNetworkConditions: []*network.Conditions{{Latency: latency, DownloadThroughput: -1, UploadThroughput: -1}},
	}); err != nil {
		t.Fatal(err)
	}
	eval[bool](tab, `(() => { window.published = performance.now(); return true; })()`)
	s.publish(t, `"news"`)
	eval[bool](tab, `(() => { window.asked = performance.now(); sources.echo.send("hello"); return true; })()`)
	tab.until(`"sse" in late && "websocket" in late && "echo" in late`)
	eval[bool](tab, `(async () => {
		const asked = performance.now();
		await (await fetch("/polling?after=0", { cache: "no-store" })).text();
		late.polling = performance.now() - asked;
		return true;
	})()`)
	late := eval[map[string]float64](tab, `late`)
	t.Logf("with a latency of %d ms, after ms: %v", latency, late)
	for name, held := range map[string]bool{"polling": true, "sse": false, "websocket": false, "echo": false} {
		if ms, measured := late[name]; !measured || (ms >= latency) != held {
			t.Errorf("%s took %v ms (measured: %v), held up: want %v", name, ms, measured, held)
		}
	}
}
