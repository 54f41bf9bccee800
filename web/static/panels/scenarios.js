import { number } from "../figures/format.js";
import { setText } from "../figures/text.js";

/**
 * Scenario is one of the six uses of chapter 15, as GET /control/scenarios has them.
 * @typedef {object} Scenario
 * @property {string} name
 * @property {"down" | "both" | "up"} direction the server publishes; clients publish, all read; clients send, and are
 * answered
 * @property {number} rate messages a second, of all clients together
 * @property {number} payload bytes of data
 * @property {number} burst messages that are published together
 * @property {number} apart_ms milliseconds between these
 * @property {number} clients
 * @property {number} interval_ms as rarely as polling may ask
 * @property {string} why
 */

/**
 * others returns what the lab is to publish: what the other clients send.
 * @param {Scenario} scenario
 */
function others({ direction, rate, payload, burst, apart_ms, clients }) {
  if (direction === "up") return { source: "none" };
  const share = direction === "both" ? (rate * (clients - 1)) / clients : rate;
  return { source: "market", rate: share, phase: "poisson", burst, apart_ms, payload };
}

/**
 * own returns how many messages a second this page sends, as one of the clients.
 * @param {Scenario} scenario
 */
const own = ({ direction, rate, clients }) => (direction === "down" ? 0 : rate / clients);

/**
 * scenarios lets one of the six scenarios be chosen: the feed and polling are set like it, and this page is one of
 * its clients. It sends in turns by a request and by a frame, and upstream writes what that took. Stopped, all is as
 * before.
 * @param {HTMLElement} element
 * @param {import("../lab/api.js").Ask} ask
 * @param {import("../lab/page.js").Page} page
 * @param {import("./controls.js").Controls} settings
 * @param {import("./upstream.js").Upstream} upstream
 */
export function scenarios(element, ask, page, settings, upstream) {
  element.innerHTML = `
    <form>
      <label>Use case <select name="scenario" disabled></select></label>
      <button disabled>Run</button> <button type="button" disabled>Stop</button>
    </form>
    <p class="why"></p>
    <p role="status"></p>`;
  const form = element.querySelector("form");
  const select = element.querySelector("select");
  const [runButton, stopButton] = form.querySelectorAll("button");
  const [why, status] = element.querySelectorAll("p");
  /** @type {Scenario[] | null} */
  let all = null; // null: unknown
  /** @type {{stop: AbortController, before: any} | null} */
  let running = null; // before: what was set

  const chosen = () => all.find(({ name }) => name === select.value);
  select.addEventListener("change", show);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    start(chosen());
  });
  stopButton.addEventListener("click", stop);
  addEventListener("hashchange", stop);

  // refresh asks which scenarios there are, until that is known, and returns them; null: unknown.
  async function refresh() {
    if (all) return all;
    try {
      all = await ask("GET", "/control/scenarios");
      select.replaceChildren(...all.map(({ name }) => new Option(name)));
      [select.disabled, runButton.disabled] = [false, false];
      setText(status, "");
      show();
    } catch (err) {
      setText(status, `Use cases unknown: ${err.message}`);
    }
    return all;
  }

  function show() {
    const scenario = chosen();
    const { clients, rate, payload, burst, apart_ms, direction, interval_ms } = scenario;
    const directions = { down: "downstream", both: "upstream, and downstream to all", up: "upstream, each answered" };
    const bursts = burst > 1 ? `, in bursts of ${burst}, ${apart_ms} ms apart` : "";
    const pace = `${number(rate)} messages a second ${directions[direction]}${bursts}`;
    const polls = `polling every ${number(interval_ms / 1000, 2)} s.`;
    const mine = own(scenario);
    const part = `This page is one of them and sends ${number(mine, mine % 1 ? 1 : 0)} a second, ` +
      "in turns by POST and as a frame: see Send.";
    const text = `${scenario.why} ${clients} clients, ${pace}, ${payload} B of data each; ${polls}`;
    setText(why, mine ? `${text} ${part}` : text);
  }

  /** @param {Scenario} scenario */
  async function start(scenario) {
    await stop();
    const mine = (running = { stop: new AbortController(), before: { ...settings.now(), interval: page.interval } });
    setText(status, "");
    [runButton.disabled, select.disabled, stopButton.disabled] = [true, true, false];
    try {
      await settings.change(others(scenario));
      if (running !== mine) return;
      settings.setInterval(scenario.interval_ms);
      if (own(scenario)) await send(scenario, mine.stop.signal);
    } catch (err) {
      if (running !== mine) return;
      await stop();
      setText(status, `Not run: ${err.message}`);
    }
  }

  // stop restores what was set before.
  async function stop() {
    if (!running) return;
    const { stop, before } = running;
    running = null;
    stop.abort();
    [runButton.disabled, select.disabled, stopButton.disabled] = [false, false, true];
    const { source, rate, phase, burst, apart_ms, payload, interval } = before;
    settings.setInterval(interval);
    await settings.change({ source, rate, phase, burst, apart_ms, payload })
      .catch((err) => setText(status, `Not as before: ${err.message}`));
  }

  /**
   * send sends this page's share, in an open loop: it does not wait for what is under way.
   * @param {Scenario} scenario
   * @param {AbortSignal} signal
   */
  async function send(scenario, signal) {
    const { direction, payload, burst, apart_ms } = scenario;
    const kind = direction === "both" ? "chat" : "echo";
    const text = "x".repeat(payload - (kind === "chat" ? '{"chat":"","mark":"abcdef"}'.length : 0));
    const failed = (err) => signal.aborted || setText(status, `Not all came back: ${err.message}`);
    const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
    await upstream.start();
    let due = performance.now();
    let costed = due;
    for (let turn = 0; !signal.aborted; turn++) {
      for (let i = 0; i < burst && !signal.aborted; i++) {
        upstream.send(turn % 2 ? "frame" : "POST", kind, text).catch(failed);
        await sleep(apart_ms);
      }
      if (performance.now() - costed > 1000) {
        await upstream.cost();
        costed = performance.now();
      }
      due += (-Math.log(1 - Math.random()) * 1000 * burst) / own(scenario);
      await sleep(due - performance.now());
    }
    await sleep(500); // until the lab has counted all of it
    await upstream.cost();
  }

  return { refresh, stop };
}
