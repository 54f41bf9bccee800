import { quantile } from "./quantile.js";

const span = 60_000; // milliseconds that a sample counts
const most = 2000; // samples that are kept

// A Latency holds the one-way latencies of a lane over the last minute, in
// milliseconds, each with the error that the clock had at that moment. Where
// there are too many, only each 2nd, 4th, 8th … id counts: a share of the last
// messages alone would be the youngest of a poll's answer, and flatter it.
export class Latency {
  samples = []; // {id, now, ms, error}
  every = 1;
  hidden = 0; // dropped, because the tab was hidden: browsers slow its timers down

  // add takes the latency of the message with this id, which arrived at now.
  add(id, now, ms, error) {
    if (id % this.every !== 0) return;
    this.samples.push({ id, now, ms, error });
    this.#forget(now);
    if (this.samples.length <= most) return;
    this.every *= 2;
    this.samples = this.samples.filter(({ id }) => id % this.every === 0);
  }

  clear() {
    Object.assign(this, new Latency());
  }

  // median returns {ms, error, n}, or null where there is no sample. The error
  // is the largest of them all: the median can be off by no more than that.
  median(now) {
    this.#forget(now);
    const n = this.samples.length;
    if (n === 0) return null;
    return {
      ms: quantile(this.samples.map(({ ms }) => ms), 0.5),
      error: Math.max(...this.samples.map(({ error }) => error)),
      n,
    };
  }

  #forget(now) {
    const first = this.samples.findIndex((sample) => sample.now >= now - span);
    this.samples.splice(0, first < 0 ? this.samples.length : first);
  }
}
