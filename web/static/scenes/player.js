import { sentence } from "./checks.js";
import { put } from "../figures/text.js";
import { scenes } from "./scenes.js";

// where reads a deep link: "#scene=3&step=2" is [2, 1], "#free" is null, and "" is the first
// step. It throws what is wrong with a link that leads nowhere.
export function where(hash) {
  const asked = new URLSearchParams(hash.slice(1) || "scene=1");
  const unknown = [...asked.keys()].find((name) => !["scene", "step", "free", "silence", "beside"].includes(name));
  if (unknown !== undefined) throw new Error(`The link ${hash} leads nowhere: “${unknown}” is neither scene nor step nor free.`);
  const silence = asked.get("silence");
  if (silence !== null && !(silence > 0)) throw new Error(`The link ${hash} leads nowhere: silence is a number of seconds.`);
  if (asked.has("free")) return null;
  const scene = Number(asked.get("scene")) - 1;
  if (!scenes[scene]) throw new Error(`The link ${hash} leads nowhere: the scenes are 1 to ${scenes.length}.`);
  const { steps } = scenes[scene];
  const step = Number(asked.get("step") ?? 1) - 1;
  if (!steps[step]) throw new Error(`The link ${hash} leads nowhere: the steps of scene ${scene + 1} are 1 to ${steps.length}.`);
  return [scene, step];
}

// scene shows the step that the address names: what it asks, the four answers to
// predict with, what running it has measured, and a note. To look at a step changes nothing
// in the lab; to run it sets all that it needs. hands(signal, progress)
// returns what a step does and measures with; says is told each sentence, and "". It
// returns go, which shows the step and tells whether it is one, what the keys do: answer(i),
// next, back, run, and standing, which tells whether a question waits for its answer, ready,
// whether the step is to run, running, whether it does, and able, whether it can, or can again.
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
  let held = true; // all that it expected was so
  let nowhere = ""; // what is wrong with the address
  let leave = new AbortController();
  let run; // of the step, when it is over

  select.addEventListener("change", () => (location.hash = select.value));
  choices.forEach((button, i) => button.addEventListener("click", () => answer(i)));
  for (const [name, act] of Object.entries({ back, next, run: start })) at(`[data-do="${name}"]`).addEventListener("click", act);
  addEventListener("hashchange", () => place !== undefined && go());

  const step = () => place && scenes[place[0]].steps[place[1]];

  // go shows the step that the address names, and tells whether it names one.
  function go() {
    leave.abort();
    leave = new AbortController();
    [place, nowhere] = [null, ""];
    try {
      place = where(location.hash);
    } catch (err) {
      nowhere = `${err.message} `;
    }
    [answered, state] = [null, "new"];
    page.moment = -Infinity; // what was cut before is no matter of this step
    element.dataset.scene = place ? `${place[0] + 1}.${place[1] + 1}` : "free";
    show();
    return place !== null;
  }

  function show() {
    const now = step();
    put(number, place ? `step ${place[1] + 1}/${scenes[place[0]].steps.length}:` : "");
    select.value = place ? `#scene=${place[0] + 1}&step=1` : "#free";
    at('[data-do="back"]').disabled = place && place[0] === 0 && place[1] === 0;
    at('[data-do="next"]').disabled = !place;
    at(".choices").hidden = at(".does").hidden = at("details").hidden = !now;
    put(title, now ? now.title : "Free play");
    put(ask, now ? now.ask : nowhere + (page.network ? "All of it is yours: the feed, the network, the cuts, the way up. Or choose a scene." : "The four lanes, to be watched: the controls are not to be had here."));
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
      const known = state === "done" && held && right !== null && (i === right ? "right" : i === answered ? "wrong" : "");
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
    if (able()) run = measure(scenes[place[0]], step(), leave, run);
  }

  async function measure({ sets, learnt, steps }, now, mine, before) {
    state = "running";
    checks.hidden = true;
    says("");
    mark();
    await before; // a step that was left puts back what it has changed
    if (mine !== leave) return;
    const t = performance.now();
    try {
      const lab = hands(mine.signal, (text) => put(progress, text));
      await lab.set(sets);
      mine.signal.throwIfAborted();
      page.anew();
      const result = await now.run(lab);
      if (mine !== leave) return;
      state = "done";
      put(progress, `measured in ${Math.round((performance.now() - t) / 1000)} s`);
      tell(result, now === steps.at(-1) ? learnt : "");
    } catch (err) {
      if (mine !== leave) return;
      state = "failed";
      put(progress, `Not done: ${err.message}`);
    }
    mark();
  }

  function tell({ checks: list, says: text }, learnt) {
    checks.replaceChildren(...list.map(({ what, ok, always, text }) => {
      const li = document.createElement("li");
      li.dataset.ok = ok;
      if (always) li.dataset.always = "";
      li.textContent = `${ok ? "✓" : "✗"} ${what}: ${text}`;
      return li;
    }));
    held = list.every(({ ok }) => ok);
    checks.hidden = false;
    says(sentence(list, text, learnt));
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
