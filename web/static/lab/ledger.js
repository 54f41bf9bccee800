import { difference } from "../scenes/checks.js";
import { number } from "../figures/format.js";

// perMessage returns what a lane's row of the ledger comes to: bytes for each
// message that was delivered, everything included, empty polls and heartbeats
// too, but not what page= adds, nor what is paid once, which is opening. It
// returns null where nothing was delivered yet.
export function perMessage({ delivered, up, down }) {
  if (delivered === 0) return null;
  const once = up.opening + down.opening;
  const bytes = up.total + down.total - up.tag - down.tag - once;
  return { bytes: bytes / delivered, once, unaccounted: up.unaccounted + down.unaccounted };
}

// ledger asks the control API at url once a second for this page's rows, and
// tells on of each, by lane: the row, what has come to it since the count began, and
// when that was; or of null, where the ledger is not to be had. It returns
// anew(answer), which begins the count anew, with that answer of the ledger or with
// one that it asks for.
export function ledger(url, on) {
  let from = { rows: [], since: 0 }; // what the ledger had when the count began
  let asks = 0; // the answer to all but the last is out of date
  let timer;

  async function ask(begin = false) {
    clearTimeout(timer);
    const mine = ++asks;
    try {
      const answer = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(2000) });
      if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
      const now = await answer.json();
      if (mine !== asks) return;
      show(now, begin);
      begin = false;
    } catch {
      if (mine !== asks) return;
      on(null);
    }
    timer = setTimeout(ask, 1000, begin);
  }

  function show(now, begin) {
    from.epoch ??= now.epoch;
    const other = now.epoch !== from.epoch; // a server that has counted from nothing
    if (begin || other) from = { epoch: now.epoch, rows: other ? [] : now.rows, since: performance.now() };
    for (const row of now.rows) {
      const { transport } = row;
      on(transport, row, difference(row, from.rows.find((before) => before.transport === transport)), from.since);
    }
  }

  function anew(answer) {
    if (!answer) return void ask(true);
    asks++;
    show(answer, true);
    clearTimeout(timer);
    timer = setTimeout(ask, 1000);
  }

  ask();
  return anew;
}

// rest says what the figure does not have: what opening cost, and what nobody knows.
export const rest = ({ once, unaccounted }) => (unaccounted ? `unaccounted: ${number(unaccounted)} B` : once ? `opening ${number(once)} B` : "");

const lanes = ["polling", "longpoll", "sse", "websocket"];
const ways = ["up", "down"];
const parts = ["payload", "envelope", "framing", "head", "opening", "control", "tag", "tls", "unaccounted", "total"];

// pack writes the rows of the lanes, and of how many seconds they are, as numbers, for
// an address; unpack reads them, or returns null.
export const pack = ({ rows, seconds }) => !rows.size ? "" : [Math.ceil(seconds), ...lanes.flatMap((name) => {
  const row = rows.get(name);
  return [row?.delivered ?? 0, ...ways.flatMap((way) => parts.map((part) => row?.[way][part] ?? 0))];
})].join(".");

export function unpack(text) {
  const [seconds, ...numbers] = text.split(".").map(Number);
  const each = 1 + ways.length * parts.length;
  if (numbers.length !== lanes.length * each || ![seconds, ...numbers].every((n) => Number.isSafeInteger(n) && n >= 0)) return null;
  const rows = new Map(lanes.map((name, i) => {
    const [delivered, ...rest] = numbers.slice(i * each, (i + 1) * each);
    const way = (k) => Object.fromEntries(parts.map((part, j) => [part, rest[k * parts.length + j]]));
    return [name, { transport: name, delivered, up: way(0), down: way(1) }];
  }));
  return { rows, seconds };
}
