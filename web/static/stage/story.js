import { latency, number, time } from "../figures/format.js";

/** @typedef {import("./model.js").Line} Line */
/** @typedef {import("./model.js").Exchange} Exchange */

/**
 * Now is the instant at which a story is told, on both clocks.
 * @typedef {object} Now
 * @property {number} t ms of the page's clock
 * @property {number} at µs of the server's
 * @property {number} error ms by which the two may be apart
 */

/**
 * stages returns how long a message waited at the server and how long it travelled, in ms; undefined: that has not
 * happened by now, or is not recorded.
 * @param {Line} line
 * @param {Now} now
 */
export function stages({ key, written, arrived }, { t, at }) {
  const offset = at / 1000 - t;
  const known = (ms) => (Number.isNaN(ms) ? undefined : ms);
  return {
    waited: written <= at ? (written - key) / 1000 : undefined,
    travelled: arrived <= t ? known(arrived + offset - written / 1000) : undefined,
    late: arrived <= t ? arrived + offset - key / 1000 : undefined,
  };
}

/**
 * story tells what happened to a message, or to a request, in one sentence.
 * @param {Line | Exchange} one
 * @param {Now} now
 */
export const story = (one, now) => ("id" in one ? ofMessage(one, now) : ofExchange(one, now));

/**
 * @param {Line} line
 * @param {Now} now
 */
function ofMessage(line, now) {
  const { id, key, lane, written, exchange } = line;
  const { waited, travelled, late } = stages(line, now);
  if (Number.isNaN(written)) {
    const after = `${latency(late, now.error)} after it was published`;
    return `#${id} arrived ${after}; the server’s stamps are not available here.`;
  }
  if (waited === undefined) return `#${id} has waited ${time((now.at - key) / 1000)} at the server until now.`;
  const next = lane.streams ? "" : lane.polls ? " for the next poll" : " for the next request";
  const left = waited < 2 ? `left after ${time(waited)}` : `waited ${time(waited)}${next}`;
  if (travelled === undefined) {
    const since = time((now.at - written) / 1000);
    if (exchange?.cut && exchange.ended <= now.at) return `#${id} ${left}, and was cut off before it arrived.`;
    return `#${id} ${left}, was written ${since} ago, and has not arrived.`;
  }
  return `#${id} ${left}, then travelled ${latency(travelled, now.error)}; ${size(line)}.`;
}

/** @param {Line} line */
function size({ lane, exchange, bytes, payload }) {
  if (lane.streams || !exchange) return parts(bytes, payload, "it");
  const { messages } = exchange;
  const carrier = messages > 1 ? `with ${messages - 1} more in its response: ` : "";
  return carrier + parts(exchange.bytes, exchange.payload, messages > 1 ? "them" : "it");
}

const parts = (bytes, payload, what) =>
  `${number(bytes)} B: ${number(payload)} payload, ${number(bytes - payload)} around ${what}`;

/**
 * @param {Exchange} exchange
 * @param {Now} now
 */
function ofExchange({ key, begun, lane, answered, ended, messages, bytes, cut, ask }, now) {
  const offset = now.at / 1000 - now.t;
  const kind = lane.polls ? "poll" : "request";
  const known = begun ? `The ${kind} was read` : `The ${kind} was read before it was recorded`;
  const up = ask ? `The ${kind} travelled ${latency(key / 1000 - offset - ask.key, now.error)}` : known;
  const carried = messages === 1 ? "1 message" : `${number(messages)} messages`;
  const end = cut && ended <= now.at ? ` It was cut: ${cut}.` : "";
  if (lane.streams) {
    const until = ended <= now.at ? ended : now.at;
    const open = `${until === ended ? "was" : "has been"} open for ${time((until - key) / 1000)}`;
    const what = lane.name === "sse" ? "response" : "connection";
    return `${up}; its ${what} ${open}, with ${carried}: ${number(bytes)} B.${end}`;
  }
  if (!(answered <= now.at)) return `${up}, and has waited ${time((now.at - key) / 1000)} for news until now.${end}`;
  const brought = messages ? `brought ${carried}` : "brought nothing: an empty poll";
  return `${up}, waited ${time((answered - key) / 1000)} at the server, and ${brought}; ${number(bytes)} B.${end}`;
}

export const headings = ["message", "transport", "waited", "travelled", "late by", "bytes"];

/**
 * rows returns the last lines that had arrived by now as a table, the newest first.
 * @param {import("./model.js").Model} model
 * @param {Now} now
 * @param {number} most
 */
export function rows({ lanes }, now, most) {
  const last = lanes.flatMap(({ lines }) => lines.items.slice(-most).filter(({ arrived }) => arrived <= now.t));
  last.sort((a, b) => b.arrived - a.arrived);
  const write = (ms) => (ms === undefined ? "unknown" : time(ms));
  return last.slice(0, most).map((line) => {
    const { waited, travelled, late } = stages(line, now);
    return [`#${line.id}`, line.lane.title, write(waited), write(travelled), write(late), number(line.bytes)];
  });
}
