import { setText } from "../figures/text.js";
import { describe, milliseconds, notCut, unclaimed } from "../lab/network.js";
import { transports } from "../transports/transports.js";

/** @typedef {import("../lab/network.js").Network} Network */

/**
 * network shows and changes the network between the lab and all who read from it, and cuts this page's connections.
 * @param {HTMLElement} element
 * @param {import("../lab/api.js").Ask} ask
 * @param {string} me
 * @param {object} on
 * @param {(network: Network | null) => void} on.change what is in force has changed; null: it is unknown
 * @param {(reached: string[], entry: import("../lane/record.js").Entry) => void} on.cut the lanes that a cut reached
 */
export function network(element, ask, me, on) {
  const all = transports.map(({ name }) => name);
  const lanes = transports.map(({ name, title }) => `<option value="${name}">${title}</option>`).join("");
  element.innerHTML = `
    <form>
      <label>Round trip <span><input name="rtt" type="number" min="0" max="60000" step="any" required> ms</span></label>
      <label>Jitter <span><input name="jitter" type="number" min="0" max="60000" step="any" required> ms</span></label>
      <label>Bandwidth <span><input name="kbps" type="number" min="0" max="10000000" step="any" required>
        kbit/s</span></label>
      <label>Cut <select name="lane"><option value="">all lanes</option>${lanes}</select></label>
      <span><button type="button" data-cut="fin">FIN</button> <button type="button" data-cut="rst">RST</button>
      <button type="button" data-cut="silence">Silence, 20 s</button></span>
      <button type="button" data-restart>Restart the server</button>
    </form>
    <p role="status"></p>`;
  const form = element.querySelector("form");
  const status = element.querySelector("p");
  const fields = /** @type {Record<string, any>} */ (form.elements);
  const inputs = /** @type {HTMLInputElement[]} */ (["rtt", "jitter", "kbps"].map((name) => fields[name]));
  /** @type {Network | null} */
  let now = null; // in force

  form.addEventListener("submit", (event) => event.preventDefault());
  for (const input of inputs) {
    input.addEventListener("change", () => {
      if (input.reportValidity()) report(set({ ...now, [input.name]: input.valueAsNumber }));
    });
  }
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (form.querySelectorAll("[data-cut]"))) {
    const kind = button.dataset.cut;
    button.addEventListener("click", () => {
      const { value: lane } = fields.lane;
      report(cut(kind, kind === "silence" ? 20 : 0, lane)
        .then((reached) => setText(status, notCut(reached, lane ? [lane] : all))));
    });
  }
  form.querySelector("[data-restart]").addEventListener("click", () => report(restart()));

  /**
   * report writes why something has failed.
   * @param {Promise<unknown>} promise
   */
  async function report(promise) {
    try {
      setText(status, "");
      await promise;
    } catch (err) {
      setText(status, `Not done: ${err.message}`);
      if (now) show(now);
    }
  }

  /** @param {Network | null} network */
  function show(network) {
    if (!now && network) setText(status, ""); // it is known by now
    const same = now && network && describe(now) === describe(network);
    now = network;
    for (const input of inputs) {
      input.disabled = !network;
      const name = /** @type {"rtt" | "jitter" | "kbps"} */ (input.name);
      if (network && document.activeElement !== input) input.value = String(network[name]);
    }
    for (const button of form.querySelectorAll("button")) button.disabled = !network;
    if (!same) on.change(network);
    return network;
  }

  const read = ({ rtt, jitter, kbps, set }) => ({ rtt: milliseconds(rtt), jitter: milliseconds(jitter), kbps, set });

  // refresh asks what is in force, which somebody else may have changed, and returns it; null: unknown.
  async function refresh() {
    try {
      return show(read(await ask("GET", "/control/network")));
    } catch (err) {
      setText(status, `Network unknown: ${err.message}`);
      return show(null);
    }
  }

  /** @param {Partial<Network>} wanted */
  const set = async ({ rtt = 0, jitter = 0, kbps = 0 }) =>
    show(read(await ask("PUT", `/control/network?page=${me}`, { rtt: `${rtt}ms`, jitter: `${jitter}ms`, kbps })));

  /**
   * start sets the network for a page that was just opened, if that changes nothing for anybody.
   * @param {Partial<Network>} wanted
   */
  async function start(wanted) {
    if (now?.set === false && unclaimed(now, (await ask("GET", "/control/ledger")).rows, me)) await set(wanted);
  }

  /**
   * cut cuts this page's connections, or those of one lane, and returns the lanes that it reached.
   * @param {string} kind fin, rst or silence
   * @param {number} [seconds] of a silence
   * @param {string} [lane]
   * @returns {Promise<string[]>}
   */
  async function cut(kind, seconds = 0, lane = "") {
    const t = performance.now();
    const { lanes } = await ask("POST", "/control/cuts", {
      kind,
      page: me,
      ...(seconds && { for: `${seconds}s` }),
      ...(lane && { lane }),
    });
    on.cut(lanes, { kind: "cut", t, cut: kind, lasting: seconds * 1000 });
    return lanes;
  }

  // restart restarts the server, and returns all lanes.
  async function restart() {
    const t = performance.now();
    await ask("POST", `/control/restart?page=${me}`);
    on.cut(all, { kind: "cut", t, cut: "restart", lasting: 0 });
    return all;
  }

  return { refresh, set, start: (/** @type {Partial<Network>} */ wanted) => report(start(wanted)), cut, restart };
}

/** @typedef {ReturnType<typeof network>} NetworkPanel */
