import { pack, perMessage, unpack } from "../lab/ledger.js";
import { draw, fill, frame, size } from "./chart.js";
import { number } from "../figures/format.js";
import { put } from "../figures/text.js";

// The parts of a message's bytes that are drawn, in this order. What is paid
// once, and what page= adds, is in the table alone.
const parts = ["payload", "envelope", "framing", "head", "control", "tls", "unaccounted"];
const every = ["payload", "envelope", "framing", "head", "opening", "control", "tag", "tls", "unaccounted"];

// costs shows the bytes of a delivered message by part, in each direction, as the
// ledger has them; and beside them, to the same scale, those that this browser had
// by the other HTTP, if it was there. Where nothing was delivered they are bytes a
// second. row(name, row, since) gives it a row, beside(http, text) those others, which
// packed() has made there, alone() takes them away, and update draws.
export function costs(element, lanes, page) {
  const { picture, table, note, show } = frame(element, "Bytes a delivered message", ["bars", "table"], update);
  const own = { http: page.http, rows: new Map(), seconds: 0 };
  const sides = [own];
  let gone = !page.control; // the ledger is not to be had
  const heading = element.querySelector(".title");
  const alone = () => (sides.length = 1);

  function row(name, row, from) {
    gone = name === null;
    if (gone) return own.rows.clear();
    own.rows.set(name, row);
    own.seconds = (performance.now() - from) / 1000;
  }

  function beside(http, text) {
    const side = unpack(text);
    if (side) sides.push({ http, ...side });
  }

  function update() {
    const unaccounted = sides.flatMap(({ rows }) => [...rows.values()]).reduce((sum, { up, down }) => sum + up.unaccounted + down.unaccounted, 0);
    const counts = sides.map(({ http, rows, seconds }) => `${http} n ${lanes.map(({ name }) => number(rows.get(name)?.delivered ?? 0)).join(" · ")} in ${number(seconds)} s`);
    put(note, own.rows.size ? `unaccounted: ${number(unaccounted)} B; ${counts.join("; ")}; ${page.describe()}` : gone ? `no bytes: ${page.missing}` : "no bytes yet");
    element.dataset.unaccounted = own.rows.size ? unaccounted : "";
    if (element.dataset.kind === "table") return tabulate();
    // What was published before may still be fetched: what is pushed tells.
    const quiet = own.rows.size > 0 && sides.every(({ rows }) => ["sse", "websocket"].every((name) => !rows.get(name)?.delivered));
    put(heading, quiet ? "Bytes a second: no messages" : "Bytes a delivered message");
    const drawn = sides.map((side) => ({ ...side, per: (row) => (quiet ? side.seconds : row?.delivered) }));
    const all = size(picture);
    const narrow = all.width < 420;
    const left = narrow ? 44 : 132; // of the first side's bars
    const area = { top: sides.length > 1 ? 16 : 2, bottom: all.height - 20 };
    const wide = (all.width - left) / sides.length;
    const most = Math.max(1, ...drawn.flatMap(({ rows, per }) => lanes.flatMap(({ name }) => ["up", "down"].map((way) => sum(rows.get(name), way, per)))));
    const line = (area.bottom - area.top) / (2 * lanes.length);
    let svg = "";
    lanes.forEach(({ name, letter }, i) => {
      svg += `<text class="name" data-lane="${name}" x="${left - 26}" y="${area.top + (2 * i + 1) * line + 5}" text-anchor="end">${letter}${narrow ? "" : ` ${name}`}</text>`;
    });
    drawn.forEach(({ http, rows, per }, k) => {
      const x = left + k * wide;
      if (sides.length > 1) svg += `<text class="tick" x="${x}" y="11">${http}</text>`;
      svg += bars(rows, per, x, (wide - (line < 13 ? 150 : 76)) / most, area.top, line);
    });
    let x = narrow ? 2 : left;
    const used = (part) => sides.some(({ rows }) => lanes.some(({ name }) => rows.get(name)?.up[part] || rows.get(name)?.down[part]));
    for (const part of parts.filter(used)) {
      svg += `<rect class="part ${part}" x="${x}" y="${all.height - 15}" width="11" height="11"/><text class="tick" x="${x + 14}" y="${all.height - 5}">${part}</text>`;
      x += (narrow ? 18 : 28) + part.length * (narrow ? 7 : 8);
    }
    draw(picture, svg, all);
  }

  // sum is what of a row is drawn, in one direction, for each message or second.
  const sum = (row, way, per) => (row && per(row) ? parts.reduce((sum, part) => sum + row[way][part], 0) / per(row) : 0);

  // bars draws the bars of one side, down above up: from left, scale wide for each
  // byte.
  function bars(rows, per, left, scale, top, line) {
    let svg = "";
    lanes.forEach(({ name }, i) => {
      const row = rows.get(name);
      const write = (text, x, y, anchor = "start") => (svg += `<text class="tick" x="${x.toFixed(1)}" y="${(y + 5).toFixed(1)}" text-anchor="${anchor}">${text}</text>`);
      const totals = ["down", "up"].map((way, k) => {
        const y = top + (2 * i + k) * line;
        const total = sum(row, way, per);
        let x = left;
        for (const part of row && per(row) ? parts : []) {
          const bytes = row[way][part] / per(row);
          if (bytes > 0) svg += `<rect class="part ${part}" x="${x.toFixed(1)}" y="${(y + 1).toFixed(1)}" width="${(bytes * scale).toFixed(1)}" height="${(line - 1).toFixed(1)}"><title>${part}: ${number(bytes, 1)} B</title></rect>`;
          x += bytes * scale;
        }
        const text = number(total, total > 0 && total < 10 ? 1 : 0);
        if (line >= 13) write(way === "down" ? "↓" : "↑", left - 6, y + line / 2, "end");
        if (line >= 13 && row && per(row)) write(`${text} B`, x + 5, y + line / 2);
        return [text, x];
      });
      // Where two lines of text do not fit, one has both.
      if (line < 13 && row && per(row)) write(`↓ ${totals[0][0]} ↑ ${totals[1][0]} B`, Math.max(totals[0][1], totals[1][1]) + 5, top + (2 * i + 1) * line);
    });
    return svg;
  }

  function tabulate() {
    put(heading, "Bytes by part");
    const shown = [...lanes.map(({ name }) => name), "connection"];
    // A part that nobody has needs no column; what is unaccounted is always said.
    const had = every.filter((part) => part === "unaccounted" || sides.some(({ rows }) => shown.some((name) => rows.get(name)?.up[part] || rows.get(name)?.down[part])));
    fill(table, ["lane", "way", "a message", "total", ...had], sides.flatMap(({ http, rows }, k) => shown.map((name) => rows.get(name)).filter(Boolean).flatMap((row) =>
      ["down", "up"].map((way) => [
        way === "down" ? row.transport + (k ? `, ${http}` : "") : "",
        way,
        row.delivered && way === "down" ? `${number(perMessage(row).bytes)} B` : "",
        number(row[way].total),
        ...had.map((part) => number(row[way][part])),
      ]),
    )));
  }

  return { update, show, row, beside, alone, packed: () => pack(own), title: () => heading.textContent, caption: () => note.textContent, picture };
}
