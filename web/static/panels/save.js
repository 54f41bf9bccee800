import { number } from "../figures/format.js";
import { setText } from "../figures/text.js";

/**
 * Recorded is a lane with its record.
 * @typedef {{name: string, record: Pick<import("../lane/record.js").Record, "entries">}} Recorded
 */

/**
 * entries returns what the records have of a run, sorted, each with its lane; of the messages those that were published
 * from an instant on. Before, a message may be missing on one lane only because the others' records go further back.
 * @param {Recorded[]} lanes
 * @param {number} from µs of the server's clock
 */
function entries(lanes, from) {
  const all = lanes.flatMap(({ name, record }) => record.entries.map((entry) => ({ lane: name, ...entry })));
  return all.filter(({ kind, at }) => kind !== "message" || at >= from).sort((a, b) => a.t - b.t);
}

/**
 * jsonl writes a run: a line on what it was measured under, and then a line for each stamp of each lane, in their
 * order.
 * @param {object} settings
 * @param {Recorded[]} lanes
 * @param {number} from
 */
export function jsonl(settings, lanes, from) {
  const lines = [{ kind: "settings", ...settings }, ...entries(lanes, from)];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

/**
 * csv writes the messages of a run, under the same settings as comments.
 * @param {object} settings
 * @param {Recorded[]} lanes
 * @param {number} from
 */
export function csv(settings, lanes, from) {
  const columns = ["lane", "epoch", "id", "at_us", "sent_ms", "came_ms", "one_way_ms", "error_ms"];
  const rows = entries(lanes, from).filter(({ kind }) => kind === "message")
    .map(({ lane, epoch, id, at, sent, t, error }) =>
      [lane, epoch, id, at, sent, t, sent === null ? null : t - sent, error]);
  const cell = (x) => (typeof x === "number" && !Number.isInteger(x) ? x.toFixed(3) : x ?? "");
  const comments = Object.entries(settings)
    .map(([name, x]) => `# ${name}: ${typeof x === "object" ? JSON.stringify(x) : x}`);
  return [...comments, columns.join(), ...rows.map((row) => row.map(cell).join())].map((line) => `${line}\n`).join("");
}

const looks = [
  "fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap", "font-size", "font-family", "font-weight",
];

/**
 * picture returns a chart as a file of its own: with the looks that it has now, its title above and its caption below.
 * @param {SVGSVGElement} svg
 * @param {string} title
 * @param {string} caption
 */
export function picture(svg, title, caption) {
  const { width, height } = svg.viewBox.baseVal;
  const copy = /** @type {SVGSVGElement} */ (svg.cloneNode(true));
  const [from, to] = [svg, copy].map((root) => [...root.querySelectorAll("path, rect, text")]);
  from.forEach((element, i) => {
    const style = getComputedStyle(element);
    for (const name of looks) to[i].setAttribute(name, style.getPropertyValue(name));
  });
  copy.setAttribute("viewBox", `0 -24 ${width} ${height + 48}`);
  copy.setAttribute("width", String(width));
  copy.setAttribute("height", String(height + 48));
  const add = (tag, attributes, text = "") => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
    element.textContent = text;
    return element;
  };
  const { color, backgroundColor } = getComputedStyle(svg.closest(".chart"));
  const text = { x: 4, "font-family": "sans-serif", fill: color };
  copy.prepend(add("rect", { y: -24, width: "100%", height: "100%", fill: backgroundColor }));
  copy.append(
    add("text", { ...text, y: -8, "font-size": "14px", "font-weight": 700 }, title),
    add("text", { ...text, y: height + 16, "font-size": "11px" }, caption),
  );
  return new XMLSerializer().serializeToString(copy);
}

const titles = { jsonl: "Run as JSON lines", csv: "Messages as CSV", latency: "Latency as SVG", bytes: "Bytes as SVG" };

/**
 * save has a button for each kind of file.
 * @param {HTMLElement} element
 * @param {object} parts
 * @param {import("../lab/page.js").Page} parts.page
 * @param {import("../lane/lanes.js").Lanes} parts.lanes
 * @param {import("./controls.js").Controls} parts.settings
 * @param {ReturnType<typeof import("../charts/curves.js").latencies>} parts.latencies
 * @param {ReturnType<typeof import("../charts/bars.js").costs>} parts.costs
 */
export function save(element, { page, lanes, settings, latencies, costs }) {
  const buttons = Object.entries(titles)
    .map(([name, text]) => `<button type="button" data-save="${name}">${text}</button>`);
  element.innerHTML = `<p>${buttons.join(" ")}</p><p class="since"></p>`;
  element.addEventListener("click", ({ target }) => {
    const { save: name } = /** @type {HTMLElement} */ (target).dataset;
    if (name) download(name);
  });

  /** @type {Record<string, () => [string, string, string]>} the name of each file, its type and its text */
  const make = {
    jsonl: () => ["fourwires.jsonl", "application/jsonl", jsonl(about(), lanes.list, lanes.run.whole)],
    csv: () => ["fourwires.csv", "text/csv", csv(about(), lanes.list, lanes.run.whole)],
    latency() {
      if (latencies.kind() === "table") latencies.show("ECDF"); // a table is no picture
      const title = `One-way latency: ${latencies.kind()}`;
      return ["latency.svg", "image/svg+xml", picture(latencies.picture, title, latencies.caption())];
    },
    bytes() {
      if (costs.kind() === "table") costs.show("bars");
      return ["bytes.svg", "image/svg+xml", picture(costs.picture, costs.title(), costs.caption())];
    },
  };

  // recorded returns since when, by the server's clock, the records have on each lane what was published, if it
  // arrived: since the page was opened, as long as nothing is forgotten.
  const recorded = () => new Date(lanes.run.whole ? lanes.run.whole / 1000 : performance.timeOrigin);

  // about returns what a run was measured under, how far the records go back, and where each lane's cursor is: a
  // message behind it is not lost, but on its way.
  function about() {
    const { best, jumps } = page.clock;
    return {
      since: recorded().toISOString(),
      lanes: Object.fromEntries(lanes.list.map(({ name, cursor, tally }) =>
        [name, { cursor: cursor(), lost: tally.lost, in_gaps: tally.gone }])),
      lab: page.lab,
      browser: navigator.userAgent,
      page: page.me,
      when: new Date().toISOString(),
      origin: performance.timeOrigin,
      http: page.http,
      network: page.network,
      feed: settings.now(),
      interval_ms: page.interval,
      heartbeat_s: page.heartbeat,
      clock: best && { offset_ms: best.offset, error_ms: best.error, jumps },
    };
  }

  function download(name) {
    const [file, type, text] = make[name]();
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = file;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  // update writes since when there is something to save.
  function update() {
    const since = recorded().toTimeString().slice(0, 8);
    const forgotten = lanes.run.forgot > -Infinity ? " Earlier entries are forgotten." : "";
    const text = `Recorded: what was published since ${since}, on all lanes alike (${number(lanes.run.kept)} entries).`;
    setText(element.querySelector(".since"), text + forgotten);
  }

  return { update };
}
