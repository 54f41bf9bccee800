import { number, time } from "../figures/format.js";
import { transports } from "../transports/transports.js";

/**
 * Check compares what was measured with what was expected.
 * @typedef {object} Check
 * @property {string} what
 * @property {boolean} ok
 * @property {boolean} [always] no busy computer is an excuse: it is an order, a count or a cause
 * @property {string} text what was measured
 * @property {string} [expected] in words
 * @property {[string, number][]} [points] what was measured, each with its lane, or ""
 * @property {[number, number]} [band] what was expected
 * @property {number} [miss] how many milliseconds a time lies outside the band
 * @property {number} [upset] how many milliseconds this computer may be late before the check says nothing
 */

/** @typedef {"ok" | "not" | "busy"} State it is as expected; it is not; this computer was too busy to tell */

// What is measured passes this many programs, each of which may be late: the publisher, the lab, the browser, the page.
const hops = 4;

/**
 * judge returns the state of a check, where this computer was late by so many milliseconds at worst while the step ran.
 * @param {Check} check
 * @param {number} worst
 * @returns {State}
 */
export function judge({ ok, always, miss = Infinity, upset }, worst) {
  if (ok) return "ok";
  if (always) return "not";
  const busy = upset === undefined ? miss <= hops * worst : worst > upset;
  return busy ? "busy" : "not";
}

/**
 * near expects got to be want, give or take.
 * @param {string} what
 * @param {number | null} got null: nothing was measured
 * @param {number} want
 * @param {number} by
 * @param {string} [unit] "ms", or what follows the number
 * @param {number} [upset]
 * @returns {Check}
 */
export function near(what, got, want, by, unit = "ms", upset = undefined) {
  return {
    ...within(what, got, want - by, want + by, unit, upset),
    ...(by === 0 && { expected: write(want, unit) }),
  };
}

/**
 * within expects got to be at least low and at most high.
 * @param {string} what
 * @param {number | null} got null: nothing was measured
 * @param {number} low
 * @param {number} high
 * @param {string} [unit]
 * @param {number} [upset]
 * @returns {Check}
 */
export function within(what, got, low, high, unit = "ms", upset = undefined) {
  return {
    what,
    ok: got !== null && got >= low && got <= high,
    text: write(got, unit),
    expected: range(low, high, unit),
    points: got === null ? [] : [["", got]],
    band: [low, high],
    ...(unit === "ms" && got !== null && { miss: Math.max(low - got, got - high) }),
    upset,
  };
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
  const known = /** @type {[string, number][]} */ (pairs.filter(([, value]) => value !== null));
  const all = known.length === pairs.length;
  return {
    what,
    ok: all && known.every(([, value]) => value <= limit),
    text: pairs.map(([name, value]) => `${title(name)} ${write(value, unit)}`).join(", "),
    expected: `at most ${write(limit, unit)}`,
    points: known,
    band: [0, limit],
    ...(unit === "ms" && all && { miss: Math.max(...known.map(([, value]) => value - limit)) }),
  };
}

/**
 * rising expects values to grow from name to name.
 * @param {string} what
 * @param {[string, number | null][]} pairs by lane
 * @returns {Check}
 */
export function rising(what, pairs, unit = "ms") {
  return {
    what,
    ok: pairs.every(([, value], i) => value !== null && (i === 0 || pairs[i - 1][1] < value)),
    always: true,
    text: pairs.map(([name, value]) => `${title(name)} ${write(value, unit)}`).join(" < "),
    points: /** @type {[string, number][]} */ (pairs.filter(([, value]) => value !== null)),
  };
}

/**
 * none expects 0 of each.
 * @param {string} what
 * @param {Record<string, number>} counts by lane
 * @returns {Check}
 */
export function none(what, counts) {
  const pairs = Object.entries(counts);
  const ok = pairs.every(([, n]) => n === 0);
  const some = pairs.filter(([, n]) => n !== 0).map(([name, n]) => `${title(name)} ${number(n)}`).join(", ");
  return { what, ok, always: true, text: ok ? "none" : some };
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
  const text = `the earliest after ${write(least)}, clock ± ${time(error)}`;
  return such("none sooner than the one-way delay", least >= delay - error, text);
}

/**
 * sentence returns the result of a step: its summary and the lesson, if all of its checks hold; otherwise which do not,
 * or else why it cannot be told.
 * @param {(Check & {state: State})[]} checks
 * @param {string} summary
 * @param {string} lesson
 * @param {string} why it cannot be told
 */
export function sentence(checks, summary, lesson, why) {
  const list = (state) => checks.filter((check) => check.state === state)
    .map(({ what, text }) => `${what}: ${text}`).join("; ");
  if (list("not")) return `Not as expected: ${list("not")}. Run it again (A).`;
  if (list("busy")) return `${why} Run it again (A).`;
  return lesson ? `${summary} ${lesson}` : summary;
}

/**
 * write writes what was measured, if it was.
 * @param {number | null | undefined} x
 */
export function write(x, unit = "ms") {
  if (x === null || x === undefined) return "nothing measured";
  if (unit === "ms") return x === 0 ? "0 ms" : time(x);
  const decimals = Math.abs(x) < 10 && !Number.isInteger(x) ? 2 : Math.abs(x) < 100 && !Number.isInteger(x) ? 1 : 0;
  return `${number(x, decimals)}${unit && ` ${unit}`}`;
}

/**
 * range writes two values, and their unit once where it is the same.
 * @param {number} low
 * @param {number} high
 * @param {string} unit
 */
function range(low, high, unit) {
  const [from, to] = [write(low, unit), write(high, unit)];
  const end = ` ${unit === "ms" ? to.split(" ").at(-1) : unit}`;
  return `${from.endsWith(end) ? from.slice(0, -end.length) : from} to ${to}`;
}

/**
 * difference writes a time with its sign.
 * @param {number | null | undefined} ms
 */
export const difference = (ms) => (ms > 0 ? `+${write(ms)}` : write(ms));

/** @param {string} name of a lane; any other is its own title */
const title = (name) => transports.find((transport) => transport.name === name)?.title ?? name;

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
