// A Held notices that a lane is behind the others for longer than it takes: what
// arrived elsewhere does not arrive here, and no error says why. A silent cut looks
// like that, and so does a proxy that collects a stream before it passes it on. All it
// takes is what the lanes themselves have: a proxy may hide the control address, too.
export class Held {
  #mark = null; // {epoch, id, since}: the head that was noted, and when

  // behind returns by how many messages of the epoch, or 0: newest is what the lane
  // has, head what the others have, now and limit are in milliseconds.
  behind(epoch, newest, head, now, limit) {
    if (this.#mark && (epoch !== this.#mark.epoch || newest >= this.#mark.id)) this.#mark = null;
    if (!this.#mark && newest < head) this.#mark = { epoch, id: head, since: now };
    return this.#mark && now - this.#mark.since > limit ? head - newest : 0;
  }
}

// reached returns how much of the feed all lanes know together: the newest epoch of which
// one of them has heard, its highest id, and the id behind which the first began with it.
// tallies are theirs.
export function reached(tallies) {
  const { epochs, newest: head } = tallies.reduce((a, b) => (b.epochs.length - a.epochs.length || b.newest - a.newest) > 0 ? b : a);
  const epoch = epochs.at(-1)?.name;
  return { epoch, head, start: Math.min(...tallies.map((tally) => place(tally, epoch).start)) };
}

// place returns where a lane stands in an epoch: the id behind which it began, and the
// highest that it has; Infinity and undefined where it has not heard of the epoch.
export function place({ epochs }, epoch) {
  const { from, runs } = epochs.find(({ name }) => name === epoch) ?? { from: 0, runs: [] };
  const start = (from || (runs[0]?.[0] ?? Infinity)) - 1;
  return { start, newest: runs.at(-1)?.[1] ?? (from ? start : undefined) };
}
