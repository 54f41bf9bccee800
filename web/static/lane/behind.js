/** @typedef {import("./tally.js").Tally} Tally */

/**
 * A Behind notices that a lane is behind the others for longer than a message takes: what arrived elsewhere does not
 * arrive here, and no error shows why. A silent cut looks like that, and so does a proxy that collects a stream before
 * it passes it on. It needs only what the lanes themselves have: a proxy may hide the control address, too.
 */
export class Behind {
  /** @type {{epoch: string, id: number, since: number} | null} the head that was noted, and when */
  #mark = null;

  /**
   * count returns by how many messages of the epoch the lane is behind; 0: not, or not long enough.
   * @param {string} epoch
   * @param {number} newest that the lane has
   * @param {number} head that the others have
   * @param {number} now in milliseconds
   * @param {number} limit milliseconds for which it may be behind
   */
  count(epoch, newest, head, now, limit) {
    if (this.#mark && (epoch !== this.#mark.epoch || newest >= this.#mark.id)) this.#mark = null;
    if (!this.#mark && newest < head) this.#mark = { epoch, id: head, since: now };
    return this.#mark && now - this.#mark.since > limit ? head - newest : 0;
  }
}

/**
 * Reached is how much of the feed all lanes know together.
 * @typedef {object} Reached
 * @property {string} [epoch] the newest that one of them knows
 * @property {number} head its highest id
 * @property {number} start the id behind which the first lane began with it
 */

/**
 * @param {Tally[]} tallies of the lanes
 * @returns {Reached}
 */
export function reached(tallies) {
  const { epochs, newest: head } = tallies.reduce((a, b) =>
    (b.epochs.length - a.epochs.length || b.newest - a.newest) > 0 ? b : a);
  const epoch = epochs.at(-1)?.name;
  return { epoch, head, start: Math.min(...tallies.map((tally) => place(tally, epoch).start)) };
}

/**
 * place returns where a lane stands in an epoch: the id behind which it began, and the highest that it has; Infinity
 * and undefined where it does not know the epoch.
 * @param {Tally} tally
 * @param {string} epoch
 */
export function place({ epochs }, epoch) {
  const { from, runs } = epochs.find(({ name }) => name === epoch) ?? { from: 0, runs: [] };
  const start = (from || (runs[0]?.[0] ?? Infinity)) - 1;
  return { start, newest: runs.at(-1)?.[1] ?? (from ? start : undefined) };
}
