import { number, seconds, time } from "../figures/format.js";
import { setText } from "../figures/text.js";
import { peak, top } from "./strip.js";

/**
 * drawing draws everything, for as long as the page is open. Strips move by a pixel in 80 ms, and digits that change
 * more often than twenty times a second cannot be read. Who wants less motion gets a still every second.
 * @param {object} parts
 * @param {import("../lab/page.js").Page} parts.page
 * @param {import("../lane/lanes.js").Lanes} parts.lanes
 * @param {import("./replay.js").Replay} parts.replay
 * @param {import("./caption.js").Caption} parts.caption
 * @param {() => string} parts.source what the feed carries, in words
 * @param {((now: number) => void)[]} parts.charts are called twice a second
 */
export function drawing({ page, lanes, replay, caption, source, charts }) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const clockElement = document.getElementById("clock");
  const [sourceElement, lagElement] = ["what", "behind"].map((name) => document.querySelector(`#source .${name}`));
  let writtenAt = -Infinity;
  let strippedAt = -Infinity;
  let chartedAt = -Infinity;
  let jumps = 0;

  function frame() {
    requestAnimationFrame(frame);
    const now = performance.now();
    if (replay.paused() || (calm.matches && now - writtenAt < 1000)) return;
    const t = replay.instant(now);
    if (now - writtenAt >= 50) {
      writtenAt = now;
      for (const lane of lanes.list) lane.update(now, t);
    }
    strips(now, t);
    if (now - chartedAt >= (calm.matches ? 1000 : 500)) chart(now);
    const means = lanes.meanAges(now);
    if (caption.due(now)) caption.show(now, means);
  }

  function strips(now, t) {
    if (calm.matches) return;
    const { best } = page.clock;
    const due = now - strippedAt >= 80;
    const highest = () => Math.max(...lanes.list.map(({ age }) => peak(age.course, page.clock.server(t))));
    const height = due && best ? top(highest()) : null;
    if (due) strippedAt = now;
    for (const { draw } of lanes.list) draw(now, t, height);
  }

  function chart(now) {
    chartedAt = now;
    const { best } = page.clock;
    const sign = best?.offset < 0 ? "" : "+";
    const clock = best ? `clock ${sign}${time(best.offset)} ± ${time(best.error)}` : "clock not known yet";
    setText(clockElement, replay.replaying() ? `replay of ${seconds(now - replay.instant(now))} s ago` : clock);
    if (page.clock.jumps !== jumps) {
      // What was measured since the clock was set is not to be trusted.
      jumps = page.clock.jumps;
      for (const { oneWay } of lanes.list) oneWay.clear();
      caption.news("A clock was set, or its machine slept: the latencies begin anew.");
    }
    const all = lanes.compare(now);
    setText(sourceElement, `${source()}${all.epoch ? ` · newest #${number(all.head)}` : ""}`);
    setText(lagElement, replay.replaying()
      ? "→ you, 20× slower: what is under way, and the ages"
      : `→ you, drawn ${time(replay.lag())} late: only an arrival tells its way`);
    if (now - page.eventAt < 60_000) lanes.recovered();
    else for (const lane of lanes.list) lane.recovered(null);
    for (const update of charts) update(now);
  }

  requestAnimationFrame(frame);
}
