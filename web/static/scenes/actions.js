import { difference } from "./checks.js";
import { settled } from "../lane/record.js";

// stage is what the scenes do and measure with. Each action of a scene gets one of
// these, bound to a signal: where the scene is left, what it waits for fails.
export function stage({ ask, page, lanes, settings, network, scenario, address, me, rest, watch }, signal, progress) {
  const names = lanes.map(({ name }) => name);
  const by = (name) => lanes.find((lane) => lane.name === name);
  const each = (f) => Object.fromEntries(lanes.map((lane) => [lane.name, f(lane)]));

  // wait waits so many milliseconds, and says how many are left.
  async function wait(ms, why = "measuring") {
    for (const end = performance.now() + ms; ; ) {
      signal.throwIfAborted();
      const left = end - performance.now();
      if (left <= 0) return;
      progress(`${why} … ${Math.ceil(left / 1000)} s`);
      await new Promise((go) => setTimeout(go, Math.min(left, 100)));
    }
  }

  // until waits until something is so, at most so many milliseconds, and tells
  // whether it is.
  async function until(so, ms, why = "measuring") {
    for (const end = performance.now() + ms; performance.now() < end; ) {
      signal.throwIfAborted();
      if (so()) return true;
      progress(`${why} …`);
      await new Promise((go) => setTimeout(go, 20));
    }
    return so();
  }

  // set sets the lab as a scene needs it. Without the control address nothing can be set, and a
  // step that needs it fails of itself.
  async function set({ network: wanted, feed: change, interval, beat }) {
    await scenario.stop();
    if (page.network) {
      await network.set(wanted);
      signal.throwIfAborted();
      await feed(change);
    }
    settings.poll(interval);
    settings.heartbeats(beat);
  }

  async function feed(change) {
    const now = settings.now();
    if (change.source === "some") change = { ...change, source: !now || now.source === "none" ? "market" : now.source };
    if (change.rate > 10 && (change.source ?? now?.source) === "host") change = { ...change, source: "market" };
    await settings.change({ burst: 1, apart_ms: 0, ...change });
  }

  // oneWay returns the one-way latencies, by lane, of what was published from t
  // until end, the clock's error, and with what the page itself was late theirs.
  function oneWay(t, end = Infinity) {
    const of = each(({ record }) => record.messages(t).filter(({ sent }) => sent < end));
    const clock = Math.max(0, ...Object.values(of).flat().map(({ error }) => error));
    return { ms: Object.fromEntries(names.map((name) => [name, of[name].map(({ t, sent }) => t - sent)])), clock, error: clock + page.late() };
  }

  // gather measures for so long, and waits until polling has it all.
  async function gather(ms) {
    await until(() => page.clock.best, 5000, "reading the clock");
    await rows(true);
    const t = performance.now();
    await wait(ms);
    const end = performance.now();
    const requests = each(({ record }) => record.since(t).filter(({ kind }) => kind === "asked").length);
    await wait(page.interval + page.usual(), "waiting for the last poll");
    return { ...oneWay(t, end), requests, took: end - t };
  }

  // burst publishes n messages, so many ms apart, over the WebSocket, while the
  // feed has nothing else, and returns how they came: {apart, ms: {lane: […]}}.
  async function burst(n, apart) {
    await until(() => page.clock.best, 5000, "reading the clock");
    const { source } = (await settings.refresh()) ?? {};
    if (!source) throw new Error(`${page.missing}, and this step needs the control API`);
    const tag = Math.random().toString(36).slice(2);
    const came = each(() => []);
    const at = [];
    const stop = watch((name, m) => {
      if (m.data?.burst !== tag) return;
      came[name][m.data.n] = m.sent === null ? null : m.t - m.sent;
      at[m.data.n] = m.at / 1000;
    });
    try {
      await settings.change({ source: "none" });
      await wait(400 + 2 * page.usual(), "the feed is quiet");
      await rows(true);
      page.moment = performance.now();
      for (let i = 0; i < n; i++) {
        setTimeout(() => by("websocket").send(JSON.stringify({ burst: tag, n: i })), i * apart);
      }
      await until(() => names.every((name) => Object.keys(came[name]).length === n), page.interval + 5000);
    } finally {
      stop();
      await settings.change({ source }, true); // what was measured stays to be seen
    }
    const clock = page.clock.best?.error ?? 0;
    return { apart: at[n - 1] - at[0], ms: came, clock, error: clock + page.late() };
  }

  // rows returns what the ledger has of this page, by lane; with begin, what the page
  // shows of it begins anew with that.
  async function rows(begin = false) {
    const answer = await ask("GET", `/control/ledger?page=${me}`);
    if (begin) page.anew(answer);
    return Object.fromEntries(answer.rows.map((row) => [row.transport, row]));
  }

  // send publishes texts, each when all lanes have the one before, and returns
  // what that cost by the ledger, by lane.
  async function send(texts) {
    await wait(page.interval + page.usual(), "until all is quiet");
    const before = await rows(true);
    for (const text of texts) {
      const { id } = await publish(text);
      await until(() => lanes.every(({ tally }) => tally.newest >= id), page.interval + 5000);
    }
    let after;
    for (let i = 0; i < 20; i++) {
      after = await rows();
      if (names.every((name) => difference(after[name], before[name]).delivered >= texts.length)) break;
      await wait(100);
    }
    return Object.fromEntries(names.map((name) => [name, difference(after[name], before[name])]));
  }

  async function publish(data) {
    const answer = await fetch(address("/publish"), { method: "POST", body: JSON.stringify(data), signal });
    if (!answer.ok) throw new Error((await answer.json()).error);
    return answer.json();
  }

  // idle returns what so long a time cost by the ledger, by lane.
  async function idle(ms) {
    const before = await rows(true);
    await wait(ms);
    const after = await rows();
    return Object.fromEntries(names.map((name) => [name, difference(after[name], before[name])]));
  }

  // cut cuts all lanes, and waits until those that it has met have caught up, or so long.
  async function cut(kind, seconds = 0, patience = 15_000) {
    await until(() => lanes.every(({ state }) => state() === "live"), 5000, "until all lanes run");
    const met = await (kind === "restart" ? network.restart() : network.cut(kind, seconds));
    const t = performance.now();
    await wait(seconds ? seconds * 1000 : 1000, seconds ? "silence" : "cut"); // who was told knows by then
    await until(() => settled(page.recovered(), met), patience, "waiting until all have caught up");
    await wait(500);
    return { met, after: page.recovered(), lost: each(({ tally }) => tally.lost), ages: each(({ record }) => peakAge(record.messages(t - 5000))) };
  }

  // naive long-polls without a cursor for so long, and returns what came of how many.
  async function naive(ms) {
    const got = [];
    const until = performance.now() + ms;
    let epoch = "";
    while (performance.now() < until) {
      signal.throwIfAborted();
      progress(`asking without a cursor … ${Math.ceil((until - performance.now()) / 1000)} s`);
      const answer = await fetch(`${location.origin}/longpoll?wait=2s&page=${me}n`, { cache: "no-store", signal });
      if (answer.status === 204) continue;
      const body = await answer.json();
      epoch ||= body.epoch;
      if (body.epoch === epoch) got.push(...body.messages.map(({ id }) => id));
    }
    const all = got.length ? got.at(-1) - got[0] : 0;
    return { got: got.length, all, lost: all ? 1 - (got.length - 1) / all : null };
  }

  // pool opens n event streams, or WebSockets, and then polls once, and returns how
  // many opened, and after how many milliseconds the poll was answered: null, not
  // within two seconds. The lanes rest meanwhile.
  async function pool(n, kind) {
    await rest(true);
    const open = [];
    try {
      for (let i = 0; i < n; i++) {
        const url = `${location.origin}/${kind}?page=${me}p`;
        const stream = kind === "sse" ? new EventSource(url) : new WebSocket(url.replace(/^http/, "ws"));
        open.push(stream);
        await until(() => stream.readyState === 1, 700 + 4 * page.usual(), `opening ${i + 1} of ${n}`);
      }
      const opened = open.filter(({ readyState }) => readyState === 1).length;
      progress("polling once");
      const t = performance.now();
      const polled = await fetch(`${location.origin}/polling?page=${me}p`, { cache: "no-store", signal: AbortSignal.any([signal, AbortSignal.timeout(2000 + 2 * page.usual())]) })
        .then(() => performance.now() - t)
        .catch(() => null);
      signal.throwIfAborted();
      return { opened, polled };
    } finally {
      for (const stream of open) stream.close();
      await rest(false);
    }
  }

  const lost = (name) => by(name).tally.lost;
  const epoch = (name) => by(name).tally.epochs.at(-1)?.name;
  return { page, lost, epoch, wait, set, feed, gather, burst, send, idle, cut, naive, pool, rows, interval: settings.poll, beat: settings.heartbeats };
}

// peakAge returns the highest age that these messages ended.
function peakAge(messages) {
  return messages.reduce((peak, m, i) => (i ? Math.max(peak, m.t - messages[i - 1].sent) : peak), 0);
}
