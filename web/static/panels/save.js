import { put } from "../figures/text.js";

// entries returns what the records have of a run, sorted, each with its lane; of the
// messages those that were published from `from` on, in µs of the server's clock. Before,
// a message may be missing on one lane only because the others' records go further back.
function entries(lanes, from) {
  const all = lanes.flatMap(({ name, record }) => record.entries.map((entry) => ({ lane: name, ...entry })));
  return all.filter(({ kind, at }) => kind !== "message" || at >= from).sort((a, b) => a.t - b.t);
}

// jsonl writes a run: a line on what it was measured under, and then a line for
// each stamp of each lane, in their order.
export function jsonl(settings, lanes, from) {
  return [{ kind: "settings", ...settings }, ...entries(lanes, from)].map((line) => `${JSON.stringify(line)}\n`).join("");
}

// csv writes the messages of a run, under the same settings as comments.
export function csv(settings, lanes, from) {
  const columns = ["lane", "epoch", "id", "at_us", "sent_ms", "came_ms", "one_way_ms", "error_ms"];
  const rows = entries(lanes, from).filter(({ kind }) => kind === "message")
    .map(({ lane, epoch, id, at, sent, t, error }) => [lane, epoch, id, at, sent, t, sent === null ? null : t - sent, error]);
  const cell = (x) => (x === null || x === undefined ? "" : typeof x === "number" && !Number.isInteger(x) ? x.toFixed(3) : x);
  const comments = Object.entries(settings).map(([name, x]) => `# ${name}: ${typeof x === "object" ? JSON.stringify(x) : x}`);
  return [...comments, columns.join(), ...rows.map((row) => row.map(cell).join())].map((line) => `${line}\n`).join("");
}

// picture returns a chart as a file of its own: with the looks that it has now, its
// title above and its caption below.
export function picture(svg, title, caption) {
  const { width, height } = svg.viewBox.baseVal;
  const copy = svg.cloneNode(true);
  const [from, to] = [svg, copy].map((root) => [...root.querySelectorAll("path, rect, text")]);
  from.forEach((element, i) => {
    const style = getComputedStyle(element);
    for (const name of ["fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap", "font-size", "font-family", "font-weight"]) {
      to[i].setAttribute(name, style.getPropertyValue(name));
    }
  });
  copy.setAttribute("viewBox", `0 -24 ${width} ${height + 48}`);
  copy.setAttribute("width", width);
  copy.setAttribute("height", height + 48);
  const add = (tag, attributes, text = "") => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
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

// save has a button for each kind of file. make returns them: {name: [file, type, text]}.
// update(text) writes since when there is something to save.
export function save(element, make) {
  element.innerHTML = `<p>${Object.entries({ jsonl: "Run as JSON lines", csv: "Messages as CSV", latency: "Latency as SVG", bytes: "Bytes as SVG" })
    .map(([name, text]) => `<button type="button" data-save="${name}">${text}</button>`).join(" ")}</p><p class="since"></p>`;
  element.addEventListener("click", ({ target }) => target.dataset.save && download(target.dataset.save));

  function download(name) {
    const [file, type, text] = make[name]();
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = file;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  return { download, update: (text) => put(element.querySelector(".since"), text) };
}
