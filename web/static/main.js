// main.js builds the parts of the page, and joins them.
import { costs } from "./charts/bars.js";
import { latencies } from "./charts/curves.js";
import { seconds } from "./figures/format.js";
import { setText } from "./figures/text.js";
import { frames } from "./frames.js";
import { api } from "./lab/api.js";
import { inspector } from "./inspector/inspector.js";
import { exchanges } from "./lab/exchanges.js";
import { lead } from "./lab/leader.js";
import { count } from "./lab/ledger.js";
import { describe } from "./lab/network.js";
import { site, State } from "./lab/page.js";
import { watchStalls } from "./lab/stall.js";
import { sync } from "./lab/sync.js";
import { lanes as fourLanes } from "./lane/lanes.js";
import { controls, describe as describeFeed } from "./panels/controls.js";
import { dock } from "./panels/dock.js";
import { header } from "./panels/header.js";
import { keys } from "./panels/keys.js";
import { network as networkPanel } from "./panels/network.js";
import { save } from "./panels/save.js";
import { scenarios } from "./panels/scenarios.js";
import { upstream } from "./panels/upstream.js";
import { viewer } from "./panels/viewer.js";
import { wire } from "./panels/wire.js";
import { actions } from "./scenes/actions.js";
import { player as scenePlayer } from "./scenes/player.js";
import { caption as sentence } from "./stage/caption.js";
import { stage } from "./stage/stage.js";

/** @param {string} id */
const at = (id) => document.getElementById(id);

document.documentElement.toggleAttribute("data-embedded", parent !== window); // in a frame of the docs

// A page that was restored from the browser's cache has lost its connections.
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());

/** @type {import("./lab/page.js").Page} */
const page = new State(site());
const ask = api(page.control, page.missing);
const caption = sentence(at("says"));
const stalls = watchStalls({
  stall(ms) {
    page.distrust();
    caption.news(`This computer was asleep or too busy for ${seconds(ms)} s; those messages are left out.`);
  },
  shown(ms) {
    page.distrust();
    caption.news(`This tab was hidden for ${seconds(ms)} s; those messages are left out.`);
    caption.show(performance.now(), "");
    lanes.forgetAges();
  },
});
const lanes = fourLanes(at("lanes"), page, stalls);

const role = await lead(page.me, {
  state: lanes.snapshot,
  entry: ({ lane, entry }) => lanes.copy(lane, entry),
  yield() {
    lanes.close();
    setTimeout(() => location.reload(), 1000);
  },
  reload: () => location.reload(),
});

/** @type {(answer?: import("./lab/ledger.js").Answer) => void} */
let recount = () => {};
const { panels, show: showPanel, toggle: togglePanel } = dock(at("quiet"), at("dock"), {
  charts: "Charts",
  network: "Network",
  controls: "Feed",
  up: "Send",
  uses: "Use cases",
  wire: "Terminal",
  save: "Save",
});
const settings = controls(panels.controls, ask, page, { change: () => remeasure(), heartbeat: lanes.reopenStreams });
/** @type {import("./lab/network.js").Network | null} */
let known = null; // the last network that was known
const network = networkPanel(panels.network, ask, page.me, {
  change(network) {
    if (network && known && describe(network) !== describe(known)) remeasure();
    known = network ?? known;
    page.setNetwork(network);
    setText(at("net"), `${page.description} · ${page.http}`);
  },
  cut: lanes.cut,
});
const up = upstream(panels.up, page, ask, lanes.send);
lanes.watch(up.seen);
const scenario = scenarios(panels.uses, ask, page, settings, up);
wire(panels.wire);

const echoes = [page.address("/websocket/echo", "&stamps=1")];
if (page.control) echoes.unshift(`${page.control}/websocket/echo?stamps=1&page=${page.me}`); // which no network delays
sync(echoes, page.clock);

// Opened one behind the head, every lane shows the newest message at once.
// Where the head cannot be had, they begin with the next message. It is asked for twice: while a page loads on a busy
// machine, the first answer may not be here in time.
const feed = await settings.refresh() ?? await settings.refresh();
if (feed && role.leads) page.setHead(feed);
lanes.show();
const { control, missing } = page;
const me = role.state?.page ?? page.me; // the page whose lanes are shown
const bytes = inspector(/** @type {HTMLDialogElement} */ (at("inspector")), { control, missing, me });
const diagram = stage({
  element: at("stage"), pause: at("pause"), replay: at("replay"), page, lanes, open: bytes.open,
});
lanes.run.watch = (record, entry) => diagram.record(lanes.list.find((lane) => lane.record === record).name, entry);
// The lanes are opened once the server records this page, so that their first requests are there, too.
if (control) {
  await new Promise((recording) => {
    exchanges(`${control}/control/exchanges?page=${me}`, {
      batch(batch) {
        diagram.exchanged(batch);
        bytes.exchanged(batch);
        recording(true);
      },
      missing: diagram.missed,
    });
    setTimeout(recording, 300);
  });
}
const latency = latencies(at("latencies"), lanes.list, page);
const cost = costs(at("costs"), lanes.list, page);
if (role.leads) {
  lanes.open(feed ? `${feed.epoch}-${Math.max(feed.head - 1, 0)}` : "", role.send);
} else if (role.state) { // else it has just yielded
  lanes.view(role.state);
  viewer(at("viewer"), role.take);
}

// Others may change the feed and the network. What is unknown is asked for sooner.
async function refresh() {
  const all = await Promise.all([settings.refresh(), network.refresh(), scenario.refresh()]);
  setTimeout(refresh, all.every(Boolean) ? 5000 : 1000);
}
await refresh();

if (page.control) {
  recount = count(`${control}/control/ledger?page=${me}`, {
    row(row, counted, since) {
      for (const lane of lanes.list) if (lane.name === row.transport) lane.setCost(row, counted);
      cost.row(counted, since);
    },
    missing() {
      for (const lane of lanes.list) lane.setCost();
      cost.missing();
    },
  });
}

/**
 * remeasure begins anew what is measured: a latency, or what a message costs, belongs to what was set when it was
 * measured. The ledger's count begins with an answer that it gave, or is asked for.
 * @param {import("./lab/ledger.js").Answer} [answer]
 */
function remeasure(answer) {
  if (!lanes.list.length) return;
  lanes.remeasure();
  recount(answer);
}

const parts = { ask, page, lanes, settings, network, scenario, remeasure };
const act = (signal, progress, show) => actions(parts, signal, progress, show);
const player = scenePlayer(at("scenes"), page, act, remeasure);
if (role.leads && player.go()) network.start({ rtt: 100 }); // or all lanes look alike

const beside = new URLSearchParams(location.hash.slice(1)).get("beside") ?? "";
cost.beside(page.http === "HTTP/2" ? "HTTP/1.1" : "HTTP/2", beside);
if (beside) showPanel("charts");
addEventListener("hashchange", cost.alone); // another step's are not to be compared

const files = save(panels.save, { page, lanes, settings, latencies: latency, costs: cost });
const head = header(page, cost.packed);
const { help } = keys(/** @type {HTMLDialogElement} */ (at("keys")), {
  player, diagram, lanes, network, caption, latencies: latency, costs: cost, header: head,
  togglePanel: (name) => togglePanel(name, true),
});
at("help").addEventListener("click", help);
frames({
  page, lanes, diagram, caption,
  source: () => describeFeed(settings.now()),
  charts: [latency.update, cost.update, files.update],
});
