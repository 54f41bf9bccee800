import { number } from "./format.js";
import { put } from "./put.js";

// The poll intervals that the slider stands on, in milliseconds.
const intervals = [100, 150, 200, 300, 500, 700, 1000, 1500, 2000, 3000, 5000, 7000, 10_000];

// The most readings a second that the source host takes.
const mostOfHost = 10;

const called = {
  host: "this host",
  market: "a market",
  none: "nothing",
  poisson: "at random instants",
  even: "evenly",
};

// controls shows and changes what the feed carries, through the control API at
// url, and the page's poll interval. Somebody else may change the feed too, so
// it asks every five seconds. onchange is called when either has changed.
export function controls(element, url, page, onchange) {
  element.innerHTML = `
    <form>
      <label>Source <select name="source"></select></label>
      <label>Rate <span><input name="rate" type="number" min="0" max="10000" step="any" required> /s</span></label>
      <label>Phase <select name="phase"></select></label>
      <div><label for="interval">Poll every</label> <output for="interval"></output>
        <input id="interval" name="interval" type="range" min="0" max="${intervals.length - 1}"></div>
    </form>
    <p role="status"></p>`;
  const form = element.querySelector("form");
  const { source, rate, phase, interval } = form.elements;
  const output = element.querySelector("output");
  const status = element.querySelector("p");
  let settings = null;
  let patches = 0; // that are on their way; what was asked before them is outdated

  form.addEventListener("submit", (event) => event.preventDefault());

  interval.value = intervals.indexOf(page.interval);
  interval.addEventListener("input", () => {
    page.interval = intervals[interval.value];
    showInterval();
    onchange();
  });
  showInterval();

  source.addEventListener("change", () => {
    const tooFast = source.value === "host" && settings.rate > mostOfHost;
    patch({ source: source.value, ...(tooFast && { rate: mostOfHost }) });
  });
  rate.addEventListener("change", () => {
    if (rate.reportValidity()) patch({ rate: rate.valueAsNumber });
  });
  phase.addEventListener("change", () => patch({ phase: phase.value }));

  function showInterval() {
    const text = `${number(page.interval / 1000, page.interval < 1000 ? 2 : 1)} s`;
    put(output, text);
    interval.setAttribute("aria-valuetext", text);
  }

  async function ask(init) {
    const answer = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(2000), ...init });
    const body = await answer.json();
    if (!answer.ok) throw new Error(body.error);
    return body;
  }

  async function patch(change) {
    patches++;
    try {
      show(await ask({ method: "PATCH", headers: { "Content-Type": "application/json" }, body: JSON.stringify(change) }));
      put(status, "");
      onchange();
    } catch (err) {
      put(status, `Not changed: ${err.message}`);
      if (settings) show(settings);
    } finally {
      patches--;
    }
  }

  async function refresh() {
    const before = patches;
    try {
      const answer = await ask();
      if (patches !== before) return settings;
      const same = settings && ["source", "rate", "phase", "payload"].every((key) => settings[key] === answer[key]);
      if (!settings) put(status, "");
      show(answer);
      if (!same) onchange();
    } catch (err) {
      settings = null;
      put(status, `The control address ${new URL(url).origin} does not answer (${err.message}): the feed's settings are not known.`);
    }
    for (const input of [source, rate, phase]) input.disabled = !settings;
    return settings;
  }

  function show(answer) {
    settings = answer;
    choices(source, answer.sources);
    choices(phase, answer.phases);
    // What is being typed is left alone.
    if (document.activeElement !== rate || patches) rate.value = answer.rate;
    source.value = answer.source;
    phase.value = answer.phase;
  }

  return { refresh };
}

// choices fills a select, once.
function choices(select, names) {
  if ([...select.options].map(({ value }) => value).join() === names.join()) return;
  select.replaceChildren(...names.map((name) => new Option(called[name] ?? name, name)));
}
