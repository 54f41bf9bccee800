import { equal, near, test } from "./test.js";
import { Behind, place, reached } from "/static/lane/behind.js";
import { Record, recovery, Run, settled } from "/static/lane/record.js";
import { Tally } from "/static/lane/tally.js";

// record returns one of these entries.
function record(...entries) {
  const r = new Record();
  for (const entry of entries) r.add(entry);
  return r;
}

const message = (id, sent, t, asked = null) => ({ kind: "message", t, id, at: sent * 1000, epoch: "one", sent, error: 1, asked });
const state = (t, state) => ({ kind: "state", t, state, why: "" });

test("record: since is by stamp", () => {
  const r = record(message(1, 0, 10), message(2, 5, 20), message(3, 15, 20), message(4, 15, 30));
  equal(r.since(20).map(({ id }) => id), [2, 3, 4]);
  equal(r.since(31), []);
  equal(r.messages(15).map(({ id }) => id), [3, 4]);
});

test("record: entries that are added late are put in their place", () => {
  const cut = { kind: "cut", t: 15, cut: "fin", lasting: 0 };
  const r = record(state(30, "live"), message(1, 0, 10), message(2, 5, 20), cut, message(3, 6, 20));
  equal(r.entries.map(({ t, kind, id }) => [t, kind, id]), [[10, "message", 1], [15, "cut", undefined], [20, "message", 2], [20, "message", 3], [30, "state", undefined]]);
  equal([11, 16, 20, 21].map((t) => r.since(t).length), [4, 3, 3, 1]);
});

// long-polling needs three entries for a message, a stream one.
function run(messages) {
  const run = new Run();
  const [longpoll, sse] = [new Record(run), new Record(run)];
  for (let id = 1; id <= messages; id++) {
    const t = 20 * id;
    longpoll.add({ kind: "asked", t: t - 15 });
    longpoll.add({ kind: "answered", t: t + 3, asked: t - 15 });
    longpoll.add(message(id, t, t + 3, t - 15));
    sse.add(message(id, t, t + 1));
  }
  return { run, longpoll, sse };
}

test("run: its memory is bounded, and all lanes go back to the same instant", () => {
  const { run: { kept, forgot, whole }, longpoll, sse } = run(60_000);
  equal(longpoll.entries.length + sse.entries.length, kept);
  near(kept, 90_000, 10_000);
  equal([longpoll, sse].map(({ entries }) => entries.at(-1).id), [60_000, 60_000]);
  for (const { entries, news } of [longpoll, sse]) {
    near(entries[0].t, forgot, 20);
    equal(entries.every(({ t }) => t >= forgot), true);
    equal(news.length, entries.filter(({ kind }) => kind === "message").length);
  }
  const ids = ({ entries }) => entries.filter(({ kind, at }) => kind === "message" && at >= whole).map(({ id }) => id);
  equal(ids(longpoll), ids(sse));
  near(ids(sse).length, 22_500, 2500);
});

test("run: nothing is forgotten before it has to be", () => {
  const { run: { kept, forgot, whole } } = run(1000);
  equal([kept, forgot, whole], [4000, -Infinity, 0]);
});

test("run: lanes that did not begin behind the same message are whole from the last one's first", () => {
  const run = new Run();
  const [polling, sse] = [new Record(run, null), new Record(run, null)];
  equal(run.whole, null);
  polling.add(message(3, 1000, 2000, 1900)); // which waited for the poll
  equal(run.whole, 1_000_000);
  sse.add(message(7, 1500, 1501));
  equal(run.whole, 1_500_000);
});

test("record: the one-way delay is half of the shortest answer", () => {
  const answered = (asked, t) => ({ kind: "answered", asked, t });
  equal(record().oneWayDelay, null);
  equal(record(answered(0, 104), answered(200, 300), answered(300, 25_000)).oneWayDelay, 50);
});

test("record: the newest message at an instant", () => {
  const r = record(message(1, 0, 10), message(3, 100, 150), message(2, 90, 160));
  equal([5, 10, 149, 150, 300].map((t) => r.newestAt(t)?.id ?? null), [null, 1, 1, 3, 3]);
  r.add({ ...message(1, 400, 450), epoch: "two" });
  equal(r.newestAt(450).epoch, "two");
});

test("recovery: noticed, connected, caught up", () => {
  const cut = { kind: "cut", t: 1000, cut: "fin", lasting: 0 };
  const { entries } = record(message(5, 900, 950), cut, state(1010, "down"), state(4000, "live"), message(6, 1500, 4001), message(7, 3900, 4002), message(8, 5000, 5010));
  const heads = entries.filter(({ kind }) => kind === "message");
  equal(recovery(entries, cut, heads, 200), { noticed: 10, connected: 3000, caught: 3001 });
  // Message 7 was published so shortly before that 6 is all that was due.
  equal(recovery(entries, cut, heads, 50).caught, 3002);
});

test("recovery: a silence that nobody noticed", () => {
  const cut = { kind: "cut", t: 1000, cut: "silence", lasting: 2000 };
  const { entries } = record(cut, message(5, 990, 1020), message(6, 1500, 3050), message(7, 2500, 3050));
  equal(recovery(entries, cut, entries.filter(({ kind }) => kind === "message"), 100), { noticed: null, connected: null, caught: 2050 });
});

test("recovery: what was under way when the lane was cut does not show that it works", () => {
  const cut = { kind: "cut", t: 1000, cut: "fin", lasting: 0 };
  const { entries } = record(cut, message(5, 980, 1004), message(6, 1100, 1150));
  equal(recovery(entries, cut, entries.filter(({ kind }) => kind === "message"), 100), { noticed: null, connected: null, caught: 150 });
});

test("recovery: what the first answer brings is caught up, though it is stamped before the state", () => {
  const cut = { kind: "cut", t: 1000, cut: "rst", lasting: 0 };
  const { entries } = record(cut, state(1010, "down"), { kind: "asked", t: 1300 }, { kind: "answered", t: 1400, asked: 1300 }, state(1401, "live"), message(5, 1200, 1400, 1300));
  equal(recovery(entries, cut, entries.filter(({ kind }) => kind === "message"), 100), { noticed: 10, connected: 401, caught: 401 });
});

test("recovery: it is over when the lanes that the cut has met have caught up", () => {
  const caught = { noticed: null, connected: null, caught: 0 };
  const not = { noticed: 5, connected: 9, caught: null };
  equal(settled({ polling: undefined, sse: caught }, ["sse"]), true);
  equal(settled({ polling: undefined, sse: caught }, ["polling", "sse"]), false);
  equal(settled({ sse: caught, websocket: not }, ["sse", "websocket"]), false);
});

test("recovery: nothing has followed yet", () => {
  const cut = { kind: "cut", t: 1000, cut: "rst", lasting: 0 };
  equal(recovery([cut, state(1010, "down")], cut, [], 100), { noticed: 10, connected: null, caught: null });
});

test("behind: for longer than it takes, until what was missed is there", () => {
  const lane = new Behind();
  equal(lane.count("one", 10, 12, 0, 1000), 0); // it may be under way
  equal(lane.count("one", 11, 15, 900, 1000), 0);
  equal(lane.count("one", 11, 20, 1100, 1000), 9);
  equal(lane.count("one", 12, 20, 1200, 1000), 0); // what was missed is there, and the rest may be under way
  equal(lane.count("one", 12, 20, 2300, 1000), 8);
  equal(lane.count("one", 20, 20, 2400, 1000), 0);
  equal(lane.count("one", 20, 20, 9000, 1000), 0);
  equal(lane.count("one", 20, 30, 9500, 1000), 0);
  equal(lane.count("two", 1, 2, 11_000, 1000), 0); // a new feed
});

// lanes returns tallies: each of epochs {name, after, ids}.
const lanes = (...all) => all.map((epochs) => {
  const tally = new Tally();
  for (const { name, after, ids } of epochs) {
    tally.epoch(name, after);
    for (const id of ids) tally.message(id);
  }
  return tally;
});

test("behind: what all lanes know together, without the control address", () => {
  equal(reached(lanes([], [])), { head: 0, start: null });
  // Three have begun behind 50, on the fourth nothing has arrived.
  equal(reached(lanes([{ name: "one", after: 50, ids: [51, 52] }], [{ name: "one", after: 50, ids: [51, 52, 53] }], [{ name: "one", after: 50, ids: [] }], [])), { epoch: "one", head: 53, start: 50 });
  // Where no lane knows where it begins, the first id that arrived shows it.
  equal(reached(lanes([{ name: "one", after: null, ids: [51, 52] }], [{ name: "one", after: null, ids: [53] }], [])), { epoch: "one", head: 53, start: 50 });
  // One has missed a restart.
  equal(reached(lanes([{ name: "one", after: 50, ids: [51] }, { name: "two", after: 0, ids: [1, 2] }], [{ name: "one", after: 50, ids: [51] }])), { epoch: "two", head: 2, start: 0 });
});

test("behind: where a lane stands in an epoch", () => {
  const [a, b, c] = lanes([{ name: "one", after: 50, ids: [51, 53] }], [{ name: "one", after: 50, ids: [] }], [{ name: "one", after: null, ids: [] }]);
  equal([a, b, c].map((tally) => place(tally, "one").newest ?? "none"), [53, 50, "none"]);
  equal(place(a, "two").newest ?? "none", "none");
});
