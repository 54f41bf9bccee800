import { number, seconds, time } from "./figures/format.js";
import { setText } from "./figures/text.js";

/**
 * frames has everything drawn, for as long as the page is open. Digits that change more often than twenty times a second
 * cannot be read. Who wants less motion gets a still every second.
 * @param {object} parts
 * @param {import("./lab/page.js").Page} parts.page
 * @param {import("./lane/lanes.js").Lanes} parts.lanes
 * @param {import("./stage/stage.js").Stage} parts.diagram
 * @param {import("./stage/caption.js").Caption} parts.caption
 * @param {() => string} parts.source what the feed carries, in words
 * @param {((now: number) => void)[]} parts.charts are called twice a second
 */
export function frames({ page, lanes, diagram, caption, source, charts }) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const clockElement = document.getElementById("clock");
  const sourceElement = document.querySelector("#source .what");
  const { scrub } = diagram;
  let writtenAt = -Infinity;
  let chartedAt = -Infinity;
  let shown = NaN; // the instant that the lanes show
  let jumps = 0;

  function frame() {
    requestAnimationFrame(frame);
    const now = performance.now();
    const t = diagram.update(now);
    if (scrub.paused() && t === shown) return;
    if (now - writtenAt >= (calm.matches ? 1000 : 50) || scrub.paused()) {
      [writtenAt, shown] = [now, t];
      for (const lane of lanes.list) lane.update(now, t);
    }
    if (now - chartedAt >= (calm.matches ? 1000 : 500)) chart(now, t);
    const means = lanes.meanAges(now);
    if (caption.due(now)) caption.show(now, means);
  }

  function chart(now, t) {
    chartedAt = now;
    const { best } = page.clock;
    const sign = best?.offset < 0 ? "" : "+";
    const clock = best ? `clock ${sign}${time(best.offset)} ± ${time(best.error)}` : "clock not known yet";
    setText(clockElement, scrub.replaying() ? `replay of ${seconds(now - t)} s ago` : clock);
    if (page.clock.jumps !== jumps) {
      // What was measured since the clock was set is not to be trusted.
      jumps = page.clock.jumps;
      for (const { oneWay } of lanes.list) oneWay.clear();
      caption.news("A clock was set, or its machine slept: the latencies begin anew.");
    }
    const all = lanes.compare(now);
    setText(sourceElement, `${source()}${all.epoch ? ` · newest #${number(all.head)}` : ""}`);
    if (now - page.eventAt < 60_000) lanes.recovered();
    else for (const lane of lanes.list) lane.recovered(null);
    for (const update of charts) update(now);
  }

  requestAnimationFrame(frame);
}
