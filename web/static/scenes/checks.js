import { number, time } from "../figures/format.js";

/**
 * Check compares what was measured with what was expected. A time may miss what was expected where the machine is busy;
 * what holds always (order, counts, causes) may not.
 * @typedef {object} Check
 * @property {string} what
 * @property {boolean} ok
 * @property {boolean} [always] it holds always
 * @property {string} text what was measured and, of a time, what was expected
 */

/**
 * near expects got to be want, give or take.
 * @param {string} what
 * @param {number | null} got null: nothing was measured
 * @param {number} want
 * @param {number} by
 * @param {string} [unit] "ms", or what follows the number
 * @returns {Check}
 */
export function near(what, got, want, by, unit = "ms") {
  const ok = got !== null && Math.abs(got - want) <= by;
  const expected = unit === "ms" ? `${time(want)} ± ${time(by)}` : `${write(want, "")} ± ${write(by, unit)}`;
  return { what, ok, text: `${write(got, unit)} (expected ${expected})` };
}

/**
 * within expects got to be at least low and at most high.
 * @param {string} what
 * @param {number | null} got null: nothing was measured
 * @param {number} low
 * @param {number} high
 * @returns {Check}
 */
export function within(what, got, low, high, unit = "ms") {
  const ok = got !== null && got >= low && got <= high;
  return { what, ok, text: `${write(got, unit)} (expected ${write(low, unit)} to ${write(high, unit)})` };
}

/**
 * rising expects values to grow from name to name.
 * @param {string} what
 * @param {[string, number | null][]} pairs
 * @returns {Check}
 */
export function rising(what, pairs, unit = "ms") {
  const ok = pairs.every(([, value], i) => value !== null && (i === 0 || pairs[i - 1][1] < value));
  return { what, ok, always: true, text: pairs.map(([name, value]) => `${name} ${write(value, unit)}`).join(" < ") };
}

/**
 * none expects 0 of each.
 * @param {string} what
 * @param {Record<string, number>} counts by lane
 * @returns {Check}
 */
export function none(what, counts) {
  const pairs = Object.entries(counts);
  const text = pairs.map(([name, n]) => `${name} ${number(n)}`).join(", ");
  return { what, ok: pairs.every(([, n]) => n === 0), always: true, text };
}

/**
 * most expects each to be at most a limit.
 * @param {string} what
 * @param {Record<string, number | null>} values by lane
 * @param {number} limit
 * @returns {Check}
 */
export function most(what, values, limit, unit = "ms") {
  const pairs = Object.entries(values);
  const ok = pairs.every(([, value]) => value !== null && value <= limit);
  const got = pairs.map(([name, value]) => `${name} ${write(value, unit)}`).join(", ");
  return { what, ok, text: `${got} (expected at most ${write(limit, unit)})` };
}

/**
 * such expects ok to be true.
 * @param {string} what
 * @param {boolean} ok
 * @param {string} text how it is
 * @returns {Check}
 */
export const such = (what, ok, text) => ({ what, ok, always: true, text });

/**
 * causal expects no message to have arrived before the one-way delay was over, as well as the clock is known: an
 * earlier one would have been measured wrong.
 * @param {Record<string, number[]>} latencies by lane, in milliseconds
 * @param {number} delay in milliseconds
 * @param {number} error of the clock
 */
export function causal(latencies, delay, error) {
  const least = Math.min(...Object.values(latencies).flat());
  const text = `the earliest ${write(least, "ms")}, clock ± ${time(error)}`;
  return such("none before half a trip", least >= delay - error, text);
}

/**
 * sentence returns the result of a step: its summary and the lesson, if all of its checks hold; otherwise which do not.
 * @param {Check[]} checks
 * @param {string} summary
 */
export function sentence(checks, summary, lesson = "") {
  const failed = checks.filter(({ ok }) => !ok);
  const list = failed.map(({ what, text }) => `${what}: ${text}`).join("; ");
  if (failed.length) return `Not as expected: ${list}. Run it again (A).`;
  return lesson ? `${summary} ${lesson}` : summary;
}

/**
 * write writes what was measured, if it was.
 * @param {number | null | undefined} x
 */
export function write(x, unit = "ms") {
  if (x === null || x === undefined) return "nothing measured";
  if (unit === "ms") return time(x);
  const decimals = Math.abs(x) < 10 && !Number.isInteger(x) ? 2 : Math.abs(x) < 100 && !Number.isInteger(x) ? 1 : 0;
  return `${number(x, decimals)}${unit && ` ${unit}`}`;
}

/**
 * lossWithoutCursor returns the share of messages, published at random instants, that a reader misses who reads nothing
 * for a while after each that it gets.
 * @param {number} rate messages a second
 * @param {number} blind milliseconds
 */
export const lossWithoutCursor = (rate, blind) => (rate * blind) / 1000 / (1 + (rate * blind) / 1000);

/**
 * spread returns how far values on a circle lie from their mean, at most: what is locked to the circle has a small one.
 * @param {number[]} values
 * @param {number} length of the circle
 */
export function spread(values, length) {
  const turn = (2 * Math.PI) / length;
  const x = values.reduce((sum, value) => sum + Math.cos(value * turn), 0);
  const y = values.reduce((sum, value) => sum + Math.sin(value * turn), 0);
  const middle = Math.atan2(y, x) / turn;
  return Math.max(...values.map((value) => Math.abs(value - middle - length * Math.round((value - middle) / length))));
}
