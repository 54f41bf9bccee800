import { enough, quantile } from "../figures/quantile.js";

const span = 60_000; // milliseconds that a sample counts
const most = 2000; // samples that are kept
const warmUp = 50; // samples that are dropped, as soon as there are twice as many

/**
 * A Latency has the one-way latencies of a lane over the last minute, in milliseconds, each with the error that the
 * clock had at that moment. Where there are too many, only each 2nd, 4th, 8th … id counts: the last messages alone
 * would be the youngest of a poll's answer, and flatter it.
 */
export class Latency {
  /** @type {{id: number, now: number, ms: number, error: number}[]} */
  samples = [];
  every = 1;
  taken = 0; // samples in all
  dropped = 0; // because the tab was hidden, or it or the lanes stood still

  /**
   * add takes the latency of the message with this id, which arrived at now.
   * @param {number} id
   * @param {number} now
   * @param {number} ms
   * @param {number} error in milliseconds
   */
  add(id, now, ms, error) {
    if (id % this.every !== 0) return;
    this.taken++;
    if (this.taken === 2 * warmUp) this.samples = this.samples.slice(1 - warmUp); // and this one
    this.samples.push({ id, now, ms, error });
    this.#forget(now);
    if (this.samples.length <= most) return;
    this.every *= 2;
    this.samples = this.samples.filter(({ id }) => id % this.every === 0);
  }

  // clear forgets the samples; what was warmed up stays warm.
  clear() {
    this.samples = [];
    this.every = 1;
    this.dropped = 0;
  }

  // cold tells whether the warm-up is among the samples.
  get cold() {
    return this.taken < 2 * warmUp;
  }

  /**
   * values returns the latencies, sorted.
   * @param {number} now
   */
  values(now) {
    this.#forget(now);
    return Float64Array.from(this.samples, ({ ms }) => ms).sort();
  }

  /**
   * quantile returns that share's latency of what had arrived by t, or null where there are not enough samples.
   * @param {number} now
   * @param {number} q from 0 to 1
   * @param {number} [t]
   */
  quantile(now, q, t = now) {
    const samples = this.#until(now, t);
    return enough(samples.length, q) ? quantile(samples.map(({ ms }) => ms), q) : null;
  }

  /**
   * median returns the median of the n samples that had arrived by t, or null where there is none. The error is the
   * largest of them all: the median can be off by no more than that.
   * @param {number} now
   * @param {number} [t]
   */
  median(now, t = now) {
    const samples = this.#until(now, t);
    const n = samples.length;
    if (n === 0) return null;
    return {
      ms: quantile(samples.map(({ ms }) => ms), 0.5),
      error: Math.max(...samples.map(({ error }) => error)),
      n,
    };
  }

  /**
   * @param {number} now
   * @param {number} t
   */
  #until(now, t) {
    this.#forget(now);
    return t < now ? this.samples.filter((sample) => sample.now <= t) : this.samples;
  }

  /** @param {number} now */
  #forget(now) {
    const first = this.samples.findIndex((sample) => sample.now >= now - span);
    this.samples.splice(0, first < 0 ? this.samples.length : first);
  }
}
