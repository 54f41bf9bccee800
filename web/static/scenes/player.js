import { setText } from "../figures/text.js";
import { sentence } from "./checks.js";
import { scenes } from "./scenes.js";

/**
 * where reads a deep link: "#scene=3&step=2" is [2, 1], "#free" is null, and "" is the first step. It throws what is
 * wrong with a link that leads nowhere.
 * @param {string} hash
 */
export function where(hash) {
  const query = new URLSearchParams(hash.slice(1) || "scene=1");
  const unknown = [...query.keys()].find((name) => !["scene", "step", "free", "silence", "beside"].includes(name));
  const error = (why) => new Error(`The link ${hash} leads nowhere: ${why}.`);
  if (unknown !== undefined) throw error(`“${unknown}” is neither scene nor step nor free`);
  const silence = query.get("silence");
  if (silence !== null && !(Number(silence) > 0)) throw error("silence is a number of seconds");
  if (query.has("free")) return null;
  const scene = Number(query.get("scene")) - 1;
  if (!scenes[scene]) throw error(`the scenes are 1 to ${scenes.length}`);
  const { steps } = scenes[scene];
  const step = Number(query.get("step") ?? 1) - 1;
  if (!steps[step]) throw error(`the steps of scene ${scene + 1} are 1 to ${steps.length}`);
  return [scene, step];
}

/**
 * player shows the step that the address names: what it asks, the four answers to predict with, what running it has
 * measured, and a note. Showing a step changes nothing in the lab; running it sets all that it needs.
 * @param {HTMLElement} element
 * @param {import("../lab/page.js").Page} page
 * @param {(signal: AbortSignal, progress: (text: string) => void) => import("./actions.js").Actions} actions
 * @param {() => void} remeasure begins anew what is measured
 * @param {(text: string) => void} show a result; "": there is none
 */
export function player(element, page, actions, remeasure, show) {
  const options = scenes.map(({ title }, i) =>
    `<option value="#scene=${i + 1}&amp;step=1">${i + 1}/${scenes.length} ${title}</option>`).join("");
  const buttons = [1, 2, 3, 4].map((i) =>
    `<li><button type="button" aria-pressed="false"><kbd>${i}</kbd> <span></span></button></li>`).join("");
  element.innerHTML = `
    <nav aria-label="Scenes">
      <label class="unseen" for="scene">Scene</label>
      <select id="scene">${options}<option value="#free">Free play</option></select>
      <button type="button" data-do="back">◀ Back</button>
      <button type="button" data-do="next">Next ▶</button>
      <span class="step"></span>
      <h2></h2>
      <span class="does"><button type="button" data-do="run"></button> <span class="progress"></span></span>
    </nav>
    <div class="play">
      <p class="ask"></p>
      <ol class="choices">${buttons}</ol>
    </div>
    <ul class="checks" aria-label="Measured, and expected" hidden></ul>
    <details><summary>Note</summary><p class="note"></p></details>`;
  const select = element.querySelector("select");
  const [number, title, ask, progress, checks, note, does, details, choiceList] = /** @type {HTMLElement[]} */ (
    [".step", "h2", ".ask", ".progress", ".checks", ".note", ".does", "details", ".choices"]
      .map((selector) => element.querySelector(selector)));
  const [back, next, run] = /** @type {HTMLButtonElement[]} */ (
    ["back", "next", "run"].map((name) => element.querySelector(`[data-do="${name}"]`)));
  const choices = [...choiceList.querySelectorAll("button")];
  /** @type {number[] | null | undefined} scene and step; null: free play; undefined: this tab views another one */
  let place;
  /** @type {number | null} */
  let answered = null; // which choice
  let state = "new"; // running, done or failed
  let asExpected = true; // all checks of the last run hold
  let nowhere = ""; // what is wrong with the address
  let leave = new AbortController();
  /** @type {Promise<void>} */
  let running; // of the step, when it is over

  select.addEventListener("change", () => (location.hash = select.value));
  choices.forEach((button, i) => button.addEventListener("click", () => answer(i)));
  back.addEventListener("click", goBack);
  next.addEventListener("click", goNext);
  run.addEventListener("click", start);
  addEventListener("hashchange", () => place !== undefined && go());

  const step = () => place && scenes[place[0]].steps[place[1]];

  // go shows the step that the address names, and returns whether it names one.
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
    page.setEvent(-Infinity); // an earlier cut does not concern this step
    element.dataset.scene = place ? `${place[0] + 1}.${place[1] + 1}` : "free";
    write();
    return place !== null;
  }

  function write() {
    const now = step();
    setText(number, place ? `step ${place[1] + 1}/${scenes[place[0]].steps.length}:` : "");
    select.value = place ? `#scene=${place[0] + 1}&step=1` : "#free";
    back.disabled = place && place[0] === 0 && place[1] === 0;
    next.disabled = !place;
    choiceList.hidden = does.hidden = details.hidden = !now;
    setText(title, now ? now.title : "Free play");
    const free = page.network
      ? "All of it is yours: the feed, the network, the cuts, the way up. Or choose a scene."
      : "The four lanes, to be watched: the controls are not to be had here.";
    setText(ask, now ? now.ask : nowhere + free);
    setText(note, now?.note ?? "");
    setText(progress, "");
    checks.hidden = true;
    checks.replaceChildren();
    show("");
    choices.forEach((button, i) => now && setText(button.querySelector("span"), now.choices[i]));
    mark();
  }

  // mark writes what depends on the answer and on the state of the run.
  function mark() {
    const now = step();
    const right = now && (typeof now.answer === "function" ? now.answer(page) : now.answer);
    choices.forEach((button, i) => {
      button.setAttribute("aria-pressed", String(answered === i));
      const known = state === "done" && asExpected && right !== null;
      button.dataset.was = known && i === right ? "right" : known && i === answered ? "wrong" : "";
      button.title = { right: "this is what happens", wrong: "this was predicted", "": "" }[button.dataset.was];
    });
    setText(run, state === "running" ? "Running …" : state === "new" ? "▶ Run (Space)" : "▶ Again (A)");
    run.disabled = state === "running";
    element.dataset.state = state;
  }

  /** @param {number} i of the choices */
  function answer(i) {
    if (!ready()) return;
    answered = i;
    mark();
  }

  // ready returns whether a step is shown that has not run: its question waits for an answer.
  const ready = () => Boolean(step()) && (state === "new" || state === "failed");
  const canRun = () => Boolean(step()) && state !== "running";

  function start() {
    if (canRun()) running = measure(scenes[place[0]], step(), leave, running);
  }

  /**
   * @param {import("./scenes.js").Scene} scene
   * @param {import("./scenes.js").Step} now
   * @param {AbortController} mine
   * @param {Promise<void>} before the run of a step that was left
   */
  async function measure({ setup, lesson, steps }, now, mine, before) {
    state = "running";
    checks.hidden = true;
    show("");
    mark();
    await before; // it restores what it has changed
    if (mine !== leave) return;
    const t = performance.now();
    try {
      const lab = actions(mine.signal, (text) => setText(progress, text));
      await lab.set(setup);
      mine.signal.throwIfAborted();
      remeasure();
      const result = await now.run(lab);
      if (mine !== leave) return;
      state = "done";
      setText(progress, `measured in ${Math.round((performance.now() - t) / 1000)} s`);
      report(result, now === steps.at(-1) ? lesson : "");
    } catch (err) {
      if (mine !== leave) return;
      state = "failed";
      setText(progress, `Not done: ${err.message}`);
    }
    mark();
  }

  /**
   * @param {import("./scenes.js").Result} result
   * @param {string} lesson
   */
  function report({ checks: list, summary }, lesson) {
    checks.replaceChildren(...list.map(({ what, ok, always, text }) => {
      const li = document.createElement("li");
      li.dataset.ok = String(ok);
      if (always) li.dataset.always = "";
      li.textContent = `${ok ? "✓" : "✗"} ${what}: ${text}`;
      return li;
    }));
    asExpected = list.every(({ ok }) => ok);
    checks.hidden = false;
    show(sentence(list, summary, lesson));
  }

  function goNext() {
    if (!place) return;
    const [scene, step] = place;
    if (scenes[scene].steps[step + 1]) location.hash = `#scene=${scene + 1}&step=${step + 2}`;
    else if (scenes[scene + 1]) location.hash = `#scene=${scene + 2}&step=1`;
    else location.hash = "#free";
  }

  function goBack() {
    if (place === undefined) return;
    const [scene, step] = place ?? [scenes.length, 0]; // free play comes after the last
    if (step > 0) location.hash = `#scene=${scene + 1}&step=${step}`;
    else if (scene > 0) location.hash = `#scene=${scene}&step=${scenes[scene - 1].steps.length}`;
  }

  return { go, answer, next: goNext, back: goBack, run: start, ready, canRun, running: () => state === "running" };
}

/** @typedef {ReturnType<typeof player>} Player */
