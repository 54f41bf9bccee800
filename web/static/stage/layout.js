// Where everything of the model is drawn: pure arithmetic, from stamps to pixels.
import { number, time } from "../figures/format.js";

/** @typedef {import("./model.js").Model} Model */
/** @typedef {import("./model.js").Lane} Lane */
/** @typedef {import("./model.js").Line} Line */
/** @typedef {import("./model.js").Exchange} Exchange */

/**
 * View is the instant that is drawn, and where.
 * @typedef {object} View
 * @property {number} t the instant, at the right edge, in ms of the page's clock
 * @property {number} at the same in µs of the server's clock
 * @property {number} span ms from the left edge to the right
 * @property {number} unit the size of the text in pixels, by which all is scaled
 * @property {{x: number, y: number, width: number, height: number}[]} strips where each lane is drawn
 * @property {number} oneWay ms that a message travels, as well as the page knows
 * @property {number[]} limits ms after which a message is late, by lane
 * @property {number} top ms of age at the bottom of all strips
 * @property {Line | Exchange | null} chosen
 */

const tops = [500, 1000, 2000, 3000, 5000, 7500, 10_000, 20_000, 30_000, 60_000, 300_000, Infinity];

/**
 * peak returns the highest age in view, on all lanes, in ms.
 * @param {Model} model
 * @param {Pick<View, "t" | "at" | "span">} view
 */
export function peak(model, { t, at, span }) {
  const offset = at / 1000 - t; // of the server's clock
  let peak = 0;
  for (const { news } of model.lanes) {
    const { items } = news;
    for (let i = Math.max(0, news.after(t - span) - 1); i < items.length && items[i].key <= t; i++) {
      const until = Math.min(items[i + 1]?.key ?? t, t);
      peak = Math.max(peak, until + offset - items[i].at / 1000);
    }
  }
  return peak;
}

/**
 * top returns the age at the bottom of all strips: one for all lanes, so that they can be compared.
 * @param {number} peak
 */
export const top = (peak) => tops.find((top) => top >= peak);

/**
 * place returns the geometry of a strip: its rails, and the x of an instant on either clock.
 * @param {View} view
 * @param {number} i
 */
export function place(view, i) {
  const { t, at, span, unit } = view;
  const { x, y, width, height } = view.strips[i];
  const gutter = width > 30 * unit ? 3.7 * unit : 0; // for the names of the rails
  const left = x + gutter;
  const right = x + width - 0.7 * unit;
  const scale = (right - left) / span; // pixels a ms
  const server = y + 0.3 * height;
  const you = y + 0.68 * height;
  return {
    x, left, right, scale, gutter, ceiling: y, server, you, middle: (server + you) / 2, floor: y + height - 1,
    page: (/** @type {number} */ ms) => right - (t - ms) * scale,
    at: (/** @type {number} */ stamp) => right - ((at - stamp) / 1000) * scale,
  };
}

/** @typedef {ReturnType<typeof place>} Place */

/**
 * walk calls visit with each line of a lane that is in view, with how many other messages waited when its own was
 * published, and until when it waited itself, in µs: until it was written, or Infinity. A message that nobody has
 * written yet has no line, and is visited with its publishing.
 * @param {Model} model
 * @param {Lane} lane
 * @param {View} view
 * @param {(line: Line | null, level: number, from: number, until: number) => void} visit
 */
export function walk(model, lane, view, visit) {
  const { items } = lane.lines;
  if (!items.length) return;
  const start = view.t - view.span;
  let low = lane.lines.from(view.at - view.span * 1000);
  while (low > 0 && !(items[low - 1].arrived < start)) low--;
  const high = lane.lines.after(view.at);
  let first = low; // that still waits
  for (let i = low; i < high; i++) {
    const line = items[i];
    while (first < i && waited(items[first]) <= line.key) first++;
    visit(line, i - first, line.key, waited(line));
  }
  if (high < items.length || !model.recorded) return;
  const { publishes } = model;
  for (let i = publishes.after(items[high - 1]?.key ?? 0), n = 0; i < publishes.items.length; i++, n++) {
    const { key } = publishes.items[i];
    if (key > view.at) return;
    while (first < high && waited(items[first]) <= key) first++;
    visit(null, high - first + n, key, Infinity);
  }
}

/** @param {Line} line */
const waited = ({ key, written }) => (Number.isNaN(written) ? key : written);

/**
 * step returns the height of a waiting message in pixels: all that wait at once fit above the rail.
 * @param {Model} model
 * @param {Lane} lane
 * @param {View} view
 * @param {Place} place
 */
export function step(model, lane, view, { server, ceiling }) {
  let most = 1;
  walk(model, lane, view, (_, level, from, until) => {
    if (until - from > 1000) most = Math.max(most, level + 1);
  });
  return Math.min(0.36 * view.unit, (server - ceiling - 0.2 * view.unit) / most);
}

/**
 * silent returns the silence during which a message was under way, from and to in ms of the page's clock.
 * @param {Lane} lane
 * @param {number} from
 * @param {number} to
 */
function silent({ cuts }, from, to) {
  for (let i = cuts.items.length - 1; i >= 0; i--) {
    const { key, lasting } = cuts.items[i];
    if (lasting && key < to && key + lasting > from) return cuts.items[i];
  }
  return undefined;
}

// Numbers is a list of numbers that is filled for each picture, and needs no memory once it is large enough.
export class Numbers {
  data = new Float32Array(256);
  length = 0;

  /**
   * @param {number} x
   * @param {number} y
   */
  point(x, y) {
    if (this.length + 2 > this.data.length) this.#grow();
    this.data[this.length++] = x;
    this.data[this.length++] = y;
  }

  /**
   * four adds a segment, or a rectangle.
   * @param {number} a
   * @param {number} b
   * @param {number} c
   * @param {number} d
   */
  four(a, b, c, d) {
    this.point(a, b);
    this.point(c, d);
  }

  #grow() {
    const { data } = this;
    this.data = new Float32Array(2 * data.length);
    this.data.set(data);
  }
}

/**
 * Text is a text in the picture.
 * @typedef {object} Text
 * @property {string} text
 * @property {number} x
 * @property {number} y
 * @property {"left" | "right" | "center"} align
 * @property {"soft" | "tint" | "text"} colour
 */

const lists = /** @type {const} */ ([
  "age", "silences", "bands", "rails", "broken", "waits", "requests", "empties", "travels", "flows", "stuck", "dashed",
  "ups", "dots", "crowds", "stops", "arrivals", "runs", "cuts", "marked", "chosen",
]);

/**
 * StripShapes is what is drawn in one strip: points (x, y), segments (x, y, x, y) and rectangles (x, y, width, height).
 *
 *     age       points: the outline of the age, below the lower rail
 *     silences  rectangles: nothing passes
 *     bands     rectangles: a request is held, or a stream is open
 *     rails     segments; broken: of the lower rail, while the lane is down
 *     waits     rectangles: messages that wait at the server
 *     requests, empties  segments: requests that brought something, and what brought nothing, both directions
 *     travels   segments: messages, from written to arrived
 *     flows     lines too close to be told apart: x of the first and the last at the server, and of both at the page
 *     stuck     segments: where a message stands still
 *     dashed    segments: of which only the page's stamps are there
 *     ups       segments: messages upstream
 *     dots      points: publishes; crowds: rectangles, publishes too close to be told apart
 *     stops     points: the end of a line that did not arrive
 *     arrivals  points; runs: rectangles, arrivals too close to be told apart
 *     cuts      points
 *     marked    segments, chosen: points of the chosen line
 *
 * @typedef {{[name in typeof lists[number]]: Numbers} & {texts: Text[], fine: boolean}
 * & {left: number, right: number, server: number, you: number}} StripShapes
 */

/** @returns {StripShapes} */
const strip = () => /** @type {StripShapes} */ ({
  ...Object.fromEntries(lists.map((name) => [name, new Numbers()])), texts: [], fine: false,
  left: 0, right: 0, server: 0, you: 0,
});

/**
 * Shapes is a picture. The same one is filled for each frame.
 */
export class Shapes {
  /** @type {StripShapes[]} */
  strips = [];
  hairs = new Numbers(); // segments: publishes, through all strips

  /** @param {number} n */
  clear(n) {
    while (this.strips.length < n) this.strips.push(strip());
    for (const strip of this.strips) {
      for (const name of lists) strip[name].length = 0;
      strip.texts.length = 0;
    }
    this.hairs.length = 0;
  }
}

/**
 * layout fills shapes with the picture of the model at the view's instant. What lies beyond the right edge has not
 * happened yet; it is for the canvas to clip.
 * @param {Model} model
 * @param {View} view
 * @param {Shapes} shapes
 */
export function layout(model, view, shapes) {
  shapes.clear(view.strips.length);
  const places = view.strips.map((_, i) => place(view, i));
  publishes(model, view, places, shapes);
  model.lanes.forEach((lane, i) => {
    if (!view.strips[i]) return;
    const shape = shapes.strips[i];
    const { left, right, server, you } = places[i];
    Object.assign(shape, { left, right, server, you });
    rails(lane, view, places[i], shape);
    age(lane, view, places[i], shape);
    requests(model, lane, view, places[i], shape);
    lines(model, lane, view, places[i], shape);
    cuts(lane, view, places[i], shape);
    late(model, lane, view, places[i], shape, view.limits[i]);
    choose(lane, view, places[i], shape);
  });
}

/**
 * @param {Model} model
 * @param {View} view
 * @param {Place[]} places
 * @param {Shapes} shapes
 */
function publishes({ publishes }, view, places, { strips, hairs }) {
  const { items } = publishes;
  const low = publishes.from(view.at - view.span * 1000);
  const high = publishes.after(view.at);
  const [first] = places;
  const fine = (high - low) * 4 > first.right - first.left;
  for (const strip of strips) strip.fine = fine;
  if (fine) return crowd(items, low, high, places, strips);
  let last = -Infinity;
  for (let i = low; i < high; i++) {
    const x = first.at(items[i].key);
    if (x - last < 1) continue;
    last = x;
    places.forEach((place, k) => {
      const x = place.at(items[i].key);
      strips[k].dots.point(x, place.server);
      const next = places[k + 1];
      const joined = next && next.ceiling - place.floor < 3 * view.unit && next.left === place.left;
      hairs.four(x, place.ceiling, x, joined ? next.ceiling : place.floor);
    });
  }
}

// crowd draws publishes that are too close to be told apart.
function crowd(items, low, high, places, strips) {
  let from = low;
  for (let i = low + 1; i <= high; i++) {
    if (i < high && places[0].at(items[i].key) - places[0].at(items[i - 1].key) < 4) continue;
    places.forEach(({ at, server }, k) => {
      strips[k].crowds.four(at(items[from].key) - 1, server - 1.5, at(items[i - 1].key) - at(items[from].key) + 2, 3);
    });
    from = i;
  }
}

/**
 * @param {Lane} lane
 * @param {View} view
 * @param {Place} place
 * @param {StripShapes} shape
 */
function rails({ states }, view, place, shape) {
  const { left, right, server, you, page, x } = place;
  shape.rails.four(left, server, right, server);
  const { items } = states;
  let from = left; // of the part of the lower rail that is drawn next
  let down = false;
  const part = (to) => to > from && (down ? shape.broken : shape.rails).four(from, you, to, you);
  for (let i = Math.max(0, states.after(view.t - view.span) - 1); i < items.length && items[i].key <= view.t; i++) {
    const { key, state } = items[i];
    const to = Math.max(left, page(key));
    part(to);
    from = to;
    const was = down;
    down = state === "down";
    if (to <= left || was === down || state === "connecting") continue;
    const text = down ? "noticed" : "back";
    const next = items[i + 1]?.key <= view.t ? page(items[i + 1].key) : Infinity;
    if (down && next - to < 4.5 * view.unit) continue; // the next one stands there
    shape.texts.push({ text, x: to + 0.2 * view.unit, y: you - 0.65 * view.unit, align: "left", colour: "text" });
  }
  part(right);
  if (!place.gutter) return;
  for (const [text, y] of /** @type {[string, number][]} */ ([["server", server], ["you", you]])) {
    shape.texts.push({ text, x: x + place.gutter - 0.4 * view.unit, y, align: "right", colour: "soft" });
  }
  if (view.top !== Infinity) {
    const text = view.top < 1000 ? `${view.top} ms` : `${view.top / 1000} s`;
    const y = place.floor - 0.4 * view.unit;
    shape.texts.push({ text, x: left - 0.4 * view.unit, y, align: "right", colour: "soft" });
  }
}

/**
 * age draws the sawtooth: the age grows with time, and falls where news arrived. Of teeth that are narrower than a
 * pixel the highest is drawn.
 * @param {Lane} lane
 * @param {View} view
 * @param {Place} place
 * @param {StripShapes} shape
 */
function age({ news }, view, { left, page, you, floor }, { age }) {
  const { items } = news;
  const offset = view.at / 1000 - view.t;
  const y = (ms) => you + ((floor - you) * Math.max(0, ms)) / view.top;
  const start = view.t - view.span;
  const first = Math.max(0, news.after(start) - 1);
  if (!items.length || items[first].key > view.t) return;
  let peak = 0;
  let x = Math.max(left, page(items[first].key));
  age.four(x, you, x, y(Math.max(start, items[first].key) + offset - items[first].at / 1000));
  for (let i = first; i < items.length && items[i].key <= view.t; i++) {
    const at = items[i].at / 1000;
    const next = items[i + 1]?.key ?? Infinity;
    const until = Math.min(next, view.t);
    peak = Math.max(peak, until + offset - at);
    const to = page(until);
    if (to - x < 1 && until < view.t) continue;
    x = to;
    age.point(x, y(peak));
    if (next <= view.t) age.point(x, y(next + offset - items[i + 1].at / 1000));
    peak = 0;
  }
  age.point(x, you);
}

/**
 * @param {Model} model
 * @param {Lane} lane
 * @param {View} view
 * @param {Place} place
 * @param {StripShapes} shape
 */
function requests(model, lane, view, place, shape) {
  const { server, you, right, at, page } = place;
  const start = view.at - view.span * 1000;
  const offset = view.at / 1000 - view.t; // of the server's clock
  const band = 0.55 * view.unit;
  const { exchanges, asks, ups } = lane;
  let last = -Infinity;
  for (let i = Math.max(0, exchanges.from(start) - 4); i < exchanges.items.length; i++) {
    const { key, ask, answered, ended, messages, cut } = exchanges.items[i];
    if (key > view.at && !(ask?.key < view.t)) break;
    const until = lane.streams ? ended : answered;
    const to = Number.isNaN(until) ? right : Math.min(right, at(until));
    if (to - at(key) > 1.5) shape.bands.four(at(key), server - band / 2, to - at(key), band);
    if (to < place.left || at(key) - last < 1) continue;
    last = at(key);
    const empty = !lane.streams && messages === 0 && ended > 0;
    const list = empty ? shape.empties : shape.requests;
    if (ask) pass(lane, view, place, shape, list, ask.key, you, key / 1000 - offset, server);
    if (empty && ask && !cut && answered <= view.at) {
      pass(lane, view, place, shape, list, answered / 1000 - offset, server, ask.answered, you);
    }
  }
  for (let i = Math.max(0, asks.from(view.t - view.span) - 1); i < asks.items.length; i++) {
    const { key, answered, exchange } = asks.items[i];
    if (key > view.t) break;
    if (exchange) continue;
    const flat = you - 0.25 * view.unit;
    if (!Number.isNaN(answered)) shape.dashed.four(page(key), flat, page(answered), flat);
    else if (model.recorded) pass(lane, view, place, shape, shape.requests, key, you, NaN, server);
  }
  for (let i = ups.from(start); i < ups.items.length; i++) {
    const { key, sent } = ups.items[i];
    if (key > view.at && !(sent < view.t)) break;
    if (Number.isNaN(sent)) shape.ups.four(at(key), server + 0.6 * view.unit, at(key), server);
    else pass(lane, view, place, shape, shape.ups, sent, you, key / 1000 - offset, server);
  }
}

/**
 * pass draws what left one rail for the other. In a silence it stops midway, and goes on when the silence is over; what
 * has not arrived stops midway, too.
 * @param {Lane} lane
 * @param {View} view
 * @param {Place} place
 * @param {StripShapes} shape
 * @param {Numbers} list
 * @param {number} left ms
 * @param {number} from y of the rail that it left
 * @param {number} arrived ms; NaN: it has not
 * @param {number} to y of the other rail
 */
function pass(lane, view, { page, scale, middle }, { stuck, stops }, list, left, from, arrived, to) {
  const half = view.oneWay / 2;
  const [a, b] = [page(left), page(arrived)];
  const silence = silent(lane, left, Number.isNaN(arrived) ? view.t : arrived);
  if (Number.isNaN(arrived) || (silence && arrived > view.t)) {
    list.four(a, from, a + half * scale, middle);
    if (view.t > left + half) stops.point(a + half * scale, middle);
  } else if (silence) {
    list.four(a, from, a + half * scale, middle);
    stuck.four(a + half * scale, middle, b - half * scale, middle);
    list.four(b - half * scale, middle, b, to);
  } else {
    list.four(a, from, b, to);
  }
}

/**
 * @param {Model} model
 * @param {Lane} lane
 * @param {View} view
 * @param {Place} place
 * @param {StripShapes} shape
 */
function lines(model, lane, view, place, shape) {
  const { server, you, at, page } = place;
  const { unit } = view;
  const high = step(model, lane, view, place);
  const gap = high > 3 ? 1 : 0;
  const offset = view.at / 1000 - view.t; // of the server's clock
  const near = 0.5 * unit; // marks that are closer cannot be told apart
  const apart = shape.fine ? 3 : 1;
  let [lastFrom, lastTo, lastMark] = [-Infinity, -Infinity, -Infinity];
  const flow = [NaN, NaN, NaN, NaN]; // of the lines until now, as in flows
  const flush = () => {
    if (flow[1] - flow[0] >= 1 || flow[3] - flow[2] >= 1) shape.flows.four(flow[0], flow[1], flow[2], flow[3]);
  };
  const batch = { n: 0, x: 0, until: NaN };
  /** @type {typeof batch[]} */
  const batches = []; // that waited long enough to be seen
  const beside = (n, x, text, align) => {
    const y = Math.max(place.ceiling + 0.5 * unit, Math.min(server - 0.9 * unit, server - n * high + 0.3 * unit));
    shape.texts.push({ text, x, y, align, colour: "tint" });
  };
  const close = () => {
    const x = at(batch.until);
    if (!batch.n || x - batch.x < 0.7 * unit) return;
    const last = batches.at(-1);
    if (!last || x - at(last.until) > 2.5 * unit) batches.push({ ...batch });
  };

  walk(model, lane, view, (line, level, from, until) => {
    const x = at(from);
    const end = until === Infinity ? place.right : at(until);
    if (end - x >= 1) {
      const { waits } = shape;
      const k = waits.length - 4;
      const [top, rise] = [server - high * (level + 1), high - gap];
      const above = k >= 0 && !gap && Math.abs(top + rise - waits.data[k + 1]) < rise / 2;
      const same = above && x - waits.data[k] < 3 && Math.abs(end - x - waits.data[k + 2]) < 1;
      if (same) {
        waits.data[k + 3] = waits.data[k + 1] + waits.data[k + 3] - top;
        waits.data[k + 1] = top;
      } else {
        waits.four(x, top, end - x, rise);
      }
    }
    if (Math.abs(until - batch.until) < 1000) batch.n++;
    else {
      if (batch.until <= view.at) close();
      Object.assign(batch, { n: 1, x, until });
    }
    if (!line) return;

    const { written, arrived } = line;
    const left = at(Number.isNaN(written) ? from : written);
    const right = page(arrived);
    const straight = right >= left && arrived <= view.t;
    if (shape.fine && straight && left - flow[1] < 3 && right - flow[3] < 3) [flow[1], flow[3]] = [left, right];
    else if (shape.fine && straight) {
      flush();
      [flow[0], flow[1], flow[2], flow[3]] = [left, left, right, right];
    }
    if (left <= place.right && !(left - lastFrom < apart && right - lastTo < apart)) {
      [lastFrom, lastTo] = [left, right];
      if (Number.isNaN(written)) shape.dashed.four(left, server, right, you);
      else pass(lane, view, place, shape, shape.travels, written / 1000 - offset, server, arrived, you);
    }
    if (!(arrived <= view.t)) return;
    const to = page(arrived);
    const { runs, arrivals } = shape;
    if (to - lastMark >= near || lastMark === -Infinity) {
      arrivals.point(to, you);
    } else if (to - lastMark >= 1) {
      const k = runs.length - 4;
      if (k >= 0 && Math.abs(runs.data[k] + runs.data[k + 2] - lastMark) < 0.01) runs.data[k + 2] = to - runs.data[k];
      else runs.four(lastMark, you - 0.35 * unit, to - lastMark, 0.7 * unit);
    } else {
      return;
    }
    lastMark = to;
  });
  flush();
  const next = `for the next ${lane.polls ? "poll" : "request"}`;
  const open = batch.n > 0 && batch.until > view.at && place.right - batch.x > 8 * unit && !lane.streams;
  if (batch.until <= view.at) close();
  if (open) beside(batch.n, place.right - 0.3 * unit, `${number(batch.n)} waiting ${next}`, "right");
  let free = place.right - (open ? 13 * unit : 0); // up to the text at its right
  let spelled = lane.streams; // one of them is written in words, the others are counted
  for (const { n, until } of batches.reverse()) {
    const x = at(until) + 0.25 * unit;
    const text = `${number(n)} waited ${next}`;
    const fits = !spelled && x + 0.54 * unit * text.length < free;
    if (fits) beside(n, x, text, "left");
    else if (n > 1) beside(n, x, number(n), "left");
    spelled ||= fits;
    free = x;
  }
}

/**
 * @param {Lane} lane
 * @param {View} view
 * @param {Place} place
 * @param {StripShapes} shape
 */
function cuts({ cuts, exchanges, gaps }, view, place, shape) {
  const { left, right, server, you, middle, page, at } = place;
  const start = view.t - view.span;
  const { items } = exchanges;
  let last = -Infinity; // where an exchange was cut
  for (let i = Math.max(0, exchanges.from(view.at - view.span * 1000) - 4); i < items.length; i++) {
    const { cut, ended } = items[i];
    if (!cut || ended > view.at || at(ended) < left) continue;
    last = at(ended);
    shape.cuts.point(last, server);
  }
  for (const { key, lasting } of cuts.items) {
    if (key > view.t || key + lasting < start) continue;
    if (key >= start && Math.abs(page(key) - last) > view.unit) shape.cuts.point(page(key), middle);
    if (!lasting) continue;
    const from = Math.max(left, page(key));
    shape.silences.four(from, server, Math.min(right, page(key + lasting)) - from, you - server);
  }
  let free = right; // of texts
  for (let i = gaps.after(view.t) - 1; i >= 0 && gaps.items[i].key > start; i--) {
    const { key, from, to } = gaps.items[i];
    const text = from === to ? `#${from} is gone` : `#${from} to #${to} are gone`;
    const x = page(key);
    if (x > free) continue;
    free = x - 0.6 * view.unit * text.length;
    shape.texts.push({ text, x, y: you - 0.8 * view.unit, align: "right", colour: "text" });
  }
}

/**
 * late writes what the source has and this lane has not, once that takes longer than it should.
 * @param {Model} model
 * @param {Lane} lane
 * @param {View} view
 * @param {Place} place
 * @param {StripShapes} shape
 * @param {number} limit
 */
function late({ publishes }, { news }, view, { right, you, floor }, { texts }, limit) {
  const have = news.at(view.t);
  const due = have && publishes.items[publishes.after(have.at)];
  if (!due || view.at - due.key < limit * 1000) return;
  const text = `source has #${publishes.at(view.at).id}, you have #${have.id}`;
  texts.push({ text, x: right - 0.5 * view.unit, y: (you + floor) / 2, align: "right", colour: "text" });
}

/**
 * choose draws the chosen message on each lane, with how late it was there.
 * @param {Lane} lane
 * @param {View} view
 * @param {Place} place
 * @param {StripShapes} shape
 */
function choose(lane, view, { server, you, at, page, left, right }, { marked, chosen, texts }) {
  const one = view.chosen;
  if (!one) return;
  if (!("id" in one)) {
    if (one.lane === lane && one.ask) marked.four(page(one.ask.key), you, at(one.key), server);
    return;
  }
  const line = one.lane === lane ? one : lane.byId.get(one.id);
  if (line?.key !== one.key) return;
  const { key, written, arrived } = line;
  if (written - key > 1000) marked.four(at(key), server, at(written), server);
  if (!(arrived <= view.t)) return;
  marked.four(at(Number.isNaN(written) ? key : written), server, page(arrived), you);
  chosen.point(page(arrived), you);
  const x = page(arrived);
  if (x < left || x > right) return;
  const ms = view.at / 1000 - view.t + arrived - key / 1000;
  const text = `${lane === one.lane ? `#${one.id}: ` : ""}${time(ms)}`;
  const flip = x > right - 0.6 * view.unit * text.length;
  const beside = (flip ? -0.8 : 0.8) * view.unit;
  texts.push({ text, x: x + beside, y: you - 0.7 * view.unit, align: flip ? "right" : "left", colour: "text" });
}
