import { number, time } from "../figures/format.js";
import { quantile } from "../figures/quantile.js";
import { setText } from "../figures/text.js";
import { draw, each, fill, frame, size } from "./chart.js";
import { apart, axis, place, steps, tail } from "./ecdf.js";

/**
 * latencies shows the one-way latencies of the lanes: their distribution (ECDF), the last 200 as a strip, the
 * percentiles to the last that there are samples for, or a table.
 * @param {HTMLElement} element
 * @param {import("../lane/lane.js").Lane[]} lanes
 * @param {import("../lab/page.js").Page} page
 */
export function latencies(element, lanes, page) {
  const kinds = ["ECDF", "strip", "percentiles", "table"];
  const { picture, table, note, show } = frame(element, "One-way latency", kinds, update);

  function update(now = performance.now()) {
    const { kind } = element.dataset;
    const lists = lanes.map(({ oneWay }) => oneWay.values(now));
    const errors = lanes.map(({ oneWay }) => oneWay.median(now)?.error ?? 0);
    const cold = lanes.some(({ oneWay }) => oneWay.cold);
    const warmUp = cold ? "the first 50 are warm-up, and included" : "without the first 50, which are warm-up";
    const clock = page.clock.best ? `clock ± ${time(Math.max(page.clock.best.error, ...errors))}; ` : "";
    const counts = each(lists.map(({ length }) => length), lanes.map(({ title }) => title));
    setText(note, `${counts}; ${warmUp}; ${clock}${page.description}`);
    if (kind === "table") return rows(lists, now);
    const all = size(picture);
    const [left, right] = { ECDF: [64, 124], strip: [124, 22], percentiles: [82, 124] }[kind];
    const area = { left, right: all.width - right, top: 6, bottom: all.height - 40 };
    draw(picture, { ECDF: distribution, strip: dots, percentiles }[kind](lists, area), all);
  }

  // titles writes what the axes show.
  function titles(below, beside, { left, right, top, bottom }) {
    const [x, y] = [(left + right) / 2, (top + bottom) / 2];
    const turned = beside && `<text class="tick" transform="rotate(-90 12 ${y})" x="12" y="${y + 4}" text-anchor="middle">${beside}</text>`;
    return `<text class="tick" x="${x}" y="${bottom + 35}" text-anchor="middle">${below}</text>${turned}`;
  }

  const label = (ms) => time(ms).replace(/\.0+ /, " ");

  // across draws the axis of latencies from left to right, and returns where on it a latency lies.
  function across(lists, { left, right, top, bottom }) {
    const ends = axis(lists);
    const x = (ms) => left + place(ms, ends) * (right - left);
    const every = x(10 * ends[0]) - left < 60 ? 2 : 1; // of the labels, where they would meet
    let svg = "";
    for (let ms = ends[0], i = 0; ms <= ends[1] * 1.001; ms *= 10, i++) {
      const at = x(ms).toFixed(1);
      svg += `<path class="grid" d="M${at} ${top}V${bottom}"/>`;
      if (i % every) continue;
      svg += `<text class="tick" x="${at}" y="${bottom + 16}" text-anchor="middle">${label(ms)}</text>`;
    }
    return { svg, x };
  }

  function distribution(lists, area) {
    const { top, bottom } = area;
    let { svg, x } = across(lists, area);
    const y = (share) => bottom - share * (bottom - top);
    svg += titles("one-way latency, at most", "of messages", area);
    for (const share of [0, 0.5, 1]) svg += level(`${share * 100} %`, y(share), area);
    const names = [];
    lists.forEach((values, i) => {
      if (!values.length) return;
      let path = `M${x(values[0]).toFixed(1)} ${y(0)}`;
      for (const [ms, share] of steps(values)) path += `H${x(ms).toFixed(1)}V${y(share).toFixed(1)}`;
      svg += curve(i, path);
      const share = 0.5 + 0.14 * (1.5 - i);
      names.push([i, x(quantile(values, share)), y(share)]);
    });
    return svg + named(names, area);
  }

  // The tail is what the distribution hides in its last pixel: each 9 more is as
  // wide as the one before.
  function percentiles(lists, area) {
    const { left, right, top, bottom } = area;
    const ends = axis(lists);
    const nines = Math.max(1, ...lists.map(({ length }) => Math.log10(length || 1)));
    const x = (nine) => left + (nine / nines) * (right - left);
    const y = (ms) => bottom - place(ms, ends) * (bottom - top);
    let svg = titles("percentile of the messages", "one-way latency", area);
    for (let ms = ends[0]; ms <= ends[1] * 1.001; ms *= 10) svg += level(label(ms), y(ms), area);
    for (const q of [0, 0.5, 0.9, 0.99, 0.999]) {
      const nine = -Math.log10(1 - q);
      if (nine > nines + 1e-9) continue;
      const at = x(nine).toFixed(1);
      const text = q ? `p${+(q * 100).toFixed(1)}` : "least";
      svg += `<path class="grid" d="M${at} ${top}V${bottom}"/>`;
      svg += `<text class="tick" x="${at}" y="${bottom + 16}" text-anchor="middle">${text}</text>`;
    }
    const names = [];
    lists.forEach((values, i) => {
      const points = tail(values);
      if (!points.length) return;
      const corner = (/** @type {number[]} */ [nine, ms], k) =>
        `${k ? "H" : "M"}${x(nine).toFixed(1)}${k ? "V" : " "}${y(ms).toFixed(1)}`;
      svg += curve(i, points.map(corner).join(""));
      names.push([i, x(points.at(-1)[0]), y(points.at(-1)[1])]);
    });
    return svg + named(names, area);
  }

  function dots(lists, area) {
    const { left, top, bottom } = area;
    let { svg, x } = across(lists, area);
    svg += titles("one-way latency of the last 200, the newest lowest", "", area);
    const row = (bottom - top) / lanes.length;
    lanes.forEach(({ name, title, oneWay }, i) => {
      const middle = top + (i + 0.5) * row;
      const place = `x="${left - 8}" y="${middle + 5}" text-anchor="end"`;
      svg += `<text class="name" data-lane="${name}" ${place}>${title}</text>`;
      // The newest lies lowest in its row: their order keeps dots apart, not chance.
      let path = "";
      oneWay.samples.slice(-200).forEach(({ ms }, k, all) => {
        const y = middle - row * 0.35 + (k / Math.max(1, all.length - 1)) * row * 0.7;
        path += `M${x(ms).toFixed(1)} ${y.toFixed(1)}h0`;
      });
      if (path) svg += `<path class="dots" data-lane="${name}" d="${path}"/>`;
    });
    return svg;
  }

  const level = (text, y, { left, right }) =>
    `<path class="grid" d="M${left} ${y.toFixed(1)}H${right}"/>` +
    `<text class="tick" x="${left - 6}" y="${(y + 5).toFixed(1)}" text-anchor="end">${text}</text>`;

  const curve = (i, path) => `<path class="curve" data-lane="${lanes[i].name}" d="${path}"/>`;

  // named writes the lanes' names at the right, each led to from its [i, x, y].
  function named(names, { right, bottom }) {
    const moved = apart(names.map(([, , y]) => y), 17, bottom - 4);
    return names.map(([i, x, y], k) => {
      const { name, title } = lanes[i];
      const line = `M${x.toFixed(1)} ${y.toFixed(1)}L${right + 4} ${(moved[k] - 5).toFixed(1)}`;
      return `<path class="leader" data-lane="${name}" d="${line}"/>
      <text class="name" data-lane="${name}" x="${right + 8}" y="${moved[k]}">${title}</text>`;
    }).join("");
  }

  function rows(lists, now) {
    fill(table, ["lane", "messages", "p50", "p90", "p99", "p99.9"], lanes.map(({ title, oneWay }, i) => [
      title,
      number(lists[i].length),
      ...[0.5, 0.9, 0.99, 0.999].map((q) => {
        const ms = oneWay.quantile(now, q);
        return ms === null ? "–" : time(ms);
      }),
    ]));
  }

  return { update, show, kind: () => element.dataset.kind, caption: () => note.textContent, picture };
}
