import { equal, near as close, test, throws } from "./test.js";
import { causal, lossWithoutCursor, most, near, none, rising, sentence, spread, such, within } from "/static/scenes/checks.js";
import { apart, axis, place, steps, tail } from "/static/charts/ecdf.js";
import { describe, milliseconds, notCut, unclaimed } from "/static/lab/network.js";
import { where } from "/static/scenes/player.js";
import { scenes } from "/static/scenes/scenes.js";
import { actions } from "/static/scenes/actions.js";
import { csv, jsonl } from "/static/panels/save.js";
import { Latency } from "/static/lane/latency.js";
import { Clock } from "/static/lab/clock.js";

test("checks: what is near, within, rising and none", () => {
  equal([near("", 140, 145, 5).ok, near("", 139.9, 145, 5).ok, near("", null, 145, 5).ok], [true, false, false]);
  equal(near("", 140, 145, 5).text, "140 ms (expected 145 ms ± 5.00 ms)");
  equal(near("", 6, 6, 0, "of 7").text, "6 of 7 (expected 6 ± 0 of 7)");
  equal([within("", 5, 5, 6).ok, within("", 7, 5, 6).ok, within("", null, 5, 6).ok], [true, false, false]);
  equal([rising("", [["a", 1], ["b", 2]]).ok, rising("", [["a", 2], ["b", 2]]).ok, rising("", [["a", null], ["b", 2]]).ok], [true, false, false]);
  equal([none("", { a: 0, b: 0 }).ok, none("", { a: 0, b: 1 }).ok], [true, false]);
  equal([most("", { a: 1, b: 5 }, 5).ok, most("", { a: 1, b: null }, 5).ok], [true, false]);
  equal(such("it", true, "is"), { what: "it", ok: true, always: true, text: "is" });
  equal([causal({ a: [51, 50.1], b: [50] }, 50, 0).ok, causal({ a: [51], b: [49.9] }, 50, 0.05).ok, causal({ a: [49.9] }, 50, 0.2).ok], [true, false, true]);
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
  equal(describe({ rtt: 100, jitter: 5, kbps: 512 }), "RTT 100 ms · jitter 5.00 ms · 512 kbit/s");
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
  return actions(parts, new AbortController().signal, (text) => progress.push(text));
}

test("actions: a cut does not wait for a lane that was not cut", async () => {
  const progress = [];
  const { reached, after } = await cutting(["sse"], progress).cut("fin");
  equal([reached, after.sse.caught, progress.filter((text) => text.startsWith("waiting"))], [["sse"], 5, []]);
});

test("player: a summary is shown if what it reports was measured", () => {
  const ok = such("lost", true, "none");
  equal(sentence([ok], "Nothing was lost."), "Nothing was lost.");
  equal(sentence([ok], "Nothing was lost.", "A cursor helps."), "Nothing was lost. A cursor helps.");
  equal(sentence([ok, such("lost", false, "sse 3")], "Nothing was lost.", "A cursor helps."), "Not as expected: lost: sse 3. Run it again (A).");
});

test("player: deep links", () => {
  equal(["", "#", "#scene=3&step=2", "#scene=3", "#free", "#free=&beside=1.2", "#scene=4&silence=8"].map(where), [[0, 0], [0, 0], [2, 1], [2, 0], null, null, [3, 0]]);
});

test("player: a deep link that leads nowhere is an error", () => {
  const error = (hash) => {
    try {
      return where(hash);
    } catch (err) {
      return err.message;
    }
  };
  for (const hash of ["#scene=9", "#scene=0", "#scene=1.5", "#scene=", "#scene=3&step=99", "#scene=3&step=x", "#step=2", "#scen=3", "#frei", "#scene=3&stp=2", "#scene=4&silence=long"]) {
    equal([hash, String(error(hash)).startsWith(`The link ${hash} leads nowhere: `)], [hash, true]);
  }
});

test("scenes: five, each step with four answers of which one is right", () => {
  equal(scenes.length, 5);
  for (const { steps, lesson } of scenes) {
    for (const { title, ask, choices, answer, run, note } of steps) {
      equal([title, ask, note, lesson].every((text) => text.length > 5), true);
      equal(choices.length, 4);
      for (const http of ["HTTP/1.1", "HTTP/2"]) {
        const right = typeof answer === "function" ? answer({ http }) : answer;
        equal((right === null && http === "HTTP/1.1") || [0, 1, 2, 3].includes(right), true);
      }
      equal(typeof run, "function");
    }
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
