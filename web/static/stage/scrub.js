import { seconds } from "../figures/format.js";
import { setText } from "../figures/text.js";

const slower = 20; // a replay is
const replayText = `Replay, ${slower}× slower`;
const longest = 10_000; // ms that a replay shows, without a burst or a cut
const farthest = 120_000; // ms that the bar goes back

/**
 * span returns how many ms are in view: about 50 round trips, so that a slope can be seen, between 5 s and 60 s; and
 * half of that, or double, for each step of the zoom.
 * @param {number} roundTrip ms
 * @param {number} zoom
 */
export function span(roundTrip, zoom) {
  const usual = [5000, 10_000, 20_000, 30_000, 60_000].find((ms) => ms >= 40 * roundTrip) ?? 60_000;
  return Math.min(farthest, Math.max(50, usual / 2 ** zoom));
}

/**
 * ticks returns the instants on the axis, ms before the right edge: about five, at round distances.
 * @param {number} span ms
 */
export function ticks(span) {
  const rough = span / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((step) => step >= rough);
  return Array.from({ length: Math.floor(span / step) + 1 }, (_, i) => i * step);
}

/**
 * scrub decides which instant is shown: now, less a lag; the one to which the bar was dragged; or that of a replay at
 * 1/20 of the speed.
 * @param {HTMLElement} element
 * @param {HTMLElement} pauseButton
 * @param {HTMLElement} replayButton
 * @param {object} of
 * @param {() => number} of.lag ms by which the diagram is behind: up to there everything is known
 * @param {() => number} of.roundTrip ms
 * @param {() => number} of.since the earliest instant that can be shown
 * @param {() => number} of.eventAt when the last burst or cut began
 * @param {() => number} of.shown the instant that was drawn last
 */
export function scrub(element, pauseButton, replayButton, of) {
  element.innerHTML = `
    <div class="ticks" aria-hidden="true"></div>
    <label><span class="unseen">Instant that is shown</span><input type="range" max="0" value="0" step="any"></label>
    <p class="zoom">
      <button type="button" aria-label="Zoom out">−</button>
      <button type="button" aria-label="Zoom in">+</button>
    </p>`;
  const axis = /** @type {HTMLElement} */ (element.querySelector(".ticks"));
  const range = element.querySelector("input");
  const [outButton, inButton] = element.querySelectorAll("button");

  /** @type {number | null} the instant at which it is paused */
  let still = null;
  /** @type {{from: number, to: number, startedAt: number} | null} */
  let replayed = null;
  let zoomed = 0;
  let drawn = ""; // the axis

  const live = (now) => now - of.lag();

  // A replay begins anew when it has reached its end.
  function instant(now) {
    if (still !== null) return still;
    if (!replayed) return live(now);
    const { from, to, startedAt } = replayed;
    return from + (((now - startedAt) / slower) % Math.max(1, to - from));
  }

  function stay(t) {
    still = t;
    pauseButton.setAttribute("aria-pressed", String(t !== null));
    setText(pauseButton, t === null ? "Pause" : "Resume");
  }

  function togglePause() {
    stay(still === null ? of.shown() : null);
  }

  // toggleReplay replays from the last burst or cut, if it can be shown, or the last seconds; or it ends that.
  function toggleReplay() {
    const now = performance.now();
    const to = still ?? live(now);
    const event = of.eventAt();
    const from = now - event < 300_000 && event >= of.since() ? event - 200 : to - Math.min(3000, currentSpan());
    replayed = replayed ? null : { from, to: Math.min(to, from + longest), startedAt: now };
    stay(null);
    replayButton.setAttribute("aria-pressed", String(replayed !== null));
    setText(replayButton, replayed ? "Back to now" : replayText);
  }

  const currentSpan = () => span(of.roundTrip(), zoomed);

  /** @param {1 | -1} by 1: twice as close */
  function zoom(by) {
    zoomed = Math.max(-4, Math.min(10, zoomed + by));
  }

  pauseButton.addEventListener("click", togglePause);
  replayButton.addEventListener("click", toggleReplay);
  outButton.addEventListener("click", () => zoom(-1));
  inButton.addEventListener("click", () => zoom(1));
  range.addEventListener("input", () => {
    if (replayed) toggleReplay();
    const now = live(performance.now());
    const back = Number(range.value);
    stay(back > -0.02 ? null : Math.max(of.since(), now + 1000 * back));
  });

  /**
   * update writes where the instant is.
   * @param {number} now
   * @param {{left: number, width: number}} along where the axis is, in pixels of the element
   */
  function update(now, { left, width }) {
    const t = instant(now);
    const end = live(now);
    const back = (t - end) / 1000;
    const length = Math.max(5, Math.min(farthest, end - of.since()) / 1000);
    range.min = String(-length);
    if (document.activeElement !== range || still === null) range.value = String(back);
    const text = back > -0.02 ? "now" : `${seconds(-1000 * back)} s ago`;
    if (range.getAttribute("aria-valuetext") !== text) range.setAttribute("aria-valuetext", text);
    const right = back > -0.02 ? "now" : text;
    const ms = currentSpan();
    const content = [ms, right, Math.round(left), Math.round(width)].join();
    if (content === drawn) return;
    drawn = content;
    for (const line of [axis, range]) {
      line.style.left = `${left}px`;
      line.style.width = `${width}px`;
    }
    axis.replaceChildren(...ticks(ms).map((before) => {
      const tick = document.createElement("span");
      tick.style.left = `${100 * (1 - before / ms)}%`;
      tick.textContent = before === 0 ? right : `−${before < 1000 ? `${before} ms` : `${before / 1000} s`}`;
      return tick;
    }));
  }

  return {
    instant, update, togglePause, toggleReplay, zoom,
    span: currentSpan,
    paused: () => still !== null,
    replaying: () => replayed !== null,
    unpause: () => stay(null),
  };
}

/** @typedef {ReturnType<typeof scrub>} Scrub */
