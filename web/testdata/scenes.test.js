import { equal, near as close, test, throws } from "./test.js";
import { causal, difference, judge, lossWithoutCursor, most, near, none, rising, sentence, spread, such, within } from "/static/scenes/checks.js";
import { apart, axis, place, steps, tail } from "/static/charts/ecdf.js";
import { describe, milliseconds, notCut, unclaimed } from "/static/lab/network.js";
import { where } from "/static/scenes/player.js";
import { odd } from "/static/scenes/odd.js";
import { scale, showResults } from "/static/scenes/results.js";
import { sockets } from "/static/scenes/sockets.js";
import { scenes } from "/static/scenes/scenes.js";
import { actions } from "/static/scenes/actions.js";
import { csv, jsonl } from "/static/panels/save.js";
import { Latency } from "/static/lane/latency.js";
import { Clock } from "/static/lab/clock.js";

test("checks: what is near, within, rising and none", () => {
  equal([near("", 140, 145, 5).ok, near("", 139.9, 145, 5).ok, near("", null, 145, 5).ok], [true, false, false]);
  equal([near("", 140, 145, 5).text, near("", 140, 145, 5).expected], ["140 ms", "140 to 150 ms"]);
  equal([near("", 6, 6, 0, "of 7").text, near("", 6, 6, 0, "of 7").expected], ["6 of 7", "6 of 7"]);
  equal(within("", null, 900, 1500).expected, "900 ms to 1.50 s");
  equal([difference(95), difference(-9.5), difference(null)], ["+95.0 ms", "−9.50 ms", "nothing measured"]);
  equal([within("", 5, 5, 6).ok, within("", 7, 5, 6).ok, within("", null, 5, 6).ok], [true, false, false]);
  equal([rising("", [["a", 1], ["b", 2]]).ok, rising("", [["a", 2], ["b", 2]]).ok, rising("", [["a", null], ["b", 2]]).ok], [true, false, false]);
  equal([none("", { a: 0, b: 0 }).ok, none("", { a: 0, b: 1 }).ok], [true, false]);
  equal([most("", { a: 1, b: 5 }, 5).ok, most("", { a: 1, b: null }, 5).ok], [true, false]);
  equal(such("it", true, "is"), { what: "it", ok: true, always: true, text: "is" });
  equal([causal({ a: [51, 50.1], b: [50] }, 50, 0).ok, causal({ a: [51], b: [49.9] }, 50, 0.05).ok, causal({ a: [49.9] }, 50, 0.2).ok], [true, false, true]);
});

test("checks: each has three states, and which depends on how late this computer was", () => {
  const states = (check, ...worst) => worst.map((ms) => judge(check, ms));
  equal(states(near("", 50, 50, 15), 0, 500), ["ok", "ok"]);
  equal(states(near("", 145, 50, 15), 0, 19, 20, 500), ["not", "not", "busy", "busy"]); // 80 ms beside the band: 20 at each hop
  equal(states(near("", 5, 50, 15), 7, 8), ["not", "busy"]);
  equal(states(near("", null, 50, 15), 500), ["not"]); // no delay explains that nothing came
  equal(states(most("", { sse: 100, websocket: 1100 }, 1000), 24, 25), ["not", "busy"]);
  equal(states(near("", 5, 6, 0, "of 7", 500), 500, 501), ["not", "busy"]);
  equal(states(near("", 5, 6, 0, "of 7"), 5000), ["not"]);
  for (const check of [such("", false, ""), none("", { sse: 1 }), rising("", [["sse", 2], ["polling", 1]]), causal({ sse: [1] }, 50, 0)]) {
    equal(states(check, 5000), ["not"]);
  }
});

test("results: a state is written, and what was measured lies in its band", () => {
  const list = document.createElement("ul");
  showResults(list, [
    { ...near("SSE", 50, 50, 15), state: "ok" }, { ...near("SSE", 90, 50, 15), state: "not" },
    { ...near("SSE", 90, 50, 15), state: "busy" }, { ...such("order", true, "kept"), state: "ok" },
  ]);
  equal([...list.children].map(({ textContent }) => textContent), [
    "✓ SSE: 50.0 ms expected 35.0 to 65.0 ms", "✗ SSE: 90.0 ms expected 35.0 to 65.0 ms",
    "? SSE: 90.0 ms expected 35.0 to 65.0 ms too busy to tell: run again", "✓ order: kept",
  ]);
  equal([...list.children].map(({ dataset }) => [dataset.state, "always" in dataset]), [["ok", false], ["not", false], ["busy", false], ["ok", true]]);
  const inside = (li) => {
    const [dot, band] = [li.querySelector("circle"), li.querySelector("rect")];
    const [x, low, wide] = [dot.getAttribute("cx"), band.getAttribute("x"), band.getAttribute("width")].map(Number);
    return x >= low && x <= low + wide;
  };
  equal([...list.children].slice(0, 3).map(inside), [true, false, false]);
  equal(list.children[3].querySelector("svg"), null);
  const x = scale([0, 100]);
  equal([x(0) > 0, x(100) < 100, x(50)], [true, true, 50]);
  equal(scale([6])(6), 50);
});

test("sockets: what is open has a box, and what waits is named", () => {
  const text = (pool) => [...sockets(pool).querySelectorAll("figcaption, li, .queue")].map(({ textContent }) => textContent);
  equal(text({ http: "HTTP/1.1", kind: "sse", opened: [1, 2, 3, 4, 5, 6, null], polled: null }), [
    "Six connections to this host, by HTTP/1.1: open after", ...[1, 2, 3, 4, 5, 6].map((i) => `event stream ${i}${i}.00 ms`),
    "Waiting for a connection: event stream 7, the poll",
  ]);
  equal(text({ http: "HTTP/1.1", kind: "sse", opened: [7], polled: undefined }).slice(1), ["event stream 17.00 ms", ...Array(5).fill("free")]);
  equal(text({ http: "HTTP/2", kind: "sse", opened: [1, 2], polled: 3 }), [
    "One connection, by HTTP/2: open, or answered, after", "event stream 11.00 ms", "event stream 22.00 ms", "poll3.00 ms",
  ]);
  equal(text({ http: "HTTP/1.1", kind: "websocket", opened: [1], polled: 2 }), [
    "WebSockets, a connection each: open after", "WebSocket 11.00 ms", "The poll, by HTTP/1.1: answered after", "poll2.00 ms",
  ]);
});

test("checks: who is blind for a round trip loses λR of 1 + λR", () => {
  close(lossWithoutCursor(20, 100), 2 / 3, 1e-9);
  equal(lossWithoutCursor(20, 0), 0);
});

test("checks: spread is measured on a circle", () => {
  close(spread([990, 995, 5, 10], 1000), 10, 1e-6);
  close(spread([300, 300, 300], 1000), 0, 1e-6);
  close(spread([0, 250, 100], 1000), 134, 10);
});

test("ecdf: the axis holds all, in powers of ten", () => {
  equal(axis([[], []]), [1, 1000]);
  equal(axis([[2, 30], [500]]), [1, 1000]);
  equal(axis([[-1, 0, 100]]), [100, 1000]);
  equal([place(1, [1, 100]), place(10, [1, 100]), place(-5, [1, 100]), place(1e6, [1, 100])], [0, 0.5, 0, 1]);
});

test("ecdf: each value is a step, nothing is binned", () => {
  equal(steps([1, 2, 2, 9]), [[1, 0.25], [2, 0.5], [2, 0.75], [9, 1]]);
  equal(steps([]), []);
  equal(tail([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 2), [[0, 1], [0.5, 7], [1, 9]]); // the least, p68.4, p90
  equal(tail([]), []);
  equal(tail([5]).at(-1), [0, 5]);
  const many = steps(Float64Array.from({ length: 1000 }, (_, i) => i), 100);
  equal([many.length, many.at(-1)], [100, [999, 1]]);
});

test("ecdf: labels are moved apart", () => {
  equal(apart([10, 12, 50], 10, 100), [10, 20, 50]);
  equal(apart([95, 95], 10, 100), [90, 100]);
});

test("network: Go's durations", () => {
  equal(["0s", "100ms", "1.5s", "1m0.5s", "1h2m3s", "250µs"].map(milliseconds), [0, 100, 1500, 60_500, 3_723_000, 0.25]);
  for (const text of ["", "soon", "100", "5 ms", "1d2h", "100ms!"]) throws(() => milliseconds(text)); // it read 0
  equal(describe({ rtt: 100, jitter: 5, kbps: 512 }), "round trip 100 ms · jitter 5.00 ms · 512 kbit/s");
  equal(describe({ rtt: 0, jitter: 0, kbps: 0 }), "no delay");
});

test("network: a page that was opened sets it only where that changes nothing for anybody", () => {
  const rows = (...pages) => pages.map((page) => ({ page, transport: "sse" }));
  equal(unclaimed({ rtt: 0, set: false }, rows("me", ""), "me"), true);
  equal(unclaimed({ rtt: 0, set: true }, rows("me"), "me"), false); // no delay is what somebody wanted
  equal(unclaimed({ rtt: 0, set: false }, rows("me", "other"), "me"), false); // who measures without one
  equal([unclaimed(null, [], "me"), unclaimed({ rtt: 0 }, [], "me")], [false, false]); // it is not known
});

test("network: which lanes a cut has not reached", () => {
  const all = ["polling", "longpoll", "sse", "websocket"];
  equal([notCut(all, all), notCut(["sse", "websocket"], ["sse"])], ["", ""]);
  equal(notCut(["longpoll", "sse", "websocket"], all), "Not cut: polling, whose last connection carries another lane by now.");
  equal(notCut(["sse", "websocket"], all).startsWith("Not cut: polling and long-polling, "), true);
});

// cutting returns the actions on lanes that are live, of which a cut reaches some, and these catch up.
function cutting(reached, progress) {
  const list = ["polling", "sse"].map((name) => ({ name, state: () => "live", tally: { lost: 0 }, record: { messages: () => [] } }));
  const recovered = () => Object.fromEntries(list.map(({ name }) => [name, reached.includes(name) ? { caught: 5 } : undefined]));
  const parts = { lanes: { list, recovered }, page: {}, settings: {}, network: { cut: async () => reached } };
  return actions(parts, new AbortController().signal, (text) => progress.push(text), () => {});
}

test("actions: a cut does not wait for a lane that was not cut", async () => {
  const progress = [];
  const { reached, after } = await cutting(["sse"], progress).cut("fin");
  equal([reached, after.sse.caught, progress.filter((text) => text.startsWith("waiting"))], [["sse"], 5, []]);
});

test("player: a summary is shown if what it reports was measured", () => {
  const as = (state, check) => ({ ...check, state });
  const ok = as("ok", such("lost", true, "none"));
  const [late, lost] = [as("busy", near("SSE", 90, 50, 5)), as("not", such("lost", false, "SSE 3"))];
  equal(sentence([ok], "Nothing was lost.", "", ""), "Nothing was lost.");
  equal(sentence([ok], "Nothing was lost.", "A cursor helps.", ""), "Nothing was lost. A cursor helps.");
  equal(sentence([ok, late, lost], "Nothing was lost.", "A cursor helps.", "Too busy."), "Not as expected: lost: SSE 3. Run it again (A).");
  equal(sentence([ok, late], "Nothing was lost.", "A cursor helps.", "Too busy."), "Too busy. Run it again (A).");
});

test("player: deep links", () => {
  const at = (scene, step) => ({ scene, step });
  equal(["", "#", "#scene=3&step=2", "#scene=3", "#free", "#free=&beside=1.2", "#scene=4&silence=8"].map(where), [at(0, 0), at(0, 0), at(2, 1), at(2, 0), null, null, at(3, 0)]);
  equal(["#odd=1", "#odd=12"].map(where), [{ card: 0 }, { card: 11 }]);
});

test("player: a deep link that leads nowhere is an error", () => {
  const error = (hash) => {
    try {
      return where(hash);
    } catch (err) {
      return err.message;
    }
  };
  for (const hash of ["#scene=9", "#scene=0", "#scene=1.5", "#scene=", "#scene=3&step=99", "#scene=3&step=x", "#step=2", "#scen=3", "#frei", "#scene=3&stp=2", "#scene=4&silence=long", "#odd=0", "#odd=13", "#odd=", "#odd=x"]) {
    equal([hash, String(error(hash)).startsWith(`The link ${hash} leads nowhere: `)], [hash, true]);
  }
});

test("scenes: five, each step with four answers of which one is right", () => {
  equal(scenes.length, 5);
  for (const { steps, lesson } of scenes) {
    for (const { title, ask, choices, answer, watch, chapter, run, note } of steps) {
      equal([title, ask, watch, note, lesson].every((text) => text.length > 5), true);
      equal(/^\d\d-[a-z0-9-]+$/.test(chapter), true);
      equal(choices.length, 4);
      for (const http of ["HTTP/1.1", "HTTP/2"]) {
        const right = typeof answer === "function" ? answer({ http, silence: 20 }) : answer;
        equal((right === null && http === "HTTP/1.1") || [0, 1, 2, 3].includes(right), true);
      }
      equal(typeof run, "function");
    }
  }
});

test("odd: a dozen, each with one thing to watch, a chapter, and something to click or to do by hand", () => {
  equal(odd.length, 12);
  for (const { title, ask, watch, chapter, setup, byHand } of odd) {
    equal([title, ask, watch, chapter].every((text) => text.length > 5), true);
    equal(Boolean(setup || byHand), true);
  }
});

const lanes = [{ name: "sse", record: { entries: [
  { kind: "state", t: 5, state: "live", why: "" },
  { kind: "message", t: 20.5, id: 3, at: 1000, epoch: "one", sent: 10, error: 0.1, asked: null },
] } }];

test("save: JSON lines begin with the settings", () => {
  const lines = jsonl({ http: "HTTP/1.1" }, lanes, 0).trim().split("\n").map((line) => JSON.parse(line));
  equal(lines.map(({ kind }) => kind), ["settings", "state", "message"]);
  equal(lines[2].lane, "sse");
});

test("save: CSV has a row a message", () => {
  equal(csv({ network: { rtt: 100 } }, lanes, 0).split("\n"), [
    '# network: {"rtt":100}', "lane,epoch,id,at_us,sent_ms,came_ms,one_way_ms,error_ms", "sse,one,3,1000,10,20.500,10.500,0.100", "",
  ]);
});

test("save: what was published before all lanes were recorded is left out", () => {
  const m = (id) => ({ kind: "message", t: id, id, at: 1000 * id, epoch: "one", sent: id, error: 0, asked: null });
  const uneven = [{ name: "polling", record: { entries: [m(1), m(2), m(3), { kind: "asked", t: 4 }] } }, { name: "sse", record: { entries: [m(3)] } }];
  equal(csv({}, uneven, 3000).trim().split("\n").slice(1).map((row) => row.split(",").slice(0, 3)), [["polling", "one", "3"], ["sse", "one", "3"]]);
  equal(jsonl({}, uneven, 3000).trim().split("\n").slice(1).map((line) => JSON.parse(line)).map(({ lane, kind }) => [lane, kind]), [["polling", "message"], ["sse", "message"], ["polling", "asked"]]);
});

test("latency: quantiles are hidden where there are too few", () => {
  const l = new Latency();
  for (let i = 1; i <= 99; i++) l.add(i, 0, i, 0);
  equal([l.cold, l.quantile(0, 0.99), l.quantile(0, 0.9)], [true, null, 90]);
  l.add(100, 0, 100, 0);
  // The first 50 were the warm-up.
  equal([l.cold, l.values(0).length, l.quantile(0, 0.99)], [false, 50, null]);
  for (let i = 101; i <= 150; i++) l.add(i, 0, i, 0);
  equal([l.values(0).length, l.quantile(0, 0.99), l.quantile(0, 0.999)], [100, 149, null]);
});

test("clock: where it was set, it begins anew", () => {
  const clock = new Clock(0);
  for (let i = 0; i < 8; i++) clock.add(i, i + 0.5, i + 0.5, i + 1);
  equal([clock.best.offset, clock.jumps], [0, 0]);
  clock.add(10, 1010.5, 1010.5, 11);
  equal([clock.best, clock.jumps, clock.samples.length], [null, 1, 1]);
});
