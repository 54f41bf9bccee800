import { difference } from "./expect.js";
import { number, time, value } from "./format.js";
import { put } from "./put.js";

// way is the way up: the same text by POST, a request each time, and as a frame
// of a WebSocket that is open; as an echo, which comes back to the sender alone,
// or as a chat, which comes back on the lane to all. It writes what each took,
// and what it cost by the ledger. It returns seen, to be told of every message.
export function way(element, { address, me, ask, send }) {
  element.innerHTML = `
    <form>
      <label>Say <input name="text" maxlength="1000" autocomplete="off" value="Hello" required></label>
      <button name="what" value="echo">Echo both ways</button>
      <button name="what" value="chat">Chat both ways</button>
    </form>
    <div class="scroll" tabindex="0" role="region" aria-label="The way up"><table>
      <thead><tr><th scope="col">the way up</th><th scope="col">there and back</th><th scope="col">bytes up</th><th scope="col">bytes down</th><th scope="col">came back</th></tr></thead>
      <tbody>${["POST", "frame"].map((name) => `<tr data-way="${name}"><th scope="row">${name === "POST" ? "POST, a request" : "a WebSocket’s frame"}</th><td>–</td><td>–</td><td>–</td><td>–</td></tr>`).join("")}</tbody>
    </table></div>
    <p role="status"></p>`;
  const form = element.querySelector("form");
  const status = element.querySelector("[role=status]");
  const tag = () => Math.random().toString(36).slice(2, 8);
  let waits = new Map(); // tag: told, of what is on its way
  let echo = null; // the WebSocket to echo by, once it was asked for

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const chat = event.submitter?.value === "chat";
    const text = form.elements.text.value;
    put(status, "");
    for (const button of form.querySelectorAll("button")) button.disabled = true;
    try {
      const rows = chat ? ["publish", "websocket"] : ["echo", "websocket/echo"];
      if (!chat) await open();
      await measure("POST", rows[0], () => (chat ? chatBy(post, text) : echoByPost(text)));
      await measure("frame", rows[1], () => (chat ? chatBy(send, text) : echoByFrame(text)), chat);
    } catch (err) {
      put(status, `Not sent: ${err.message}`);
    }
    for (const button of form.querySelectorAll("button")) button.disabled = false;
  });

  async function rows() {
    const { rows } = await ask("GET", `/control/ledger?page=${me}`);
    return Object.fromEntries(rows.map((row) => [row.transport, row]));
  }

  async function measure(name, transport, act, chat = false) {
    const before = (await rows())[transport];
    const t = performance.now();
    const back = await act();
    const took = performance.now() - t;
    await new Promise((go) => setTimeout(go, 300)); // until the lab has counted it
    const after = (await rows())[transport];
    const cells = element.querySelectorAll(`[data-way="${name}"] td`);
    put(cells[0], time(took));
    put(cells[3], value(back));
    if (!after) return;
    const { up, down } = difference(after, before);
    const once = before ? 0 : up.opening + down.opening;
    // Down on the lane come others' messages too.
    put(cells[1], `${number(up.total - up.tag - up.opening)} B${up.head ? `, ${number(up.head)} of it head` : ""}`);
    put(cells[2], chat ? "as a message, on the lane" : `${number(down.total - down.tag - down.opening)} B${once ? `, ${number(once)} B once` : ""}`);
  }

  async function post(text, path = "/publish") {
    const answer = await fetch(address(path), { method: "POST", body: text, signal: AbortSignal.timeout(10_000) });
    const body = await answer.text();
    if (!answer.ok) throw new Error(JSON.parse(body).error);
    return body;
  }

  const echoByPost = (text) => post(text, "/echo");

  const echoByFrame = (text) => wait((done) => {
    echo.onmessage = ({ data }) => done(data);
    echo.send(text);
  });

  const chatBy = (by, text) => wait((done, fail) => {
    const mark = tag();
    waits.set(mark, done);
    Promise.resolve(by(JSON.stringify({ chat: text, mark }))).catch(fail);
  });

  async function open() {
    if (echo?.readyState === 1) return;
    await wait((done, fail) => {
      echo = new WebSocket(address("/websocket/echo").replace(/^http/, "ws"));
      echo.onopen = done;
      echo.onerror = () => fail(new Error("the echo’s WebSocket does not open"));
    });
  }

  const wait = (start) => new Promise((done, fail) => {
    setTimeout(fail, 10_000, new Error("nothing came back within 10 s"));
    start(done, fail);
  });

  function seen(name, { data }) {
    if (name !== "websocket" || !waits.has(data?.mark)) return;
    waits.get(data.mark)(data.chat);
    waits.delete(data.mark);
  }

  return { seen };
}
