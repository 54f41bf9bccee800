import { setText } from "../figures/text.js";

const longest = 10_000; // milliseconds that a replay shows

/**
 * replay decides which instant is drawn: now, less a lag; none while the page is paused; or that of a replay at 1/20 of
 * the speed.
 * @param {HTMLElement} pauseButton
 * @param {HTMLElement} replayButton
 * @param {import("../lab/page.js").Page} page
 * @param {import("../lane/lanes.js").Lanes} lanes
 */
export function replay(pauseButton, replayButton, page, lanes) {
  let paused = false;
  /** @type {{from: number, startedAt: number} | null} from: the first instant of the replay */
  let replayed = null;

  // lag returns how much later the lanes are drawn than it happened, in milliseconds: what is under way is known when
  // it has arrived.
  const lag = () => (page.network ? page.network.rtt + page.network.jitter : 100) + 80;

  function togglePause() {
    paused = !paused;
    pauseButton.setAttribute("aria-pressed", String(paused));
    setText(pauseButton, paused ? "Resume" : "Pause");
  }

  // toggleReplay replays from the last burst or cut, if it is on record, else the last seconds; or ends that.
  function toggleReplay() {
    const now = performance.now();
    const recorded = lanes.list.every(({ record }) => record.entries[0]?.t <= page.eventAt);
    const from = now - page.eventAt < 300_000 && recorded ? page.eventAt : now - lag() - 3000;
    replayed = replayed ? null : { from, startedAt: now };
    replayButton.setAttribute("aria-pressed", String(replayed !== null));
    setText(replayButton, replayed ? "Back to now" : "Replay, 20× slower");
  }

  /**
   * instant returns what the lanes show. A replay starts anew when it has reached the instant at which it was started.
   * @param {number} now
   */
  function instant(now) {
    if (!replayed) return now - lag();
    const { from, startedAt } = replayed;
    return from + (((now - startedAt) / 20) % Math.max(1, Math.min(longest, startedAt - from)));
  }

  return {
    lag, instant, togglePause, toggleReplay,
    paused: () => paused,
    replaying: () => replayed !== null,
    unpause: () => paused && togglePause(),
  };
}

/** @typedef {ReturnType<typeof replay>} Replay */
