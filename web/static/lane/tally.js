/** @typedef {[number, number][]} Runs of ids, from and to, sorted */

/**
 * A Tally counts what a lane received, by id: in each epoch it knows exactly which ids arrived, so that it notices each
 * that is missing, arrives twice or arrives late, however long the page is open.
 */
export class Tally {
  messages = 0; // that arrived, duplicates included
  duplicated = 0;
  reordered = 0; // that arrived after a higher id
  gone = 0; // ids that a gap entry announced as no longer to be had
  /** @type {{name: string, from: number, runs: Runs}[]} newest last; from: the first id that is due, 0: unknown */
  epochs = [];

  /**
   * epoch notes to which epoch the ids that follow belong, and returns whether that is a new one. The lane begins
   * behind the id after; null: that is unknown. Of an epoch that replaces another, everything is due, so it is 0.
   * @param {string} name
   * @param {number | null} [after]
   */
  epoch(name, after = this.epochs.length ? 0 : null) {
    const known = this.epochs.at(-1);
    if (known?.name === name) return false;
    this.epochs.push({ name, from: after === null ? 0 : after + 1, runs: [] });
    return true;
  }

  /** @param {number} id */
  message(id) {
    const { runs } = this.epochs.at(-1);
    const last = runs.at(-1);
    this.messages++;
    if (last && id === last[1] + 1) return void (last[1] = id); // nearly always
    if (last && id < last[1] && !has(runs, id)) this.reordered++;
    if (add(runs, id, id) === 0) this.duplicated++;
  }

  /** @param {{from: number, to: number}} gap */
  gap({ from, to }) {
    this.gone += add(this.epochs.at(-1).runs, from, to);
  }

  // lost is how many ids were skipped without a gap entry and have not arrived yet. Whether an epoch had ids above the
  // highest that arrived is unknown.
  get lost() {
    let lost = 0;
    for (const { from, runs } of this.epochs) {
      let next = from || runs[0]?.[0];
      for (const [a, b] of runs) {
        lost += Math.max(0, a - next);
        next = b + 1;
      }
    }
    return lost;
  }

  // newest is the highest id of the present epoch; 0 where there is none.
  get newest() {
    return this.epochs.at(-1)?.runs.at(-1)?.[1] ?? 0;
  }

  // toString lists the epochs and their runs: "k3v9qa:412-460 p81xzc:1-7,9-9".
  toString() {
    return this.epochs.map(({ name, runs }) => `${name}:${runs.map((run) => run.join("-"))}`).join(" ");
  }
}

/**
 * @param {Runs} runs
 * @param {number} id
 */
const has = (runs, id) => runs.some(([a, b]) => a <= id && id <= b);

/**
 * add joins the ids from … to into the runs and returns how many of them are new.
 * @param {Runs} runs
 * @param {number} from
 * @param {number} to
 */
function add(runs, from, to) {
  let i = runs.length;
  while (i > 0 && runs[i - 1][1] >= from - 1) i--; // runs before i lie apart, below
  let j = i;
  let covered = 0;
  let [low, high] = [from, to];
  for (; j < runs.length && runs[j][0] <= to + 1; j++) {
    const [a, b] = runs[j];
    covered += Math.max(0, Math.min(b, to) - Math.max(a, from) + 1);
    low = Math.min(low, a);
    high = Math.max(high, b);
  }
  runs.splice(i, j - i, [low, high]);
  return to - from + 1 - covered;
}
