import { number } from "../figures/format.js";
import { put } from "../figures/text.js";

// The poll intervals that the slider stands on, in milliseconds.
const intervals = [50, 100, 150, 200, 300, 500, 700, 1000, 1500, 2000, 3000, 5000, 7000, 10_000];

// The most readings a second that the source host takes.
const mostOfHost = 10;

const called = {
  host: "this host",
  market: "a market",
  none: "nothing",
  poisson: "at random instants",
  even: "evenly",
};

// calls says what a source or a phase is called here: one that this page does not know, by its own name.
const calls = (name) => called[name] ?? name;

// carries says what the feed carries.
export function carries(settings) {
  if (!settings) return "unknown";
  const { source, rate, phase } = settings;
  if (source === "none") return "quiet";
  return `${calls(source)}${["host", "market"].includes(source) ? `, ${number(rate, rate % 1 ? 1 : 0)}/s ${calls(phase)}` : ""}`;
}

// controls shows and changes what the feed carries, through the control API
// (ask), and the page's poll interval and heartbeats. refresh asks what is set,
// which somebody else may have changed, and returns it; null: it is not known.
// onchange is called when any has changed, onbeat when the heartbeats have.
export function controls(element, ask, page, onchange, onbeat) {
  element.innerHTML = `
    <form>
      <label>Source <select name="source"></select></label>
      <label>Rate <span><input name="rate" type="number" min="0" max="10000" step="any" required> /s</span></label>
      <label>Phase <select name="phase"></select></label>
      <div><label for="interval">Poll every</label> <output for="interval"></output>
        <input id="interval" name="interval" type="range" min="0" max="${intervals.length - 1}"></div>
      <label>Heartbeats <select name="beat"><option value="0">none seen</option><option value="5">every 5 s</option></select></label>
    </form>
    <p role="status"></p>`;
  const form = element.querySelector("form");
  const { source, rate, phase, interval, beat } = form.elements;
  const output = element.querySelector("output");
  const status = element.querySelector("p");
  let settings = null;
  let known = null; // the last of them that were known
  let patches = 0; // that are on their way
  let changes = 0; // begun or ended: what was asked before is out of date

  form.addEventListener("submit", (event) => event.preventDefault());

  interval.addEventListener("input", () => poll(intervals[interval.value]));
  poll(page.interval);
  beat.addEventListener("change", () => heartbeats(Number(beat.value)));

  source.addEventListener("change", () => {
    const tooFast = source.value === "host" && settings.rate > mostOfHost;
    patch({ source: source.value, ...(tooFast && { rate: mostOfHost }) });
  });
  rate.addEventListener("change", () => {
    if (rate.reportValidity()) patch({ rate: rate.valueAsNumber });
  });
  phase.addEventListener("change", () => patch({ phase: phase.value }));

  function poll(ms) {
    const same = page.interval === ms;
    if (!intervals.includes(ms)) throw new Error(`no slider stands on ${ms} ms`);
    page.interval = ms;
    interval.value = intervals.indexOf(ms);
    const text = `${number(page.interval / 1000, page.interval < 1000 ? 2 : 1)} s`;
    put(output, text);
    interval.setAttribute("aria-valuetext", text);
    if (!same) onchange();
  }

  function heartbeats(seconds) {
    beat.value = seconds;
    if (page.beat === seconds) return;
    page.beat = seconds;
    onbeat();
    onchange();
  }

  // change changes the feed, or throws why not. With gently, what was measured is kept.
  async function change(what, gently = false) {
    patches++;
    changes++;
    try {
      show(await ask("PATCH", "/control/feed", what));
      put(status, "");
      if (!gently) onchange();
    } finally {
      patches--;
      changes++;
    }
  }

  async function patch(what) {
    try {
      await change(what);
    } catch (err) {
      put(status, `Not changed: ${err.message}`);
      if (settings) show(settings);
    }
  }

  async function refresh() {
    const before = changes;
    try {
      const answer = await ask("GET", "/control/feed");
      if (changes !== before) return settings;
      const same = !known || ["source", "rate", "phase", "payload"].every((key) => known[key] === answer[key]);
      if (!settings) put(status, "");
      show(answer);
      if (!same) onchange();
    } catch (err) {
      settings = null;
      put(status, `Settings unknown: ${err.message}`);
    }
    for (const input of [source, rate, phase]) input.disabled = !settings;
    return settings;
  }

  function show(answer) {
    settings = known = answer;
    choices(source, answer.sources);
    choices(phase, answer.phases);
    // What is being typed is left alone.
    if (document.activeElement !== rate || patches) rate.value = answer.rate;
    source.value = answer.source;
    phase.value = answer.phase;
  }

  return { refresh, change, poll, heartbeats, now: () => settings };
}

// choices fills a select, once.
function choices(select, names) {
  if ([...select.options].map(({ value }) => value).join() === names.join()) return;
  select.replaceChildren(...names.map((name) => new Option(calls(name), name)));
}
