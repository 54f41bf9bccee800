import { transports } from "../transports/transports.js";

const shapes = Object.fromEntries(transports.map(({ name, shape }) => [name, shape]));

/**
 * mark returns the HTML of a transport's mark.
 * @param {string} name
 */
export function mark(name) {
  return `<svg class="mark" viewBox="0 0 24 24" aria-hidden="true"><path d="${shapes[name]}"/></svg>`;
}
