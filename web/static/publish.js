import { time, value } from "./format.js";
import { mark } from "./mark.js";
import { put } from "./put.js";

// publish is a box to send a text with, which comes back on all the lanes. It
// returns seen, to be told of every message, and update.
export function publish(element, url, lanes) {
  element.innerHTML = `
    <form>
      <label for="text">Publish a text</label>
      <input id="text" name="text" maxlength="2000" autocomplete="off" value="Hello, wires" required>
      <button>Publish</button>
    </form>
    <ol>${lanes.map(({ name, letter }) => `
      <li data-back="${name}">
        ${mark(name)} <span class="letter" aria-hidden="true">${letter}</span> <span class="unseen">${name}</span>
        <b></b> <q hidden></q>
      </li>`).join("")}
    </ol>
    <p role="status"></p>`;
  const form = element.querySelector("form");
  const status = element.querySelector("p");
  let sent = null; // {now, id, at, early, back}: the text on its way

  form.addEventListener("submit", async (event) => {
    const now = performance.now();
    event.preventDefault();
    const mine = (sent = { now, id: 0, at: 0, early: [], back: new Map() });
    put(status, "");
    try {
      const answer = await fetch(url, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(form.elements.text.value),
        signal: AbortSignal.timeout(10_000),
      });
      const body = await answer.json();
      if (!answer.ok) throw new Error(body.error);
      [mine.id, mine.at] = [body.id, body.at];
      // It may be on the lanes before its sender knows its id.
      for (const [name, m, when] of mine.early) match(mine, name, m, when);
      mine.early = [];
    } catch (err) {
      if (sent !== mine) return;
      sent = null;
      put(status, `Not published: ${err.message}`);
    }
  });

  function seen(name, m, now) {
    if (!sent) return;
    if (sent.id) match(sent, name, m, now);
    else sent.early.push([name, m, now]);
  }

  function match({ now, id, at, back }, name, m, when) {
    if (m.id === id && m.at === at && !back.has(name)) back.set(name, { ms: when - now, data: m.data });
  }

  function update() {
    for (const li of element.querySelectorAll("li")) {
      const back = sent?.back.get(li.dataset.back);
      put(li.querySelector("b"), back ? time(back.ms) : sent ? "…" : "–");
      const text = li.querySelector("q");
      text.hidden = !back;
      put(text, back ? value(back.data) : "");
    }
  }

  return { seen, update };
}
