import { quantile } from "../figures/quantile.js";

const period = 50; // milliseconds between two timers
const stalled = 1000; // a timer that is so late did not run at all

/**
 * watchStalls watches how late this page's own timers are, and when its tab is hidden: what it measures meanwhile
 * is the browser's delay, not that of a wire.
 * @param {object} on
 * @param {(ms: number) => void} on.stall the page stood still for so long: the machine slept, or was busy
 * @param {(ms: number) => void} on.shown the tab was hidden for so long
 */
export function watchStalls(on) {
  const delays = [];
  let due = performance.now() + period;
  let hiddenAt = 0;

  setInterval(() => {
    const now = performance.now();
    const delay = Math.max(0, now - due);
    due = now + period;
    if (document.hidden) return; // browsers slow its timers down
    if (delay >= stalled) return on.stall(delay);
    delays.push(delay);
    if (delays.length > 200) delays.shift();
  }, period);

  document.addEventListener("visibilitychange", () => {
    const now = performance.now();
    due = now + period;
    if (document.hidden) hiddenAt = now;
    else on.shown(now - hiddenAt);
  });

  return {
    // delay returns how late the worst tenth of the timers of the last 10 s are, in milliseconds: what the page
    // measures may be late by as much.
    delay: () => (delays.length ? quantile(delays, 0.9) : 0),
    /**
     * stalled tells whether the page stands still just now: other callbacks may run before on.stall does.
     * @param {number} now
     */
    stalled: (now) => !document.hidden && now - due >= stalled,
  };
}

/** @typedef {ReturnType<typeof watchStalls>} Stalls */
