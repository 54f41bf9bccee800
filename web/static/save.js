// jsonl writes a run: a line on what it was measured under, and then a line for
// each stamp of each lane, in their order.
export function jsonl(settings, lanes) {
  const lines = lanes.flatMap(({ name, record }) => record.entries.map((entry) => ({ lane: name, ...entry })));
  lines.sort((a, b) => a.t - b.t);
  return [{ kind: "settings", ...settings }, ...lines].map((line) => `${JSON.stringify(line)}\n`).join("");
}

// csv writes the messages of a run, under the same settings as comments.
export function csv(settings, lanes) {
  const columns = ["lane", "epoch", "id", "at_us", "sent_ms", "came_ms", "one_way_ms", "error_ms"];
  const rows = lanes.flatMap(({ name, record }) => record.entries.filter(({ kind }) => kind === "message")
    .map(({ epoch, id, at, sent, t, error }) => [name, epoch, id, at, sent, t, sent === null ? null : t - sent, error]));
  rows.sort((a, b) => a[5] - b[5]);
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
export function save(element, make) {
  element.innerHTML = `<p>${Object.entries({ jsonl: "Run as JSON lines", csv: "Messages as CSV", latency: "Latency as SVG", bytes: "Bytes as SVG" })
    .map(([name, text]) => `<button type="button" data-save="${name}">${text}</button>`).join(" ")}</p>`;
  element.addEventListener("click", ({ target }) => target.dataset.save && download(target.dataset.save));

  function download(name) {
    const [file, type, text] = make[name]();
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = file;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  return { download };
}
