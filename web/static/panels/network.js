import { number, time } from "../figures/format.js";
import { put } from "../figures/text.js";

const units = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, µs: 1e-3, us: 1e-3, ns: 1e-6 };

// milliseconds reads one of Go's durations, such as "1m0.5s" or "100ms".
export function milliseconds(text) {
  const parts = [...text.matchAll(/([\d.]+)(h|ms|µs|us|ns|m|s)/g)];
  if (!parts.length || parts.map(([part]) => part).join("") !== text) throw new Error(`"${text}" is no duration`);
  return parts.reduce((sum, [, digits, unit]) => sum + Number(digits) * units[unit], 0);
}

// describe says what a network is like.
export function describe({ rtt, jitter, kbps }) {
  const parts = [rtt ? `RTT ${time(rtt)}` : "no delay"];
  if (jitter) parts.push(`jitter ${time(jitter)}`);
  if (kbps) parts.push(`${number(kbps)} kbit/s`);
  return parts.join(" · ");
}

// unclaimed tells whether a page that was just opened may set the network without being asked
// to: nobody has set one, and no other page measures under what is in force. rows are the ledger's.
export const unclaimed = (network, rows, me) => network?.set === false && rows.every(({ page }) => page === "" || page === me);

const titles = { polling: "polling", longpoll: "long-polling", sse: "SSE", websocket: "WebSocket" };

// spared says which of these lanes a cut has not met, or "".
export function spared(met, lanes) {
  const list = lanes.filter((name) => !met.includes(name)).map((name) => titles[name]);
  return list.length ? `Not cut: ${list.join(" and ")}, whose last connection carries another lane by now.` : "";
}

// network shows and changes the network between the lab and all who read from
// it, and cuts this page's connections. It returns refresh, set(network), begin(network),
// cut(kind, seconds, lane) and restart, which return the lanes that were cut. onchange is called
// with what is in force, or null; oncut with the lanes that a cut hit.
export function network(element, ask, me, wires, { onchange, oncut }) {
  element.innerHTML = `
    <form>
      <label>RTT <span><input name="rtt" type="number" min="0" max="60000" step="any" required> ms</span></label>
      <label>Jitter <span><input name="jitter" type="number" min="0" max="60000" step="any" required> ms</span></label>
      <label>Bandwidth <span><input name="kbps" type="number" min="0" max="10000000" step="any" required> kbit/s</span></label>
      <label>Cut <select name="lane"><option value="">all lanes</option>${wires.map(({ name }) => `<option>${name}</option>`).join("")}</select></label>
      <span><button type="button" data-cut="fin">FIN</button> <button type="button" data-cut="rst">RST</button>
      <button type="button" data-cut="silence">Silence, 20 s</button></span>
      <button type="button" data-restart>Restart the server</button>
    </form>
    <p role="status"></p>`;
  const form = element.querySelector("form");
  const status = element.querySelector("p");
  const inputs = ["rtt", "jitter", "kbps"].map((name) => form.elements[name]);
  const all = wires.map(({ name }) => name);
  let now = null;

  form.addEventListener("submit", (event) => event.preventDefault());
  for (const input of inputs) {
    input.addEventListener("change", () => {
      if (input.reportValidity()) told(set({ ...now, [input.name]: input.valueAsNumber }));
    });
  }
  for (const button of form.querySelectorAll("[data-cut]")) {
    const kind = button.dataset.cut;
    button.addEventListener("click", () => {
      const { value: lane } = form.elements.lane;
      told(cut(kind, kind === "silence" ? 20 : 0, lane).then((met) => put(status, spared(met, lane ? [lane] : all))));
    });
  }
  form.querySelector("[data-restart]").addEventListener("click", () => told(restart()));

  // told says what has failed.
  async function told(promise) {
    try {
      put(status, "");
      await promise;
    } catch (err) {
      put(status, `Not done: ${err.message}`);
      if (now) show(now);
    }
  }

  function show(network) {
    if (!now && network) put(status, ""); // it is known again
    const same = now && network && describe(now) === describe(network);
    now = network;
    for (const input of inputs) {
      input.disabled = !network;
      if (network && document.activeElement !== input) input.value = network[input.name];
    }
    for (const button of form.querySelectorAll("button")) button.disabled = !network;
    if (!same) onchange(network);
    return network;
  }

  const read = ({ rtt, jitter, kbps, set }) => ({ rtt: milliseconds(rtt), jitter: milliseconds(jitter), kbps, set });

  async function refresh() {
    try {
      return show(read(await ask("GET", "/control/network")));
    } catch (err) {
      put(status, `Network unknown: ${err.message}`);
      return show(null);
    }
  }

  const set = async ({ rtt = 0, jitter = 0, kbps = 0 }) =>
    show(read(await ask("PUT", "/control/network", { rtt: `${rtt}ms`, jitter: `${jitter}ms`, kbps })));

  // begin sets the network for a page that was just opened, if that changes nothing for anybody.
  async function begin(wanted) {
    if (now?.set === false && unclaimed(now, (await ask("GET", "/control/ledger")).rows, me)) await set(wanted);
  }

  async function cut(kind, seconds = 0, lane = "") {
    const t = performance.now();
    const { lanes } = await ask("POST", "/control/cuts", { kind, page: me, ...(seconds && { for: `${seconds}s` }), ...(lane && { lane }) });
    oncut(lanes, { kind: "cut", t, cut: kind, lasting: seconds * 1000 });
    return lanes;
  }

  async function restart() {
    const t = performance.now();
    await ask("POST", "/control/restart");
    oncut(all, { kind: "cut", t, cut: "restart", lasting: 0 });
    return all;
  }

  return { refresh, set, begin: (wanted) => told(begin(wanted)), cut, restart };
}
