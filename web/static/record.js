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
const most = 20_000; // entries that are kept

export class Record {
  entries = [];
  trips = []; // of the last answers that came at once, or so: there and back

  add(entry) {
    this.entries.push(entry);
    if (this.entries.length > most * 1.25) this.entries.splice(0, this.entries.length - most);
    if (entry.kind === "answered" && entry.asked !== null) {
      this.trips.push(entry.t - entry.asked);
      if (this.trips.length > 20) this.trips.shift();
    }
  }

  // since returns the entries from t on.
  since(t) {
    const { entries } = this;
    let [low, high] = [0, entries.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (entries[middle].t < t) low = middle + 1;
      else high = middle;
    }
    return entries.slice(low);
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

// ageAt returns how old the newest message was that was held at t, or null.
export function ageAt(entries, t) {
  for (let i = entries.length - 1; i >= 0; i--) {
    const { kind, t: when, sent } = entries[i];
    if (kind === "message" && when <= t && sent !== null) return t - sent;
  }
  return null;
}

// recovery tells the stamps of what followed a cut, in milliseconds after it:
// when the lane noticed, was connected again, and had all that was published
// until then. Where it noticed nothing, only what was published after the cut shows
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
    caught = after.find(({ kind, t, id, epoch, sent }) => kind === "message" && t >= begin && (down || sent >= cut.t) && due(epoch, t - usual) <= id)?.t;
  }
  const since = (t) => (t === undefined ? null : t - cut.t);
  return { noticed: since(down?.t), connected: since(live?.t), caught: since(caught) };
}

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
