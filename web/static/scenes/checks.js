import { number, time } from "../figures/format.js";

// A check holds what was measured against what was expected:
// {what, ok, text, always}. These make them. A time may miss what was expected where
// the machine is busy; what is so always (order, counts, causes) may not.

// near expects got to be want, give or take. unit is "ms" or what follows the number.
export function near(what, got, want, by, unit = "ms") {
  const ok = got !== null && Math.abs(got - want) <= by;
  return { what, ok, text: `${write(got, unit)} (expected ${unit === "ms" ? `${time(want)} ± ${time(by)}` : `${write(want, "")} ± ${write(by, unit)}`})` };
}

// within expects got to be at least low and at most high.
export function within(what, got, low, high, unit = "ms") {
  const ok = got !== null && got >= low && got <= high;
  const range = low === -Infinity ? `at most ${write(high, unit)}` : high === Infinity ? `at least ${write(low, unit)}` : `${write(low, unit)} to ${write(high, unit)}`;
  return { what, ok, text: `${write(got, unit)} (expected ${range})` };
}

// rising expects values to grow from name to name: [["sse", 12], …].
export function rising(what, pairs, unit = "ms") {
  const ok = pairs.every(([, value], i) => value !== null && (i === 0 || pairs[i - 1][1] < value));
  return { what, ok, always: true, text: pairs.map(([name, value]) => `${name} ${write(value, unit)}`).join(" < ") };
}

// none expects 0 of each: {polling: 0, …}.
export function none(what, counts) {
  const pairs = Object.entries(counts);
  return { what, ok: pairs.every(([, n]) => n === 0), always: true, text: pairs.map(([name, n]) => `${name} ${number(n)}`).join(", ") };
}

// most expects each to be at most a limit: {polling: 12, …}.
export function most(what, values, limit, unit = "ms") {
  const pairs = Object.entries(values);
  const ok = pairs.every(([, value]) => value !== null && value <= limit);
  return { what, ok, text: `${pairs.map(([name, value]) => `${name} ${write(value, unit)}`).join(", ")} (expected at most ${write(limit, unit)})` };
}

// such expects something to be so; text says how it is.
export const such = (what, ok, text) => ({ what, ok, always: true, text });

// causal expects no message to have come before half a trip was over, as well as the
// clock is known: an earlier one would have been measured wrong. ms are latencies.
export function causal(ms, half, error) {
  const least = Math.min(...Object.values(ms).flat());
  return such("none before half a trip", least >= half - error, `the earliest ${write(least, "ms")}, clock ± ${time(error)}`);
}

// sentence returns what a step says: its own sentence and what is learnt, if all of its checks
// hold; otherwise which do not.
export function sentence(checks, text, learnt = "") {
  const failed = checks.filter(({ ok }) => !ok);
  if (failed.length) return `Not as expected: ${failed.map(({ what, text }) => `${what}: ${text}`).join("; ")}. Run it again (A).`;
  return learnt ? `${text} ${learnt}` : text;
}

// write writes what was measured, if it was.
export function write(x, unit = "ms") {
  if (x === null || x === undefined) return "nothing measured";
  if (unit === "ms") return time(x);
  const decimals = Math.abs(x) < 10 && !Number.isInteger(x) ? 2 : Math.abs(x) < 100 && !Number.isInteger(x) ? 1 : 0;
  return `${number(x, decimals)}${unit && ` ${unit}`}`;
}

// lossWithoutCursor is the share of messages, at random instants and so many a
// second, that a reader misses who is blind for so long after each that it gets.
export const lossWithoutCursor = (rate, blind) => (rate * blind) / 1000 / (1 + (rate * blind) / 1000);

// spread is how far values lie apart on a circle of that length, at most, from
// where they lie on average: what is locked to the circle has a small one.
export function spread(values, length) {
  const turn = (2 * Math.PI) / length;
  const x = values.reduce((sum, value) => sum + Math.cos(value * turn), 0);
  const y = values.reduce((sum, value) => sum + Math.sin(value * turn), 0);
  const middle = Math.atan2(y, x) / turn;
  return Math.max(...values.map((value) => Math.abs(value - middle - length * Math.round((value - middle) / length))));
}

// difference takes one row of the ledger from a later one, or from nothing.
export function difference(after, before) {
  const parts = (way) => Object.fromEntries(Object.keys(after[way]).map((part) => [part, after[way][part] - (before?.[way][part] ?? 0)]));
  const count = (name) => after[name] - (before?.[name] ?? 0);
  return { transport: after.transport, requests: count("requests"), delivered: count("delivered"), sent: count("sent"), up: parts("up"), down: parts("down") };
}

// bytes is all that a row has, but what page= adds and what is paid once.
export const bytes = ({ up, down }) => up.total + down.total - up.tag - down.tag - up.opening - down.opening;
