import { seconds } from "../figures/format.js";
import { transports } from "../transports/transports.js";
import { reached } from "./behind.js";
import { lane } from "./lane.js";
import { Run } from "./record.js";

/** @typedef {import("./lane.js").Lane} Lane */
/** @typedef {import("./record.js").Entry} Entry */

/**
 * lanes is the four lanes together. They are there once show is called.
 * @param {HTMLElement} element
 * @param {import("../lab/page.js").Page} page
 * @param {import("../lab/stall.js").Stalls} stalls
 */
export function lanes(element, page, stalls) {
  /** @type {Lane[]} */
  const list = [];
  const run = new Run();
  /** @type {Set<(name: string, message: Entry) => void>} */
  const watchers = new Set();
  /** @type {Map<string, () => void>} what closes each lane that is open */
  const closes = new Map();
  /** @type {[string, Entry][]} what another tab has recorded before there were lanes */
  const early = [];
  /** @type {import("./lane.js").Hooks} */
  const hooks = { run, stalled: stalls.stalled, seen: (name, m) => watchers.forEach((watcher) => watcher(name, m)) };
  let origin = null; // of the stamps of the tab that this one views
  let agesSince = performance.now(); // when the mean ages began
  let means = ""; // the sentence on them

  /** @param {string} name */
  const find = (name) => list.find((lane) => lane.name === name);

  function show() {
    for (const transport of transports) {
      list.push(lane(element.appendChild(document.createElement("li")), transport, page, hooks));
    }
  }

  /**
   * open opens all lanes behind a cursor, and sends each entry to the tabs that view this one. The lanes share one
   * thread, and the one that is called first has the better latency: so it is another one each time.
   * @param {string} after
   * @param {(entry: {lane: string, entry: Entry}) => void} sendEntry
   */
  function open(after, sendEntry) {
    hooks.send = (lane, entry) => sendEntry({ lane, entry });
    const first = Math.floor(Math.random() * list.length);
    for (let i = 0; i < list.length; i++) openLane(list[(first + i) % list.length], after);
  }

  /**
   * @param {Lane} lane
   * @param {string} after
   */
  function openLane({ name, transport, on }, after) {
    const heartbeats = page.heartbeat && transport.streams ? `&heartbeat=${page.heartbeat}s` : "";
    closes.set(name, transport.open(page.address(`/${name}`, heartbeats), after, on));
  }

  /** @param {Lane} lane */
  function reopenLane(lane) {
    if (!closes.has(lane.name)) return;
    closes.get(lane.name)();
    openLane(lane, lane.cursor());
  }

  // reopenStreams opens the streams anew, where they were.
  function reopenStreams() {
    for (const lane of list) if (lane.transport.streams) reopenLane(lane);
  }

  // pause closes all lanes.
  async function pause() {
    for (const { name, on } of list) {
      closes.get(name)();
      on.state("connecting", "paused for this step");
    }
    await settle();
  }

  // resume opens them where they were.
  async function resume() {
    list.forEach(reopenLane);
    await settle();
  }

  function settle() {
    page.distrust();
    return new Promise((done) => setTimeout(done, 200));
  }

  function close() {
    for (const close of closes.values()) close();
  }

  // snapshot returns what a tab begins with that views this one.
  function snapshot() {
    return {
      page: page.me,
      lanes: Object.fromEntries(list.map(({ name, snapshot }) => [name, snapshot()])),
      origin: performance.timeOrigin,
    };
  }

  /**
   * copy takes an entry of the tab that this one views into its own record, on its own time.
   * @param {string} name of the lane
   * @param {Entry} entry
   */
  function copy(name, entry) {
    if (origin === null) return void early.push([name, entry]);
    const by = origin - performance.timeOrigin;
    const moved = { ...entry };
    for (const stamp of /** @type {("t" | "sent" | "asked" | "retry")[]} */ (["t", "sent", "asked", "retry"])) {
      if (moved[stamp] !== null && moved[stamp] !== undefined) moved[stamp] += by;
    }
    find(name).apply(moved);
  }

  /**
   * view begins to show another tab's lanes.
   * @param {ReturnType<typeof snapshot>} state
   */
  function view(state) {
    origin = state.origin;
    page.setInterval(null);
    page.remeasure(); // what arrived before was the other tab's to measure
    for (const [name, entries] of Object.entries(state.lanes)) {
      for (const entry of entries) copy(name, /** @type {Entry} */ (entry));
    }
    for (const [name, entry] of early) copy(name, entry);
  }

  /**
   * cut notes a cut on the lanes that it reached.
   * @param {string[]} names
   * @param {Entry} entry
   */
  function cut(names, entry) {
    page.setEvent(entry.t);
    for (const { name, apply } of list) if (names.includes(name)) apply(entry);
  }

  // recovered returns, by lane, what followed its last cut.
  function recovered() {
    const since = performance.now() - 120_000;
    const messages = list.flatMap(({ record }) => record.since(since).filter(({ kind }) => kind === "message"));
    return Object.fromEntries(list.map(({ name, recovered }) => [name, recovered(messages)]));
  }

  /**
   * compare counts how far each lane is behind the others, and returns how much of the feed they know together.
   * @param {number} now
   */
  function compare(now) {
    const all = reached(list.map(({ tally }) => tally));
    for (const { compare } of list) compare(now, all);
    return all;
  }

  // remeasure begins anew what is measured: a latency belongs to what was set when it was measured.
  function remeasure() {
    agesSince = performance.now();
    means = "";
    page.remeasure(agesSince);
    for (const { oneWay, age, setMean } of list) {
      oneWay.clear();
      if (page.clock.best) age.takeMean(page.clock.server(agesSince));
      setMean(null);
    }
  }

  // forgetAges has the mean ages begin now.
  function forgetAges() {
    if (page.clock.best) for (const { age } of list) age.takeMean(page.clock.server(performance.now()));
  }

  /**
   * meanAges writes the mean ages every 10 s, and returns the sentence on the last of them; "": there are none yet.
   * @param {number} now
   */
  function meanAges(now) {
    if (now - agesSince < 10_000) return means;
    if (!page.clock.best) return (means = "The clock is not known yet, and so are the ages.");
    const ages = list.map(({ title, age, setMean }) => {
      const ms = age.takeMean(page.clock.server(now));
      setMean(ms);
      return `${title} ${ms === null ? "nothing" : `${seconds(ms)} s`}`;
    });
    const span = Math.round((now - agesSince) / 1000);
    agesSince = now;
    return (means = `Mean age in the last ${span} s: ${ages.join(", ")}.`);
  }

  /**
   * watch has watcher called with each message on each lane. It returns what ends that.
   * @param {(name: string, message: Entry) => void} watcher
   */
  function watch(watcher) {
    watchers.add(watcher);
    return () => watchers.delete(watcher);
  }

  /** @param {string} text that goes upstream, by the WebSocket */
  const send = (text) => find("websocket").send(text);

  return {
    list, run, show, open, reopenStreams, pause, resume, close, snapshot, copy, view, cut, recovered, compare, remeasure,
    forgetAges, meanAges, watch, send,
  };
}

/** @typedef {ReturnType<typeof lanes>} Lanes */
