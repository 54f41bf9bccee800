import { difference } from "../scenes/checks.js";
import { latency, number } from "../figures/format.js";
import { put } from "../figures/text.js";
import { quantile } from "../figures/quantile.js";

// way is the way up: the same text by POST, a request each time, and as a frame
// of a WebSocket that is open; as a chat, which comes back on all lanes to all, or
// as an echo, which comes back to its sender alone. It writes how long that took,
// the median of the last 200 of a run, as exact as two stamps of a clock with that
// grain are, and what it cost by the ledger. It returns seen, to be told of every
// message, and begin(), say(way, kind, text) and cost(), to send more than once.
export function way(element, { address, me, ask, send, interval, wires, grain }) {
  const ways = { POST: "request (POST)", frame: "frame" };
  const backs = ["echo", ...wires.map(({ name }) => name)];
  element.innerHTML = `
    <form>
      <label>Say <input name="text" maxlength="1000" autocomplete="off" value="Hello" required></label>
      <button name="kind" value="chat">Chat</button>
      <button name="kind" value="echo">Echo</button>
    </form>
    <div class="scroll" tabindex="0" role="region" aria-label="The way up"><table>
      <thead><tr>${["by", "sent", "bytes up", "answer", "echoed", ...wires.map(({ name }) => `on ${name}`)].map((head) => `<th scope="col">${head}</th>`).join("")}</tr></thead>
      <tbody>${Object.entries(ways).map(([name, title]) => `<tr data-way="${name}"><th scope="row">${title}</th>${"<td>–</td>".repeat(3 + backs.length)}</tr>`).join("")}</tbody>
    </table></div>
    <p role="status"></p>`;
  const form = element.querySelector("form");
  const status = element.querySelector("[role=status]");
  const waits = new Map(); // by its mark, what is told of a chat that is on its way
  let echo = null; // the WebSocket to echo by, once it was asked for
  let echoing = []; // what is told of the echoes that are on their way
  let run; // {before, sent, back}

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const kind = event.submitter?.value ?? "chat";
    put(status, "");
    for (const button of form.querySelectorAll("button")) button.disabled = true;
    try {
      await begin();
      for (const way of Object.keys(ways)) {
        // What follows upon a poll waits for the whole of polling's interval.
        if (way === "frame" && kind === "chat") await new Promise((go) => setTimeout(go, Math.random() * interval()));
        await say(way, kind, form.elements.text.value);
      }
      await new Promise((go) => setTimeout(go, 300)); // until the lab has counted it
      await cost();
    } catch (err) {
      put(status, `Not sent: ${err.message}`);
    }
    for (const button of form.querySelectorAll("button")) button.disabled = false;
  });

  // begin begins a run.
  async function begin() {
    if (echo?.readyState !== 1) await open();
    const counts = (make) => Object.fromEntries(Object.keys(ways).map((way) => [way, make()]));
    run = { before: await rows(), sent: counts(() => ({ echo: 0, chat: 0 })), back: counts(() => Object.fromEntries(backs.map((back) => [back, []]))) };
    write();
  }

  // say says a text by that way, and waits until it is back wherever it is due.
  async function say(way, kind, text) {
    const mine = run;
    mine.sent[way][kind]++;
    const t = performance.now();
    const came = (back) => {
      const took = mine.back[way][back];
      took.push(performance.now() - t);
      if (took.length > 200) took.shift();
      if (mine === run) write();
    };
    await (kind === "chat" ? chat(way, text, came) : echoes[way](text).then(() => came("echo")));
  }

  // rows returns the ledger's, by name. Where it is not to be had it says why, and returns null: a text
  // can be sent all the same.
  async function rows() {
    try {
      const { rows } = await ask("GET", `/control/ledger?page=${me}`);
      return Object.fromEntries(rows.map((row) => [row.transport, row]));
    } catch (err) {
      put(status, `No bytes: ${err.message}`);
      return null;
    }
  }

  // cost writes what the run has cost until now, for each that was sent.
  async function cost() {
    const mine = run;
    const after = await rows();
    if (mine !== run || !after || !mine.before) return;
    mine.costs = { POST: spent(["publish", "echo"], after), frame: spent(["websocket", "websocket/echo"], after) };
    write();
  }

  // spent is what these rows have more than when the run began, without what page=
  // adds, what is paid once and heartbeats. Down on the lane come others' messages,
  // too: a frame has no answer but its echo.
  function spent(transports, after) {
    const more = transports.filter((name) => after[name]).map((name) => [name, difference(after[name], run.before[name])]);
    const bytes = ({ total, tag, opening, control }) => total - tag - opening - control;
    return {
      n: more.reduce((sum, [name, { requests, sent }]) => sum + (name.startsWith("websocket") ? sent : requests), 0), // that are counted
      up: more.reduce((sum, [, { up }]) => sum + bytes(up), 0),
      head: more.reduce((sum, [, { up }]) => sum + up.head, 0),
      down: more.reduce((sum, [name, { down }]) => sum + (name === "websocket" ? 0 : bytes(down)), 0),
    };
  }

  function write() {
    for (const tr of element.querySelectorAll("[data-way]")) {
      const { way } = tr.dataset;
      const [sent, up, down, ...cells] = tr.querySelectorAll("td");
      const cost = run.costs?.[way];
      const each = (bytes) => number(bytes / cost.n);
      put(sent, number(run.sent[way].echo + run.sent[way].chat));
      put(up, cost?.n ? `${each(cost.up)} B${cost.head ? `, head ${each(cost.head)}` : ""}` : "–");
      put(down, cost?.n ? (cost.down ? `${each(cost.down)} B` : "nothing") : "–");
      backs.forEach((back, i) => {
        const took = run.back[way][back];
        const due = run.sent[way][back === "echo" ? "echo" : "chat"];
        put(cells[i], took.length ? latency(quantile(took, 0.5), 2 * grain) : due ? "…" : "–");
      });
    }
  }

  async function post(text, path) {
    const answer = await fetch(address(path), { method: "POST", body: text, signal: AbortSignal.timeout(10_000) });
    const body = await answer.text();
    if (!answer.ok) throw new Error(JSON.parse(body).error);
  }

  const echoes = {
    POST: (text) => post(text, "/echo"),
    frame: (text) => patient((done) => {
      echoing.push(done); // they come back in their order
      echo.send(text);
    }),
  };

  const chat = (way, text, came, mark = Math.random().toString(36).slice(2, 8)) => patient((done, fail) => {
    const missing = new Set(wires.map(({ name }) => name));
    const body = JSON.stringify({ chat: text, mark });
    waits.set(mark, (name) => {
      if (missing.delete(name)) came(name);
      if (!missing.size) done();
    });
    if (way === "POST") post(body, "/publish").catch(fail);
    else send(body);
  }).finally(() => waits.delete(mark));

  const open = () => patient((done, fail) => {
    echo = new WebSocket(address("/websocket/echo").replace(/^http/, "ws"));
    echoing = [];
    echo.onmessage = () => echoing.shift()?.();
    echo.onopen = done;
    echo.onerror = () => fail(new Error("the echo’s WebSocket does not open"));
  });

  function patient(start) {
    let late;
    return new Promise((done, fail) => {
      late = setTimeout(fail, 20_000, new Error("not all was back within 20 s"));
      start(done, fail);
    }).finally(() => clearTimeout(late));
  }

  return { seen: (name, { data }) => waits.get(data?.mark)?.(name), begin, say, cost };
}
