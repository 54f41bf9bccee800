// A Record is the log of one lane: what was sent, what came and what happened to
// it, each with its stamp t, in milliseconds of performance.now(). All that the
// page draws, and all that it says, comes from the four records.
//
//   {kind: "asked", t}                    a request left
//   {kind: "answered", t, asked}          its answer was there (of a stream: its head)
//   {kind: "message", t, id, at, sent, error, asked}
//       sent: its publishing on our clock; t less sent is known to ± error; null: the clock was not known
//       asked: when the request that brought it left; null: it was pushed
//   {kind: "gap", t, from, to}
//   {kind: "epoch", t, epoch, after}      what follows is of this epoch, and behind that id
//   {kind: "beat", t}                     a heartbeat
//   {kind: "state", t, state, why}        connecting, live or down
//   {kind: "cut", t, cut, lasting}        we had the connection cut
const most = 80_000; // entries that the records of a run keep together

// A Run is the records of the lanes that run side by side. They begin at the same
// instant: what happened before it is forgotten on all of them, or the lane that needs
// the most entries for a message would seem to have lost what the others still hold.
export class Run {
  records = [];
  kept = 0; // entries, of all records
  forgot = -Infinity; // all that happened since is kept

  added() {
    if (++this.kept <= most * 1.25) return;
    const stamps = Float64Array.from(this.records.flatMap(({ entries }) => entries.map(({ t }) => t))).sort();
    this.forgot = stamps[this.kept - most];
    for (const record of this.records) this.kept -= record.forget(this.forgot);
  }

  // whole is the server's time in µs from which on what was published is in all
  // records, if it arrived: 0, whatever there was; null: nothing has arrived yet.
  get whole() {
    const known = this.records.map(({ whole }) => whole).filter((whole) => whole !== null);
    return known.length ? Math.max(...known) : null;
  }
}

export class Record {
  entries = []; // sorted by their stamps
  news = []; // the messages among them that were newer than all before
  trips = []; // of the last answers that came at once, or so: there and back

  // whole says what the record will miss of the feed: with 0 nothing, since all lanes
  // are opened behind the same message; with null what was published before the first
  // message that it gets.
  constructor(run = new Run(), whole = 0) {
    [this.run, this.whole] = [run, whole];
    run.records.push(this);
  }

  // add puts an entry in its place: the stamp of an answer is older than that of the
  // state that followed from it, and a cut is told when the lab has answered.
  add(entry) {
    insert(this.entries, entry);
    if (entry.kind === "answered" && entry.asked !== null) {
      this.trips.push(entry.t - entry.asked);
      if (this.trips.length > 20) this.trips.shift();
    }
    if (entry.kind === "message") {
      this.whole ??= entry.at;
      const newest = this.news.at(-1);
      if (!newest || entry.epoch !== newest.epoch || entry.id > newest.id) insert(this.news, entry);
    }
    this.run.added();
  }

  // forget drops what happened before t, and returns how many entries that were.
  forget(t) {
    const gone = this.entries.splice(0, before(this.entries, t));
    for (const { kind, at } of gone) if (kind === "message") this.whole = Math.max(this.whole, at + 1);
    this.news.splice(0, before(this.news, t));
    return gone.length;
  }

  // since returns the entries from t on.
  since(t) {
    return this.entries.slice(before(this.entries, t));
  }

  // held returns the newest message that was there at t, if there was one.
  held(t) {
    return this.news.findLast((m) => m.t <= t);
  }

  // messages returns those that were published from t on, and whose times are known.
  messages(t) {
    return this.since(t).filter(({ kind, sent }) => kind === "message" && sent !== null && sent >= t);
  }

  // trip is the least time that half a round trip took lately: one way, if both
  // ways take the same. It is null where nothing was asked.
  get trip() {
    return this.trips.length ? Math.min(...this.trips) / 2 : null;
  }
}

// recovery tells the stamps of what followed a cut, in milliseconds after it:
// when the lane noticed, was connected again, and had all that was published
// until then. What an answer brought that was asked for since counts as soon as the lane
// is connected. Where it noticed nothing, only what was published after the cut shows
// that it goes on: the rest may have been under way. What did not happen, or not yet,
// is null. heads are the messages of all lanes; a message takes up to usual to arrive.
export function recovery(entries, cut, heads, usual) {
  const after = entries.filter(({ t }) => t >= cut.t);
  const down = after.find(({ kind, state }) => kind === "state" && state === "down");
  const live = down && after.find(({ kind, state, t }) => kind === "state" && state === "live" && t >= down.t);
  const begin = down ? live?.t : cut.t + (cut.lasting ?? 0);
  let caught;
  if (begin !== undefined) {
    const due = dues(heads);
    const goes = ({ t, sent, asked }) => (down ? t >= begin || (asked !== null && asked >= down.t) : t >= begin && sent >= cut.t);
    const first = after.find((entry) => entry.kind === "message" && goes(entry) && due(entry.epoch, entry.t - usual) <= entry.id)?.t;
    caught = first && Math.max(first, begin);
  }
  const since = (t) => (t === undefined ? null : t - cut.t);
  return { noticed: since(down?.t), connected: since(live?.t), caught: since(caught) };
}

function insert(entries, entry) {
  let i = entries.length;
  while (i > 0 && entries[i - 1].t > entry.t) i--;
  if (i === entries.length) entries.push(entry);
  else entries.splice(i, 0, entry);
}

// before counts the entries before t.
function before(entries, t) {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (entries[middle].t < t) low = middle + 1;
    else high = middle;
  }
  return low;
}

// settled tells whether all of the lanes that a cut has met have caught up: recovered
// has what followed it, by lane.
export const settled = (recovered, met) => met.every((name) => typeof recovered[name]?.caught === "number");

// dues returns due(epoch, t): the highest id of these messages that was published by t.
function dues(heads) {
  const epochs = Map.groupBy(heads.filter(({ sent }) => sent !== null), ({ epoch }) => epoch);
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
