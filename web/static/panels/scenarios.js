import { number } from "../figures/format.js";
import { put } from "../figures/text.js";
import { feed, own, scenarios } from "../lab/scenarios.js";

// uses lets one of the six scenarios be chosen: the feed and polling are set like
// it, and this page is one of its clients. What that sends goes up by turns as a
// request and as a frame, and way writes what it took. Stopped, all is as before. It returns
// stop.
export function uses(element, { settings, page, way }) {
  element.innerHTML = `
    <form>
      <label>Scenario <select name="scenario">${scenarios.map(({ name }) => `<option>${name}</option>`).join("")}</select></label>
      <button>Run</button> <button type="button" disabled>Stop</button>
    </form>
    <p class="why"></p>
    <p role="status"></p>`;
  const form = element.querySelector("form");
  const { scenario: select } = form.elements;
  const [run, end] = form.querySelectorAll("button");
  const [why, status] = element.querySelectorAll("p");
  let running = null; // {stop: AbortController, before}

  const chosen = () => scenarios.find(({ name }) => name === select.value);
  select.addEventListener("change", show);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    start(chosen());
  });
  end.addEventListener("click", stop);
  addEventListener("hashchange", stop);
  show();

  function show() {
    const { clients, rate, payload, burst, apart, direction, interval, why: use } = chosen();
    const what = `${clients} clients, ${number(rate)} messages a second ${{ down: "down", both: "up, and down to all", up: "up, each answered" }[direction]}${burst > 1 ? `, in bursts of ${burst}, ${apart} ms apart` : ""}, ${payload} B of data each`;
    const mine = own(chosen());
    put(why, `${use} ${what}; polling every ${number(interval / 1000, 2)} s.${mine ? ` This page is one of them and sends ${number(mine, mine % 1 ? 1 : 0)} a second, by turns by POST and as a frame: see The way up.` : ""}`);
  }

  async function start(scenario) {
    await stop();
    const mine = (running = { stop: new AbortController(), before: { ...settings.now(), interval: page.interval } });
    put(status, "");
    [run.disabled, select.disabled, end.disabled] = [true, true, false];
    try {
      await settings.change(feed(scenario));
      if (running !== mine) return;
      settings.poll(scenario.interval);
      if (own(scenario)) await send(scenario, mine.stop.signal);
    } catch (err) {
      if (running !== mine) return;
      await stop();
      put(status, `Not run: ${err.message}`);
    }
  }

  async function stop() {
    if (!running) return;
    const { stop, before } = running;
    running = null;
    stop.abort();
    [run.disabled, select.disabled, end.disabled] = [false, false, true];
    const { source, rate, phase, burst, apart_ms, payload, interval } = before;
    settings.poll(interval);
    await settings.change({ source, rate, phase, burst, apart_ms, payload }).catch((err) => put(status, `Not as before: ${err.message}`));
  }

  // send sends this page's share, in an open loop: it does not wait for what is on
  // its way. What has not come back is written as it is: one less.
  async function send(scenario, signal) {
    const { direction, payload, burst, apart } = scenario;
    const kind = direction === "both" ? "chat" : "echo";
    const text = "x".repeat(payload - (kind === "chat" ? '{"chat":"","mark":"abcdef"}'.length : 0));
    const pause = (ms) => new Promise((go) => setTimeout(go, ms));
    await way.begin();
    let due = performance.now();
    let costed = due;
    for (let turn = 0; !signal.aborted; turn++) {
      for (let i = 0; i < burst && !signal.aborted; i++) {
        way.say(turn % 2 ? "frame" : "POST", kind, text).catch((err) => signal.aborted || put(status, `Not all came back: ${err.message}`));
        await pause(apart);
      }
      if (performance.now() - costed > 1000) {
        await way.cost();
        costed = performance.now();
      }
      due += (-Math.log(1 - Math.random()) * 1000 * burst) / own(scenario);
      await pause(due - performance.now());
    }
    await pause(500); // until the lab has counted all of it
    await way.cost();
  }

  return { stop };
}
