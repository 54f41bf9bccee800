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
  let due = performance.now() + period;
  let hiddenAt = 0;

  setInterval(() => {
    const now = performance.now();
    const delay = Math.max(0, now - due);
    due = now + period;
    if (document.hidden) return; // browsers slow its timers down
    if (delay >= stalled) on.stall(delay);
  }, period);

  document.addEventListener("visibilitychange", () => {
    const now = performance.now();
    due = now + period;
    if (document.hidden) hiddenAt = now;
    else on.shown(now - hiddenAt);
  });

  return {
    /**
     * stalled tells whether the page stands still just now: other callbacks may run before on.stall does.
     * @param {number} now
     */
    stalled: (now) => !document.hidden && now - due >= stalled,
  };
}

/** @typedef {ReturnType<typeof watchStalls>} Stalls */
