/** @typedef {import("./checks.js").Check} Check */
/** @typedef {import("./checks.js").State} State */

const marks = { ok: "✓", not: "✗", busy: "?" };
const width = 100; // of the picture of a band, in its own unit

/**
 * results shows checks as a list: the state of each, what was measured, and where that can be drawn, a band for what was
 * expected with a dot for what was measured.
 * @param {HTMLElement} list
 * @param {(Check & {state: State})[]} checks
 */
export function showResults(list, checks) {
  list.replaceChildren(...checks.map((check) => {
    const li = document.createElement("li");
    li.dataset.state = check.state;
    if (check.always) li.dataset.always = "";
    li.classList.toggle("wide", check.points?.length > 1);
    const text = document.createElement("span");
    text.textContent = `${marks[check.state]} ${check.what}: ${check.text}`;
    li.append(text);
    if (check.points?.length) li.append(picture(check));
    if (check.expected) li.append(" ", small(`expected ${check.expected}`, "expected"));
    if (check.state === "busy") li.append(" ", small("too busy to tell: run again", "why"));
    return li;
  }));
}

/**
 * @param {string} text
 * @param {string} name of its class
 */
function small(text, name) {
  const element = document.createElement("small");
  element.className = name;
  element.textContent = text;
  return element;
}

/**
 * scale returns a function of a value to its place in a picture that has room for all of these.
 * @param {number[]} values
 */
export function scale(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = (high - low) / 8 || 1;
  return (value) => ((value - low + room) / (high - low + 2 * room)) * width;
}

/** @param {Check} check which has points */
function picture({ points, band }) {
  const svg = element("svg", { viewBox: `0 0 ${width} 12`, "aria-hidden": "true", class: "band" });
  const x = scale([...points.map(([, value]) => value), ...(band ?? [])]);
  svg.append(element("line", { x1: 0, x2: width, y1: 6, y2: 6 }));
  if (band) {
    const [low, high] = band.map(x);
    svg.append(element("rect", { x: low - 1, width: high - low + 2, y: 1, height: 10 }));
  }
  for (const [lane, value] of points) {
    svg.append(element("circle", { cx: x(value), cy: 6, r: 3.5, ...(lane && { "data-lane": lane }) }));
  }
  return svg;
}

/**
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 */
function element(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}
