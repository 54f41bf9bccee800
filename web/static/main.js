import { alone } from "./lab/leader.js";
import { api } from "./lab/api.js";
import { costs } from "./charts/bars.js";
import { ledger } from "./lab/ledger.js";
import { Clock, grain } from "./lab/clock.js";
import { carries, controls } from "./panels/controls.js";
import { latencies } from "./charts/curves.js";
import { dock } from "./panels/dock.js";
import { number, seconds, time } from "./figures/format.js";
import { reached } from "./lane/behind.js";
import { keys } from "./panels/keys.js";
import { lane } from "./lane/lane.js";
import { describe, network as networks, spared } from "./panels/network.js";
import { pulse } from "./lab/stall.js";
import { put } from "./figures/text.js";
import { Run } from "./lane/record.js";
import { csv, jsonl, picture, save } from "./panels/save.js";
import { says } from "./panels/caption.js";
import { scene } from "./scenes/player.js";
import { stage } from "./scenes/actions.js";
import { peak, top } from "./stage/strip.js";
import { sync } from "./lab/sync.js";
import { uses } from "./panels/scenarios.js";
import { way } from "./panels/upstream.js";
import { wire } from "./panels/wire.js";
import * as longpoll from "./transports/longpoll.js";
import * as polling from "./transports/polling.js";
import * as sse from "./transports/sse.js";
import * as websocket from "./transports/websocket.js";

const wires = [
  { name: "polling", letter: "P", open: polling.open, about: asks },
  { name: "longpoll", letter: "L", open: longpoll.open, about: () => "asks, waits for news" },
  { name: "sse", letter: "S", open: sse.open, about: () => "one endless answer" },
  { name: "websocket", letter: "W", open: websocket.open, about: () => "one pipe, both ways" },
];

function asks({ interval, network }) {
  if (interval === null) return "asks now and then";
  return interval < network?.rtt ? "asks as soon as it is answered" : `asks every ${number(interval / 1000, interval < 1000 ? 2 : 1)} s`;
}

const at = (id) => document.getElementById(id);
const told = (name) => document.querySelector(`meta[name="${name}"]`).content;
const me = crypto.getRandomValues(new Uint32Array(1))[0].toString(36); // this page, to the server
const address = (path, more = "") => `${location.origin}${path}?page=${me}${more}`;
const watchers = new Set(); // that are told of every message on every lane

// What came while the page stood still says nothing of a wire.
const heart = pulse((ms) => {
  page.trusts = performance.now();
  voice.news(`This page stood still for ${seconds(ms)} s, asleep or busy: what came meanwhile is not timed.`);
});

// What the parts of the page share.
const page = {
  clock: new Clock(grain()),
  control: told("control"),
  missing: told("barred") || `the control address ${told("control")} cannot be reached from here`, // where the control API is not to be had
  secure: told("secure"),
  http: { "http/1.0": "HTTP/1.0", "http/1.1": "HTTP/1.1", h2: "HTTP/2", h3: "HTTP/3" }[performance.getEntriesByType("navigation")[0]?.nextHopProtocol] ?? "HTTP unknown",
  run: new Run(), // what the lanes record
  interval: 2000, // of polling, in milliseconds; null: another tab's, not known
  beat: 0, // seconds between the heartbeats that the streams ask for; 0: they do not
  silence: Number(new URLSearchParams(location.hash.slice(1)).get("silence")) || 20, // seconds that scene 4 keeps silent
  network: null, // in force: {rtt, jitter, kbps}; null: not known
  epoch: "", // and head: where the feed stood when the page was opened
  head: 0,
  trusts: -Infinity, // what was published before says nothing of a wire: the tab was hidden, or it or the lanes stood still
  since: -Infinity, // what was published before was measured under other settings
  moment: -Infinity, // when the last burst or cut began, for the replay
  anew,
  seen: (name, m, now) => watchers.forEach((watcher) => watcher(name, m, now)),
  usual: () => (page.network ? page.network.rtt / 2 + page.network.jitter : 0) + 150, // that a message takes at most
  late: heart.late,
  still: heart.still,
  describe: () => (page.network ? `network: ${describe(page.network)}` : "network: unknown"),
  recovered,
};
const watch = (watcher) => {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
};

let lanes = [];
const early = []; // what another tab has told before there were lanes
let recount = () => {}; // the ledger's count begins anew
let meant = performance.now(); // when the means began
let means = ""; // the sentence on them
const closes = new Map(); // what closes each lane
const panels = dock(at("dock"), { controls: "Feed", network: "Network and faults", up: "The way up", uses: "Scenarios", wire: "The wire", save: "Save" });
const ask = api(page.control, page.missing);
const voice = says(at("says"));
const role = await alone(me, { state, entry: ({ lane, entry }) => theirs(lane, entry), yield: yielded, again: () => location.reload() });

const settings = controls(panels.controls, ask, page, () => anew(), () => ["sse", "websocket"].forEach(reopen));
let known = null; // the last network that was known
const net = networks(panels.network, ask, me, wires, {
  onchange(network) {
    if (network && known && describe(network) !== describe(known)) anew();
    known = network ?? known;
    page.network = network;
    put(at("net"), `${page.describe()} · ${page.http}`);
  },
  oncut(names, entry) {
    page.moment = entry.t;
    for (const { name, apply } of lanes) if (names.includes(name)) apply(entry);
  },
});
const up = way(panels.up, { address, me, ask, send: (text) => lanes.at(-1).send(text), interval: () => page.interval, wires, grain: page.clock.grain });
watch(up.seen);
const scenario = uses(panels.uses, { settings, page, way: up });
wire(panels.wire, wires);

const echoes = [address("/websocket/echo", "&stamps=1")];
if (page.control) echoes.unshift(`${page.control}/websocket/echo?stamps=1&page=${me}`); // which no network delays
sync(echoes, page.clock);

// Opened one behind the head, every lane shows the newest message at once.
// Where the head is not to be had, they show what comes from now on.
const feed = await settings.refresh();
if (feed && role.first) [page.epoch, page.head] = [feed.epoch, feed.head];
const after = feed ? `${feed.epoch}-${Math.max(feed.head - 1, 0)}` : "";
lanes = wires.map((wire) => ({ ...lane(at("lanes").appendChild(document.createElement("li")), wire, page), letter: wire.letter, wire }));
const latency = latencies(at("latencies"), lanes, page);
const cost = costs(at("costs"), lanes, page);

// The lanes share one thread, and whoever is called first has the better
// latency. So it is another one each time that the page is opened.
const first = Math.floor(Math.random() * wires.length);
if (role.first) {
  page.tell = (lane, entry) => role.tell({ lane, entry });
  for (let i = 0; i < wires.length; i++) open(lanes[(first + i) % wires.length], after);
} else if (role.state) { // or it has just yielded
  look();
}

// anew begins anew what is measured: a latency, or what a message costs, belongs to
// what was set when it was measured. The ledger's count begins with an answer that it
// gave, or is asked for.
function anew(answer) {
  if (!lanes.length) return;
  page.since = meant = performance.now();
  for (const { oneWay, age, mean } of lanes) {
    oneWay.clear();
    if (page.clock.best) age.takeMean(page.clock.server(meant));
    mean(null);
  }
  means = "";
  recount(answer);
}

function open({ name, wire, on }, cursor) {
  const beats = page.beat && (name === "sse" || name === "websocket");
  closes.set(name, wire.open(address(`/${name}`, beats ? `&heartbeat=${page.beat}s` : ""), cursor, on));
}

// reopen closes a lane and opens it where it was.
function reopen(name) {
  const lane = lanes.find((lane) => lane.name === name);
  if (!lane || !closes.has(name)) return;
  closes.get(name)();
  open(lane, lane.cursor());
}

// rest closes all lanes, or opens them again.
async function rest(resting) {
  for (const { name, on } of lanes) {
    if (!resting) reopen(name);
    else {
      closes.get(name)();
      on.state("connecting", "rests meanwhile");
    }
  }
  page.trusts = performance.now();
  await new Promise((go) => setTimeout(go, 200));
}

function state() {
  return {
    page: me,
    lanes: Object.fromEntries(lanes.map(({ name, begins }) => [name, begins()])),
    origin: performance.timeOrigin,
  };
}

// theirs takes an entry of the tab that measures into this one's record, on this
// one's time.
function theirs(name, entry) {
  if (!lanes.length) return void early.push([name, entry]);
  const by = role.state.origin - performance.timeOrigin;
  const moved = { ...entry };
  for (const stamp of ["t", "sent", "asked"]) if (moved[stamp] !== null && moved[stamp] !== undefined) moved[stamp] += by;
  lanes.find((lane) => lane.name === name).apply(moved);
}

function yielded() {
  for (const close of closes.values()) close();
  setTimeout(() => location.reload(), 1000);
}

// look makes this tab one that looks on.
function look() {
  page.interval = null;
  page.since = performance.now(); // what came before was the other tab's to measure
  const begins = Object.entries(role.state.lanes).flatMap(([name, entries]) => entries.map((entry) => [name, entry]));
  for (const [name, entry] of [...begins, ...early]) theirs(name, entry);
  document.body.dataset.viewer = "";
  at("viewer").hidden = false;
  at("viewer").innerHTML = `Another tab of this browser measures, and this one shows what that records: one browser has six connections to a host. <button type="button">Measure here</button>`;
  at("viewer").querySelector("button").addEventListener("click", role.take);
}

// Somebody else may change the feed and the network. What is not known is asked
// for again sooner.
async function refresh() {
  const both = await Promise.all([settings.refresh(), net.refresh()]);
  setTimeout(refresh, both.every(Boolean) ? 5000 : 1000);
}
await refresh();

if (page.control) recount = ledger(`${page.control}/control/ledger?page=${role.state?.page ?? me}`, (name, row, lately, since) => {
  for (const lane of lanes) if (name === lane.name || name === null) lane.cost(row, lately);
  cost.row(name, lately, since);
});

const hands = (signal, progress) => stage({ ask, page, lanes, settings, network: net, scenario, address, me, rest, watch }, signal, progress);
const play = scene(at("scenes"), page, hands, voice.result);
if (role.first && play.go()) net.begin({ rtt: 100 }); // or all lanes look alike

cost.beside(page.http === "HTTP/2" ? "HTTP/1.1" : "HTTP/2", new URLSearchParams(location.hash.slice(1)).get("beside") ?? "");

addEventListener("hashchange", cost.alone); // another step's are not to be compared

// pictured returns a chart as it can be saved: a table is no picture.
function pictured(id, chart, kind) {
  if (at(id).dataset.kind === "table") chart.show(kind);
  return chart;
}

const saves = save(panels.save, {
  jsonl: () => ["fourwires.jsonl", "application/jsonl", jsonl(about(), lanes, page.run.whole)],
  csv: () => ["fourwires.csv", "text/csv", csv(about(), lanes, page.run.whole)],
  latency: () => ["latency.svg", "image/svg+xml", picture(pictured("latencies", latency, "ECDF").picture, `One-way latency: ${at("latencies").dataset.kind}`, latency.caption())],
  bytes: () => ["bytes.svg", "image/svg+xml", picture(pictured("costs", cost, "bars").picture, cost.title(), cost.caption())],
});

// recorded tells since when, by the server's clock, the records have on each lane what was
// published, if it arrived: since the page was opened, as long as nothing is forgotten.
const recorded = () => new Date(page.run.whole ? page.run.whole / 1000 : performance.timeOrigin);

// about is what a run was measured under, how far the records go back, and how far each
// lane has come: a message behind its cursor is not lost, but on its way.
function about() {
  const { best, jumps } = page.clock;
  return {
    since: recorded().toISOString(), lanes: Object.fromEntries(lanes.map(({ name, cursor, tally }) => [name, { cursor: cursor(), lost: tally.lost, in_gaps: tally.gone }])),
    lab: told("lab"), browser: navigator.userAgent, page: me, when: new Date().toISOString(), origin: performance.timeOrigin, http: page.http,
    network: page.network, feed: settings.now(), interval_ms: page.interval, heartbeat_s: page.beat,
    clock: best && { offset_ms: best.offset, error_ms: best.error, jumps },
  };
}

// recovered tells, by lane, what followed its last cut.
function recovered() {
  const heads = lanes.flatMap(({ record }) => record.since(performance.now() - 120_000).filter(({ kind }) => kind === "message"));
  return Object.fromEntries(lanes.map(({ name, recovered }) => [name, recovered(heads)]));
}

// What arrives while the tab is hidden tells of the browser's thrift, not of
// the wires; nor do the means over such a time.
let hid = 0;
document.addEventListener("visibilitychange", () => {
  const now = performance.now();
  if (document.hidden) return (hid = now);
  page.trusts = now;
  voice.news(`This tab was hidden for ${seconds(now - hid)} s: what came meanwhile is not timed.`);
  voice.say(now, "");
  if (page.clock.best) for (const { age } of lanes) age.takeMean(page.clock.server(now));
});

// A page that comes back from the browser's cache has lost its connections.
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());

let paused = false;
const longest = 10_000; // milliseconds that a replay shows
let replayed = null; // {from, began}: the replay's first instant, and when it was begun
let solo = ""; // the lane that stands out
let alike = true; // single keys are shortcuts

function pause() {
  paused = !paused;
  at("pause").setAttribute("aria-pressed", paused);
  put(at("pause"), paused ? "Go on" : "Pause");
}

function run() {
  if (paused) pause();
  play.run();
}

function replay() {
  const now = performance.now();
  const kept = now - page.moment < 300_000 && lanes.every(({ record }) => record.entries[0]?.t <= page.moment);
  const from = kept ? page.moment : now - lag() - 3000;
  replayed = replayed ? null : { from, began: now };
  at("replay").setAttribute("aria-pressed", replayed !== null);
  put(at("replay"), replayed ? "Back to now" : "Replay 1/20");
}

function choose(i) {
  if (play.standing()) return play.answer(i);
  solo = solo === wires[i].name ? "" : wires[i].name;
  for (const { name, element } of lanes) element.classList.toggle("dim", solo !== "" && solo !== name);
}

function projector() {
  const on = document.documentElement.toggleAttribute("data-projector");
  at("projector").setAttribute("aria-pressed", on);
  (on ? document.documentElement.requestFullscreen?.() : document.fullscreenElement && document.exitFullscreen())?.catch(() => {});
}

const dark = matchMedia("(prefers-color-scheme: dark)");
function theme() {
  const { dataset } = document.documentElement;
  const now = dataset.theme ?? (dark.matches ? "dark" : "light");
  dataset.theme = now === "dark" ? "light" : "dark";
  put(at("theme"), now === "dark" ? "Dark" : "Light");
}

// Where this page came through another port than the lab's own, so would the other one, and nobody knows which.
const ours = (origin) => origin && new URL(origin).protocol === location.protocol && new URL(origin).port === location.port;
const other = ours(told("plain")) ? page.secure : ours(page.secure) ? told("plain") : "";
at("other").hidden = !other;
put(at("other"), location.protocol === "https:" ? "HTTP/1.1" : "HTTP/2");
// What this page's messages cost is shown beside those of the other.
function cross() {
  if (!other) return;
  const place = new URLSearchParams(location.hash.slice(1) || "scene=1");
  place.set("beside", cost.packed());
  location.assign(`${other}/#${place}`);
}

const acts = {
  " ": ["run a step that has not run; else pause or go on", () => !play.running() && (play.ready() ? run() : pause())],
  "1 – 4": ["answer the question; once it has run, single out a lane"],
  a: ["run the step again", () => play.able() && run()],
  n: ["next step", play.next],
  b: ["back", play.back],
  r: ["replay the last seconds at 1/20 of their speed", replay],
  x: ["cut this page’s connections (FIN), or the lane’s that is singled out", () => net.cut("fin", 0, solo).then((met) => voice.news(spared(met, solo ? [solo] : wires.map(({ name }) => name)))).catch((err) => voice.news(`Not cut: ${err.message}`))],
  l: ["latency: distribution, strip, percentiles", () => latency.show({ ECDF: "strip", strip: "percentiles" }[at("latencies").dataset.kind] ?? "ECDF")],
  t: ["charts as tables, or back", tables],
  h: ["the same page by HTTP/2, or HTTP/1.1", cross],
  i: ["the wire: what shows its bytes", () => panel("wire")],
  e: ["save", () => panel("save")],
  f: ["projector", projector],
  d: ["dark or light", theme],
  "?": ["this list", help],
};

function panel(name) {
  if (document.documentElement.hasAttribute("data-projector")) projector(); // which has no panels
  panels.show(name, true);
}

function tables() {
  const on = at("latencies").dataset.kind !== "table";
  latency.show(on ? "table" : "ECDF");
  cost.show(on ? "table" : "bars");
}

function help() {
  const dialog = at("keys");
  if (dialog.open) return dialog.close();
  dialog.showModal();
}

at("keys").innerHTML = `<h2>Keys</h2>
  <dl>${Object.entries(acts).map(([key, [text]]) => `<div><dt><kbd>${key === " " ? "Space" : key.toUpperCase()}</kbd></dt><dd>${text}</dd></div>`).join("")}</dl>
  <p><label><input type="checkbox" checked> single keys are shortcuts</label> <button type="button">Close</button></p>`;
at("keys").querySelector("input").addEventListener("change", ({ target }) => (alike = target.checked));
at("keys").querySelector("button").addEventListener("click", () => at("keys").close());
keys({ ...Object.fromEntries(Object.entries(acts).map(([key, [, act]]) => [key, act])), ...Object.fromEntries([0, 1, 2, 3].map((i) => [String(i + 1), () => choose(i)])) }, () => alike);
for (const [id, act] of Object.entries({ pause, replay, projector, theme, help, other: cross })) at(id).addEventListener("click", act);

const calm = matchMedia("(prefers-reduced-motion: reduce)");
let drawn = -Infinity;
let stripped = -Infinity;
let charted = -Infinity;
let jumps = 0;

// lag is how much later the lanes are drawn than it happened: what is under way is
// known when it has arrived.
const lag = () => (page.network ? page.network.rtt + page.network.jitter : 100) + 80;

// instant is what the lanes show: now, or an instant of the replay, which begins
// anew when it has come to where it was asked for.
function instant(now) {
  if (!replayed) return now - lag();
  const { from, began } = replayed;
  return from + (((now - began) / 20) % Math.max(1, Math.min(longest, began - from)));
}

// frame draws everything. Strips move by a pixel in 80 ms, and digits
// that change more often than twenty times a second cannot be read.
function frame() {
  requestAnimationFrame(frame);
  const now = performance.now();
  if (paused || (calm.matches && now - drawn < 1000)) return;
  const t = instant(now);
  if (now - drawn >= 50) {
    drawn = now;
    for (const lane of lanes) lane.update(now, t);
  }
  strips(now, t);
  if (now - charted >= (calm.matches ? 1000 : 500)) chart(now);
  if (now - meant >= 10_000) mean(now);
  if (voice.due(now)) voice.say(now, means);
}

function strips(now, t) {
  const { best } = page.clock;
  if (!calm.matches) {
    const slow = now - stripped >= 80;
    const height = slow && best ? top(Math.max(...lanes.map(({ age }) => peak(age.course, page.clock.server(t))))) : null;
    if (slow) stripped = now;
    for (const { draw } of lanes) draw(now, t, height);
  }
}

function chart(now) {
  charted = now;
  const { best } = page.clock;
  const clock = best ? `clock ${best.offset < 0 ? "" : "+"}${time(best.offset)} ± ${time(best.error)}` : "clock not known yet";
  put(at("clock"), replayed ? `replay of ${seconds(now - instant(now))} s ago` : clock);
  if (page.clock.jumps !== jumps) {
    // What was measured since the clock was set is not to be trusted.
    jumps = page.clock.jumps;
    for (const { oneWay } of lanes) oneWay.clear();
    voice.news("A clock was set, or its machine slept: the latencies begin anew.");
  }
  const all = reached(lanes.map(({ tally }) => tally));
  put(at("source").querySelector(".what"), `${carries(settings.now())}${all.epoch ? ` · newest #${number(all.head)}` : ""}`);
  put(at("source").querySelector(".behind"), replayed ? "→ you, at 1/20 of the speed: what is under way, and the ages" : `→ you, drawn ${time(lag())} late: only an arrival tells its way`);
  for (const { hold } of lanes) hold(now, all);
  if (now - page.moment < 60_000) recovered();
  else for (const lane of lanes) lane.recovered(null);
  latency.update(now);
  cost.update();
  saves.update(`Recorded: what was published since ${recorded().toTimeString().slice(0, 8)}, on all lanes alike (${number(page.run.kept)} entries).${page.run.forgot > -Infinity ? " What was before is forgotten." : ""}`);
}

// mean writes the mean ages since it was last called.
function mean(now) {
  if (!page.clock.best) return (means = "The clock is not known yet, and so are the ages.");
  const list = lanes.map(({ name, age, mean }) => {
    const ms = age.takeMean(page.clock.server(now));
    mean(ms);
    return ms === null ? `${name} nothing` : `${name} ${seconds(ms)} s`;
  });
  means = `In the last ${Math.round((now - meant) / 1000)} s, the newest message was this old on average: ${list.join(", ")}.`;
  meant = now;
}

requestAnimationFrame(frame);
