import { number } from "../figures/format.js";
import { transports } from "../transports/transports.js";

/**
 * Row is a row of the lab's ledger: what was counted of one transport of a page, or of its connections.
 * @typedef {object} Row
 * @property {string} transport
 * @property {number} [requests]
 * @property {number} [connections] that its requests opened
 * @property {number} [delivered] messages, downstream
 * @property {number} [sent] messages, upstream
 * @property {Record<string, number>} up bytes by part, and in total
 * @property {Record<string, number>} down
 */

// The parts that the ledger books bytes to, in the order in which they are shown.
export const parts = ["payload", "envelope", "framing", "head", "opening", "control", "tag", "tls", "unaccounted"];

// The names by which people know those parts whose names are short.
const partNames = { head: "headers", tag: "page tag", tls: "TLS" };

/** @param {string} part */
export const partName = (part) => partNames[part] ?? part;

/** @type {("down" | "up")[]} */
export const directions = ["down", "up"];

/**
 * byTransport returns the rows of an answer of the ledger by their names.
 * @param {{rows: Row[]}} answer
 * @returns {Record<string, Row>}
 */
export const byTransport = ({ rows }) => Object.fromEntries(rows.map((row) => [row.transport, row]));

/**
 * difference subtracts a row from a later one of the same transport; without an earlier one, nothing.
 * @param {Row} after
 * @param {Row} [before]
 * @returns {Row}
 */
export function difference(after, before) {
  /** @param {"down" | "up"} direction */
  const bytes = (direction) => Object.fromEntries(
    Object.keys(after[direction]).map((part) => [part, after[direction][part] - (before?.[direction][part] ?? 0)]),
  );
  /** @param {"requests" | "delivered" | "sent"} name */
  const count = (name) => after[name] - (before?.[name] ?? 0);
  return {
    transport: after.transport,
    requests: count("requests"),
    delivered: count("delivered"),
    sent: count("sent"),
    up: bytes("up"),
    down: bytes("down"),
  };
}

/**
 * recurring returns the bytes of one direction without what page= adds and without what is paid once.
 * @param {Record<string, number>} bytes
 */
export const recurring = ({ total, tag, opening }) => total - tag - opening;

/**
 * unaccounted returns the bytes of a row that have no name.
 * @param {Row} row
 */
export const unaccounted = ({ up, down }) => up.unaccounted + down.unaccounted;

/**
 * perMessage returns the bytes per delivered message of a row, everything included, empty polls and heartbeats too,
 * but not what page= adds, nor the opening, which is paid once. It returns null where nothing was delivered yet.
 * @param {Row} row
 */
export function perMessage(row) {
  const { delivered, up, down } = row;
  if (delivered === 0) return null;
  const bytes = (recurring(up) + recurring(down)) / delivered;
  return { bytes, opening: up.opening + down.opening, unaccounted: unaccounted(row) };
}

/**
 * footnote returns what the figure of perMessage leaves out: the opening, and what is unaccounted.
 * @param {{opening: number, unaccounted: number}} figure
 */
export function footnote({ opening, unaccounted }) {
  if (unaccounted) return `unaccounted: ${number(unaccounted)} B`;
  return opening ? `opening ${number(opening)} B` : "";
}

const packed = [...parts, "total"];

/**
 * pack writes the rows of the transports, and over how many seconds they were counted, as numbers for a URL. It
 * returns "" where there is no row.
 * @param {{rows: Map<string, Row>, seconds: number}} count
 */
export function pack({ rows, seconds }) {
  if (!rows.size) return "";
  const numbers = transports.flatMap(({ name }) => {
    const row = rows.get(name);
    const bytes = directions.flatMap((direction) => packed.map((part) => row?.[direction][part] ?? 0));
    return [row?.delivered ?? 0, ...bytes];
  });
  return [Math.ceil(seconds), ...numbers].join(".");
}

/**
 * unpack reads what pack wrote. It returns null where text is anything else.
 * @param {string} text
 * @returns {{rows: Map<string, Row>, seconds: number} | null}
 */
export function unpack(text) {
  const [seconds, ...numbers] = text.split(".").map(Number);
  const width = 1 + directions.length * packed.length;
  if (numbers.length !== transports.length * width) return null;
  if (![seconds, ...numbers].every((n) => Number.isSafeInteger(n) && n >= 0)) return null;
  const rows = new Map(transports.map(({ name }, i) => {
    const [delivered, ...bytes] = numbers.slice(i * width, (i + 1) * width);
    const [down, up] = directions.map((_, k) =>
      Object.fromEntries(packed.map((part, j) => [part, bytes[k * packed.length + j]])));
    return [name, { transport: name, delivered, up, down }];
  }));
  return { rows, seconds };
}
