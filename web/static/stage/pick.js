// Which line is meant: the nearest to a pointer, or the next one.
import { place, step, walk } from "./layout.js";

/** @typedef {import("./model.js").Line} Line */
/** @typedef {import("./model.js").Exchange} Exchange */
/** @typedef {import("./layout.js").View} View */

const reach = 24; // pixels

/**
 * nearest returns the message or the request whose line is nearest to a point, within 24 pixels.
 * @param {import("./model.js").Model} model
 * @param {View} view
 * @param {number} x
 * @param {number} y
 * @returns {Line | Exchange | null}
 */
export function nearest(model, view, x, y) {
  const i = view.strips.findIndex((strip) => y >= strip.y && y <= strip.y + strip.height);
  const lane = model.lanes[i];
  if (!lane) return null;
  const strip = place(view, i);
  const { server, you, at, page } = strip;
  if (x < strip.left - reach || x > strip.right + reach) return null;
  const height = step(model, lane, view, strip);
  /** @type {Line | Exchange | null} */
  let best = null;
  let least = reach;
  const consider = (one, distance) => {
    if (distance < least) [best, least] = [one, distance];
  };
  walk(model, lane, view, (line, level, from, until) => {
    if (!line) return;
    const rail = server - (level + 0.5) * height;
    const end = Math.min(until, view.at);
    if (end > from) consider(line, distance(x, y, at(from), rail, at(end), rail));
    const start = Number.isNaN(line.written) ? from : until;
    if (line.arrived <= view.t) consider(line, distance(x, y, at(start), server, page(line.arrived), you));
    else if (start <= view.at) consider(line, distance(x, y, at(start), server, at(start), strip.middle));
  });
  const { items } = lane.exchanges;
  const first = Math.max(0, lane.exchanges.from(view.at - view.span * 1000) - 4);
  for (let k = first; k < items.length && items[k].key <= view.at; k++) {
    const { key, ask, answered, ended } = items[k];
    if (ask) consider(items[k], distance(x, y, page(ask.key), you, at(key), server));
    const until = lane.streams ? ended : answered;
    const end = until <= view.at ? at(until) : strip.right;
    consider(items[k], 8 + distance(x, y, at(key), server, end, server)); // a message's line goes first
  }
  return best;
}

/** distance returns how far the point x, y is from the segment a, b … c, d. */
function distance(x, y, a, b, c, d) {
  const [dx, dy] = [c - a, d - b];
  const along = Math.max(0, Math.min(1, ((x - a) * dx + (y - b) * dy) / (dx * dx + dy * dy || 1)));
  return Math.hypot(x - a - along * dx, y - b - along * dy);
}

/**
 * next returns the line after, or before, the chosen one: the same message on the next lane, and from the last lane the
 * next message on the first. With none chosen it is the newest that arrived.
 * @param {import("./model.js").Model} model
 * @param {View} view
 * @param {1 | -1} by
 * @returns {Line | null}
 */
export function next({ lanes }, { at, t, chosen }, by) {
  const shown = (line) => line.arrived <= t || line.written <= at;
  if (!chosen) {
    const news = lanes.map(({ lines }) => lines.items.findLast(({ arrived }) => arrived <= t));
    return news.reduce((a, b) => (b && !(a?.arrived >= b.arrived) ? b : a), null);
  }
  const own = lanes.indexOf(chosen.lane);
  const order = (line) => [line.key, lanes.indexOf(line.lane)];
  const sooner = (a, b) => (a[0] - b[0] || a[1] - b[1]) * by < 0;
  /** @type {Line | null} */
  let best = null;
  lanes.forEach(({ lines }, k) => {
    const same = (k - own) * by > 0; // this lane's line of the same message is still to be chosen
    const { items } = lines;
    let i = by > 0 ? (same ? lines.from(chosen.key) : lines.after(chosen.key))
      : (same ? lines.after(chosen.key) : lines.from(chosen.key)) - 1;
    while (items[i] && !shown(items[i])) i += by;
    if (items[i] && (!best || sooner(order(items[i]), order(best)))) best = items[i];
  });
  return best;
}
