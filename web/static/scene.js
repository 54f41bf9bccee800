import { put } from "./put.js";
import { scenes } from "./scenes.js";

// where reads a deep link: "#scene=3&step=2" is [2, 1], "#free" is null, and so
// is what is no link at all unless it is empty, which is the first step.
export function where(hash) {
  if (hash === "" || hash === "#") return [0, 0];
  const asked = new URLSearchParams(hash.slice(1));
  const scene = Number(asked.get("scene")) - 1;
  if (!scenes[scene]) return null;
  const step = Number(asked.get("step") ?? 1) - 1;
  return [scene, scenes[scene].steps[step] ? step : 0];
}

// scene shows the step that the address names: what it asks, the four answers to
// predict with, what running it has measured, and a note. hands(signal, progress)
// returns what a step does and measures with; says is told each sentence, and "". It
// returns what the keys do: answer(i), next, back, run, and standing, which tells
// whether a question waits for its answer, ready, whether the step is to run, running,
// whether it does, and able, whether it can, or can again.
export function scene(element, page, hands, says) {
  element.innerHTML = `
    <nav aria-label="Scenes">
      <label class="unseen" for="scene">Scene</label>
      <select id="scene">${scenes.map(({ title }, i) => `<option value="#scene=${i + 1}&amp;step=1">${i + 1}/${scenes.length} ${title}</option>`).join("")}<option value="#free">Free play</option></select>
      <button type="button" data-do="back">◀ Back</button>
      <button type="button" data-do="next">Next ▶</button>
      <span class="step"></span>
      <h2></h2>
      <span class="does"><button type="button" data-do="run"></button> <span class="progress"></span></span>
    </nav>
    <div class="play">
      <p class="ask"></p>
      <ol class="choices">${[1, 2, 3, 4].map((i) => `<li><button type="button" aria-pressed="false"><kbd>${i}</kbd> <span></span></button></li>`).join("")}</ol>
    </div>
    <ul class="checks" aria-label="Measured, and expected" hidden></ul>
    <details><summary>Note</summary><p class="note"></p></details>`;
  const at = (selector) => element.querySelector(selector);
  const [select, number, title, ask, begin, progress, checks, note] =
    ["select", ".step", "h2", ".ask", '[data-do="run"]', ".progress", ".checks", ".note"].map(at);
  const choices = [...element.querySelectorAll(".choices button")];
  let place; // [scene, step]; null: free play; undefined: this page only looks on
  let answered = null; // which choice
  let state = "new"; // running, done or failed
  let leave = new AbortController();
  let prepared; // when the lab is set
  let run; // of the step, when it is over
  let networked = null; // the scene that the network was set for

  select.addEventListener("change", () => (location.hash = select.value));
  choices.forEach((button, i) => button.addEventListener("click", () => answer(i)));
  for (const [name, act] of Object.entries({ back, next, run: start })) at(`[data-do="${name}"]`).addEventListener("click", act);
  addEventListener("hashchange", () => place !== undefined && go());

  const step = () => place && scenes[place[0]].steps[place[1]];

  // go shows the step that the address names, and sets the lab as its scene wants it.
  function go(gently = false) {
    leave.abort();
    const mine = (leave = new AbortController());
    place = where(location.hash);
    [answered, state] = [null, "new"];
    page.moment = -Infinity; // what was cut before is no matter of this step
    element.dataset.scene = place ? `${place[0] + 1}.${place[1] + 1}` : "free";
    show();
    if (place) prepared = prepare(place[0], mine, gently);
  }

  // prepare sets the lab: within a scene the network stays as it is, and with gently
  // what somebody else has set.
  async function prepare(scene, mine, gently) {
    await run; // of the step that was left: it puts back what it has changed
    if (mine.signal.aborted) return;
    const lab = hands(mine.signal, (text) => put(progress, text));
    const { sets } = scenes[scene];
    const { rtt, jitter, kbps } = page.network ?? {};
    try {
      if (networked !== scene && !(gently && (rtt || jitter || kbps))) await lab.network(sets.network);
      networked = scene;
      if (!gently) await lab.feed(sets.feed);
      await lab.interval(sets.interval);
      await lab.beat(sets.beat);
    } catch (err) {
      if (!mine.signal.aborted) put(progress, `The scene could not be set: ${err.message}`);
    }
  }

  function show() {
    const now = step();
    put(number, place ? `step ${place[1] + 1}/${scenes[place[0]].steps.length}:` : "");
    select.value = place ? `#scene=${place[0] + 1}&step=1` : "#free";
    at('[data-do="back"]').disabled = place && place[0] === 0 && place[1] === 0;
    at('[data-do="next"]').disabled = !place;
    at(".choices").hidden = at(".does").hidden = at("details").hidden = !now;
    put(title, now ? now.title : "Free play");
    put(ask, now ? now.ask : page.network ? "All of it is yours: the feed, the network, the cuts, the way up. Or choose a scene." : "The four lanes, to be watched: the controls are not to be had here.");
    put(note, now?.note ?? "");
    put(progress, "");
    checks.hidden = true;
    checks.replaceChildren();
    says("");
    choices.forEach((button, i) => now && put(button.querySelector("span"), now.choices[i]));
    mark();
  }

  // mark writes what depends on the answer and on how far the run is.
  function mark() {
    const now = step();
    const right = now && (typeof now.answer === "function" ? now.answer(page) : now.answer);
    choices.forEach((button, i) => {
      button.setAttribute("aria-pressed", answered === i);
      const known = state === "done" && right !== null && (i === right ? "right" : i === answered ? "wrong" : "");
      button.dataset.was = known || "";
      button.title = known ? { right: "this is what happens", wrong: "this was predicted" }[known] : "";
    });
    put(begin, state === "running" ? "Running …" : state === "new" ? "▶ Run (Space)" : "▶ Again (A)");
    begin.disabled = state === "running";
    element.dataset.state = state;
  }

  function answer(i) {
    if (!standing()) return;
    answered = i;
    mark();
  }

  const standing = () => Boolean(step()) && (state === "new" || state === "failed");
  const ready = standing;
  const running = () => state === "running";
  const able = () => Boolean(step()) && !running();

  function start() {
    if (able()) run = measure(step(), leave);
  }

  async function measure(now, mine) {
    state = "running";
    checks.hidden = true;
    says("");
    mark();
    await prepared;
    if (mine !== leave) return;
    page.anew();
    const t = performance.now();
    try {
      const result = await now.run(hands(mine.signal, (text) => put(progress, text)));
      if (mine !== leave) return;
      state = "done";
      put(progress, `measured in ${Math.round((performance.now() - t) / 1000)} s`);
      tell(result);
    } catch (err) {
      if (mine !== leave) return;
      state = "failed";
      put(progress, `Not done: ${err.message}`);
    }
    mark();
  }

  function tell({ checks: list, says: text }) {
    checks.replaceChildren(...list.map(({ what, ok, always, text }) => {
      const li = document.createElement("li");
      li.dataset.ok = ok;
      if (always) li.dataset.always = "";
      li.textContent = `${ok ? "✓" : "✗"} ${what}: ${text}`;
      return li;
    }));
    const last = place[1] === scenes[place[0]].steps.length - 1;
    checks.hidden = false;
    says(last ? `${text} ${scenes[place[0]].learnt}` : text);
  }

  function next() {
    if (!place) return;
    const [scene, step] = place;
    if (scenes[scene].steps[step + 1]) location.hash = `#scene=${scene + 1}&step=${step + 2}`;
    else if (scenes[scene + 1]) location.hash = `#scene=${scene + 2}&step=1`;
    else location.hash = "#free";
  }

  function back() {
    if (place === undefined) return;
    const [scene, step] = place ?? [scenes.length, 0]; // free play comes after the last
    if (step > 0) location.hash = `#scene=${scene + 1}&step=${step}`;
    else if (scene > 0) location.hash = `#scene=${scene}&step=${scenes[scene - 1].steps.length}`;
  }

  return { go, answer, next, back, run: start, standing, ready, running, able };
}
