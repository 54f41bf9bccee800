import { Clock, grain } from "./clock.js";
import { describe } from "./network.js";

/** @typedef {import("./network.js").Network} Network */

/**
 * Site is what the lab wrote into the document.
 * @typedef {object} Site
 * @property {string} lab which lab this is, for files that are saved
 * @property {string} control the origin of the control API; "": this page cannot use it
 * @property {string} missing why it cannot, or could not
 * @property {string} plain the origin of the page without TLS
 * @property {string} secure its origin with TLS; "": the lab has none
 * @property {string} http the version by which the document arrived: "HTTP/1.1", "HTTP/2" …
 */

/** @returns {Site} */
export function site() {
  const meta = (name) => /** @type {HTMLMetaElement} */ (document.querySelector(`meta[name="${name}"]`)).content;
  const [entry] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
  const versions = { "http/1.0": "HTTP/1.0", "http/1.1": "HTTP/1.1", h2: "HTTP/2", h3: "HTTP/3" };
  const control = meta("control");
  return {
    lab: meta("lab"),
    control,
    missing: meta("barred") || `the control address ${control} cannot be reached from here`,
    plain: meta("plain"),
    secure: meta("secure"),
    http: versions[entry?.nextHopProtocol] ?? "HTTP unknown",
  };
}

// State is what the parts of the page share. Only its own methods change it: the parts get it as a Page. Instants are
// milliseconds of performance.now().
export class State {
  me = crypto.getRandomValues(new Uint32Array(1))[0].toString(36); // this page, to the server
  clock = new Clock(grain());
  /** @type {number | null} of polling, in milliseconds; null: unknown, another tab measures */
  interval = 2000;
  heartbeat = 0; // seconds between the heartbeats that the streams ask for; 0: none
  // seconds that the silence of scene 4 lasts
  silence = Number(new URLSearchParams(location.hash.slice(1)).get("silence")) || 20;
  /** @type {Network | null} in force; null: unknown */
  network = null;
  epoch = ""; // of the feed when the page was opened; "": unknown
  head = 0; // and its newest id
  // what was published before is not timed: the tab was hidden, or the page or the lanes stood still
  timedSince = -Infinity;
  measuredSince = -Infinity; // what was published before was measured under other settings
  eventAt = -Infinity; // when the last burst or cut began, for the replay

  /** @param {Site} site */
  constructor(site) {
    this.lab = site.lab;
    this.control = site.control;
    this.missing = site.missing;
    this.plain = site.plain;
    this.secure = site.secure;
    this.http = site.http;
  }

  /** @param {number | null} ms */
  setInterval(ms) {
    this.interval = ms;
  }

  /** @param {number} seconds */
  setHeartbeat(seconds) {
    this.heartbeat = seconds;
  }

  /** @param {Network | null} network */
  setNetwork(network) {
    this.network = network;
  }

  /**
   * setHead notes where the feed is, before the lanes are opened.
   * @param {{epoch: string, head: number}} feed
   */
  setHead({ epoch, head }) {
    [this.epoch, this.head] = [epoch, head];
  }

  // distrust notes that what was published before now is not to be timed.
  distrust(now = performance.now()) {
    this.timedSince = now;
  }

  // remeasure notes that what was published before now was measured under other settings.
  remeasure(now = performance.now()) {
    this.measuredSince = now;
  }

  /**
   * setEvent notes when a burst or a cut began; -Infinity: there is none.
   * @param {number} t
   */
  setEvent(t) {
    this.eventAt = t;
  }

  // usual returns how many milliseconds a message takes at most, by the network in force.
  get usual() {
    return (this.network ? this.network.rtt / 2 + this.network.jitter : 0) + 150;
  }

  // description returns the network in force in words.
  get description() {
    return this.network ? `network: ${describe(this.network)}` : "network: unknown";
  }

  /**
   * address returns a URL of the lanes' address, as this page asks for it.
   * @param {string} path
   * @param {string} [query] what follows page=
   */
  address(path, query = "") {
    return `${location.origin}${path}?page=${this.me}${query}`;
  }
}

/** @typedef {Readonly<State>} Page */
