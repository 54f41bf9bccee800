import { setText } from "../figures/text.js";
import { canvas as painter } from "./canvas.js";
import { layout, peak, Shapes, top } from "./layout.js";
import { Model } from "./model.js";
import { nearest, next } from "./pick.js";
import { scrub as scrubBar } from "./scrub.js";
import { headings, rows, story } from "./story.js";

/** @typedef {import("./model.js").Line} Line */
/** @typedef {import("./model.js").Exchange} Exchange */

const hint = "Point at a line, or press ← or →: what happened to that message is told here.";

/**
 * stage is the diagram of the four lanes, with its bar and the story of the chosen line.
 * @param {object} parts
 * @param {HTMLElement} parts.element with the lanes, the canvas #diagram over them, #scrub and #story
 * @param {HTMLElement} parts.pause a button
 * @param {HTMLElement} parts.replay another
 * @param {import("../lab/page.js").Page} parts.page
 * @param {{list: {name: string, element: HTMLElement, transport: {polls: boolean},
 *   record: {oneWayDelay: number | null}}[]}} parts.lanes
 * @param {(exchange: number, seq?: number) => void} parts.open shows the bytes of an exchange
 */
export function stage({ element, pause, replay, page, lanes, open }) {
  const find = (id) => /** @type {HTMLElement} */ (element.querySelector(id));
  const diagram = /** @type {HTMLCanvasElement} */ (find("#diagram"));
  const courses = lanes.list.map((lane) => /** @type {HTMLElement} */ (lane.element.querySelector(".course")));
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const forced = matchMedia("(forced-colors: active)");
  const paint = painter(diagram);
  const model = new Model();
  const shapes = new Shapes();
  const opened = performance.now();
  /** @type {import("./model.js").Batch[]} that arrived before the clock was known */
  let early = [];
  let jumps = page.clock.jumps;
  let stale = true; // the sizes and colours
  let drawnAt = -Infinity;
  let changed = true; // by more than time: the next frame draws it
  let drew = false; // in the last frame
  let rest = 0; // nothing is drawn before
  let wroteAt = -Infinity;
  let tabledAt = -Infinity;
  /** @type {Line | Exchange | null} */
  let pinned = null; // chosen by a key or a tap; else it is what the pointer is at
  /** @type {import("./layout.js").View} */
  const view = {
    t: 0, at: 0, span: 5000, unit: 14, strips: [], oneWay: 0, limits: [], top: 1000, chosen: null,
  };

  diagram.setAttribute("role", "img");
  diagram.setAttribute("aria-label", "Four strips on one time axis, the server above, you below: "
    + "each message, from when it was published to its arrival");
  const box = find("#story");
  box.innerHTML = `<button type="button" aria-label="Line before">‹</button>
    <button type="button" aria-label="Next line">›</button>
    <p></p> <button type="button" class="bytes" hidden>See its bytes</button>
    <div class="unseen" tabindex="0" role="region" aria-label="The last twenty lines"><table></table></div>`;
  const sentence = box.querySelector("p");
  const [before, after, bytes] = box.querySelectorAll("button");
  const last = /** @type {HTMLElement} */ (box.querySelector(".unseen"));
  const bar = find("#scrub");

  // delay returns how many ms a message travels, as well as the page knows.
  function delay() {
    const measured = lanes.list.map(({ record }) => record.oneWayDelay).filter((ms) => ms !== null);
    return Math.max((page.network?.rtt ?? 0) / 2, measured.length ? Math.min(...measured) : 0);
  }
  // lag returns by how many ms the diagram is behind: up to there everything has arrived, and the server's stamps,
  // which are sent ten times a second, are there.
  function lag() {
    const arrived = delay() + (page.network?.jitter ?? 0) + 200;
    const known = model.recorded && page.clock.best ? performance.now() - toPage(model.known) : 0;
    return Math.max(arrived, Math.min(known, 2000));
  }
  const scrub = scrubBar(bar, pause, replay, {
    lag,
    roundTrip: () => 2 * delay(),
    since: () => Math.max(opened, page.clock.best ? toPage(model.since) : 0),
    eventAt: () => page.eventAt,
    shown: () => view.t || performance.now(),
  });

  // toPage turns an instant of the server's clock, in µs, into one of the page's, in ms.
  const toPage = (at) => at / 1000 - performance.timeOrigin - page.clock.best.offset;

  const sizes = new ResizeObserver(() => (stale = true));
  for (const observed of [element, ...courses]) sizes.observe(observed);
  new MutationObserver(() => (stale = true)).observe(document.documentElement, { attributes: true });
  for (const change of [forced, matchMedia("(prefers-color-scheme: dark)")]) {
    change.addEventListener("change", () => (stale = true));
  }

  // measure reads where the strips are, and the colours of the lanes, as the style sheet has them now.
  function measure() {
    stale = false;
    changed = true; // a canvas that gets another size is empty
    const { x: left, y: above } = element.getBoundingClientRect();
    const boxes = courses.map((course) => course.getBoundingClientRect());
    const [x, y] = [Math.min(...boxes.map((box) => box.left)), Math.min(...boxes.map((box) => box.top))];
    Object.assign(diagram.style, {
      left: `${x - left}px`, top: `${y - above}px`,
      width: `${Math.max(...boxes.map((box) => box.right)) - x}px`,
      height: `${Math.max(...boxes.map((box) => box.bottom)) - y}px`,
    });
    paint.resize();
    view.strips = boxes.map((box) => ({ x: box.x - x, y: box.y - y, width: box.width, height: box.height }));
    view.unit = parseFloat(getComputedStyle(courses[0]).fontSize);
    const probe = document.createElement("i");
    const colour = (at, value) => {
      at.append(probe);
      probe.style.color = value;
      const { color } = getComputedStyle(probe);
      probe.remove();
      return color;
    };
    const [marks, tints] = ["var(--mark)", "var(--tint)"].map((value) =>
      courses.map((course) => colour(course, forced.matches ? "CanvasText" : value)));
    const [text, soft, ground] = (forced.matches ? ["CanvasText", "GrayText", "Canvas"]
      : ["var(--text)", "var(--soft)", "var(--page)"]).map((value) => colour(element, value));
    paint.look({ text, soft, ground, marks, tints, font: getComputedStyle(element).fontFamily }, view.unit);
  }

  // feed takes the server's entries, once its clock is known.
  function feed(batch) {
    if (!page.clock.best) {
      early.push(batch);
      if (early.length > 100) early.shift();
      return;
    }
    for (const one of [...early, batch]) model.exchanged(one, toPage, page.clock.best.error + page.clock.grain);
    early = [];
  }

  /**
   * update draws, if there is something new to be seen, and returns the instant that is shown. Who prefers less motion
   * gets a still once a second.
   * @param {number} now
   */
  function update(now) {
    // Where a picture takes long, two thirds of the time are left to the rest of the page.
    if (drew && now - drawnAt > 34) rest = now + Math.min(500, 2 * (now - drawnAt));
    if (page.clock.jumps !== jumps) {
      jumps = page.clock.jumps;
      model.clear();
      choose(null);
    }
    if (early.length && page.clock.best) feed({ epoch: early[0].epoch, now: early[0].now });
    if (!page.clock.best) return scrub.instant(now); // without a clock there is no axis
    if (calm.matches && now - drawnAt < 1000 && !stale && !changed) return view.t;
    if (stale) measure();
    const t = scrub.instant(now);
    drew = changed || (now >= rest && (t !== view.t || now - drawnAt > 250));
    if (drew) draw(now, t);
    if (now - wroteAt >= 250) {
      wroteAt = now;
      tell();
      tabulate(now);
    }
    return view.t;
  }

  function draw(now, t) {
    drawnAt = now;
    changed = false;
    const { best } = page.clock;
    view.t = t;
    view.at = 1000 * (performance.timeOrigin + t + best.offset);
    view.span = scrub.span();
    view.oneWay = delay();
    const usual = page.usual + 1000;
    view.limits = lanes.list.map(({ transport }) => usual + (transport.polls ? (page.interval ?? 10_000) : 0));
    view.top = top(peak(model, view));
    layout(model, view, shapes);
    paint.draw(shapes);
    element.toggleAttribute("data-past", scrub.paused() || scrub.replaying());
    const [{ left, right }] = shapes.strips;
    const shift = diagram.getBoundingClientRect().x - bar.getBoundingClientRect().x;
    scrub.update(now, { left: left + shift, width: right - left });
  }

  /** @param {Line | Exchange | null} one */
  function choose(one) {
    if (one === view.chosen) return;
    view.chosen = one;
    changed = true;
    tell();
  }

  function tell() {
    const { chosen } = view;
    setText(sentence, chosen ? story(chosen, { ...view, error: page.clock.best?.error ?? 0 }) : hint);
    const exchange = chosen && ("id" in chosen ? chosen.exchange : chosen);
    bytes.hidden = !exchange;
    if (exchange) setText(bytes, "id" in chosen ? `See #${chosen.id}, byte by byte` : "See its bytes");
  }

  // tabulate writes the last lines for a screen reader: every five seconds.
  function tabulate(now) {
    if (now - tabledAt < 5000) return;
    tabledAt = now;
    const row = (cells, tag) => {
      const tr = document.createElement("tr");
      tr.append(...cells.map((text) => Object.assign(document.createElement(tag), { textContent: text })));
      return tr;
    };
    const body = rows(model, { ...view, error: page.clock.best?.error ?? 0 }, 20).map((cells) => row(cells, "td"));
    last.querySelector("table").replaceChildren(row(headings, "th"), ...body);
  }

  function openChosen() {
    const { chosen } = view;
    const exchange = chosen && ("id" in chosen ? chosen.exchange : chosen);
    if (exchange) open(exchange.exchange, "seq" in chosen ? chosen.seq : undefined);
  }

  /** @param {1 | -1} by */
  function step(by) {
    box.setAttribute("aria-live", "polite"); // a pointer would have it read out too much
    const chosen = view.chosen && "id" in view.chosen ? view.chosen : null;
    pinned = next(model, { ...view, chosen }, by) ?? view.chosen;
    choose(pinned);
  }

  const under = ({ clientX, clientY }) => {
    const { x, y } = diagram.getBoundingClientRect();
    return page.clock.best ? nearest(model, view, clientX - x, clientY - y) : null;
  };
  for (const course of courses) {
    course.addEventListener("pointermove", (event) => {
      if (event.pointerType !== "mouse") return;
      box.removeAttribute("aria-live");
      choose(under(event) ?? pinned);
    });
    course.addEventListener("pointerleave", () => choose(pinned));
    course.addEventListener("click", (event) => {
      const one = under(event);
      const again = one && one === pinned;
      pinned = one;
      choose(one);
      if (one && (again || /** @type {PointerEvent} */ (event).pointerType === "mouse")) openChosen();
    });
  }
  element.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    scrub.zoom(event.deltaY < 0 ? 1 : -1);
  }, { passive: false });
  last.addEventListener("focus", () => (tabledAt = -Infinity));
  before.addEventListener("click", () => step(-1));
  after.addEventListener("click", () => step(1));
  bytes.addEventListener("click", openChosen);
  tell();

  return {
    model, view, update, step, openChosen, scrub,
    record: (name, entry) => model.record(name, entry),
    exchanged: feed,
    missed: () => model.missed(),
  };
}

/** @typedef {ReturnType<typeof stage>} Stage */
