import { number } from "../figures/format.js";
import * as longpoll from "./longpoll.js";
import * as polling from "./polling.js";
import * as sse from "./sse.js";
import * as websocket from "./websocket.js";

/**
 * Message is a message as the lab sends it.
 * @typedef {object} Message
 * @property {number} id 1, 2, 3 … of its epoch
 * @property {number} at when it was published, µs since the Unix epoch by the server's clock
 * @property {any} data
 */

/**
 * On is what a transport reports to, and asks how to go on. Times are milliseconds of performance.now().
 * @typedef {object} On
 * @property {(state: string, why?: string, retry?: number) => void} state connecting, live, or down, why, and after how
 * many milliseconds it tries again
 * @property {(now: number) => void} asked a request leaves
 * @property {(now: number) => void} answered its response is there; of a stream, its headers
 * @property {(message: Message, now: number) => void} message
 * @property {(now: number) => void} beat a heartbeat, where the URL asks for them
 * @property {(gap: {from: number, to: number}) => void} gap ids that can no longer be had
 * @property {(epoch: string, id: number) => void} epoch what follows is of this epoch, and its ids are higher
 * @property {() => number} interval how long polling is to wait, in milliseconds
 * @property {() => number} silence after how many milliseconds a stream counts as cut; 0: never
 * @property {(send: (text: string) => void) => void} pipe the WebSocket is open, and send sends a text upstream
 */

/**
 * Open connects at once, reports to on, and returns what closes it.
 * @callback Open
 * @param {string} url with a query that more can be added to
 * @param {string} after the cursor "EPOCH-ID" to go on from; "": from now
 * @param {On} on
 * @returns {() => void}
 */

/**
 * @typedef {object} Transport
 * @property {string} name in paths, on the lanes and in the ledger
 * @property {string} title in sentences
 * @property {string} letter
 * @property {string} shape its mark, as an SVG path in a square of 24 by 24
 * @property {boolean} streams one response, or connection, carries all messages; else each response has a request
 * @property {boolean} polls it asks at an interval
 * @property {Open} open
 * @property {(page: {interval: number | null, network: {rtt: number} | null}) => string} about
 */

// The four transports, in their order everywhere. Shape, letter and order tell them apart before colour does.
/** @type {Transport[]} */
export const transports = [
  {
    name: "polling", title: "polling", letter: "P", shape: "M21 12A9 9 0 1 1 3 12A9 9 0 1 1 21 12Z",
    streams: false, polls: true, open: polling.open, about: aboutPolling,
  },
  {
    name: "longpoll", title: "long-polling", letter: "L", shape: "M12 1 23 12 12 23 1 12Z",
    streams: false, polls: false, open: longpoll.open, about: () => "asks, waits for news",
  },
  {
    name: "sse", title: "SSE", letter: "S", shape: "M12 2 23 21H1Z",
    streams: true, polls: false, open: sse.open, about: () => "one endless response",
  },
  {
    name: "websocket", title: "WebSocket", letter: "W", shape: "M3 3h18v18H3Z",
    streams: true, polls: false, open: websocket.open, about: () => "one pipe, both ways",
  },
];

/** @param {{interval: number | null, network: {rtt: number} | null}} page */
function aboutPolling({ interval, network }) {
  if (interval === null) return "asks now and then";
  if (interval < network?.rtt) return "asks as soon as it is answered";
  return `asks every ${number(interval / 1000, interval < 1000 ? 2 : 1)} s`;
}
