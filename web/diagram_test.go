package web_test

import (
	"fmt"
	"testing"
)

// modelled opens lanes by hand whose records, and whose exchanges as the server recorded them, a model joins. The
// messages that arrived are window.arrivals, the server's entries window.entries.
const modelled = `(async () => {
	const { Model } = await import("/static/stage/model.js");
	const control = %q;
	window.model = new Model();
	window.entries = [];
	window.arrivals = [];
	const recording = new EventSource(control + "/control/exchanges?page=test");
	const toPage = (at) => at / 1000 - performance.timeOrigin; // one machine, one clock
	await new Promise((go) => (recording.onmessage = ({ data }) => {
		const batch = JSON.parse(data);
		model.exchanged(batch, toPage, 1);
		if (batch.dropped) window.dropped = true;
		entries.push(...batch.entries);
		go();
	}));
	for (const name of ["polling", "longpoll", "sse", "websocket"]) {
		const { open } = await import("/static/transports/" + name + ".js");
		let asked = null;
		open(location.origin + "/" + name + "?page=test", %q, {
			asked: (t) => model.record(name, { kind: "asked", t: (asked = t) }),
			answered: (t) => model.record(name, { kind: "answered", t, asked }),
			state: (state) => model.record(name, { kind: "state", t: performance.now(), state }),
			message({ id, at }, t) {
				arrivals.push([name, id, at, t]);
				model.record(name, { kind: "message", t, id, at, asked });
			},
			gap() {}, epoch() {}, beat() {}, pipe() {}, interval: () => 100, silence: () => 0,
		});
	}
	return true;
})()`

// Every line of the diagram is what was recorded: 2 000 messages on four lanes, with cuts.
func TestDiagramIsWhatWasRecorded(t *testing.T) {
	chromium(t)
	t.Parallel()
	s := serve(t, quiet(4096), nil)
	tab := bare(t, s)
	tab.expects(outage...)
	eval[bool](tab, fmt.Sprintf(modelled, "http://"+s.control.String(), s.cursor(0)))
	const messages, cuts = 2000, 4
	tab.during(outage, func() {
		for i := range messages {
			s.publish(t, fmt.Sprint(i))
			if i%20 == 0 { // the recording has its newest 4 096 entries
				eval[bool](tab, `new Promise((go) => setTimeout(go, 20, true))`)
			}
			if i%(messages/cuts) == messages/cuts/2 {
				s.lanes.cut()
				s.lanes.mend()
			}
		}
		tab.until(fmt.Sprintf(`["polling", "longpoll", "sse", "websocket"].every((name) => new Set(arrivals.filter(([lane]) => lane === name).map(([, id]) => id)).size === %d)`, messages))
		// The entries are there a moment later.
		tab.until(fmt.Sprintf(`["polling", "longpoll", "sse", "websocket"].every((name) => new Set(entries.filter(({ kind, dir, transport }) => kind === "message" && dir === "down" && transport === name).map(({ id }) => id)).size === %d)`, messages))
	})
	faults := eval[[]string](tab, `(() => {
		const faults = [];
		if (window.dropped) faults.push("the recording dropped entries");
		const written = new Map(entries.filter(({ kind, dir, id }) => kind === "message" && dir === "down" && id).map((entry) => [entry.seq, entry]));
		const landed = new Set(arrivals.map(([lane, id, at, t]) => [lane, id, at, t].join()));
		let lines = 0;
		for (const lane of model.lanes) {
			for (const { id, key, written: at, arrived, exchange, seq } of lane.lines.items) {
				lines++;
				const entry = written.get(seq);
				if (entry?.transport !== lane.name || entry.id !== id || entry.published !== key || entry.at !== at || entry.exchange !== exchange.exchange) {
					faults.push(lane.name + " #" + id + " was not written as it is drawn");
				}
				written.delete(seq);
				if (Number.isNaN(arrived)) continue; // a cut stopped it
				if (!landed.delete([lane.name, id, key, arrived].join())) faults.push(lane.name + " #" + id + " did not arrive as it is drawn");
				else if (arrived < at / 1000 - performance.timeOrigin - 1) faults.push(lane.name + " #" + id + " arrived before it was written");
			}
			for (const { key, ask } of lane.exchanges.items) {
				if (ask && ask.key > key / 1000 - performance.timeOrigin + 1) faults.push(lane.name + " was asked after it was read");
			}
		}
		for (const { transport, id } of written.values()) faults.push(transport + " #" + id + " was written, and is not drawn");
		for (const arrival of landed) faults.push(arrival + " arrived, and is not drawn");
		if (lines < 8000) faults.push("only " + lines + " lines");
		return faults.slice(0, 10);
	})()`)
	for _, fault := range faults {
		t.Error(fault)
	}
}

// The picture goes on while a line is chosen, and when the window gets another size.
func TestDiagramGoesOn(t *testing.T) {
	chromium(t)
	t.Parallel()
	s := opener(smoothTab).serve(t, quiet(100), nil, many(3)...)
	tab := s.open(t)
	goesOn := func() {
		t.Helper()
		tab.until(`await new Promise((done) => {
			const canvas = document.getElementById("diagram");
			const empty = Object.assign(document.createElement("canvas"), { width: canvas.width, height: canvas.height });
			const before = canvas.toDataURL();
			setTimeout(() => done(before !== empty.toDataURL() && before !== canvas.toDataURL()), 300);
		})`)
	}
	goesOn()
	for range 3 {
		eval[bool](tab, `document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowLeft", bubbles: true }))`)
		tab.until(`document.querySelector("#story p").textContent.startsWith("#")`)
		goesOn()
	}
	tab.resize(1000, 700)
	goesOn()
}
