import { number, time } from "../figures/format.js";
import { transports } from "../transports/transports.js";

/**
 * Network is the network that the lab simulates between itself and all who read from it.
 * @typedef {object} Network
 * @property {number} rtt milliseconds
 * @property {number} jitter milliseconds
 * @property {number} kbps 0: no limit
 * @property {boolean} [set] somebody has set it
 */

const units = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, µs: 1e-3, us: 1e-3, ns: 1e-6 };

/**
 * milliseconds reads one of Go's durations, such as "1m0.5s" or "100ms".
 * @param {string} text
 */
export function milliseconds(text) {
  const parts = [...text.matchAll(/([\d.]+)(h|ms|µs|us|ns|m|s)/g)];
  if (!parts.length || parts.map(([part]) => part).join("") !== text) throw new Error(`"${text}" is no duration`);
  return parts.reduce((sum, [, digits, unit]) => sum + Number(digits) * units[unit], 0);
}

/**
 * describe returns a network in words.
 * @param {Network} network
 */
export function describe({ rtt, jitter, kbps }) {
  const parts = [rtt ? `round trip ${time(rtt)}` : "no delay"];
  if (jitter) parts.push(`jitter ${time(jitter)}`);
  if (kbps) parts.push(`${number(kbps)} kbit/s`);
  return parts.join(" · ");
}

/**
 * unclaimed tells whether a page that was just opened may set the network without being asked to: nobody has set one,
 * and no other page measures under what is in force.
 * @param {Network | null} network
 * @param {{page?: string}[]} rows the ledger's
 * @param {string} me
 */
export const unclaimed = (network, rows, me) =>
  network?.set === false && rows.every(({ page }) => page === "" || page === me);

/**
 * notCut names those lanes that a cut did not reach in a sentence, which is "" where it reached all.
 * @param {string[]} reached
 * @param {string[]} lanes
 */
export function notCut(reached, lanes) {
  const missed = transports.filter(({ name }) => lanes.includes(name) && !reached.includes(name));
  const list = missed.map(({ title }) => title).join(" and ");
  return list && `Not cut: ${list}, whose last connection carries another lane by now.`;
}
