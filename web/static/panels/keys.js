import { notCut } from "../lab/network.js";
import { transports } from "../transports/transports.js";

/** @typedef {[string, (() => void)?]} Key what it does, in words, and what does it */

/**
 * keys has single keys as shortcuts, and a dialog that lists them.
 * @param {HTMLDialogElement} dialog
 * @param {object} parts
 * @param {import("../scenes/player.js").Player} parts.player
 * @param {import("../stage/stage.js").Stage} parts.diagram
 * @param {import("../lane/lanes.js").Lanes} parts.lanes
 * @param {import("./network.js").NetworkPanel} parts.network
 * @param {import("../stage/caption.js").Caption} parts.caption
 * @param {ReturnType<typeof import("../charts/curves.js").latencies>} parts.latencies
 * @param {ReturnType<typeof import("../charts/bars.js").costs>} parts.costs
 * @param {ReturnType<typeof import("./header.js").header>} parts.header
 * @param {(name: "charts" | "save") => void} parts.togglePanel
 */
export function keys(dialog, { player, diagram, lanes, network, caption, latencies, costs, header, togglePanel }) {
  let single = ""; // the lane that is singled out
  let enabled = true;

  function run() {
    diagram.scrub.unpause();
    player.run();
  }

  function space() {
    if (player.running()) return;
    if (player.ready()) run();
    else diagram.scrub.togglePause();
  }

  /** @param {number} i */
  function choose(i) {
    if (player.ready()) return player.answer(i);
    const { name } = transports[i];
    single = single === name ? "" : name;
    for (const { name, element } of lanes.list) element.classList.toggle("dim", single !== "" && single !== name);
  }

  function cut() {
    const names = single ? [single] : transports.map(({ name }) => name);
    network.cut("fin", 0, single)
      .then((reached) => caption.news(notCut(reached, names)))
      .catch((err) => caption.news(`Not cut: ${err.message}`));
  }

  function nextLatency() {
    const next = /** @type {Record<string, string>} */ ({ ECDF: "strip", strip: "percentiles" });
    latencies.show(next[latencies.kind()] ?? "ECDF");
  }

  function tables() {
    const on = latencies.kind() !== "table";
    latencies.show(on ? "table" : "ECDF");
    costs.show(on ? "table" : "bars");
  }

  /** @param {"charts" | "save"} name */
  function panel(name) {
    header.leaveProjector(); // which has no panels
    togglePanel(name);
  }

  function help() {
    if (dialog.open) dialog.close();
    else dialog.showModal();
  }

  /** @type {Record<string, Key>} */
  const table = {
    " ": ["run the step; else pause or resume", space],
    "1 – 4": ["answer the question; once the step has run, single out a lane"],
    a: ["run the step again", () => player.canRun() && run()],
    n: ["next step", player.next],
    b: ["back", player.back],
    r: ["replay the last seconds, 20× slower", diagram.scrub.toggleReplay],
    arrowleft: ["choose the line before", () => diagram.step(-1)],
    arrowright: ["choose the next line", () => diagram.step(1)],
    enter: ["the bytes of the chosen line", diagram.openChosen],
    "+": ["zoom in", () => diagram.scrub.zoom(1)],
    "-": ["zoom out", () => diagram.scrub.zoom(-1)],
    x: ["cut this page’s connections (FIN), or those of the lane that is singled out", cut],
    c: ["charts", () => panel("charts")],
    l: ["latency: distribution, strip, percentiles", nextLatency],
    t: ["charts as tables, or back", tables],
    s: ["save", () => panel("save")],
    h: ["the same page over HTTP/2, or HTTP/1.1", header.toOtherHTTP],
    f: ["projector", header.toggleProjector],
    d: ["dark or light", header.toggleTheme],
    "?": ["this list", help],
  };

  const rows = Object.entries(table).map(([key, [text]]) =>
    `<div><dt><kbd>${names[key] ?? key.toUpperCase()}</kbd></dt><dd>${text}</dd></div>`);
  dialog.innerHTML = `<h2>Keys</h2>
  <dl>${rows.join("")}</dl>
  <p><label><input type="checkbox" checked> single keys are shortcuts</label> <button type="button">Close</button></p>`;
  dialog.querySelector("input").addEventListener("change", ({ target }) => {
    enabled = /** @type {HTMLInputElement} */ (target).checked;
  });
  dialog.querySelector("button").addEventListener("click", () => dialog.close());

  listen((key) => table[key]?.[1] ?? (/^[1-4]$/.test(key) ? () => choose(Number(key) - 1) : undefined), () => enabled);
  return { help };
}

/** @type {Record<string, string>} */
const names = { " ": "Space", arrowleft: "←", arrowright: "→", enter: "Enter", "-": "−" };

/**
 * listen calls what belongs to a key that is pressed alone. Where a text is being typed, or a control has a use for the
 * key, it is left to that; and a switch turns all of it off (WCAG 2.2, 2.1.4).
 * @param {(key: string) => (() => void) | undefined} find
 * @param {() => boolean} enabled
 */
function listen(find, enabled) {
  // A click leaves the focus behind, which a pointer has no use for: the next key is for the page.
  let pointing = false;
  addEventListener("pointerdown", () => (pointing = true));
  addEventListener("click", ({ detail, target }) => {
    const pressed = /** @type {Element} */ (target).closest("button, summary");
    if (detail > 0) /** @type {HTMLElement} */ (pressed)?.blur();
  });
  addEventListener("change", ({ target }) => {
    const changed = /** @type {HTMLElement} */ (target);
    if (pointing && changed.matches("select")) changed.blur();
  });

  addEventListener("keydown", (event) => {
    pointing = false;
    if (!enabled() || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (wants(document.activeElement, event.key)) return;
    const act = find(event.key.toLowerCase());
    if (!act) return;
    event.preventDefault();
    act();
  });
}

/**
 * wants tells whether an element that has the focus has a use for a key.
 * @param {Element | null} element
 * @param {string} key
 */
function wants(element, key) {
  if (!element || element === document.body) return false;
  if (element.matches("input:not([type=range], [type=checkbox]), select, textarea")) return true;
  if (key.startsWith("Arrow")) return element.matches("input, [role=region]") || Boolean(element.closest("dialog"));
  if (key === "Enter") return element.matches("button, summary, input, a") || Boolean(element.closest("dialog"));
  return key === " " && element.matches("button, summary, [type=checkbox]");
}
