// What the diagram draws, joined from two sources: the records of the page's lanes, with stamps in milliseconds of
// performance.now(), and the exchanges that the server recorded, with stamps in µs of its clock. Neither is converted
// here, so each line has the very stamps that were recorded; layout.js lays both on one axis.
import { transports } from "../transports/transports.js";
import { Series } from "./series.js";

const mostLines = 20_000; // of a lane
const mostRequests = 5000;
const mostEvents = 1000;

/**
 * Line is a delivery of a message on a lane: from the server, which wrote it, to the page.
 * @typedef {object} Line
 * @property {number} key when the message was published, µs
 * @property {number} id
 * @property {Lane} lane
 * @property {number} written when the server wrote it, µs; NaN: that is not recorded
 * @property {number} arrived on the page, ms; NaN: it has not
 * @property {number | null} asked when the request left that brought it, ms; null: it was pushed, or unknown
 * @property {Exchange | null} exchange in which it was written
 * @property {number} seq of its entry there
 * @property {number} payload bytes
 * @property {number} bytes in all, of its own
 */

/**
 * Exchange is a request and its response, as the server recorded them.
 * @typedef {object} Exchange
 * @property {number} key when the server had read the request, µs; where that is not recorded: of its first entry
 * @property {boolean} begun its request is recorded
 * @property {Lane} lane
 * @property {number} exchange its number
 * @property {number} answered when it began to write the response, µs; NaN: not yet
 * @property {number} ended when it had written all of it, µs; NaN: not yet
 * @property {string} cut why it ended, if it did not end by itself
 * @property {Ask | null} ask the page's stamps of it
 * @property {number} messages that were written in it
 * @property {number} payload bytes
 * @property {number} bytes in all, both directions
 */

/**
 * Ask is a request as the page recorded it.
 * @typedef {object} Ask
 * @property {number} key when it left, ms
 * @property {number} answered when its response was there, ms; NaN: not yet
 * @property {Exchange | null} exchange
 */

/**
 * Up is a message upstream.
 * @typedef {object} Up
 * @property {number} key when the server had read it, µs
 * @property {number} sent when it left the page, ms; NaN: that is not recorded
 * @property {Exchange} exchange
 * @property {number} seq
 * @property {number} payload
 * @property {number} bytes
 */

/**
 * Lane is what the diagram has of one transport.
 * @typedef {object} Lane
 * @property {string} name
 * @property {string} title
 * @property {boolean} streams
 * @property {boolean} polls
 * @property {Series<Line>} lines by when their messages were published
 * @property {Map<number, Line>} byId the last line of each id
 * @property {Series<Exchange>} exchanges
 * @property {Series<Ask>} asks
 * @property {Series<{key: number, at: number, id: number}>} news the messages that were newer than all before: when
 * they arrived, ms, and when they were published, µs
 * @property {Series<{key: number, state: string}>} states
 * @property {Series<{key: number, cut: string, lasting: number}>} cuts
 * @property {Series<{key: number, from: number, to: number}>} gaps
 * @property {Series<Up>} ups
 * @property {number[]} sent when texts left upstream whose entry has not been seen yet, ms
 */

/**
 * ServerEntry is an entry of GET /control/exchanges.
 * @typedef {object} ServerEntry
 * @property {number} seq
 * @property {string} kind
 * @property {number} at
 * @property {number} exchange
 * @property {string} transport
 * @property {string} [dir]
 * @property {number} [id]
 * @property {number} [published]
 * @property {Record<string, number>} [bytes]
 * @property {string} [cut]
 */

/**
 * Batch is an event of GET /control/exchanges.
 * @typedef {{epoch: string, now: number, dropped?: number, published?: [number, number][],
 *   entries?: ServerEntry[]}} Batch
 */

/**
 * A Model grows with each entry, and forgets the oldest: it keeps some 20 000 lines of a lane.
 */
export class Model {
  /** @type {Lane[]} in their order on the page */
  lanes = transports.map(({ name, title, streams, polls }) => lane(name, title, streams, polls));
  /** @type {Series<{key: number, id: number}>} what the feed accepted, by when, µs */
  publishes = new Series(mostLines);
  /** @type {Map<number, Exchange>} */
  exchanges = new Map();
  /** @type {Map<string, Lane>} */
  byName = new Map(this.lanes.map((lane) => [lane.name, lane]));
  recorded = false; // the server's stamps are there
  known = 0; // all that the server did before is there, µs
  dropped = 0; // entries that the server forgot before they were read
  #epoch = ""; // of the server's entries
  #seq = 0; // of the last

  constructor() {
    for (const lane of this.lanes) lane.exchanges.forget = ({ exchange }) => this.exchanges.delete(exchange);
  }

  /**
   * record takes an entry of a lane's record.
   * @param {string} name of the lane
   * @param {import("../lane/record.js").Entry} entry
   */
  record(name, entry) {
    const lane = this.byName.get(name);
    const key = entry.t;
    if (entry.kind === "message") this.#arrive(lane, entry);
    else if (entry.kind === "asked") lane.asks.add({ key, answered: NaN, exchange: null });
    else if (entry.kind === "answered") answer(lane, entry);
    else if (entry.kind === "state") lane.states.add({ key, state: entry.state });
    else if (entry.kind === "cut") lane.cuts.add({ key, cut: entry.cut, lasting: entry.lasting ?? 0 });
    else if (entry.kind === "gap") lane.gaps.add({ key, from: entry.from, to: entry.to });
    else if (entry.kind === "sent") {
      lane.sent.push(key);
      if (lane.sent.length > 100) lane.sent.shift();
    }
  }

  /**
   * exchanged takes an event of the server's recorded exchanges.
   * @param {Batch} batch
   * @param {(at: number) => number} toPage turns an instant of the server's clock into one of the page's, in ms, by
   * which requests are joined
   * @param {number} slack ms by which that may be wrong
   */
  exchanged({ epoch, now, dropped = 0, published = [], entries = [] }, toPage, slack) {
    if (epoch !== this.#epoch) [this.#epoch, this.#seq] = [epoch, 0];
    this.recorded = true;
    if (now) this.known = now;
    this.dropped += dropped;
    for (const [id, at] of published) this.#publish(id, at);
    for (const entry of entries) {
      if (entry.seq <= this.#seq) continue; // it is here already: the stream was opened anew
      this.#seq = entry.seq;
      const lane = this.byName.get(entry.transport);
      if (lane) this.#entry(lane, entry, toPage, slack);
    }
  }

  // missed notes that the server's entries cannot be had any more.
  missed() {
    this.recorded = false;
  }

  // clear forgets everything: a clock was set, so the stamps before and after have no common axis.
  clear() {
    this.publishes.clear();
    this.exchanges.clear();
    for (const lane of this.lanes) {
      for (const series of [
        lane.lines, lane.exchanges, lane.asks, lane.news, lane.states, lane.cuts, lane.gaps, lane.ups,
      ]) series.clear();
      lane.byId.clear();
      lane.sent.length = 0;
    }
  }

  /**
   * since returns when the messages were published from which on all lanes are whole, in µs: of those before, some are
   * forgotten.
   */
  get since() {
    return Math.max(...this.lanes.map(({ lines }) => lines.forgot), this.publishes.forgot);
  }

  #publish(id, at) {
    const known = this.publishes.at(at);
    if (at <= this.publishes.forgot || (known?.key === at && known.id === id)) return;
    this.publishes.add({ key: at, id });
  }

  /**
   * @param {Lane} lane
   * @param {import("../lane/record.js").Entry} entry
   */
  #arrive(lane, { id, at, t, asked = null }) {
    this.#publish(id, at);
    const line = lane.byId.get(id);
    if (line?.key === at && Number.isNaN(line.arrived)) {
      line.arrived = t;
      line.asked = asked;
    } else {
      add(lane, at, id, NaN, t, asked);
    }
    const newest = lane.news.items.at(-1);
    if (!newest || at > newest.at) lane.news.add({ key: t, at, id });
  }

  /**
   * @param {Lane} lane
   * @param {ServerEntry} entry
   */
  #entry(lane, entry, toPage, slack) {
    const { kind, at, exchange: number, bytes = {} } = entry;
    const size = Object.values(bytes).reduce((sum, n) => sum + n, 0);
    const payload = bytes.payload ?? 0;
    if (kind === "open" || kind === "close") return; // of a connection
    const exchange = this.exchanges.get(number) ?? this.#exchange(lane, number, at);
    if (kind === "request") {
      exchange.begun = true;
      exchange.ask = findAsk(lane, toPage(at) + slack);
      if (exchange.ask) exchange.ask.exchange = exchange;
    }
    exchange.payload += payload;
    exchange.bytes += size;
    if (kind === "response") exchange.answered = at;
    if (kind === "end") [exchange.ended, exchange.cut] = [at, entry.cut ?? ""];
    if (kind !== "message") return;
    if (entry.dir === "up") {
      const i = lane.sent.findLastIndex((t) => t <= toPage(at) + slack);
      const [sent = NaN] = i < 0 ? [] : lane.sent.splice(0, i + 1).slice(-1);
      lane.ups.add({ key: at, sent, exchange, seq: entry.seq, payload, bytes: size });
    } else if (entry.id && entry.published) {
      exchange.messages++;
      const line = this.#write(lane, entry, toPage, slack);
      Object.assign(line, { exchange, seq: entry.seq, payload, bytes: size });
    }
  }

  /** @returns {Exchange} */
  #exchange(lane, number, at) {
    const exchange = {
      key: at, begun: false, lane, exchange: number, answered: NaN, ended: NaN, cut: "", ask: null,
      messages: 0, payload: 0, bytes: 0,
    };
    lane.exchanges.add(exchange);
    this.exchanges.set(number, exchange);
    return exchange;
  }

  /**
   * write joins what the server wrote with what arrived. A message that a cut has stopped is written a second time: the
   * second is the one that arrived.
   * @param {Lane} lane
   * @param {ServerEntry} entry
   */
  #write(lane, { id, at, published }, toPage, slack) {
    this.#publish(id, published);
    const line = lane.byId.get(id);
    if (line?.key !== published) return add(lane, published, id, at, NaN, null);
    if (Number.isNaN(line.written)) {
      line.written = at;
      return line;
    }
    if (!(toPage(at) <= line.arrived + slack)) return add(lane, published, id, at, NaN, null);
    const { arrived, asked } = line;
    line.arrived = NaN;
    line.asked = null;
    return add(lane, published, id, at, arrived, asked);
  }
}

/** @returns {Lane} */
function lane(name, title, streams, polls) {
  /** @type {Map<number, Line>} */
  const byId = new Map();
  const forget = (line) => byId.get(line.id) === line && byId.delete(line.id);
  return {
    name, title, streams, polls, byId,
    lines: new Series(mostLines, forget),
    news: new Series(mostLines),
    exchanges: new Series(mostRequests),
    asks: new Series(mostRequests),
    states: new Series(mostEvents),
    cuts: new Series(mostEvents),
    gaps: new Series(mostEvents),
    ups: new Series(mostEvents),
    sent: [],
  };
}

/** @returns {Line} */
function add(lane, key, id, written, arrived, asked) {
  const line = { key, id, lane, written, arrived, asked, exchange: null, seq: 0, payload: 0, bytes: 0 };
  lane.lines.add(line);
  lane.byId.set(id, line);
  return line;
}

/**
 * answer notes when a response was there.
 * @param {Lane} lane
 * @param {import("../lane/record.js").Entry} entry
 */
function answer({ asks }, { t, asked }) {
  const ask = asked === null ? undefined : asks.at(asked);
  if (ask?.key === asked) ask.answered = t;
}

/**
 * findAsk returns the last request that had left by then, if its response was not there yet: those before it never
 * reached the server. What a browser sent a second time, since its connection was cut, belongs to the second exchange.
 * @param {Lane} lane
 * @param {number} by ms
 */
function findAsk({ asks }, by) {
  const ask = asks.at(by);
  if (ask?.exchange && ask.answered < by) return null;
  if (ask?.exchange) ask.exchange.ask = null;
  return ask ?? null;
}
