import { number } from "../figures/format.js";
import { setText } from "../figures/text.js";
import { directions, pack, partName, parts, perMessage, unaccounted, unpack } from "../lab/bytes.js";
import { draw, each, fill, frame, size } from "./chart.js";

/** @typedef {import("../lab/bytes.js").Row} Row */

// The parts that are drawn. What is paid once, and what page= adds, is in the table alone.
const drawnParts = parts.filter((part) => part !== "opening" && part !== "tag");

/**
 * costs shows the bytes per delivered message by part, in each direction, as the ledger has them; and beside them, to
 * the same scale, those that this browser had by the other version of HTTP, if there are any. Where nothing was
 * delivered they are bytes a second.
 * @param {HTMLElement} element
 * @param {import("../lane/lane.js").Lane[]} lanes
 * @param {import("../lab/page.js").Page} page
 */
export function costs(element, lanes, page) {
  const { picture, table, note, show } = frame(element, "Bytes per message", ["bars", "table"], update);
  /** @type {{http: string, rows: Map<string, Row>, seconds: number}} */
  const own = { http: page.http, rows: new Map(), seconds: 0 };
  const sides = [own];
  let isMissing = !page.control; // the ledger cannot be had
  const heading = element.querySelector(".title");

  /**
   * row takes what was counted of a transport, or of the connections, since an instant.
   * @param {Row} row
   * @param {number} since
   */
  function row(row, since) {
    isMissing = false;
    own.rows.set(row.transport, row);
    own.seconds = (performance.now() - since) / 1000;
  }

  // missing forgets the rows: the ledger cannot be had.
  function missing() {
    isMissing = true;
    own.rows.clear();
  }

  // alone takes the other version of HTTP away.
  const alone = () => (sides.length = 1);

  /**
   * beside takes what packed returned on the page by another version of HTTP.
   * @param {string} http
   * @param {string} text
   */
  function beside(http, text) {
    const side = unpack(text);
    if (side) sides.push({ http, ...side });
  }

  function update() {
    const nameless = sides.flatMap(({ rows }) => [...rows.values()]).reduce((sum, row) => sum + unaccounted(row), 0);
    const counts = sides.map(({ http, rows, seconds }) => {
      const delivered = lanes.map(({ name }) => rows.get(name)?.delivered ?? 0);
      return `${http}: ${each(delivered, lanes.map(({ title }) => title))} in ${number(seconds)} s`;
    });
    if (own.rows.size) setText(note, `unaccounted: ${number(nameless)} B; ${counts.join("; ")}; ${page.description}`);
    else setText(note, isMissing ? `no bytes: ${page.missing}` : "no bytes yet");
    element.dataset.unaccounted = own.rows.size ? String(nameless) : "";
    if (element.dataset.kind === "table") return tabulate();
    // What was published before may still be fetched: only streams show that nothing is published.
    const streams = lanes.filter(({ transport }) => transport.streams);
    const silent = ({ rows }) => streams.every(({ name }) => !rows.get(name)?.delivered);
    const quiet = own.rows.size > 0 && sides.every(silent);
    setText(heading, quiet ? "Bytes per second: no messages" : "Bytes per message");
    const drawn = sides.map((side) => {
      /** @param {Row} row */
      const per = (row) => (quiet ? side.seconds : row?.delivered);
      return { ...side, per };
    });
    const all = size(picture);
    const narrow = all.width < 420;
    const left = narrow ? 44 : 132; // of the first side's bars
    const area = { top: sides.length > 1 ? 16 : 2, bottom: all.height - 20 };
    const wide = (all.width - left) / sides.length;
    const most = Math.max(1, ...drawn.flatMap(({ rows, per }) =>
      lanes.flatMap(({ name }) => directions.map((direction) => sum(rows.get(name), direction, per)))));
    const line = (area.bottom - area.top) / (2 * lanes.length);
    let svg = "";
    lanes.forEach(({ name, title, letter }, i) => {
      const y = area.top + (2 * i + 1) * line + 5;
      const text = narrow ? letter : title;
      svg += `<text class="name" data-lane="${name}" x="${left - 26}" y="${y}" text-anchor="end">${text}</text>`;
    });
    drawn.forEach(({ http, rows, per }, k) => {
      const x = left + k * wide;
      if (sides.length > 1) svg += `<text class="tick" x="${x}" y="11">${http}</text>`;
      svg += bars(rows, per, x, (wide - (line < 13 ? 150 : 76)) / most, area.top, line);
    });
    let x = narrow ? 2 : left;
    const names = lanes.map(({ name }) => name);
    for (const part of drawnParts.filter((part) => isUsed(part, names))) {
      svg += `<rect class="part ${part}" x="${x}" y="${all.height - 15}" width="11" height="11"/>`;
      svg += `<text class="tick" x="${x + 14}" y="${all.height - 5}">${partName(part)}</text>`;
      x += (narrow ? 18 : 28) + partName(part).length * (narrow ? 7 : 8);
    }
    draw(picture, svg, all);
  }

  const isUsed = (part, names) =>
    sides.some(({ rows }) => names.some((name) => rows.get(name)?.up[part] || rows.get(name)?.down[part]));

  // sum returns the bytes of a row that are drawn, in one direction, for each message or second.
  const sum = (row, direction, per) =>
    row && per(row) ? drawnParts.reduce((sum, part) => sum + row[direction][part], 0) / per(row) : 0;

  // bars draws the bars of one side, downstream above upstream: from left, scale wide for each byte.
  function bars(rows, per, left, scale, top, line) {
    let svg = "";
    lanes.forEach(({ name }, i) => {
      const row = rows.get(name);
      const write = (text, x, y, anchor = "start") => {
        const at = `x="${x.toFixed(1)}" y="${(y + 5).toFixed(1)}"`;
        svg += `<text class="tick" ${at} text-anchor="${anchor}">${text}</text>`;
      };
      const totals = directions.map((direction, k) => {
        const y = top + (2 * i + k) * line;
        const total = sum(row, direction, per);
        let x = left;
        for (const part of row && per(row) ? drawnParts : []) {
          const bytes = row[direction][part] / per(row);
          if (bytes > 0) {
            const [left, top, width, height] = [x, y + 1, bytes * scale, line - 1].map((px) => px.toFixed(1));
            svg += `<rect class="part ${part}" x="${left}" y="${top}" width="${width}" height="${height}">`;
            svg += `<title>${partName(part)}: ${number(bytes, 1)} B</title></rect>`;
          }
          x += bytes * scale;
        }
        const text = number(total, total > 0 && total < 10 ? 1 : 0);
        if (line >= 13) write(direction === "down" ? "↓" : "↑", left - 6, y + line / 2, "end");
        if (line >= 13 && row && per(row)) write(`${text} B`, x + 5, y + line / 2);
        return /** @type {[string, number]} */ ([text, x]);
      });
      // Where two lines of text do not fit, one has both.
      const [[down, downEnd], [up, upEnd]] = totals;
      if (line < 13 && row && per(row)) {
        write(`↓ ${down} ↑ ${up} B`, Math.max(downEnd, upEnd) + 5, top + (2 * i + 1) * line);
      }
    });
    return svg;
  }

  const titleOf = (transport) => lanes.find(({ name }) => name === transport)?.title ?? transport;

  function tabulate() {
    setText(heading, "Bytes by part");
    const shown = [...lanes.map(({ name }) => name), "connection"];
    // A part that no row has needs no column; what is unaccounted is always shown.
    const columns = parts.filter((part) => part === "unaccounted" || isUsed(part, shown));
    const cells = (row, suffix) => directions.map((direction) => [
      direction === "down" ? titleOf(row.transport) + suffix : "",
      `${direction}stream`,
      row.delivered && direction === "down" ? `${number(perMessage(row).bytes)} B` : "",
      number(row[direction].total),
      ...columns.map((part) => number(row[direction][part])),
    ]);
    const lines = sides.flatMap(({ http, rows }, k) =>
      shown.filter((name) => rows.has(name)).flatMap((name) => cells(rows.get(name), k ? `, ${http}` : "")));
    fill(table, ["lane", "direction", "per message", "total", ...columns.map(partName)], lines);
  }

  return {
    update, show, row, missing, beside, alone, picture,
    kind: () => element.dataset.kind,
    packed: () => pack(own),
    title: () => heading.textContent,
    caption: () => note.textContent,
  };
}
