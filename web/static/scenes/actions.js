import { byTransport, difference } from "../lab/bytes.js";
import { settled } from "../lane/record.js";
import { sockets } from "./sockets.js";

/** @typedef {import("../lab/bytes.js").Row} Row */
/** @typedef {import("../lane/lane.js").Lane} Lane */

/**
 * Feed is what the feed is to carry.
 * @typedef {{source?: string, rate?: number, phase?: string, payload?: number}} Feed source "some": whichever is set, if
 * any
 */

/**
 * Setup is what a scene needs.
 * @typedef {object} Setup
 * @property {{rtt?: number, jitter?: number, kbps?: number}} network
 * @property {Feed} feed
 * @property {number} interval of polling, in milliseconds
 * @property {number} beat seconds between heartbeats; 0: none
 */

const renewal = 5000; // milliseconds after which the page's run is renewed; the lab ends it after 20 s without

/**
 * Parts are the parts of the page that a scene acts on.
 * @typedef {object} Parts
 * @property {import("../lab/api.js").Ask} ask
 * @property {import("../lab/page.js").Page} page
 * @property {import("../lane/lanes.js").Lanes} lanes
 * @property {import("../panels/controls.js").Controls} settings
 * @property {import("../panels/network.js").NetworkPanel} network
 * @property {{stop: () => Promise<void>}} scenario
 * @property {(answer?: import("../lab/ledger.js").Answer) => void} remeasure begins anew what is measured
 */

/**
 * actions returns what a step of a scene does and measures with.
 * @param {Parts} parts
 * @param {AbortSignal} signal is aborted when the scene is left: then each action fails
 * @param {(text: string) => void} progress
 * @param {(picture: Element) => void} show shows a picture of what is measured, while it is
 */
export function actions({ ask, page, lanes, settings, network, scenario, remeasure }, signal, progress, show) {
  const names = lanes.list.map(({ name }) => name);
  /** @param {string} name */
  const find = (name) => lanes.list.find((lane) => lane.name === name);
  /**
   * @template T
   * @param {(lane: Lane) => T} f
   */
  const each = (f) => Object.fromEntries(lanes.list.map((lane) => [lane.name, f(lane)]));

  // wait waits so many milliseconds, and shows how many are left.
  async function wait(ms, why = "measuring") {
    for (const end = performance.now() + ms; ; ) {
      signal.throwIfAborted();
      const left = end - performance.now();
      if (left <= 0) return;
      progress(`${why} … ${Math.ceil(left / 1000)} s`);
      await new Promise((done) => setTimeout(done, Math.min(left, 100)));
    }
  }

  // until waits until a condition holds, at most so many milliseconds, and returns whether it does.
  async function until(condition, ms, why = "measuring") {
    for (const end = performance.now() + ms; performance.now() < end; ) {
      signal.throwIfAborted();
      if (condition()) return true;
      progress(`${why} …`);
      await new Promise((done) => setTimeout(done, 20));
    }
    return condition();
  }

  /** @type {{interval: number, beat: number, timer?: ReturnType<typeof setInterval>} | null} */
  let before = null; // this page's own settings, and what renews its run
  const closed = () => // the page goes: its run ends at once, and not after 20 s
    fetch(`${page.control}/control/run?page=${page.me}`, { method: "DELETE", keepalive: true }).catch(() => {});

  const run = (/** @type {"PUT" | "DELETE"} */ method) => ask(method, `/control/run?page=${page.me}`);

  /**
   * set begins a run, and sets the lab as a scene needs it. Without the control address nothing can be set, and a step
   * that needs it fails of itself.
   * @param {Setup} setup
   */
  async function set({ network: wanted, feed: change, interval, beat }) {
    await scenario.stop();
    before = { interval: page.interval, beat: page.heartbeat };
    if (page.network) {
      await run("PUT");
      addEventListener("pagehide", closed);
      before.timer = setInterval(() => run("PUT").catch(() => {}), renewal); // if it fails, so does its end
      await network.set(wanted);
      signal.throwIfAborted();
      await feed(change);
    }
    settings.setInterval(interval);
    settings.setHeartbeat(beat);
  }

  // restore puts back what was set before. It throws where the lab knows of no run any more: then others may have changed
  // what was measured.
  async function restore() {
    if (!before) return;
    const { interval, beat, timer } = before;
    before = null;
    settings.setInterval(interval);
    settings.setHeartbeat(beat);
    if (!timer) return;
    clearInterval(timer);
    removeEventListener("pagehide", closed);
    await run("DELETE");
    await Promise.all([settings.refresh(), network.refresh()]);
  }

  /** @param {Feed} change */
  async function feed(change) {
    const now = settings.now();
    if (change.source === "some") {
      change = { ...change, source: !now || now.source === "none" ? "market" : now.source };
    }
    if (change.rate > 10 && (change.source ?? now?.source) === "host") change = { ...change, source: "market" };
    await settings.change({ burst: 1, apart_ms: 0, ...change });
  }

  // oneWay returns the latencies in milliseconds, by lane, of what was published from t until end, and the clock's error.
  function oneWay(t, end = Infinity) {
    const of = each(({ record }) => record.messages(t).filter(({ sent }) => sent < end));
    const error = Math.max(0, ...Object.values(of).flat().map(({ error }) => error));
    return { ms: Object.fromEntries(names.map((name) => [name, of[name].map(({ t, sent }) => t - sent)])), error };
  }

  /**
   * gather measures for so long, and waits until polling has it all.
   * @param {number} ms
   */
  async function gather(ms) {
    await until(() => page.clock.best, 5000, "reading the clock");
    await rows(true);
    const t = performance.now();
    await wait(ms);
    const end = performance.now();
    const requests = each(({ record }) => record.since(t).filter(({ kind }) => kind === "asked").length);
    await wait(page.interval + page.usual, "waiting for the last poll");
    return { ...oneWay(t, end), requests, took: end - t };
  }

  /**
   * burst publishes n messages over the WebSocket, while the feed carries nothing else. It returns their latencies by
   * lane, and how many milliseconds apart they were published.
   * @param {number} n
   * @param {number} apart milliseconds
   */
  async function burst(n, apart) {
    await until(() => page.clock.best, 5000, "reading the clock");
    const { source } = (await settings.refresh()) ?? {};
    if (!source) throw new Error(`${page.missing}, and this step needs the control API`);
    const tag = Math.random().toString(36).slice(2);
    /** @type {Record<string, (number | null)[]>} */
    const latencies = each(() => []);
    const at = [];
    const stop = lanes.watch((name, m) => {
      if (m.data?.burst !== tag) return;
      latencies[name][m.data.n] = m.sent === null ? null : m.t - m.sent;
      at[m.data.n] = m.at / 1000;
    });
    try {
      await settings.change({ source: "none" });
      await wait(400 + 2 * page.usual, "the feed is quiet");
      await rows(true);
      page.setEvent(performance.now());
      for (let i = 0; i < n; i++) {
        setTimeout(() => lanes.send(JSON.stringify({ burst: tag, n: i })), i * apart);
      }
      const complete = () => names.every((name) => Object.keys(latencies[name]).length === n);
      await until(complete, page.interval + 5000);
    } finally {
      stop();
      await settings.change({ source }, true); // what was measured stays to be seen
    }
    return { apart: at[n - 1] - at[0], ms: latencies, error: page.clock.best?.error ?? 0 };
  }

  // rows returns what the ledger has of this page, by transport; with restart, what the page shows of it begins anew.
  async function rows(restart = false) {
    const answer = await ask("GET", `/control/ledger?page=${page.me}`);
    if (restart) remeasure(answer);
    return byTransport(answer);
  }

  /**
   * @param {Record<string, Row>} after
   * @param {Record<string, Row>} before
   */
  const cost = (after, before) =>
    Object.fromEntries(names.map((name) => [name, difference(after[name], before[name])]));

  /**
   * send publishes texts, each when all lanes have the one before, and returns what that cost by the ledger, by lane. It
   * throws where somebody else publishes meanwhile.
   * @param {string[]} texts
   */
  async function send(texts) {
    await wait(page.interval + page.usual, "until all is quiet");
    const before = await rows(true);
    for (const text of texts) {
      const { id } = await publish(text);
      await until(() => lanes.list.every(({ tally }) => tally.newest >= id), page.interval + 5000);
    }
    for (let i = 0; ; i++) {
      const spent = cost(await rows(), before);
      const delivered = Object.values(spent).map((row) => row.delivered);
      if (delivered.some((n) => n > texts.length)) throw new Error("somebody else published meanwhile. Run it again");
      if (i === 20 || delivered.every((n) => n === texts.length)) return spent;
      await wait(100);
    }
  }

  async function publish(data) {
    const response = await fetch(page.address("/publish"), { method: "POST", body: JSON.stringify(data), signal });
    if (!response.ok) throw new Error((await response.json()).error);
    return response.json();
  }

  /**
   * idle returns what so long a time cost by the ledger, by lane. It calls begin when the count has begun.
   * @param {number} ms
   */
  async function idle(ms, begin = () => {}) {
    const before = await rows(true);
    begin();
    await wait(ms);
    return cost(await rows(), before);
  }

  /**
   * cut cuts all lanes, and waits until those that it has reached have caught up, or so long.
   * @param {string} kind fin, rst, silence or restart
   * @param {number} [seconds] of a silence
   */
  async function cut(kind, seconds = 0, patience = 15_000) {
    await until(() => lanes.list.every(({ state }) => state() === "live"), 5000, "until all lanes run");
    const reached = await (kind === "restart" ? network.restart() : network.cut(kind, seconds));
    const t = performance.now();
    await wait(seconds ? seconds * 1000 : 1000, seconds ? "silence" : "cut"); // a lane that can notice has by then
    await until(() => settled(lanes.recovered(), reached), patience, "waiting until all have caught up");
    await wait(500);
    return {
      reached,
      after: lanes.recovered(),
      lost: each(({ tally }) => tally.lost),
      ages: each(({ record }) => peakAge(record.messages(t - 5000))),
    };
  }

  /**
   * naive long-polls without a cursor for so long, and returns how many of all messages it got.
   * @param {number} ms
   */
  async function naive(ms) {
    const got = [];
    const until = performance.now() + ms;
    let epoch = "";
    while (performance.now() < until) {
      signal.throwIfAborted();
      progress(`asking without a cursor … ${Math.ceil((until - performance.now()) / 1000)} s`);
      const url = `${location.origin}/longpoll?wait=2s&page=${page.me}n`;
      const response = await fetch(url, { cache: "no-store", signal });
      if (response.status === 204) continue;
      const body = await response.json();
      epoch ||= body.epoch;
      if (body.epoch === epoch) got.push(...body.messages.map(({ id }) => id));
    }
    const all = got.length ? got.at(-1) - got[0] : 0;
    return { got: got.length, all, lost: all ? 1 - (got.length - 1) / all : null };
  }

  /**
   * pool opens n streams and then polls once. It returns how many opened, and after how many milliseconds the poll was
   * answered; null: not within two seconds. The lanes are paused meanwhile.
   * @param {number} n
   * @param {"sse" | "websocket"} kind
   */
  async function pool(n, kind) {
    /** @type {import("./sockets.js").Pool} */
    const measured = { http: page.http, kind, opened: [], polled: undefined };
    const draw = () => show(sockets(measured));
    await lanes.pause();
    const open = [];
    try {
      for (let i = 0; i < n; i++) {
        const begun = performance.now();
        const stream = openStream(kind);
        open.push(stream);
        stream.addEventListener("open", () => {
          measured.opened[i] = performance.now() - begun;
          draw();
        });
        if (!await until(() => stream.readyState === 1, 700 + 4 * page.usual, `opening ${i + 1} of ${n}`)) {
          measured.opened[i] = null;
          draw();
        }
      }
      const opened = open.filter(({ readyState }) => readyState === 1).length;
      progress("polling once");
      const t = performance.now();
      const polled = await fetch(`${location.origin}/polling?page=${page.me}p`, {
        cache: "no-store",
        signal: AbortSignal.any([signal, AbortSignal.timeout(2000 + 2 * page.usual)]),
      }).then(() => performance.now() - t).catch(() => null);
      signal.throwIfAborted();
      measured.polled = polled;
      draw();
      return { opened, polled };
    } finally {
      for (const stream of open) stream.close();
      await lanes.resume();
    }
  }

  /** @param {"sse" | "websocket"} kind */
  function openStream(kind) {
    const url = `${location.origin}/${kind}?page=${page.me}p`;
    return kind === "sse" ? new EventSource(url) : new WebSocket(url.replace(/^http/, "ws"));
  }

  // left waits until the step is left.
  const left = () => new Promise((_, fail) => signal.addEventListener("abort", () => fail(signal.reason)));

  /** @param {string} name */
  const lost = (name) => find(name).tally.lost;
  /** @param {string} name */
  const epoch = (name) => find(name).tally.epochs.at(-1)?.name;
  return {
    page, lost, epoch, wait, set, restore, feed, gather, burst, send, idle, cut, naive, pool, openStream, left,
    reset: () => network.cut("rst"),
    interval: settings.setInterval,
    beat: settings.setHeartbeat,
  };
}

/** @typedef {ReturnType<typeof actions>} Actions */

/**
 * peakAge returns the highest age that these messages ended.
 * @param {import("../lane/record.js").Entry[]} messages
 */
function peakAge(messages) {
  return messages.reduce((peak, m, i) => (i ? Math.max(peak, m.t - messages[i - 1].sent) : peak), 0);
}
