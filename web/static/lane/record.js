/**
 * Entry is a line of a lane's log, with its stamp in milliseconds of performance.now().
 *
 *     {kind: "asked", t}                    a request left
 *     {kind: "answered", t, asked}          its response was there (of a stream: its headers)
 *     {kind: "message", t, id, at, epoch, sent, error, asked}
 *     {kind: "gap", t, from, to}
 *     {kind: "epoch", t, epoch, after}      what follows is of this epoch, its ids above after
 *     {kind: "beat", t}                     a heartbeat
 *     {kind: "state", t, state, why, retry} connecting, live or down; retry: when it tries again
 *     {kind: "cut", t, cut, lasting}        we had the connection cut
 *     {kind: "sent", t}                     a text left upstream, by the WebSocket
 *
 * @typedef {object} Entry
 * @property {"asked" | "answered" | "message" | "gap" | "epoch" | "beat" | "state" | "cut" | "sent"} kind
 * @property {number} t
 * @property {number | null} [asked] when the request left that brought it; null: it was pushed
 * @property {number} [id]
 * @property {number} [at] when it was published, µs by the server's clock
 * @property {any} [data] of the message, which the record drops
 * @property {string} [epoch]
 * @property {number | null} [sent] when it was published, by our clock; null: the clock was unknown
 * @property {number | null} [error] t less sent is known to ± error
 * @property {number} [from]
 * @property {number} [to]
 * @property {number} [after]
 * @property {string} [state]
 * @property {string} [why]
 * @property {number} [retry]
 * @property {string} [cut] fin, rst, silence or restart
 * @property {number} [lasting] milliseconds of a silence
 */

const most = 80_000; // entries that the records of a run keep together

/**
 * A Run is the records of the lanes that run side by side. They begin at the same instant: what happened before it is
 * forgotten on all of them, or the lane that needs the most entries for a message would seem to have lost what the
 * others still have.
 */
export class Run {
  /** @type {Record[]} */
  records = [];
  /** @type {(record: Record, entry: Entry) => void} is called with each entry */
  watch = () => {};
  kept = 0; // entries, of all records
  forgot = -Infinity; // all that happened since is kept

  /**
   * @param {Record} record
   * @param {Entry} entry
   */
  added(record, entry) {
    this.watch(record, entry);
    if (++this.kept <= most * 1.25) return;
    const stamps = Float64Array.from(this.records.flatMap(({ entries }) => entries.map(({ t }) => t))).sort();
    this.forgot = stamps[this.kept - most];
    for (const record of this.records) this.kept -= record.forget(this.forgot);
  }

  // whole is the server's time in µs from which on what was published is in all records, if it arrived; 0: everything
  // is; null: nothing has arrived yet.
  get whole() {
    const known = this.records.map(({ whole }) => whole).filter((whole) => whole !== null);
    return known.length ? Math.max(...known) : null;
  }
}

/**
 * A Record is the log of one lane: what was sent, what arrived and what happened to it. All that the page draws, and
 * all that it reports, is read from the four records.
 */
export class Record {
  /** @type {Entry[]} sorted by their stamps */
  entries = [];
  /** @type {Entry[]} the messages among them that were newer than all before */
  news = [];
  /** @type {number[]} milliseconds from the last requests to their answers */
  roundTrips = [];

  /**
   * @param {Run} [run]
   * @param {number | null} [whole] what the record will miss of the feed: with 0 nothing, since all lanes are opened
   * behind the same message; with null what was published before the first message that it gets
   */
  constructor(run = new Run(), whole = 0) {
    this.run = run;
    this.whole = whole;
    run.records.push(this);
  }

  /**
   * add puts an entry in its place: the stamp of an answer is older than that of the state that followed from it, and a
   * cut is noted when the lab has answered.
   * @param {Entry} entry
   */
  add(entry) {
    insert(this.entries, entry);
    if (entry.kind === "answered" && entry.asked !== null) {
      this.roundTrips.push(entry.t - entry.asked);
      if (this.roundTrips.length > 20) this.roundTrips.shift();
    }
    if (entry.kind === "message") {
      this.whole ??= entry.at;
      const newest = this.news.at(-1);
      if (!newest || entry.epoch !== newest.epoch || entry.id > newest.id) insert(this.news, entry);
    }
    this.run.added(this, entry);
  }

  /**
   * forget drops what happened before t, and returns how many entries that were.
   * @param {number} t
   */
  forget(t) {
    const dropped = this.entries.splice(0, before(this.entries, t));
    for (const { kind, at } of dropped) if (kind === "message") this.whole = Math.max(this.whole, at + 1);
    this.news.splice(0, before(this.news, t));
    return dropped.length;
  }

  /**
   * since returns the entries from t on.
   * @param {number} t
   */
  since(t) {
    return this.entries.slice(before(this.entries, t));
  }

  /**
   * newestAt returns the newest message that had arrived by t, if there was one.
   * @param {number} t
   */
  newestAt(t) {
    return this.news.findLast((m) => m.t <= t);
  }

  /**
   * messages returns those that were published from t on, and whose latency is known.
   * @param {number} t
   */
  messages(t) {
    return this.since(t).filter(({ kind, sent }) => kind === "message" && sent !== null && sent >= t);
  }

  // oneWayDelay is half of the shortest of the last round trips, in milliseconds: exact if both directions take the
  // same. It is null where nothing was asked.
  get oneWayDelay() {
    return this.roundTrips.length ? Math.min(...this.roundTrips) / 2 : null;
  }
}

/**
 * recovery returns the stamps of what followed a cut, in milliseconds after it: when the lane noticed, was connected,
 * and had all that was published until then; null: that did not happen, or not yet. What was asked for after the cut
 * counts as soon as the lane is connected. Where the lane noticed nothing, only what was published after the cut shows
 * that it works: the rest may have been under way.
 * @param {Entry[]} entries of the lane
 * @param {Entry} cut
 * @param {Entry[]} messages of all lanes
 * @param {number} usual milliseconds that a message takes to arrive, at most
 */
export function recovery(entries, cut, messages, usual) {
  const after = entries.filter(({ t }) => t >= cut.t);
  const down = after.find(({ kind, state }) => kind === "state" && state === "down");
  const live = down && after.find(({ kind, state, t }) => kind === "state" && state === "live" && t >= down.t);
  const begin = down ? live?.t : cut.t + (cut.lasting ?? 0);
  let caught;
  if (begin !== undefined) {
    const due = heads(messages);
    /** @param {Entry} entry */
    const shows = ({ t, sent, asked }) =>
      down ? t >= begin || (asked !== null && asked >= down.t) : t >= begin && sent >= cut.t;
    const first = after.find((entry) =>
      entry.kind === "message" && shows(entry) && due(entry.epoch, entry.t - usual) <= entry.id)?.t;
    caught = first && Math.max(first, begin);
  }
  const since = (t) => (t === undefined ? null : t - cut.t);
  return { noticed: since(down?.t), connected: since(live?.t), caught: since(caught) };
}

/**
 * @param {Entry[]} entries
 * @param {Entry} entry
 */
function insert(entries, entry) {
  let i = entries.length;
  while (i > 0 && entries[i - 1].t > entry.t) i--;
  if (i === entries.length) entries.push(entry);
  else entries.splice(i, 0, entry);
}

/**
 * before counts the entries before t.
 * @param {Entry[]} entries
 * @param {number} t
 */
function before(entries, t) {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (entries[middle].t < t) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * settled tells whether all lanes that a cut has reached have caught up.
 * @param {Object<string, {caught: number | null} | undefined>} recovered what followed the cut, by lane
 * @param {string[]} reached
 */
export const settled = (recovered, reached) => reached.every((name) => typeof recovered[name]?.caught === "number");

/**
 * heads returns a function of an epoch and an instant: the highest id of these messages that was published by then.
 * @param {Entry[]} messages
 * @returns {(epoch: string, t: number) => number}
 */
function heads(messages) {
  const epochs = Map.groupBy(messages.filter(({ sent }) => sent !== null), ({ epoch }) => epoch);
  for (const list of epochs.values()) list.sort((a, b) => a.id - b.id);
  return (epoch, t) => {
    const list = epochs.get(epoch) ?? [];
    let [low, high] = [0, list.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (list[middle].sent <= t) low = middle + 1;
      else high = middle;
    }
    return list[low - 1]?.id ?? 0;
  };
}
