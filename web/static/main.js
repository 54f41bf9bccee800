import { ledger } from "./bytes.js";
import { Clock } from "./clock.js";
import { controls } from "./controls.js";
import { number, seconds, time } from "./format.js";
import { lane } from "./lane.js";
import { publish } from "./publish.js";
import { put } from "./put.js";
import { peak, top } from "./strip.js";
import { sync } from "./sync.js";
import * as longpoll from "./longpoll.js";
import * as polling from "./polling.js";
import * as sse from "./sse.js";
import * as websocket from "./websocket.js";

const wires = [
  { name: "polling", letter: "P", open: polling.open, about: ({ interval }) => `asks every ${number(interval / 1000, interval < 1000 ? 2 : 1)} s` },
  { name: "longpoll", letter: "L", open: longpoll.open, about: () => "asks, waits for news" },
  { name: "sse", letter: "S", open: sse.open, about: () => "one endless answer" },
  { name: "websocket", letter: "W", open: websocket.open, about: () => "one pipe, both ways" },
];

const at = (id) => document.getElementById(id);
const me = crypto.getRandomValues(new Uint32Array(1))[0].toString(36); // this page, to the server
const address = (path, more = "") => `${location.origin}${path}?page=${me}${more}`;
const control = document.querySelector('meta[name="control"]').content;

// What the parts of the page share.
const page = {
  clock: new Clock(),
  interval: 2000, // of polling, in milliseconds
  epoch: "", // and head: where the feed stood when the page was opened
  head: 0,
  visible: -Infinity, // since when the tab has been, in performance.now()
  seen: () => {}, // is told of every message on every lane
};

let lanes = [];
const settings = controls(at("controls"), `${control}/control/feed`, page, () => {
  // A latency belongs to the settings under which it was measured.
  for (const { oneWay } of lanes) oneWay.clear();
});
const box = publish(at("publish"), address("/publish"), wires);
page.seen = box.seen;

sync(address("/websocket/echo", "&stamps=1"), page.clock);

// Opened one behind the head, every lane shows the newest message at once.
// Where the head is not to be had, they show what comes from now on.
const feed = await settings.refresh();
if (feed) [page.epoch, page.head] = [feed.epoch, feed.head];
const after = feed ? `${feed.epoch}-${Math.max(feed.head - 1, 0)}` : "";
lanes = wires.map((wire) => lane(at("lanes").appendChild(document.createElement("li")), wire, page));

// The lanes share one thread, and whoever is called first has the better
// latency. So it is another one each time that the page is opened.
const first = Math.floor(Math.random() * wires.length);
for (let i = 0; i < wires.length; i++) {
  const { name, open } = wires[(first + i) % wires.length];
  open(address(`/${name}`), after, lanes[(first + i) % wires.length].on);
}

setInterval(settings.refresh, 5000);

ledger(`${control}/control/ledger?page=${me}`, (name, row) => {
  for (const lane of lanes) if (name === lane.name || name === null) lane.cost(row);
});

// What arrives while the tab is hidden tells of the browser's thrift, not of
// the wires; nor do the means over such a time.
let said = performance.now();
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  page.visible = said = performance.now();
  if (page.clock.best) for (const { age } of lanes) age.takeMean(page.clock.server(page.visible));
});

// A page that comes back from the browser's cache has lost its connections.
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());

let frozen = false;
at("freeze").addEventListener("click", () => {
  frozen = !frozen;
  at("freeze").setAttribute("aria-pressed", frozen);
});

const calm = matchMedia("(prefers-reduced-motion: reduce)");
let drawn = -Infinity;
let stripped = -Infinity;

// frame draws everything. Strips move by less than a pixel in 40 ms.
function frame() {
  requestAnimationFrame(frame);
  const now = performance.now();
  if (frozen || (calm.matches && now - drawn < 1000)) return;
  drawn = now;
  for (const { update } of lanes) update(now);
  box.update();
  if (now - stripped >= 40) strips(now);
  if (now - said >= 10_000) say(now);
}

function strips(now) {
  stripped = now;
  const { best } = page.clock;
  put(at("clock"), best ? `server's clock ${best.offset < 0 ? "" : "+"}${time(best.offset)} ± ${time(best.error)}` : "server's clock not known yet");
  if (!best) return;
  const height = top(Math.max(...lanes.map(({ age }) => peak(age.course, page.clock.server(now)))));
  for (const { draw } of lanes) draw(now, height);
}

function say(now) {
  said = now;
  if (!page.clock.best) return;
  const means = lanes.map(({ name, age, mean }) => {
    const ms = age.takeMean(page.clock.server(now));
    mean(ms);
    return ms === null ? `${name} nothing` : `${name} ${seconds(ms)} s`;
  });
  put(at("says"), `In the last 10 s, the newest message was this old on average: ${means.join(", ")}.`);
}

requestAnimationFrame(frame);
