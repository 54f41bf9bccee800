import { quantile } from "../figures/quantile.js";

const beat = 50; // milliseconds between two looks
const long = 1000; // late by so much, the page did not run at all

// pulse watches how late this page's own timers are. late() is how late, of the last
// 10 s the tenth that was the worst: by so much what it measures may be late, too.
// Where the page stood still, because the machine slept or was busy, stood is told
// for how long; and still(now) tells whether that is just so, before stood is told:
// what had to wait may be called before a timer is.
export function pulse(stood) {
  const lates = [];
  let due = performance.now() + beat;
  setInterval(() => {
    const now = performance.now();
    const by = Math.max(0, now - due);
    due = now + beat;
    if (document.hidden) return; // browsers slow its timers down
    if (by >= long) return stood(by);
    lates.push(by);
    if (lates.length > 200) lates.shift();
  }, beat);
  document.addEventListener("visibilitychange", () => (due = performance.now() + beat));
  return {
    late: () => (lates.length ? quantile(lates, 0.9) : 0),
    still: (now) => !document.hidden && now - due >= long,
  };
}
