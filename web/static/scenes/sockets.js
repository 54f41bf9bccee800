import { time } from "../figures/format.js";

/**
 * Pool is what was measured of connections: which streams opened, and what became of a poll beside them.
 * @typedef {object} Pool
 * @property {string} http by which version they went
 * @property {"sse" | "websocket"} kind
 * @property {(number | null | undefined)[]} opened after how many milliseconds each opened; null: it waits; undefined: it
 * has not begun
 * @property {number | null | undefined} polled after how many milliseconds the poll was answered; null: it waits;
 * undefined: it was not sent
 */

const perHost = 6; // connections of HTTP/1.1 that a browser opens to one host

/**
 * sockets draws connections as boxes, with what travels on them: an open stream of HTTP/1.1 keeps its connection, and
 * what finds none waits. On HTTP/2 all are in one box. WebSockets have connections of their own.
 * @param {Pool} pool
 */
export function sockets({ http, kind, opened, polled }) {
  const picture = document.createElement("div");
  picture.className = "sockets";
  const name = kind === "sse" ? "event stream" : "WebSocket";
  /** @type {[string, number | null | undefined][]} */
  const streams = opened.map((ms, i) => [`${name} ${i + 1}`, ms]);
  const open = streams.filter(([, ms]) => typeof ms === "number");
  const waiting = streams.filter(([, ms]) => ms === null).map(([what]) => what);
  const answered = typeof polled === "number";
  if (polled === null) waiting.push("the poll");

  if (kind === "websocket") {
    picture.append(boxes("WebSockets, a connection each: open after", open.map(inside)));
    picture.append(boxes(`The poll, by ${http}: answered after`, answered ? [["poll", time(polled)]] : []));
  } else if (http === "HTTP/2") {
    const all = [...open.map(inside), ...(answered ? [["poll", time(polled)]] : [])];
    const one = boxes("One connection, by HTTP/2: open, or answered, after", all);
    one.classList.add("one");
    picture.append(one);
  } else {
    const all = open.map(inside);
    if (answered && all.length < perHost) all.push(["poll", time(polled)]);
    while (all.length < perHost) all.push(["free", ""]);
    picture.append(boxes(`Six connections to this host, by ${http}: open after`, all));
  }
  if (waiting.length) {
    const queue = document.createElement("p");
    queue.className = "queue";
    queue.textContent = `Waiting for a connection: ${waiting.join(", ")}`;
    picture.append(queue);
  }
  return picture;
}

const inside = ([what, ms]) => [what, time(ms)];

/**
 * @param {string} title
 * @param {string[][]} contents of each box
 */
function boxes(title, contents) {
  const figure = document.createElement("figure");
  const caption = document.createElement("figcaption");
  caption.textContent = title;
  const list = document.createElement("ol");
  list.append(...contents.map(([what, when]) => {
    const box = document.createElement("li");
    if (what === "free") box.className = "free";
    const small = document.createElement("small");
    small.textContent = when;
    box.append(what, small);
    return box;
  }));
  figure.append(caption, list);
  return figure;
}
