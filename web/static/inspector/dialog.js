import { number, time } from "../figures/format.js";
import { setText } from "../figures/text.js";
import { api } from "../lab/api.js";
import { directions, partName, parts } from "../lab/bytes.js";
import { headerCosts, table } from "./costs.js";
import { curl } from "./curl.js";
import { dump, text } from "./dump.js";
import { fields, totals } from "./fields.js";
import { frameAt } from "./frame.js";
import { meaning, parts as partMeanings } from "./meanings.js";
import { hex } from "./octets.js";

/** @typedef {import("./inspector.js").Entry & {spans: import("./fields.js").Span[]}} Entry */

/**
 * Exchange is what the lab kept of one exchange.
 * @typedef {object} Exchange
 * @property {number} exchange
 * @property {number} conn
 * @property {string} transport
 * @property {string} http
 * @property {boolean} tls
 * @property {Entry[]} entries
 * @property {number} dropped entries that are no longer kept
 */

const mostFields = 400; // that are drawn
const mostRows = 700; // of hex
const mostHex = 512; // bytes of a field
const arrows = { up: "↑", down: "↓" };
const names = { longpoll: "long-polling", sse: "SSE", websocket: "WebSocket", "websocket/echo": "WebSocket (echo)" };
const nameOf = (transport) => names[transport] ?? transport;

/**
 * dialog shows the bytes of an exchange: as hex and text, and field by field, each coloured by its part.
 * @param {HTMLDialogElement} element
 * @param {import("./inspector.js").Page} page
 * @param {import("./inspector.js").Connections} all
 */
export function dialog(element, page, all) {
  const ask = api(page.control, page.missing);
  element.setAttribute("aria-labelledby", "inspector-title");
  element.innerHTML = `
    <header>
      <h2 id="inspector-title"></h2>
      <p class="what"></p>
      <p class="do">
        <button type="button" class="whole">Whole exchange</button>
        <button type="button" class="compare" aria-pressed="false">First and hundredth request</button>
        <button type="button" class="copy">Copy as curl</button>
        <button type="button" class="close">Close</button>
      </p>
    </header>
    <p class="news" role="status"></p>
    <code class="curl" tabindex="0" hidden></code>
    <ul class="rail" tabindex="0" aria-label="TCP connections of this page"></ul>
    <div class="panes">
      <div class="hex" tabindex="0" role="region" aria-label="Bytes, as hex and text"></div>
      <div class="right">
        <div class="fields" tabindex="0" role="listbox" aria-label="Fields"></div>
        <div class="detail" tabindex="0" role="region" aria-label="The chosen field"></div>
        <div class="costs" tabindex="0" role="region" aria-label="What each header costs" hidden></div>
      </div>
    </div>
    <div class="sums">
      <svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"></svg>
      <ul></ul>
      <p class="end"></p>
    </div>`;
  const [title, what, news, command, rail, panes, hexBox, list, detail, costs, bar, legend, end, whole, compare, copy] =
    ["h2", ".what", ".news", ".curl", ".rail", ".panes", ".hex", ".fields", ".detail", ".costs", ".bar", ".sums ul",
      ".end", ".whole", ".compare", ".copy"].map((name) => /** @type {HTMLElement} */ (element.querySelector(name)));

  /** @type {Exchange | null} */
  let shown = null;
  /** @type {{fields: import("./fields.js").Field[], at: number}[]} of each entry, and the number of its first field */
  let blocks = [];
  /** @type {Map<number, HTMLElement[]>} */
  let elements = new Map(); // by number of their field
  let count = 0; // fields that are drawn
  let chosen = 0;
  let opening = 0; // the number of the last call of open
  const narrow = matchMedia("(max-width: 36em)");

  /**
   * open shows the bytes of an exchange; with seq, only the request, the response's headers and that entry.
   * @param {number} exchange
   * @param {number} [seq]
   */
  async function open(exchange, seq = 0) {
    const call = ++opening;
    const answer = await ask("GET", path(exchange, seq)).catch((err) => err);
    if (call !== opening) return;
    shown = answer instanceof Error ? null : answer;
    blocks = [];
    setText(title, `Exchange ${exchange}`);
    setText(news, shown ? missing(shown) : refusal(answer.message));
    command.hidden = true;
    panes.hidden = !shown;
    whole.hidden = !seq || !shown;
    showCosts(false);
    if (shown) draw(seq);
    for (const box of [copy, compare, what, legend.parentElement]) box.hidden = !shown;
    copy.hidden = compare.hidden = !requestOf(shown);
    drawRail();
    if (!element.open) element.showModal();
    if (shown) {
      for (const box of [hexBox, list]) box.scrollTop = box.scrollHeight; // so that the chosen field is at the top
      const wanted = seq ? shown.entries.findIndex((entry) => entry.seq === seq) : 0;
      choose(blocks[Math.max(0, wanted)]?.at ?? 0);
      list.focus({ preventScroll: true });
      element.scrollTop = 0;
    }
  }

  const path = (exchange, seq) =>
    `/control/exchanges/${exchange}?page=${encodeURIComponent(page.me)}${seq ? `&seq=${seq}` : ""}`;

  element.addEventListener("close", () => {
    if (element.open) return; // once more, since
    shown = null;
    blocks = [];
    elements = new Map();
    for (const box of [hexBox, list, detail, costs]) box.replaceChildren();
  });

  function draw(seq) {
    const { exchange, transport, http, tls, conn, entries } = shown;
    const request = requestOf(shown);
    const response = entries.find(({ kind }) => kind === "response");
    setText(title, `${nameOf(transport)}, exchange ${exchange}`);
    const status = response ? ` → ${response.status}` : "";
    const none = transport === "connection" ? "bytes that belong to no single request" : "its request is not recorded";
    const line = request ? `${request.method} ${request.target}${status}` : none;
    setText(what, `${line} · HTTP/${http}${tls ? " with TLS" : ""} · TCP connection ${conn}`);
    element.dataset.transport = transport;
    at = 0;
    blocks = entries.map(({ spans }) => {
      const block = { fields: fields(spans), at };
      at += block.fields.length;
      return block;
    });
    drawFields();
    drawHex();
    drawSums(totals(entries.flatMap(({ spans }) => spans)));
    whole.hidden = !seq;
  }
  let at = 0; // the number of fields of the exchange

  function drawFields() {
    count = Math.min(at, mostFields);
    elements = new Map();
    const groups = shown.entries.map((entry, k) => {
      const { fields, at } = blocks[k];
      if (at >= count || !fields.length) return "";
      const heading = make("div", { class: "heading", role: "presentation" }, headingOf(entry, shown));
      heading.id = `inspector-entry-${entry.seq}`;
      let inside = false;
      const options = fields.slice(0, count - at).map((field, i) => {
        const { dir, part, role, size, text } = field;
        const begins = ["chunk size", "frame header", "FIN and opcode"].includes(role);
        const place = begins ? " begins" : inside ? " inside" : "";
        const option = make("div", { class: `field part ${part}${place}`, role: "option" },
          make("span", { class: "size" }, `${arrows[dir]} ${number(size)} B`),
          make("span", { class: "name" }, role),
          make("span", { class: "in" }, partName(part)),
          make("span", { class: "text" }, text));
        if (begins) inside = true;
        if (["chunk end", "end of the last chunk"].includes(role)) inside = false;
        option.id = `inspector-field-${at + i}`;
        Object.assign(option.dataset, { field: at + i, part, role, size, dir, text });
        elements.set(at + i, [option]);
        return option;
      });
      return make("div", { role: "group", "aria-labelledby": heading.id }, heading, ...options);
    });
    const more = `${number(at - count)} more fields are counted, but not drawn`;
    list.replaceChildren(...groups.filter(Boolean), at > count ? make("p", { role: "presentation" }, more) : "");
  }

  function drawHex() {
    const isNarrow = narrow.matches || "projector" in document.documentElement.dataset;
    const width = isNarrow ? 8 : 16;
    hexBox.classList.toggle("narrow", isNarrow);
    let rows = 0, left = 0;
    const drawn = shown.entries.map((entry, k) => {
      const { fields, at } = blocks[k];
      const all = dump(fields.slice(0, Math.max(0, count - at)), width, mostHex);
      const some = all.slice(0, Math.max(0, mostRows - rows));
      rows += some.length;
      left += all.length - some.length;
      if (!some.length) return "";
      const heading = make("div", { class: "heading" }, headingOf(entry, shown));
      return make("div", {}, heading, ...some.map(({ offset, pieces, note }) => {
        const row = make("div", { class: "row" },
          make("span", { class: "offset" }, note ? "" : offset.toString(16).padStart(4, "0")));
        if (note) {
          row.append(piece(note.field + at, fields[note.field].part, `… ${note.text}`));
          return row;
        }
        const [codes, texts] = [make("span", { class: "codes" }), make("span", { class: "texts" })];
        for (const { field, bytes } of pieces) {
          codes.append(piece(field + at, fields[field].part, [...bytes].map(hex).join(" ")));
          texts.append(piece(field + at, fields[field].part, text(bytes)));
        }
        row.append(codes, texts);
        return row;
      }));
    });
    const more = left ? make("p", {}, `${number(left)} more rows are not drawn`) : "";
    hexBox.replaceChildren(...drawn.filter(Boolean), more);
  }

  function piece(field, part, text) {
    const span = make("span", { class: `piece part ${part}`, "data-field": String(field) }, text);
    elements.get(field)?.push(span);
    return span;
  }

  // drawSums writes the sums of the parts in both directions, as lab wire does.
  function drawSums({ up, down }) {
    const used = parts.filter((part) => part !== "unaccounted" && up[part] + down[part] > 0);
    const all = up.total + down.total;
    let x = 0;
    bar.innerHTML = parts.map((part) => {
      const wide = ((up[part] + down[part]) / all) * 100;
      if (!wide) return "";
      x += wide;
      return `<rect class="part ${part}" data-part="${part}" x="${x - wide}" y="1" width="${wide}" height="8"/>`;
    }).join("");
    const cells = (sums) => directions.map((direction) => `${arrows[direction]} ${number(sums[direction])}`).join(" ");
    const item = (part, name, sums) => {
      const li = make("li", {}, `${name} ${cells(sums)} B`);
      Object.assign(li.dataset, sums, part && { part });
      if (!part) return li;
      li.prepend(make("span", { class: `swatch part ${part}` }));
      li.title = partMeanings[part];
      return li;
    };
    legend.replaceChildren(
      ...used.map((part) => item(part, partName(part), { up: up[part], down: down[part] })),
      item("", "total", { up: up.total, down: down.total }),
    );
    setText(end, `unaccounted: ${number(up.unaccounted + down.unaccounted)} B`);
  }

  function drawRail() {
    const items = [...all.all.values()].sort((a, b) => a.conn - b.conn).map((c) => {
      const current = c.conn === shown?.conn;
      const ended = c.closed ?? all.now;
      const was = c.closed === null ? "open" : "was open";
      const age = c.opened === null ? "" : `${was} ${time(Math.max(0, ended - c.opened) / 1000)}`;
      const http = c.http && `HTTP/${c.http}${c.tls ? ", TLS" : ""}`;
      const carried = [...c.requests].map(([name, n]) => (n ? `${number(n)} ${nameOf(name)}` : nameOf(name)));
      const about = [`TCP ${c.conn}`, http, age, carried.join(", "), `${number(c.bytes)} B`];
      const text = about.filter(Boolean).join(" · ");
      const li = make("li", { class: c.closed === null ? "" : "closed" });
      if (current) li.setAttribute("aria-current", "true");
      if (c.exchange) {
        const button = make("button", { type: "button" }, text);
        button.title = "its own bytes, which belong to no single request";
        button.addEventListener("click", () => open(c.exchange));
        li.append(button);
      } else {
        li.append(text);
      }
      return li;
    });
    rail.replaceChildren(...items);
    rail.hidden = !items.length;
    const current = /** @type {HTMLElement} */ (rail.querySelector("[aria-current]"));
    if (current) rail.scrollTop = current.offsetTop - rail.offsetTop;
  }

  /**
   * light marks the elements of a field, and the segment of its part; of no field, none.
   * @param {number} field
   */
  function light(field) {
    for (const lit of element.querySelectorAll(".lit")) lit.classList.remove("lit");
    const marked = elements.get(field);
    if (!marked) return;
    for (const one of marked) one.classList.add("lit");
    const part = marked[0].dataset.part;
    for (const one of element.querySelectorAll(`.sums [data-part="${part}"]`)) one.classList.add("lit");
  }

  /**
   * choose marks a field as chosen, and explains it.
   * @param {number} field
   */
  function choose(field) {
    chosen = Math.max(0, Math.min(field, count - 1));
    for (const old of list.querySelectorAll("[aria-selected]")) old.removeAttribute("aria-selected");
    const [option, piece] = elements.get(chosen) ?? [];
    if (!option) return;
    option.setAttribute("aria-selected", "true");
    list.setAttribute("aria-activedescendant", option.id);
    reveal(list, option);
    if (piece) reveal(hexBox, piece);
    light(chosen);
    explain();
  }

  /**
   * reveal scrolls a box so far that something in it can be seen.
   * @param {HTMLElement} box
   * @param {HTMLElement} inside
   */
  function reveal(box, inside) {
    const [outer, inner] = [box, inside].map((one) => one.getBoundingClientRect());
    const top = outer.top + box.querySelector(".heading").clientHeight; // which stays where it is
    if (inner.top < top) box.scrollTop -= top - inner.top;
    else if (inner.bottom > outer.bottom) box.scrollTop += Math.min(inner.bottom - outer.bottom, inner.top - top);
  }

  function explain() {
    const block = blocks.findLast(({ at, fields }) => at <= chosen && fields.length);
    const field = block.fields[chosen - block.at];
    const about = [`${partName(field.part)}: ${partMeanings[field.part]}.`, meaning(field)].join(" ");
    const frame = frameAt(block.fields, chosen - block.at);
    detail.replaceChildren(make("p", {}, about), ...(frame ? grid(frame) : []));
  }

  /** @param {ReturnType<typeof frameAt>} frame */
  function grid({ cells, key, wire, clear, more }) {
    const row = (tag, cells) => make("tr", {}, ...cells.map((text) => make(tag, {}, text)));
    const grid = make("table", { class: "grid" },
      row("th", cells.map(({ name }) => name)),
      row("td", cells.map(({ bits }) => bits)),
      row("td", cells.map(({ means }) => means)));
    if (!key) return [grid];
    const codes = (bytes) => [...bytes].map(hex);
    const line = (name, codes) =>
      make("tr", {}, make("th", { scope: "row" }, name), ...codes.map((code) => make("td", {}, code)));
    const xor = make("table", { class: "grid" },
      line("on the wire", codes(wire)),
      line("XOR key", codes(wire.map((_, i) => key[i % 4]))),
      line("payload", codes(clear)),
      line("", [...text(clear)]));
    return more ? [grid, xor, make("p", {}, `and ${number(more)} bytes more`)] : [grid, xor];
  }

  // showCosts shows what each header costs, in place of the fields.
  async function showCosts(on) {
    compare.setAttribute("aria-pressed", String(on));
    list.hidden = detail.hidden = on;
    costs.hidden = !on;
    if (!on) return;
    const call = opening;
    const { exchange, transport, http } = shown;
    const requests = all.requests(transport, http);
    const wanted = new Map([[exchange, "this request"]]);
    if (requests) {
      const first = requests.first === exchange ? "this one, the first" : "the first";
      wanted.delete(exchange);
      wanted.set(requests.first, first);
      if (requests.hundredth && requests.hundredth !== requests.first) wanted.set(requests.hundredth, "the hundredth");
      if (!wanted.has(requests.latest)) wanted.set(requests.latest, `number ${number(requests.count)}, the latest`);
      if (!wanted.has(exchange)) wanted.set(exchange, "this one");
    }
    const columns = [];
    for (const [number, name] of wanted) {
      const answer = await ask("GET", path(number, 0)).catch(() => null);
      const request = answer && requestOf(answer);
      if (call !== opening) return;
      if (request) columns.push({ name, costs: headerCosts(request.spans) });
    }
    const line = (cells, tag, scope) =>
      make("tr", {}, ...cells.map((text, i) => make(i ? tag : "th", i && tag === "td" ? {} : { scope }, text)));
    const note = http === "2"
      ? "= an index into a table of HPACK, + written out and added to the dynamic table. " +
        "Earlier requests on the connection, such as those for the page's files, have filled that table."
      : "HTTP/1.1 writes each header out in each request.";
    const rows = table(columns.map(({ costs }) => costs)).map((cells) => line(cells, "td", "row"));
    const heading = line(["bytes of", ...columns.map(({ name }) => name)], "th", "col");
    costs.replaceChildren(make("table", {}, heading, ...rows), make("p", {}, note));
  }

  for (const box of [list, hexBox]) {
    box.addEventListener("pointerover", (event) => light(Number(dataOf(event, "field") ?? chosen)));
    box.addEventListener("pointerleave", () => light(chosen));
    box.addEventListener("click", (event) => {
      const field = dataOf(event, "field");
      if (field !== undefined) choose(Number(field));
    });
  }
  legend.parentElement.addEventListener("pointerover", (event) => {
    const part = dataOf(event, "part");
    if (!part) return light(chosen);
    light(-1);
    const all = element.querySelectorAll(`.panes .part.${part}, .sums [data-part="${part}"]`);
    for (const one of all) one.classList.add("lit");
  });
  legend.parentElement.addEventListener("pointerleave", () => light(chosen));
  list.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -count, End: count }[event.key];
    if (!by || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    choose(chosen + by);
  });
  element.addEventListener("keydown", (event) => event.stopPropagation()); // or the page's keys would act behind it
  narrow.addEventListener("change", () => shown && (drawFields(), drawHex(), choose(chosen)));
  whole.addEventListener("click", () => open(shown.exchange));
  compare.addEventListener("click", () => showCosts(costs.hidden));
  copy.addEventListener("click", async () => {
    const request = requestOf(shown);
    setText(command, curl(/** @type {any} */ (request), request.spans));
    command.hidden = false;
    // Without TLS, and not on this computer, a browser gives no page the clipboard.
    const copied = await navigator.clipboard?.writeText(command.textContent).then(() => true, () => false);
    setText(news, copied ? "Copied." : "This browser keeps the clipboard from this page: copy the command below.");
    getSelection().selectAllChildren(command);
  });
  element.querySelector(".close").addEventListener("click", () => element.close());

  return open;
}

/**
 * dataOf returns a data attribute of the element at which an event happened, or of what that is in.
 * @param {Event} event
 * @param {"field" | "part"} name
 */
function dataOf({ target }, name) {
  const element = /** @type {HTMLElement} */ (/** @type {Element} */ (target).closest(`[data-${name}]`));
  return element?.dataset[name];
}

/** @param {Exchange | null} exchange */
const requestOf = (exchange) => exchange?.entries.find(({ kind }) => kind === "request");

/**
 * missing says how much of an exchange the lab no longer has.
 * @param {Exchange} exchange
 */
const missing = ({ dropped }) =>
  dropped ? `No longer kept of this exchange: ${number(dropped)} entries, each a message or the like.` : "";

/** @param {string} message */
const refusal = (message) =>
  message.includes("no longer kept")
    ? `${message}. The lab keeps the newest 256 KiB of a page, and the first exchange of each transport.`
    : message;

/**
 * headingOf names an entry, and says when it was.
 * @param {Entry} entry
 * @param {Exchange} exchange
 */
function headingOf({ kind, id, dir, role, from, to, cut, at, spans }, { entries }) {
  const name = {
    request: "request",
    response: "response headers",
    message: id ? `message #${id}` : dir === "up" ? "message upstream" : "message",
    gap: `gap #${from} to #${to}`,
    control: role,
    end: cut ? `end: ${cut}` : "end",
  }[kind] ?? kind;
  const after = (at - entries[0].at) / 1000;
  const size = spans.reduce((sum, { size }) => sum + size, 0);
  return `${name} · ${number(size)} B${after > 0 ? ` · after ${time(after)}` : ""}`;
}

/**
 * make returns an element. What came over a wire becomes text, never HTML.
 * @param {string} tag
 * @param {Record<string, string>} attributes
 * @param {(string | Node)[]} children
 */
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
