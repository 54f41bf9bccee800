import { setText } from "../figures/text.js";
import { watchBusy } from "./busy.js";
import { judge, sentence, write as writeTime } from "./checks.js";
import { odd } from "./odd.js";
import { showResults } from "./results.js";
import { scenes } from "./scenes.js";

/** @typedef {{scene: number, step: number} | {card: number}} Place of a step, or of an odd experiment, from 0 on */

/**
 * where reads a deep link: "#scene=3&step=2" and "#odd=4" are places, "#free" is null, and "" is the first step. It
 * throws what is wrong with a link that leads nowhere.
 * @param {string} hash
 * @returns {Place | null}
 */
export function where(hash) {
  const query = new URLSearchParams(hash.slice(1) || "scene=1");
  const unknown = [...query.keys()].find((name) => !["scene", "step", "odd", "free", "silence", "beside"].includes(name));
  const error = (why) => new Error(`The link ${hash} leads nowhere: ${why}.`);
  if (unknown !== undefined) throw error(`“${unknown}” is neither scene nor step nor odd nor free`);
  const silence = query.get("silence");
  if (silence !== null && !(Number(silence) > 0)) throw error("silence is a number of seconds");
  if (query.has("free")) return null;
  if (query.has("odd")) {
    const card = Number(query.get("odd")) - 1;
    if (!odd[card]) throw error(`the odd experiments are 1 to ${odd.length}`);
    return { card };
  }
  const scene = Number(query.get("scene")) - 1;
  if (!scenes[scene]) throw error(`the scenes are 1 to ${scenes.length}`);
  const { steps } = scenes[scene];
  const step = Number(query.get("step") ?? 1) - 1;
  if (!steps[step]) throw error(`the steps of scene ${scene + 1} are 1 to ${steps.length}`);
  return { scene, step };
}

// All places in their order, each as a link; free play is the last.
const links = [
  ...scenes.flatMap(({ steps }, scene) => steps.map((_, step) => link({ scene, step }))),
  ...odd.map((_, card) => link({ card })),
  link(null),
];

/** @param {Place | null} place */
function link(place) {
  if (!place) return "#free";
  return "card" in place ? `#odd=${place.card + 1}` : `#scene=${place.scene + 1}&step=${place.step + 1}`;
}

/**
 * during sets up an experiment, until it is left.
 * @param {import("./odd.js").Card} card
 * @param {import("./actions.js").Actions} lab
 */
async function during({ act }, lab) {
  const takeBack = await act?.(lab);
  try {
    await lab.left();
  } finally {
    takeBack?.();
  }
}

/**
 * player shows the step that the address names: what it asks, the four answers to predict with, what to watch, what
 * running it has measured, and a note; or an odd experiment, which is set up until it is left. Showing a step changes
 * nothing in the lab; running it sets all that it needs, and puts it back when it ends.
 * @param {HTMLElement} element
 * @param {import("../lab/page.js").Page} page
 * @param {(signal: AbortSignal, progress: (text: string) => void, show: (picture: Element) => void) =>
 *   import("./actions.js").Actions} actions
 * @param {() => void} remeasure begins anew what is measured
 */
export function player(element, page, actions, remeasure) {
  const option = (place, text) => `<option value="${link(place).replace("&", "&amp;")}">${text}</option>`;
  const stepOptions = scenes.map(({ title }, scene) => option({ scene, step: 0 }, `${scene + 1} ${title}`)).join("");
  const cardOptions = odd.map(({ title }, card) => option({ card }, title)).join("");
  const buttons = [1, 2, 3, 4].map((i) =>
    `<li><button type="button" aria-pressed="false"><kbd>${i}</kbd> <span></span></button></li>`).join("");
  element.innerHTML = `
    <nav aria-label="Scenes">
      <label class="unseen" for="scene">Scene</label>
      <select id="scene">
        <optgroup label="Scenes">${stepOptions}</optgroup>
        <optgroup label="Odd experiments">${cardOptions}</optgroup>
        ${option(null, "Free play")}
      </select>
      <button type="button" data-do="back">◀ Back</button>
      <button type="button" data-do="next">Next ▶</button>
      <span class="step"></span>
      <a class="chapter" target="_blank" rel="noopener"></a>
      <details><summary>Note</summary><p class="note"></p></details>
    </nav>
    <div class="play">
      <h2 class="ask"></h2>
      <ol class="choices">${buttons}</ol>
    </div>
    <div class="start">
      <button type="button" data-do="run"></button>
      <p class="watch"></p>
      <span class="progress"></span>
    </div>
    <div class="results" hidden>
      <p class="verdict" aria-live="polite"></p>
      <ul class="checks" aria-label="Measured, and expected"></ul>
      <div class="picture"></div>
    </div>`;
  const select = element.querySelector("select");
  const [number, chapter, ask, watch, progress, results, verdict, checks, picture, note, details, choiceList] =
    /** @type {HTMLElement[]} */ (
      [".step", ".chapter", ".ask", ".watch", ".progress", ".results", ".verdict", ".checks", ".picture", ".note",
        "details", ".choices"].map((selector) => element.querySelector(selector)));
  const [back, next, run] = /** @type {HTMLButtonElement[]} */ (
    ["back", "next", "run"].map((name) => element.querySelector(`[data-do="${name}"]`)));
  const choices = [...choiceList.querySelectorAll("button")];
  /** @type {Place | null | undefined} null: free play; undefined: this tab views another one */
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
  back.addEventListener("click", () => walk(-1));
  next.addEventListener("click", () => walk(1));
  run.addEventListener("click", start);
  addEventListener("hashchange", () => place !== undefined && go());

  const step = () => (place && "scene" in place ? scenes[place.scene].steps[place.step] : null);
  const card = () => (place && "card" in place ? odd[place.card] : null);

  // go shows what the address names, and returns whether it names a step or an experiment.
  function go() {
    [place, nowhere] = [null, ""];
    try {
      place = where(location.hash);
    } catch (err) {
      nowhere = `${err.message} `;
    }
    page.setEvent(-Infinity); // an earlier cut does not concern this step
    element.dataset.scene = !place ? "free" : "card" in place ? `odd-${place.card + 1}` : `${place.scene + 1}.${place.step + 1}`;
    renew();
    return place !== null;
  }

  // renew ends what runs, and shows the place as it is before a run.
  function renew() {
    leave.abort();
    leave = new AbortController();
    [answered, state] = [null, "new"];
    write();
  }

  function write() {
    const [now, experiment] = [step(), card()];
    setText(number, place && "scene" in place
      ? `${place.step + 1} of ${scenes[place.scene].steps.length}: ${now.title}`
      : experiment ? `${odd.indexOf(experiment) + 1} of ${odd.length} odd experiments` : "");
    select.value = link(place && "scene" in place ? { scene: place.scene, step: 0 } : place);
    back.disabled = links.indexOf(link(place)) === 0;
    next.disabled = !place;
    choiceList.hidden = details.hidden = !now;
    run.hidden = !now && !experiment?.setup;
    watch.hidden = chapter.hidden = !place;
    const free = page.network
      ? "The feed, the network, cuts and messages upstream are yours to set. Or choose a scene."
      : "Watch the four lanes: the controls cannot be used here.";
    setText(ask, now?.ask ?? experiment?.ask ?? nowhere + free);
    const { watch: what = "", chapter: stem = "" } = now ?? experiment ?? {};
    watch.replaceChildren(`Watch ${what}`);
    if (now?.needsHTTP2 && page.http !== "HTTP/2") watch.append(" ", ...secure());
    if (experiment?.byHand) watch.append(` By hand: ${experiment.byHand}`);
    chapter.setAttribute("href", `/docs/${stem}`);
    setText(chapter, /^\d/.test(stem) ? `Chapter ${parseInt(stem)}` : "How-to guide");
    setText(note, now?.note ?? "");
    setText(progress, "");
    clear();
    choices.forEach((button, i) => now && setText(button.querySelector("span"), now.choices[i]));
    mark();
  }

  // secure returns how this step can be run over HTTP/2.
  function secure() {
    if (!page.secure) return ["It needs HTTP/2: start the lab without --tls=false."];
    const open = document.createElement("a");
    open.href = `${page.secure}/${link(place)}`;
    open.target = "_top"; // a chapter shows this page in a frame
    open.textContent = "Open it over HTTP/2.";
    return [open, " The lab signs its certificate itself, so your browser warns once: choose Advanced, then Proceed."];
  }

  function clear() {
    results.hidden = !step(); // of a step it has its room before there are results, so that they move nothing
    setText(verdict, "");
    checks.replaceChildren();
    picture.replaceChildren();
  }

  // mark writes what depends on the answer and on the state of the run.
  function mark() {
    const now = step();
    const right = now && (typeof now.answer === "function" ? now.answer(page) : now.answer);
    choices.forEach((button, i) => {
      button.setAttribute("aria-pressed", String(answered === i));
      const known = state === "done" && asExpected && right !== null;
      button.dataset.was = known && i === right ? "right" : known && i === answered ? "wrong" : "";
      button.title = { right: "this was measured", wrong: "this was predicted", "": "" }[button.dataset.was];
    });
    if (now) setText(run, state === "running" ? "Running …" : state === "new" ? "▶ Run (Space)" : "▶ Again (A)");
    else setText(run, state === "running" ? "■ Put back" : "▶ Set up (Space)");
    run.disabled = Boolean(now) && state === "running";
    element.dataset.state = state;
  }

  /** @param {number} i of the choices */
  function answer(i) {
    if (!step() || !ready()) return;
    answered = i;
    mark();
  }

  // ready returns whether a step, or an experiment, is shown that has not run.
  const ready = () => runnable() && (state === "new" || state === "failed");
  const canRun = () => runnable() && state !== "running";
  const runnable = () => Boolean(step() || card()?.setup);

  function start() {
    if (card() && state === "running") renew();
    else if (canRun()) running = measure(leave, running);
  }

  /**
   * @param {AbortController} mine
   * @param {Promise<void>} before the run of a step that was left
   */
  async function measure(mine, before) {
    const { setup, lesson, run } = job();
    state = "running";
    clear();
    mark();
    await before; // it restores what it has changed
    if (mine !== leave) return;
    const begun = performance.now();
    const lab = actions(mine.signal, (text) => mine === leave && setText(progress, text), (shown) => {
      if (mine === leave) picture.replaceChildren(shown);
    });
    const busy = watchBusy(page.control && `${page.control}/websocket/echo?page=${page.me}`);
    let result, failure;
    try {
      await lab.set(setup);
      mine.signal.throwIfAborted();
      remeasure();
      if (card()) setText(progress, "set up until you leave");
      result = await run(lab);
    } catch (err) {
      failure = err.message;
    }
    const worst = busy.worst(begun);
    busy.stop();
    try {
      await lab.restore();
    } catch (err) {
      failure ??= `what was set before could not be put back: ${err.message}`;
    }
    if (mine !== leave) return;
    state = failure ? "failed" : "done";
    setText(progress, failure ? "" : `measured in ${Math.round((performance.now() - begun) / 1000)} s`);
    if (failure) setText(verdict, `Not done: ${failure}.`);
    else report(result, lesson, worst);
    results.hidden = false;
    mark();
  }

  // job returns how the lab is set, and what then runs.
  function job() {
    const experiment = card();
    if (experiment) return { setup: experiment.setup, lesson: "", run: (lab) => during(experiment, lab) };
    const { scene, step: i } = /** @type {{scene: number, step: number}} */ (place);
    const { setup, lesson, steps } = scenes[scene];
    return { setup, lesson: i === steps.length - 1 ? lesson : "", run: steps[i].run };
  }

  /**
   * @param {import("./scenes.js").Result} result
   * @param {string} lesson
   * @param {number} worst milliseconds that this computer was late
   */
  function report({ checks: list, summary, unclear }, lesson, worst) {
    const judged = list.map((check) => {
      const state = judge(check, worst);
      return { ...check, state: unclear && state === "not" && !check.always ? /** @type {const} */ ("busy") : state };
    });
    const why = unclear ?? `This computer was too busy to tell: it was up to ${writeTime(worst)} late.`;
    asExpected = judged.every(({ state }) => state === "ok");
    showResults(checks, judged);
    setText(verdict, sentence(judged, summary, lesson, why));
  }

  /** @param {1 | -1} by */
  function walk(by) {
    if (place === undefined) return;
    const to = links[links.indexOf(link(place)) + by];
    if (to) location.hash = to;
  }

  return {
    go, answer, next: () => walk(1), back: () => walk(-1), run: start, ready, canRun,
    running: () => state === "running",
  };
}

/** @typedef {ReturnType<typeof player>} Player */
