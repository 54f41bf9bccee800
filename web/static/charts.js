import { perMessage } from "./bytes.js";
import { apart, axis, place, steps } from "./ecdf.js";
import { number, time } from "./format.js";
import { put } from "./put.js";
import { quantile } from "./quantile.js";

// The parts of a message's bytes that are drawn, in this order. What is paid
// once, and what page= adds, is in the table alone.
const parts = ["payload", "envelope", "framing", "head", "control", "tls", "unaccounted"];
export const every = ["payload", "envelope", "framing", "head", "opening", "control", "tag", "tls", "unaccounted"];

// latencies shows the one-way latencies of the lanes: their distribution (ECDF),
// the last 200 as a strip, or a table. It returns update(now), show(kind) and
// caption(), and data-kind of the element says what it shows.
export function latencies(element, lanes, page) {
  const { picture, table, note, show } = frame(element, "One-way latency", ["ECDF", "strip", "table"], update);

  function update(now = performance.now()) {
    const kind = element.dataset.kind;
    const lists = lanes.map(({ oneWay }) => oneWay.values(now));
    const [errors, cold] = [lanes.map(({ oneWay }) => oneWay.median(now)?.error ?? 0), lanes.some(({ oneWay }) => oneWay.cold)];
    put(note, `n ${lists.map(({ length }) => number(length)).join(" · ")}; ${cold ? "warm-up (the first 50) included" : "first 50 dropped as warm-up"}; clock ± ${time(Math.max(...errors))}; ${page.describe()}`);
    if (kind === "table") return rows(lists, now);
    const { width, height } = size(picture);
    const ends = axis(lists);
    const area = { left: kind === "strip" ? 112 : 44, right: width - (kind === "strip" ? 22 : 118), top: 6, bottom: height - 22 };
    const x = (value) => area.left + place(value, ends) * (area.right - area.left);
    let svg = "";
    for (let value = ends[0]; value <= ends[1] * 1.001; value *= 10) {
      const at = x(value).toFixed(1);
      svg += `<path class="grid" d="M${at} ${area.top}V${area.bottom}"/><text class="tick" x="${at}" y="${height - 6}" text-anchor="middle">${time(value).replace(".00", "").replace(".0", "")}</text>`;
    }
    svg += kind === "strip" ? dots(x, area) : curves(lists, x, area);
    picture.innerHTML = svg;
    picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
  }

  function curves(lists, x, { left, right, top, bottom }) {
    const y = (share) => bottom - share * (bottom - top);
    let svg = "";
    for (const share of [0, 0.5, 1]) {
      svg += `<path class="grid" d="M${left} ${y(share)}H${right}"/><text class="tick" x="${left - 6}" y="${y(share) + 5}" text-anchor="end">${share * 100} %</text>`;
    }
    const labels = [];
    lists.forEach((values, i) => {
      if (!values.length) return;
      let path = `M${x(values[0]).toFixed(1)} ${y(0)}`;
      for (const [value, share] of steps(values)) path += `H${x(value).toFixed(1)}V${y(share).toFixed(1)}`;
      svg += `<path class="curve" data-lane="${lanes[i].name}" d="${path}"/>`;
      labels.push([i, y(0.5 + 0.14 * (1.5 - i)), x(quantile(values, 0.5 + 0.14 * (1.5 - i)))]);
    });
    const moved = apart(labels.map(([, y]) => y), 17, bottom - 4);
    labels.forEach(([i, from, x], k) => {
      svg += `<path class="leader" data-lane="${lanes[i].name}" d="M${x.toFixed(1)} ${from.toFixed(1)}L${right + 4} ${(moved[k] - 5).toFixed(1)}"/>
        <text class="name" data-lane="${lanes[i].name}" x="${right + 8}" y="${moved[k]}">${lanes[i].letter} ${lanes[i].name}</text>`;
    });
    return svg;
  }

  function dots(x, { left, top, bottom }) {
    const row = (bottom - top) / lanes.length;
    let svg = "";
    lanes.forEach(({ name, letter, oneWay }, i) => {
      const middle = top + (i + 0.5) * row;
      svg += `<text class="name" data-lane="${name}" x="${left - 8}" y="${middle + 5}" text-anchor="end">${letter} ${name}</text>`;
      // The newest lies lowest in its row: their order keeps dots apart, not chance.
      let path = "";
      oneWay.samples.slice(-200).forEach(({ ms }, k, all) => {
        path += `M${x(ms).toFixed(1)} ${(middle - row * 0.35 + (k / Math.max(1, all.length - 1)) * row * 0.7).toFixed(1)}h0`;
      });
      if (path) svg += `<path class="dots" data-lane="${name}" d="${path}"/>`;
    });
    return svg;
  }

  function rows(lists, now) {
    fill(table, ["lane", "n", "p50", "p90", "p99", "p99.9"], lanes.map(({ name, letter, oneWay }, i) => [
      `${letter} ${name}`,
      number(lists[i].length),
      ...[0.5, 0.9, 0.99, 0.999].map((q) => {
        const ms = oneWay.quantile(now, q);
        return ms === null ? "–" : time(ms);
      }),
    ]));
  }

  return { update, show, caption: () => note.textContent, picture };
}

// costs shows the bytes of a delivered message by part, in each direction, as the
// ledger has them. row(name, row) gives it a row, and update draws.
export function costs(element, lanes, page) {
  const { picture, table, note, show } = frame(element, "Bytes a delivered message", ["bars", "table"], update);
  let rows = new Map();

  const row = (name, row) => (name === null ? (rows = new Map()) : rows.set(name, row));

  function update() {
    const known = lanes.map(({ name }) => rows.get(name)).filter((row) => row?.delivered);
    const unaccounted = [...rows.values()].reduce((sum, { up, down }) => sum + up.unaccounted + down.unaccounted, 0);
    put(note, rows.size ? `unaccounted: ${number(unaccounted)} B; ${page.http}; n ${lanes.map(({ name }) => number(rows.get(name)?.delivered ?? 0)).join(" · ")}; ${page.describe()}` : "the ledger is not known");
    element.dataset.unaccounted = rows.size ? unaccounted : "";
    if (element.dataset.kind === "table") return tabulate();
    const { width, height } = size(picture);
    const area = { left: 132, right: width - 84, top: 2, bottom: height - 20 };
    const most = Math.max(1, ...known.flatMap(({ up, down, delivered }) => [up, down].map((way) => parts.reduce((sum, part) => sum + way[part], 0) / delivered)));
    const line = (area.bottom - area.top) / (2 * lanes.length);
    let svg = "";
    lanes.forEach(({ name, letter }, i) => {
      const row = rows.get(name);
      const top = area.top + 2 * i * line;
      svg += `<text class="name" data-lane="${name}" x="${area.left - 26}" y="${top + line + 5}" text-anchor="end">${letter} ${name}</text>`;
      ["down", "up"].forEach((way, k) => {
        const y = top + k * line;
        svg += `<text class="tick" x="${area.left - 6}" y="${y + line / 2 + 5}" text-anchor="end">${way === "down" ? "↓" : "↑"}</text>`;
        if (!row?.delivered) return;
        let x = area.left;
        let sum = 0;
        for (const part of parts) {
          const bytes = row[way][part] / row.delivered;
          const wide = (bytes / most) * (area.right - area.left);
          if (bytes > 0) svg += `<rect class="part ${part}" x="${x.toFixed(1)}" y="${(y + 1).toFixed(1)}" width="${wide.toFixed(1)}" height="${(line - 2).toFixed(1)}"><title>${part}: ${number(bytes, 1)} B</title></rect>`;
          x += wide;
          sum += bytes;
        }
        svg += `<text class="tick" x="${x + 5}" y="${y + line / 2 + 5}">${number(sum, sum < 10 ? 1 : 0)} B</text>`;
      });
    });
    let x = area.left;
    for (const part of parts.slice(0, 5)) {
      svg += `<rect class="part ${part}" x="${x}" y="${height - 13}" width="11" height="11"/><text class="tick" x="${x + 15}" y="${height - 3}">${part}</text>`;
      x += 28 + part.length * 8;
    }
    picture.innerHTML = svg;
    picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
  }

  function tabulate() {
    const all = [...rows.values()].filter(({ transport }) => lanes.some(({ name }) => name === transport) || transport === "connection");
    fill(table, ["lane", "way", ...every, "total", "a message"], all.flatMap((row) =>
      ["down", "up"].map((way) => [
        way === "down" ? row.transport : "",
        way,
        ...every.map((part) => number(row[way][part])),
        number(row[way].total),
        row.delivered && way === "down" ? `${number(perMessage(row).bytes)} B` : "",
      ]),
    ));
  }

  return { update, show, row, rows: () => rows, caption: () => note.textContent, picture };
}

// frame writes a chart's frame: a heading, a button for each kind of view, the
// picture, the table and the note below.
function frame(element, title, kinds, update) {
  element.className = "chart";
  element.innerHTML = `
    <h2>${title} <span class="kinds">${kinds.map((kind) => `<button type="button" aria-pressed="false">${kind}</button>`).join("")}</span></h2>
    <svg xmlns="http://www.w3.org/2000/svg" role="img"></svg>
    <div class="scroll" tabindex="0" role="region" hidden><table></table></div>
    <p class="label note"></p>`;
  const [picture, box, note] = ["svg", ".scroll", ".note"].map((selector) => element.querySelector(selector));
  picture.setAttribute("aria-label", `${title}; its figures are in the table`);
  box.setAttribute("aria-label", `${title}, the table`);
  const buttons = [...element.querySelectorAll("button")];
  for (const button of buttons) button.addEventListener("click", () => show(button.textContent));

  // show shows this kind, or the one after the present one.
  function show(kind = kinds[(kinds.indexOf(element.dataset.kind) + 1) % kinds.length]) {
    element.dataset.kind = kind;
    for (const button of buttons) button.setAttribute("aria-pressed", button.textContent === kind);
    picture.toggleAttribute("hidden", kind === "table");
    box.hidden = kind !== "table";
    update();
  }
  element.dataset.kind = kinds[0];
  buttons[0].setAttribute("aria-pressed", true);
  return { picture, table: element.querySelector("table"), note, show };
}

function size(picture) {
  const { clientWidth, clientHeight } = picture;
  return { width: Math.max(260, clientWidth), height: Math.max(110, clientHeight) };
}

// fill writes a table, as text.
function fill(table, heads, rows) {
  const row = (cells, tag) => {
    const tr = document.createElement("tr");
    cells.forEach((text, i) => {
      const cell = document.createElement(i === 0 && text ? "th" : tag);
      if (cell.tagName === "TH") cell.scope = tag === "th" ? "col" : "row";
      cell.textContent = text;
      tr.append(cell);
    });
    return tr;
  };
  table.replaceChildren(row(heads, "th"), ...rows.map((cells) => row(cells, "td")));
}
