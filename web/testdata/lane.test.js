import { equal, test, throws } from "./test.js";
import { lane } from "/static/lane/lane.js";
import { State } from "/static/lab/page.js";

// open returns a lane on a page that was opened when message 7 was the newest,
// and whose clock agrees with the server's to ± 1 ms.
function open(change = {}) {
  const seen = [];
  const clock = { grain: 0, best: { offset: 0, error: 1 }, server: (now) => now };
  const page = Object.assign(new State({}), { clock, epoch: "one", head: 7 }, change);
  const element = document.createElement("li");
  const transport = { name: "polling", letter: "P", about: ({ interval }) => `every ${interval}`, polls: true };
  const hooks = { stalled: () => false, seen: (name, m) => seen.push([name, m.id]) };
  const { apply, on, record, setCost, snapshot, update } = lane(element, transport, page, hooks);
  const text = (selector) => element.querySelector(selector).textContent;
  return { apply, element, on, page, record, seen, setCost, snapshot, text, update };
}

// message returns one that was published at `at` on the server's clock.
const message = (id, at, data = 0) => ({ id, at: at * 1000, data });

test("lane: begins empty", () => {
  const { element, text, update } = open();
  update(0);
  equal([text(".age b"), text(".newest b"), text(".latency .figure"), text(".n")], ["–", "–", "–", "none yet"]);
  equal(element.dataset.ids, "one:");
});

test("lane: a message older than the page has an age, but is no latency", () => {
  const { on, text, update } = open();
  on.message(message(7, 1000), 5000);
  update(5000);
  equal([text(".age b"), text(".n")], ["4.00", "none yet"]);
});

test("lane: latency is arrival less publication", () => {
  const { on, text, update } = open();
  on.message(message(8, 5000), 5020);
  on.message(message(9, 5100), 5130);
  on.message(message(10, 5200), 5240);
  update(5250);
  equal([text(".latency .figure"), text(".n"), text(".error")], ["30.0 ms", "3", "± 1.00 ms"]);
  equal(text(".age b"), "0.05");
});

test("lane: the grain of the clock is part of a latency's error", () => {
  const { on, text, update } = open({ clock: { grain: 16, best: { offset: 0, error: 17 }, server: (now) => now } });
  on.message(message(8, 5000), 5020);
  update(5020);
  equal([text(".latency .figure"), text(".error")], ["< 53.0 ms", "± 33.0 ms"]);
});

test("lane: after a restart the same ids are news", () => {
  const { element, on, text, update } = open();
  on.message(message(7, 1000), 5000);
  on.epoch("two");
  on.message(message(1, 5000), 5020);
  update(5020);
  equal([text(".n"), text(".newest b"), text(".state")], ["1", "#1", "connecting, 2nd epoch two"]);
  equal(element.dataset.ids, "one:7-7 two:1-1");
});

test("lane: what was published while nothing could be timed is no latency", () => {
  const { on, text, update } = open({ timedSince: 5000 });
  on.message(message(8, 4990), 5020);
  on.message(message(9, 5010), 5020);
  update(5020);
  equal([text(".n"), text(".dropped")], ["1", "1"]);
});

test("lane: without a clock there is no age and no latency", () => {
  const { on, page, text, update } = open({ clock: { best: null } });
  on.message(message(8, 5000), 5020);
  update(5020);
  equal([text(".age b"), text(".n"), text(".newest b")], ["–", "none yet", "#8"]);
  page.clock.best = { offset: 0, error: 1 };
  page.clock.server = (now) => now;
  update(6000);
  equal(text(".age b"), "1.00");
});

test("lane: counts what is missing, and marks it", () => {
  const { element, on, text, update } = open();
  for (const id of [7, 10, 9, 10]) on.message(message(id, 5000), 5020);
  on.gap({ from: 11, to: 15 });
  update(5020);
  const count = (name) => text(`[data-count=${name}]`);
  equal(["messages", "lost", "gone", "duplicated", "reordered"].map(count), ["4", "1", "5", "1", "1"]);
  equal([...element.querySelectorAll(".bad")].map((dd) => dd.dataset.count), ["lost", "gone", "duplicated", "reordered"]);
});

test("lane: an older message does not replace a newer one", () => {
  const { on, text, update } = open();
  on.message(message(9, 5000, "newer"), 5020);
  on.message(message(8, 4000, "older"), 5030);
  update(5030);
  equal([text(".newest b"), text(".value"), text(".age b")], ["#9", "newer", "0.03"]);
});

test("lane: shows why it is down, and how it works when it is not", () => {
  const { element, on, text, update } = open();
  const now = performance.now();
  on.state("down", "HTTP 503", 400);
  update(now);
  equal([text(".state"), text(".about"), element.dataset.state], ["down, epoch one", "HTTP 503, retry in 0.4 s", "down"]);
  update(now + 300);
  equal(text(".about"), "HTTP 503, retry in 0.1 s");
  on.state("live");
  update(now + 600);
  equal([text(".state"), text(".about"), element.dataset.state], ["live, epoch one", "every 2000", "live"]);
});

test("lane: what it does not know is an error", () => {
  const { apply } = open();
  throws(() => apply({ kind: "beep", t: 0 }));
});

test("lane: a state that did not change is not recorded", () => {
  const { on, record } = open();
  for (const [state, why] of [["live"], ["live"], ["down", "HTTP 503"], ["down", "HTTP 503"], ["live"], ["live"], ["live", "slowly"]]) on.state(state, why);
  equal(record.entries.map(({ state }) => state), ["live", "down", "down", "live", "live"]); // each failure is one
});

test("lane: another tab begins with its state and its newest message", () => {
  const { on, snapshot } = open();
  equal(snapshot(), []);
  on.state("live");
  on.message(message(8, 4000, "first"), 4050);
  on.message(message(9, 5000, "second"), 5050);
  equal(snapshot().map(({ kind, state, data }) => [kind, state ?? data]), [["state", "live"], ["message", "second"]]);
});

test("lane: its age and its message are those of the instant that is drawn", () => {
  const { on, text, update } = open();
  on.message(message(8, 4000, "first"), 4050);
  on.message(message(9, 5000, "second"), 5050);
  update(5100, 4920); // message 9 is under way in what is drawn
  equal([text(".age b"), text(".newest b"), text(".value")], ["0.92", "#8", "first"]);
  update(5400, 5050);
  equal([text(".age b"), text(".newest b"), text(".value")], ["0.05", "#9", "second"]);
});

test("lane: each message is seen by the hooks", () => {
  const { on, seen } = open();
  on.message(message(8, 5000), 5020);
  on.message(message(9, 5000), 5020);
  equal(seen, [["polling", 8], ["polling", 9]]);
});

test("lane: what it cost, as the ledger has it", () => {
  const { setCost, text, update } = open();
  const counted = {
    delivered: 2,
    up: { opening: 500, tag: 40, unaccounted: 0, total: 1340 },
    down: { opening: 253, tag: 0, unaccounted: 0, total: 735.8 },
  };
  setCost({ requests: 3, connections: 1 }, counted);
  const now = performance.now();
  update(now, now - 1000); // before it was known
  equal(text(".bytes .figure"), "–");
  update(now + 300);
  equal([text(".bytes .figure"), text(".rest"), text("[data-cost=requests]")], ["641", "opening 753 B", "3"]);
  setCost();
  update(now + 600);
  equal([text(".bytes .figure"), text(".rest"), text("[data-cost=requests]")], ["–", "", "–"]);
});
