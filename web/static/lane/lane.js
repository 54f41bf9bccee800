import { Age } from "./age.js";
import { perMessage, rest } from "../lab/ledger.js";
import { latency, number, seconds, time, value } from "../figures/format.js";
import { Latency } from "./latency.js";
import { Held, place } from "./behind.js";
import { mark } from "../stage/mark.js";
import { put } from "../figures/text.js";
import { Record, recovery } from "./record.js";
import { strip } from "../stage/strip.js";
import { Tally } from "./tally.js";
import { track } from "../stage/track.js";

// lane shows one transport. It returns on, the callbacks that the transport's
// module calls, and apply(entry), by which all that happened goes into the
// record, from here or from another tab; update(now, t), which writes what has
// changed, as it was at t; draw(now, t, top), which draws what
// is under way and, unless top is null, the strip;
// mean(ms), which writes the mean age; cost(row, lately), which writes the ledger's;
// recovered(heads), which writes what followed the last cut; hold(now, reached), which
// notes that it is behind the others; and the measures.
//
// What arrived can be read off the element too: data-state, data-ids (the
// epochs and runs of Tally.toString) and the counts of the tally.
export function lane(element, { name, letter, about }, page) {
  element.className = "lane";
  element.dataset.lane = name;
  element.innerHTML = `
    <div class="who">
      <h2>${mark(name)} <span class="letter" aria-hidden="true">${letter}</span> ${name}</h2>
      <p class="about"></p>
      <p class="state"></p>
    </div>
    <div class="course">
      <canvas class="track" role="img" aria-label="what is under way between the source, left, and you, right"></canvas>
      <p class="top" aria-hidden="true"></p>
      <canvas class="strip" role="img" aria-label="the age over the last 20 seconds"></canvas>
      <p class="newest"><b></b> <span class="value"></span></p>
      <p class="recovery"></p>
    </div>
    <div class="age">
      <p class="figure"><b></b> <span class="unit">s</span></p>
      <p class="label">age<span class="mean"></span></p>
    </div>
    <div class="bytes">
      <p class="figure">–</p>
      <p class="label">B a message</p>
      <p class="label rest"></p>
    </div>
    <div class="latency">
      <p class="figure"></p>
      <p class="label">p50 one-way<span class="n"></span></p>
      <p class="label">p99 <b class="p99"></b><span class="error"></span></p>
    </div>
    <dl>
      <div><dt>messages</dt><dd data-count="messages"></dd></div>
      <div title="by the server’s ledger, which a restarted server begins anew"><dt>requests</dt><dd data-cost="requests">–</dd></div>
      <div title="connections that this lane’s requests opened; 0: they found one that was there"><dt>TCP opened</dt><dd data-cost="connections">–</dd></div>
      <div><dt>lost</dt><dd data-count="lost"></dd></div>
      <div><dt>in gaps</dt><dd data-count="gone"></dd></div>
      <div><dt>duplicated</dt><dd data-count="duplicated"></dd></div>
      <div><dt>reordered</dt><dd data-count="reordered"></dd></div>
      <div><dt>not timed</dt><dd class="dropped"></dd></div>
    </dl>`;
  const part = (selector) => element.querySelector(selector);
  const parts = {
    about: part(".about"),
    state: part(".state"),
    age: part(".age b"),
    mean: part(".mean"),
    top: part(".top"),
    id: part(".newest b"),
    value: part(".value"),
    latency: part(".latency .figure"),
    n: part(".n"),
    error: part(".error"),
    dropped: part(".dropped"),
    p99: part(".p99"),
    bytes: part(".bytes .figure"),
    rest: part(".rest"),
    recovery: part(".recovery"),
  };
  const paint = strip(part(".strip"));
  const run = track(part(".track"), name);

  const record = new Record(page.run, page.epoch ? 0 : null);
  const tally = new Tally();
  const age = new Age();
  const oneWay = new Latency();
  const held = new Held();
  let behind = 0; // messages that it should have
  let last = { state: "connecting", why: "" }; // the state that it is in
  let asked = null; // when the request left whose answer is not there yet
  let brought = null; // when the request left whose answer is being read
  let newest = null; // the message with the highest id of the present epoch
  const recent = []; // and the twenty before it, with their data
  let cut = null; // the last
  let figured = -Infinity; // when the slower figures were last written
  let spent; // as the ledger has it: {row, lately}
  let send = null; // of the pipe, if this is one

  if (page.epoch) tally.epoch(page.epoch, Math.max(page.head - 1, 0));

  const on = {
    state: (state, why = "") => apply({ kind: "state", t: performance.now(), state, why }),
    asked: (t) => apply({ kind: "asked", t }),
    answered: (t) => apply({ kind: "answered", t, asked }),
    message(m, now) {
      const { best } = page.clock;
      apply({
        kind: "message",
        t: now,
        id: m.id,
        at: m.at,
        data: m.data,
        epoch: tally.epochs.at(-1)?.name,
        sent: best ? now - (page.clock.server(now) - m.at / 1000) : null,
        error: best ? best.error + page.clock.grain : null, // of the offset, and of now
        asked: name === "polling" || name === "longpoll" ? brought : null,
      });
    },
    gap: ({ from, to }) => apply({ kind: "gap", t: performance.now(), from, to }),
    epoch: (epoch, after) => apply({ kind: "epoch", t: performance.now(), epoch, after }),
    beat: (t) => apply({ kind: "beat", t }),
    interval: () => page.interval,
    silence: () => page.beat * 1500, // a heartbeat and a half
    pipe: (pipe) => (send = pipe),
  };

  const happened = {
    state(entry) {
      last = entry;
      if (last.state !== "live") asked = null;
    },
    asked: ({ t }) => (asked = t),
    answered() {
      [brought, asked] = [asked, null];
    },
    message(m) {
      if (!tally.epochs.length) tally.epoch(m.epoch);
      if (!tally.messages) performance.mark(`first message by ${name}`); // on the browser's own timeline
      page.seen(name, m, m.t);
      if (m.id > tally.newest) {
        newest = m;
        recent.push(m);
        if (recent.length > 20) recent.shift();
        if (page.clock.best) age.news(page.clock.server(m.t), m.at / 1000);
      }
      tally.message(m.id);
      measure(m);
    },
    gap: (gap) => tally.gap(gap),
    epoch: ({ epoch, after }) => tally.epoch(epoch, after),
    beat() {},
    cut: (entry) => (cut = entry),
  };

  function apply(entry) {
    // Each answer of a poll says that the lane is live: only the first is news.
    if (entry.kind === "state" && entry.state === "live" && last.state === "live" && entry.why === last.why) return;
    page.tell?.(name, entry);
    happened[entry.kind](entry);
    const { data, ...kept } = entry;
    record.add(kept);
  }

  function measure({ id, t, sent, error }) {
    const old = id <= page.head && tally.epochs.at(-1).name === page.epoch; // before the page was open
    if (old || sent === null || sent < page.since) return;
    if (document.hidden || sent < page.trusts || page.still(t)) oneWay.dropped++;
    else oneWay.add(id, t, t - sent, error);
  }

  function update(now, t = now) {
    if (newest && page.clock.best && age.at === null) age.news(page.clock.server(now), newest.at / 1000); // it came before the clock was known
    const held = record.held(t); // what is under way has not landed yet, though it is here
    put(parts.age, held && page.clock.best ? seconds(page.clock.server(t) - held.at / 1000) : "–");
    const shown = held && recent.find(({ epoch, id }) => epoch === held.epoch && id === held.id);
    put(parts.id, held ? `#${held.id}` : "–");
    put(parts.value, behind ? `${number(behind)} behind the others: silent, or buffered?` : shown ? value(shown.data) : "");
    put(parts.about, last.why || about(page));

    // What changes faster cannot be read.
    if (now - figured < 250) return;
    figured = now;

    const { epochs } = tally;
    const epoch = epochs.length ? `${epochs.length > 1 ? `${epochs.length}${ordinal(epochs.length)} ` : ""}epoch ${epochs.at(-1).name}` : "";
    put(parts.state, [last.state, epoch].filter(Boolean).join(", "));
    const median = oneWay.median(now);
    put(parts.latency, median ? latency(median.ms, median.error) : "–");
    put(parts.n, median ? `, n ${number(median.n)}` : ", none yet");
    put(parts.error, median ? `; ± ${time(median.error)}` : "");
    put(parts.dropped, number(oneWay.dropped));
    const p99 = oneWay.quantile(now, 0.99);
    put(parts.p99, p99 === null ? "–" : latency(p99, median.error));

    for (const dd of element.querySelectorAll("[data-count]")) {
      const { count } = dd.dataset;
      put(dd, number(tally[count]));
      if (count !== "messages") dd.classList.toggle("bad", tally[count] > 0);
    }
    writeCost(spent);
    const { messages, lost, gone, duplicated, reordered } = tally;
    Object.assign(element.dataset, { state: last.state, ids: tally, messages, lost, gone, duplicated, reordered });
  }

  function draw(now, t, top) {
    run(record, t, t < now - 1000);
    if (top === null) return;
    put(parts.top, Number.isFinite(top) ? `${top / 1000} s` : "");
    if (page.clock.best) paint(age.course, page.clock.server(t), top);
  }

  const mean = (ms) => put(parts.mean, ms === null ? "" : `; mean ${seconds(ms)} s`);

  // cost takes what the ledger has of this lane, and what came to it lately; or nothing.
  const cost = (row, lately) => (spent = row && { row, lately });

  function writeCost({ row, lately } = {}) {
    const figure = lately && perMessage(lately);
    put(parts.bytes, figure ? number(figure.bytes) : "–");
    put(parts.rest, figure ? rest(figure) : "");
    for (const dd of element.querySelectorAll("[data-cost]")) put(dd, row ? number(row[dd.dataset.cost]) : "–");
    element.dataset.unaccounted = figure ? figure.unaccounted : "";
  }

  // recovered writes, and returns, what followed the last cut, if that was the last
  // that was done; heads are the messages of all lanes since, or null: no longer.
  function recovered(heads) {
    if (!heads || !cut || cut.t < page.moment) return void put(parts.recovery, "");
    const after = recovery(record.since(cut.t), cut, heads, page.usual());
    const stamp = (what, ms) => (ms === null ? [] : [`${what} ${seconds(ms)}`]);
    const stamps = [...stamp("noticed", after.noticed), ...stamp("back", after.connected), ...stamp("caught up", after.caught)];
    put(parts.recovery, behind ? "" : `${after.noticed === null ? `cut, not noticed${stamps.length ? " · " : ""}` : ""}${stamps.join(" · ")}${stamps.length ? " s" : ""}`);
    element.dataset.cut = cut.cut;
    return { ...after, cut };
  }

  // hold looks whether the lane is behind what all lanes know of the feed.
  function hold(now, { epoch, head, start }) {
    const newest = place(tally, epoch).newest ?? start; // or it has heard nothing, and should begin as the others
    const poll = name === "polling" ? (page.interval ?? 10_000) + 2 * (record.trip ?? 0) : 0;
    behind = last.state === "down" || !epoch ? 0 : held.behind(epoch, newest, head, now, page.usual() + poll + 2000);
    element.dataset.behind = behind;
  }

  // begins returns the entries with which a tab that looks on begins: the state, and what is held.
  const begins = () => [last, newest?.epoch === tally.epochs.at(-1)?.name ? newest : null].filter((entry) => entry?.kind);

  // cursor is where to go on from, when the lane is opened again.
  const cursor = () => {
    const { name: epoch, runs, from } = tally.epochs.at(-1) ?? { runs: [], from: 0 };
    return runs.length || from ? `${epoch}-${runs.at(-1)?.[1] ?? from - 1}` : "";
  };

  return { name, element, on, apply, update, draw, mean, cost, recovered, hold, cursor, age, oneWay, record, tally, send: (text) => send(text), state: () => last.state, begins };
}

function ordinal(n) {
  return n % 100 > 10 && n % 100 < 14 ? "th" : (["th", "st", "nd", "rd"][n % 10] ?? "th");
}
