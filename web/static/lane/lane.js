import { latency, number, seconds, time, value } from "../figures/format.js";
import { setText } from "../figures/text.js";
import { footnote, perMessage } from "../lab/bytes.js";
import { mark } from "../stage/mark.js";
import { Age } from "./age.js";
import { Behind, place } from "./behind.js";
import { Latency } from "./latency.js";
import { Record, recovery } from "./record.js";
import { Tally } from "./tally.js";

/** @typedef {import("../lab/bytes.js").Row} Row */
/** @typedef {import("./record.js").Entry} Entry */

/**
 * Hooks is what all lanes share.
 * @typedef {object} Hooks
 * @property {import("./record.js").Run} [run] of which the record is one
 * @property {(now: number) => boolean} stalled the page stands still just now
 * @property {(name: string, message: Entry) => void} seen is called with each message
 * @property {(name: string, entry: Entry) => void} [send] sends each entry to the tabs that view this one
 */

/**
 * lane shows one transport. What arrived can be read off the element too: data-state, data-ids (the epochs and runs of
 * Tally.toString) and the counts of the tally.
 * @param {HTMLElement} element
 * @param {import("../transports/transports.js").Transport} transport
 * @param {import("../lab/page.js").Page} page
 * @param {Hooks} hooks
 */
export function lane(element, transport, page, hooks) {
  const { name, title, letter } = transport;
  element.className = "lane";
  element.dataset.lane = name;
  element.innerHTML = `
    <div class="who">
      <h2>${mark(name)} <span class="name">${title}</span></h2>
      <p class="about"></p>
      <p class="faults"></p>
      <p class="recovery"></p>
    </div>
    <div class="course"></div>
    <details class="figures">
      <summary>
        <span class="age"><span class="figure"><b></b> <span class="unit">s</span></span>
          <span class="label">age now</span></span>
        <span class="latency"><b class="figure"></b> <span class="label">median</span></span>
        <span class="bytes"><b class="figure">–</b> <span class="label">bytes per message</span></span>
      </summary>
      <dl>
        <div><dt>newest</dt><dd class="newest"><b></b> <span class="value"></span></dd></div>
        <div><dt>connection</dt><dd class="state"></dd></div>
        <div><dt>mean age, last 10 s</dt><dd class="mean">–</dd></div>
        <div><dt>latency p99</dt><dd class="p99"></dd></div>
        <div><dt>messages timed</dt><dd class="n"></dd></div>
        <div><dt>error at most</dt><dd class="error"></dd></div>
        <div><dt>left out</dt><dd class="rest"></dd></div>
        <div><dt>messages</dt><dd data-count="messages"></dd></div>
        <div title="by the server’s ledger, which a restarted server begins anew"><dt>requests</dt>
          <dd data-cost="requests">–</dd></div>
        <div title="connections that this lane’s requests opened; 0: they reused an open one"><dt>TCP opened</dt>
          <dd data-cost="connections">–</dd></div>
        <div><dt>lost</dt><dd data-count="lost"></dd></div>
        <div><dt>in gaps</dt><dd data-count="gone"></dd></div>
        <div><dt>duplicated</dt><dd data-count="duplicated"></dd></div>
        <div><dt>reordered</dt><dd data-count="reordered"></dd></div>
        <div><dt>not timed</dt><dd class="dropped"></dd></div>
      </dl>
    </details>`;
  /** @returns {HTMLElement} */
  const part = (selector) => element.querySelector(selector);
  const parts = {
    about: part(".about"),
    faults: part(".faults"),
    state: part(".state"),
    age: part(".age b"),
    mean: part(".mean"),
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
  const record = new Record(hooks.run, page.epoch ? 0 : null);
  const tally = new Tally();
  const age = new Age();
  const oneWay = new Latency();
  const lag = new Behind();
  let behind = 0; // messages that it should have
  /** @type {{kind?: "state", t?: number, state?: string, why?: string, retry?: number}} */
  let last = { state: "connecting", why: "" }; // the state that it is in
  let asked = null; // when the request left whose answer is not there yet
  let answering = null; // when the request left whose answer is being read
  /** @type {Entry | null} */
  let newest = null; // the message with the highest id of the present epoch
  /** @type {Entry[]} */
  const recent = []; // and the twenty before it, with their data
  /** @type {Entry | null} */
  let cut = null; // the last
  let written = -Infinity; // when the slower figures were last written
  /** @type {{t: number, row?: Row, counted?: Row}[]} */
  const costs = []; // as the ledger has had them
  let send = null; // of the pipe, if this is one

  if (page.epoch) tally.epoch(page.epoch, Math.max(page.head - 1, 0));

  /** @type {import("../transports/transports.js").On} */
  const on = {
    state(state, why = "", retry) {
      const t = performance.now();
      apply({ kind: "state", t, state, why, ...(retry !== undefined && { retry: t + retry }) });
    },
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
        asked: transport.streams ? null : answering,
      });
    },
    gap: ({ from, to }) => apply({ kind: "gap", t: performance.now(), from, to }),
    epoch: (epoch, after) => apply({ kind: "epoch", t: performance.now(), epoch, after }),
    beat: (t) => apply({ kind: "beat", t }),
    interval: () => page.interval,
    silence: () => page.heartbeat * 1500, // a heartbeat and a half
    pipe: (pipe) => (send = pipe),
  };

  /** @type {globalThis.Record<Entry["kind"], (entry: any) => void>} */
  const handle = {
    state(entry) {
      last = entry;
      if (last.state !== "live") asked = null;
    },
    asked: ({ t }) => (asked = t),
    answered() {
      [answering, asked] = [asked, null];
    },
    message(m) {
      if (!tally.epochs.length) tally.epoch(m.epoch);
      if (!tally.messages) performance.mark(`first message by ${name}`); // on the browser's own timeline
      hooks.seen(name, m);
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
    sent() {},
  };

  /**
   * apply puts into the record what happened, here or in the tab that this one views.
   * @param {Entry} entry
   */
  function apply(entry) {
    // Each answer of a poll reports that the lane is live: only the first is news.
    if (entry.kind === "state" && entry.state === "live" && last.state === "live" && entry.why === last.why) return;
    hooks.send?.(name, entry);
    handle[entry.kind](entry);
    const { data, ...kept } = entry;
    record.add(kept);
  }

  /** @param {Entry} message */
  function measure({ id, t, sent, error }) {
    const old = id <= page.head && tally.epochs.at(-1).name === page.epoch; // before the page was open
    if (old || sent === null || sent < page.measuredSince) return;
    if (document.hidden || sent < page.timedSince || hooks.stalled(t)) oneWay.dropped++;
    else oneWay.add(id, t, t - sent, error);
  }

  /**
   * update writes the figures as they were at t, which is the instant that is drawn.
   * @param {number} now
   * @param {number} [t]
   */
  function update(now, t = now) {
    if (newest && page.clock.best && age.at === null) { // it arrived before the clock was known
      age.news(page.clock.server(now), newest.at / 1000);
    }
    const top = record.newestAt(t); // what is drawn under way has not landed yet, though it is here
    const clock = page.clock.best ? "" : "the clock is not known yet";
    figure(parts.age, top && !clock ? seconds(page.clock.server(t) - top.at / 1000) : "–", clock || "no message yet");
    const shown = top && recent.find(({ epoch, id }) => epoch === top.epoch && id === top.id);
    setText(parts.id, top ? `#${top.id}` : "–");
    setText(parts.value, shown ? value(shown.data) : "");
    const { why, retry } = last;
    const wait = retry === undefined ? "" : `, retry in ${number(Math.max(0, retry - now) / 1000, 1)} s`;
    setText(parts.about, why ? why + wait : transport.about(page));

    // What changes faster cannot be read.
    if (now - written < 250) return;
    written = now;

    const { epochs } = tally;
    const nth = epochs.length > 1 ? `${epochs.length}${ordinal(epochs.length)} ` : "";
    const epoch = epochs.length ? `${nth}epoch ${epochs.at(-1).name}` : "";
    setText(parts.state, [last.state, epoch].filter(Boolean).join(", "));
    const median = oneWay.median(now, t);
    const untimed = clock || "no message was timed yet";
    figure(parts.latency, median ? latency(median.ms, median.error) : "–", untimed);
    setText(parts.n, median ? number(median.n) : "none yet");
    setText(parts.error, median ? `± ${time(median.error)}` : "–");
    setText(parts.dropped, number(oneWay.dropped));
    const p99 = oneWay.quantile(now, 0.99, t);
    setText(parts.p99, p99 === null ? "–" : latency(p99, median.error));

    for (const dd of /** @type {NodeListOf<HTMLElement>} */ (element.querySelectorAll("[data-count]"))) {
      const { count } = dd.dataset;
      setText(dd, number(tally[count]));
      if (count !== "messages") dd.classList.toggle("bad", tally[count] > 0);
    }
    writeCost(costs.findLast((cost) => cost.t <= t));
    const { messages, lost, gone, duplicated, reordered } = tally;
    const faults = { lost, "in gaps": gone, duplicated, reordered, "not timed": oneWay.dropped };
    const list = Object.entries(faults).filter(([, n]) => n > 0).map(([what, n]) => `${number(n)} ${what}`);
    if (behind) list.unshift(`${number(behind)} behind the others: silent, or buffered?`);
    setText(parts.faults, list.join(" · "));
    const counts = { messages, lost, gone, duplicated, reordered };
    Object.assign(element.dataset, { state: last.state, ids: String(tally), ...counts });
  }

  /**
   * figure writes a figure; in the place of one that is not known, "–" and why.
   * @param {HTMLElement} at
   * @param {string} text
   * @param {string} why
   */
  function figure(at, text, why) {
    setText(at, text);
    const box = at.closest("summary > *");
    const reason = text === "–" ? why : "";
    if (box.getAttribute("title") !== reason) box.setAttribute("title", reason);
  }

  /** @param {number | null} ms the mean age */
  const setMean = (ms) => setText(parts.mean, ms === null ? "–" : `${seconds(ms)} s`);

  /**
   * setCost takes what the ledger has of this lane, and what was added to it since the count began; or nothing.
   * @param {Row} [row]
   * @param {Row} [counted]
   */
  function setCost(row, counted) {
    costs.push({ t: performance.now(), row, counted });
    if (costs.length > 300) costs.shift();
  }

  /** @param {{row?: Row, counted?: Row}} [cost] */
  function writeCost({ row, counted } = {}) {
    const each = counted && perMessage(counted);
    const why = page.control ? "no message was counted yet" : page.missing;
    figure(parts.bytes, each ? number(each.bytes) : "–", why);
    setText(parts.rest, each ? footnote(each) : "");
    for (const dd of /** @type {NodeListOf<HTMLElement>} */ (element.querySelectorAll("[data-cost]"))) {
      setText(dd, row ? number(row[dd.dataset.cost]) : "–");
    }
    element.dataset.unaccounted = each ? String(each.unaccounted) : "";
  }

  /**
   * recovered writes, and returns, what followed the last cut, if nothing else was done since.
   * @param {Entry[] | null} messages of all lanes; null: it is no longer shown
   */
  function recovered(messages) {
    if (!messages || !cut || cut.t < page.eventAt) return void setText(parts.recovery, "");
    const after = recovery(record.since(cut.t), cut, messages, page.usual);
    const stamps = Object.entries({ noticed: after.noticed, back: after.connected, "caught up": after.caught })
      .filter(([, ms]) => ms !== null).map(([what, ms]) => `${what} ${seconds(ms)}`).join(" · ");
    const texts = [after.noticed === null ? "cut, not noticed" : "", stamps && `${stamps}\u00a0s`];
    setText(parts.recovery, behind ? "" : texts.filter(Boolean).join(" · "));
    element.dataset.cut = cut.cut;
    return { ...after, cut };
  }

  /**
   * compare counts how far the lane is behind what all lanes know of the feed.
   * @param {number} now
   * @param {import("./behind.js").Reached} reached
   */
  function compare(now, { epoch, head, start }) {
    const newest = place(tally, epoch).newest ?? start; // or nothing has arrived, and it should begin as the others
    const poll = transport.polls ? (page.interval ?? 10_000) + 2 * (record.oneWayDelay ?? 0) : 0;
    behind = last.state === "down" || !epoch ? 0 : lag.count(epoch, newest, head, now, page.usual + poll + 2000);
    element.dataset.behind = String(behind);
  }

  // snapshot returns the entries with which a viewing tab begins: the state, and the newest message.
  const snapshot = () =>
    [last, newest?.epoch === tally.epochs.at(-1)?.name ? newest : null].filter((entry) => entry?.kind);

  // cursor returns where to go on from, when the lane is reopened.
  const cursor = () => {
    const { name: epoch, runs, from } = tally.epochs.at(-1) ?? { runs: [], from: 0 };
    return runs.length || from ? `${epoch}-${runs.at(-1)?.[1] ?? from - 1}` : "";
  };

  return {
    name, title, letter, transport, element, on, apply, update, setMean, setCost, recovered, compare, snapshot, cursor,
    age, oneWay, record, tally,
    /** @param {string} text that goes upstream, by the pipe */
    send(text) {
      apply({ kind: "sent", t: performance.now() });
      send(text);
    },
    state: () => last.state,
  };
}

/** @typedef {ReturnType<typeof lane>} Lane */

/** @param {number} n */
function ordinal(n) {
  return n % 100 > 10 && n % 100 < 14 ? "th" : (["th", "st", "nd", "rd"][n % 10] ?? "th");
}
