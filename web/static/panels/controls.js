import { number } from "../figures/format.js";
import { setText } from "../figures/text.js";

// The poll intervals that the slider stands on, in milliseconds.
const intervals = [50, 100, 150, 200, 300, 500, 700, 1000, 1500, 2000, 3000, 5000, 7000, 10_000];

// The most readings a second that the source host takes.
const mostOfHost = 10;

/**
 * Settings are the feed's, as the control API has them.
 * @typedef {object} Settings
 * @property {string} source
 * @property {number} rate messages a second
 * @property {string} phase
 * @property {number} [burst]
 * @property {number} [apart_ms]
 * @property {number} [payload]
 * @property {string} epoch of the feed
 * @property {number} head its newest id
 * @property {string[]} [sources] that there are
 * @property {string[]} [phases]
 */

const titles = {
  host: "this host",
  market: "a market",
  none: "nothing",
  poisson: "at random instants",
  even: "evenly",
};

/** @param {string} name of a source or a phase: one that has no title keeps its name */
const title = (name) => titles[name] ?? name;

/**
 * describe returns what the feed carries, in words.
 * @param {Settings | null} settings
 */
export function describe(settings) {
  if (!settings) return "unknown";
  const { source, rate, phase } = settings;
  if (source === "none") return "quiet";
  const pace = ["host", "market"].includes(source) ? `, ${number(rate, rate % 1 ? 1 : 0)}/s ${title(phase)}` : "";
  return title(source) + pace;
}

/**
 * controls shows and changes what the feed carries, and the page's poll interval and heartbeats.
 * @param {HTMLElement} element
 * @param {import("../lab/api.js").Ask} ask
 * @param {import("../lab/page.js").Page} page
 * @param {object} on
 * @param {() => void} on.change any of it has changed
 * @param {() => void} on.heartbeat the heartbeats have changed, and then any of it
 */
export function controls(element, ask, page, on) {
  element.innerHTML = `
    <form>
      <label>Source <select name="source"></select></label>
      <label>Rate <span><input name="rate" type="number" min="0" max="10000" step="any" required> /s</span></label>
      <label>Phase <select name="phase"></select></label>
      <div><label for="interval">Poll every</label> <output for="interval"></output>
        <input id="interval" name="interval" type="range" min="0" max="${intervals.length - 1}"></div>
      <label>Heartbeats <select name="beat">
        <option value="0">none seen</option><option value="5">every 5 s</option></select></label>
    </form>
    <p role="status"></p>`;
  const form = element.querySelector("form");
  const { source, rate, phase, interval, beat } = /** @type {Record<string, any>} */ (form.elements);
  const output = element.querySelector("output");
  const status = element.querySelector("p");
  /** @type {Settings | null} */
  let settings = null;
  /** @type {Settings | null} */
  let known = null; // the last of them that were known
  let patches = 0; // under way
  let changes = 0; // begun or ended: what was asked before is out of date

  form.addEventListener("submit", (event) => event.preventDefault());

  interval.addEventListener("input", () => setInterval(intervals[interval.value]));
  setInterval(page.interval);
  beat.addEventListener("change", () => setHeartbeat(Number(beat.value)));

  source.addEventListener("change", () => {
    const tooFast = source.value === "host" && rate.valueAsNumber > mostOfHost;
    patch({ source: source.value, ...(tooFast && { rate: mostOfHost }) });
  });
  rate.addEventListener("change", () => {
    if (rate.reportValidity()) patch({ rate: rate.valueAsNumber });
  });
  phase.addEventListener("change", () => patch({ phase: phase.value }));

  /** @param {number} ms one of the slider's */
  function setInterval(ms) {
    const same = page.interval === ms;
    if (!intervals.includes(ms)) throw new Error(`no slider stands on ${ms} ms`);
    page.setInterval(ms);
    interval.value = intervals.indexOf(ms);
    const text = `${number(ms / 1000, ms < 1000 ? 2 : 1)} s`;
    setText(output, text);
    interval.setAttribute("aria-valuetext", text);
    if (!same) on.change();
  }

  /** @param {number} seconds */
  function setHeartbeat(seconds) {
    beat.value = seconds;
    if (page.heartbeat === seconds) return;
    page.setHeartbeat(seconds);
    on.heartbeat();
    on.change();
  }

  /**
   * change changes the feed, or throws why not. With gently, what was measured is kept.
   * @param {Partial<Settings>} what
   */
  async function change(what, gently = false) {
    patches++;
    changes++;
    try {
      show(await ask("PATCH", `/control/feed?page=${page.me}`, what));
      setText(status, "");
      if (!gently) on.change();
    } finally {
      patches--;
      changes++;
    }
  }

  async function patch(what) {
    try {
      await change(what);
    } catch (err) {
      setText(status, `Not changed: ${err.message}`);
      if (settings) show(settings);
    }
  }

  // refresh asks what is set, which somebody else may have changed, and returns it; null: unknown.
  async function refresh() {
    const before = changes;
    try {
      const answer = await ask("GET", "/control/feed");
      if (changes !== before) return settings;
      const same = !known || ["source", "rate", "phase", "payload"].every((key) => known[key] === answer[key]);
      if (!settings) setText(status, "");
      show(answer);
      if (!same) on.change();
    } catch (err) {
      settings = null;
      setText(status, `Settings unknown: ${err.message}`);
    }
    for (const input of [source, rate, phase]) input.disabled = !settings;
    return settings;
  }

  /** @param {Settings} answer */
  function show(answer) {
    settings = known = answer;
    choices(source, answer.sources);
    choices(phase, answer.phases);
    // What is being typed is left alone.
    if (document.activeElement !== rate || patches) rate.value = answer.rate;
    source.value = answer.source;
    phase.value = answer.phase;
  }

  return { refresh, change, setInterval, setHeartbeat, now: () => settings };
}

/** @typedef {ReturnType<typeof controls>} Controls */

/**
 * choices fills a select, once.
 * @param {HTMLSelectElement} select
 * @param {string[]} names
 */
function choices(select, names) {
  if ([...select.options].map(({ value }) => value).join() === names.join()) return;
  select.replaceChildren(...names.map((name) => new Option(title(name), name)));
}
