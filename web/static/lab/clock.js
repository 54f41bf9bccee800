const kept = 16; // samples
const enough = 8;
const drift = 2; // milliseconds that two good clocks may part meanwhile

/**
 * A Clock knows how far the server's clock is from ours, by NTP's four stamps (RFC 5905, section 8): t0 we send, t1
 * the server receives, t2 it sends, t3 we receive. Of the last 16 samples the one with the shortest round trip
 * counts. It is off by half that round trip at most, if all of it was spent in one direction, and by what a stamp of
 * ours may be off: the grain of our clock (section 4, "precision"). All stamps are milliseconds since the Unix epoch.
 */
export class Clock {
  /** @type {{offset: number, error: number}[]} */
  samples = [];
  /** @type {{offset: number, error: number} | null} server = ours + offset ± error; null until 8 samples are in */
  best = null;
  jumps = 0; // how often one of the clocks was set, or its machine had slept

  /** @param {number} grain of our stamps, in milliseconds */
  constructor(grain) {
    this.grain = grain;
  }

  /**
   * @param {number} t0
   * @param {number} t1
   * @param {number} t2
   * @param {number} t3
   */
  add(t0, t1, t2, t3) {
    const roundTrip = t3 - t0 - (t2 - t1);
    if (roundTrip < -2 * this.grain) return; // one of the clocks was set meanwhile
    const sample = { offset: (t1 - t0 + (t2 - t3)) / 2, error: roundTrip / 2 + this.grain };
    // Where two samples cannot both be true, the older ones no longer are.
    if (this.best && Math.abs(sample.offset - this.best.offset) > sample.error + this.best.error + drift) {
      this.samples = [];
      this.best = null;
      this.jumps++;
    }
    this.samples.push(sample);
    if (this.samples.length > kept) this.samples.shift();
    if (this.samples.length >= enough) {
      this.best = this.samples.reduce((a, b) => (b.error <= a.error ? b : a));
    }
  }

  /**
   * server returns the server's time at an instant of performance.now(); best must be known.
   * @param {number} now
   */
  server(now) {
    return performance.timeOrigin + now + this.best.offset;
  }
}

// grain returns the smallest step of a clock, in its own unit: what browsers round to, so that
// pages cannot spy by time (0.005 to 100 ms), or the time that it takes to read the clock.
export function grain(now = () => performance.now()) {
  let least = Infinity;
  for (let before = now(), steps = 0; steps < 5;) {
    const step = now() - before;
    if (step <= 0) continue;
    least = Math.min(least, step);
    before += step;
    steps++;
  }
  return least;
}
