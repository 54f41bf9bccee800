import { transports } from "../transports/transports.js";

const shapes = Object.fromEntries(transports.map(({ name, shape }) => [name, shape]));

/**
 * mark returns the HTML of a transport's mark.
 * @param {string} name
 */
export function mark(name) {
  return `<svg class="mark" viewBox="0 0 24 24" aria-hidden="true"><path d="${shapes[name]}"/></svg>`;
}

/**
 * markPath returns the same mark as a path on a canvas, around x and y.
 * @param {string} name
 * @param {number} x
 * @param {number} y
 * @param {number} size about half of its height
 */
export function markPath(name, x, y, size) {
  const scale = size / 9.5; // of the 24 by 24, in whose middle the mark is
  const path = new Path2D();
  path.addPath(new Path2D(shapes[name]), new DOMMatrix([scale, 0, 0, scale, x - 12 * scale, y - 12 * scale]));
  return path;
}
