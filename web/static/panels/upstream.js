import { latency, number } from "../figures/format.js";
import { quantile } from "../figures/quantile.js";
import { setText } from "../figures/text.js";
import { byTransport, difference, recurring } from "../lab/bytes.js";
import { transports } from "../transports/transports.js";

/** @typedef {import("../lab/bytes.js").Row} Row */
/** @typedef {"POST" | "frame"} Method a request each, or a frame of a WebSocket that is open */
/** @typedef {"echo" | "chat"} Kind a chat returns on all lanes to all, an echo to its sender alone */

/**
 * Cost is what a method has cost.
 * @typedef {{n: number, up: number, head: number, down: number}} Cost
 */

/** @type {Record<Method, string>} */
const methods = { POST: "request (POST)", frame: "frame" };
const names = /** @type {Method[]} */ (Object.keys(methods));

/**
 * upstream sends texts upstream: the same by POST and as a frame, as a chat or as an echo. It writes how long that
 * took, the median of the last 200 of a run, as exact as two stamps of the page's clock are, and what it cost by the
 * ledger.
 * @param {HTMLElement} element
 * @param {import("../lab/page.js").Page} page
 * @param {import("../lab/api.js").Ask} ask
 * @param {(text: string) => void} sendFrame of the WebSocket's lane
 */
export function upstream(element, page, ask, sendFrame) {
  const lanes = transports.map(({ name }) => name); // on which a chat returns
  const returns = ["echo", ...lanes];
  const headings = ["by", "sent", "bytes upstream", "response", "echoed", ...transports.map(({ title }) => `on ${title}`)];
  element.innerHTML = `
    <form>
      <label>Text <input name="text" maxlength="1000" autocomplete="off" value="Hello" required></label>
      <button name="kind" value="chat">Chat</button>
      <button name="kind" value="echo">Echo</button>
    </form>
    <div class="scroll" tabindex="0" role="region" aria-label="Upstream: POST or frame"><table>
      <thead><tr>${headings.map((heading) => `<th scope="col">${heading}</th>`).join("")}</tr></thead>
      <tbody>${names.map((name) => `<tr data-method="${name}"><th scope="row">${methods[name]}</th>${
        "<td>–</td>".repeat(3 + returns.length)}</tr>`).join("")}</tbody>
    </table></div>
    <p role="status"></p>`;
  const form = element.querySelector("form");
  const status = element.querySelector("[role=status]");
  /** @type {Map<string, (lane: string) => void>} by its mark, what a chat that is under way does on each lane */
  const waiting = new Map();
  /** @type {WebSocket | null} */
  let echo = null; // once it was asked for
  /** @type {(() => void)[]} */
  let echoing = []; // what each echo that is under way does when it returns
  /**
   * @type {{
   *   before: Record<string, Row> | null, sent: Record<Method, Record<Kind, number>>,
   *   took: Record<Method, Record<string, number[]>>, costs?: Record<Method, Cost>,
   * }} before: the ledger when it began; took: milliseconds, by what returned
   */
  let run;

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const kind = /** @type {Kind} */ (/** @type {HTMLButtonElement} */ (event.submitter)?.value ?? "chat");
    const text = /** @type {HTMLInputElement} */ (form.elements.namedItem("text")).value;
    setText(status, "");
    for (const button of form.querySelectorAll("button")) button.disabled = true;
    try {
      await start();
      for (const method of names) {
        // Right after a poll, all would wait for the whole of polling's interval.
        if (method === "frame" && kind === "chat") await sleep(Math.random() * page.interval);
        await send(method, kind, text);
      }
      await sleep(300); // until the lab has counted it
      await cost();
    } catch (err) {
      setText(status, `Not sent: ${err.message}`);
    }
    for (const button of form.querySelectorAll("button")) button.disabled = false;
  });

  // start starts a run.
  async function start() {
    if (echo?.readyState !== 1) await open();
    run = {
      before: await rows(),
      sent: byMethod(() => ({ echo: 0, chat: 0 })),
      took: byMethod(() => Object.fromEntries(returns.map((name) => [name, []]))),
    };
    write();
  }

  /**
   * send sends a text, and waits until it has returned wherever it is due.
   * @param {Method} method
   * @param {Kind} kind
   * @param {string} text
   */
  async function send(method, kind, text) {
    const mine = run;
    mine.sent[method][kind]++;
    const t = performance.now();
    /** @param {string} name */
    const returned = (name) => {
      const took = mine.took[method][name];
      took.push(performance.now() - t);
      if (took.length > 200) took.shift();
      if (mine === run) write();
    };
    await (kind === "chat" ? chat(method, text, returned) : echoes[method](text).then(() => returned("echo")));
  }

  // rows returns the ledger's rows by name. Where they cannot be had it writes why, and returns null: a text can be
  // sent all the same.
  async function rows() {
    try {
      return byTransport(await ask("GET", `/control/ledger?page=${page.me}`));
    } catch (err) {
      setText(status, `No bytes: ${err.message}`);
      return null;
    }
  }

  // cost writes what the run has cost until now.
  async function cost() {
    const mine = run;
    const after = await rows();
    if (mine !== run || !after || !mine.before) return;
    mine.costs = { POST: spent(["publish", "echo"], after), frame: spent(["websocket", "websocket/echo"], after) };
    write();
  }

  /**
   * spent returns what was added to these rows since the run began, without what page= adds, what is paid once and
   * heartbeats. Downstream the lane carries others' messages, too: a frame has no answer but its echo.
   * @param {string[]} transports
   * @param {Record<string, Row>} after
   * @returns {Cost}
   */
  function spent(transports, after) {
    const total = { n: 0, up: 0, head: 0, down: 0 };
    for (const name of transports) {
      if (!after[name]) continue;
      const { requests, sent, up, down } = difference(after[name], run.before[name]);
      total.n += name.startsWith("websocket") ? sent : requests;
      total.up += recurring(up) - up.control;
      total.head += up.head;
      if (name !== "websocket") total.down += recurring(down) - down.control;
    }
    return total;
  }

  function write() {
    for (const tr of /** @type {NodeListOf<HTMLElement>} */ (element.querySelectorAll("[data-method]"))) {
      const method = /** @type {Method} */ (tr.dataset.method);
      const [sent, up, down, ...cells] = tr.querySelectorAll("td");
      const cost = run.costs?.[method];
      /** @param {number} bytes */
      const each = (bytes) => number(bytes / cost.n);
      setText(sent, number(run.sent[method].echo + run.sent[method].chat));
      setText(up, cost?.n ? `${each(cost.up)} B${cost.head ? `, headers ${each(cost.head)}` : ""}` : "–");
      setText(down, cost?.n ? (cost.down ? `${each(cost.down)} B` : "nothing") : "–");
      returns.forEach((name, i) => {
        const took = run.took[method][name];
        const due = run.sent[method][name === "echo" ? "echo" : "chat"];
        setText(cells[i], took.length ? latency(quantile(took, 0.5), 2 * page.clock.grain) : due ? "…" : "–");
      });
    }
  }

  /**
   * @param {string} text
   * @param {string} path
   */
  async function post(text, path) {
    const signal = AbortSignal.timeout(10_000);
    const response = await fetch(page.address(path), { method: "POST", body: text, signal });
    const body = await response.text();
    if (!response.ok) throw new Error(JSON.parse(body).error);
  }

  /** @type {Record<Method, (text: string) => Promise<void>>} */
  const echoes = {
    POST: (text) => post(text, "/echo"),
    frame: (text) => patient((done) => {
      echoing.push(done); // they return in their order
      echo.send(text);
    }),
  };

  /**
   * @param {Method} method
   * @param {string} text
   * @param {(lane: string) => void} returned
   */
  function chat(method, text, returned) {
    const mark = Math.random().toString(36).slice(2, 8);
    return patient((done, fail) => {
      const missing = new Set(lanes);
      const body = JSON.stringify({ chat: text, mark });
      waiting.set(mark, (name) => {
        if (missing.delete(name)) returned(name);
        if (!missing.size) done();
      });
      if (method === "POST") post(body, "/publish").catch(fail);
      else sendFrame(body);
    }).finally(() => waiting.delete(mark));
  }

  const open = () => patient((done, fail) => {
    echo = new WebSocket(page.address("/websocket/echo").replace(/^http/, "ws"));
    echoing = [];
    echo.onmessage = () => echoing.shift()?.();
    echo.onopen = done;
    echo.onerror = () => fail(new Error("the WebSocket of the echo does not open"));
  });

  /**
   * seen takes each message of a lane.
   * @param {string} lane
   * @param {{data?: any}} message
   */
  const seen = (lane, { data }) => waiting.get(data?.mark)?.(lane);

  return { seen, start, send, cost };
}

/** @typedef {ReturnType<typeof upstream>} Upstream */

/**
 * @template T
 * @param {() => T} make
 * @returns {Record<Method, T>}
 */
const byMethod = (make) => ({ POST: make(), frame: make() });

/** @param {number} ms */
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/**
 * patient waits for what it starts, 20 s at most.
 * @param {(done: () => void, fail: (err: Error) => void) => void} start
 * @returns {Promise<void>}
 */
function patient(start) {
  let timer;
  return new Promise((done, fail) => {
    timer = setTimeout(fail, 20_000, new Error("not all came back within 20 s"));
    start(() => done(undefined), fail);
  }).finally(() => clearTimeout(timer));
}
