import { equal, near, test } from "./test.js";
import { Model } from "/static/stage/model.js";
import { Series } from "/static/stage/series.js";

// The server's clock is 5 s ahead, and counts µs.
const ahead = 5000;
const stamp = (ms) => 1000 * (ms + ahead);
const toPage = (at) => at / 1000 - ahead;

// server writes entries as GET /control/exchanges has them.
class Server {
  seq = 0;
  entries = [];
  entry(kind, transport, exchange, ms, more = {}) {
    this.entries.push({ seq: ++this.seq, kind, transport, exchange, conn: 1, at: stamp(ms), ...more });
  }
  message(transport, exchange, ms, id, published, bytes = { payload: 100, envelope: 20 }) {
    this.entry("message", transport, exchange, ms, { dir: "down", id, published: stamp(published), bytes });
  }
  batch(now = 0) {
    const entries = this.entries;
    this.entries = [];
    return { epoch: "one", now: stamp(now), entries };
  }
}

const arrival = (id, published, t, asked = null) => ({ kind: "message", t, id, at: stamp(published), asked });
const plain = ({ id, key, written, arrived, exchange }) =>
  [id, toPage(key), toPage(written), arrived, exchange?.exchange ?? null];

test("series: items are in their order, the oldest are forgotten", () => {
  const gone = [];
  const series = new Series(100, ({ key }) => gone.push(key));
  for (const key of [5, 3, 9, 7]) series.add({ key });
  equal(series.items.map(({ key }) => key), [3, 5, 7, 9]);
  equal([2, 3, 4, 9, 10].map((key) => series.from(key)), [0, 0, 1, 3, 4]);
  equal([2, 3, 4, 9, 10].map((key) => series.after(key)), [0, 1, 1, 4, 4]);
  equal([series.at(2), series.at(8).key], [undefined, 7]);
  for (let key = 10; key < 1000; key++) series.add({ key });
  equal([series.items.length <= 125, series.items[0].key - 1, series.forgot], [true, gone.at(-1), gone.at(-1)]);
  equal(gone.length + series.items.length, 994);
});

test("model: what was written and what arrived are one line, whichever is known first", () => {
  const model = new Model();
  const server = new Server();
  server.message("sse", 7, 100, 1, 99);
  model.exchanged(server.batch(), toPage, 1);
  model.record("sse", arrival(1, 99, 150));
  model.record("sse", arrival(2, 199, 250));
  server.message("sse", 7, 200, 2, 199);
  model.exchanged(server.batch(), toPage, 1);
  const { lines, news } = model.byName.get("sse");
  equal(lines.items.map(plain), [[1, 99, 100, 150, 7], [2, 199, 200, 250, 7]]);
  equal(news.items.map(({ key, id }) => [key, id]), [[150, 1], [250, 2]]);
  equal([lines.items[0].bytes, lines.items[0].payload], [120, 100]);
  equal(model.publishes.items.map(({ id }) => id), [1, 2]);
});

test("model: a message that was written twice arrived by the second", () => {
  for (const late of [false, true]) {
    const model = new Model();
    const server = new Server();
    server.message("websocket", 1, 100, 5, 99);
    server.entry("end", "websocket", 1, 110, { cut: "closed" });
    if (!late) model.record("websocket", arrival(5, 99, 450));
    model.exchanged(server.batch(), toPage, 1);
    server.message("websocket", 2, 400, 5, 99);
    model.exchanged(server.batch(), toPage, 1);
    if (late) model.record("websocket", arrival(5, 99, 450));
    const { lines } = model.byName.get("websocket");
    equal(lines.items.map(plain), [[5, 99, 100, null, 1], [5, 99, 400, 450, 2]]);
    equal(lines.items[0].exchange.cut, "closed");
  }
});

test("model: a message that arrived twice has two lines", () => {
  const model = new Model();
  model.record("polling", arrival(5, 99, 150));
  model.record("polling", arrival(5, 99, 160));
  equal(model.byName.get("polling").lines.items.map(({ arrived }) => arrived), [150, 160]);
});

test("model: a request has the stamps of both sides", () => {
  const model = new Model();
  const server = new Server();
  model.record("polling", { kind: "asked", t: 0 }); // it never reached the server
  model.record("polling", { kind: "state", t: 500, state: "down" });
  model.record("polling", { kind: "asked", t: 1000 });
  server.entry("request", "polling", 3, 1050, { bytes: { head: 200 } });
  server.entry("response", "polling", 3, 1051, { bytes: { head: 100 } });
  server.message("polling", 3, 1051, 1, 900);
  server.entry("end", "polling", 3, 1052, { bytes: { envelope: 10 } });
  model.record("polling", { kind: "answered", t: 1100, asked: 1000 });
  model.exchanged(server.batch(), toPage, 1);
  server.entry("request", "polling", 4, 1160); // of no request that the page knows
  model.exchanged(server.batch(), toPage, 1);
  const { asks, exchanges } = model.byName.get("polling");
  equal(asks.items.map(({ key, answered, exchange }) => [key, answered, exchange?.exchange ?? null]), [[0, null, null], [1000, 1100, 3]]);
  const [one, two] = exchanges.items;
  equal([one.ask.key, toPage(one.answered), toPage(one.ended), one.messages, one.bytes, one.payload], [1000, 1051, 1052, 1, 430, 100]);
  equal(two.ask, null);
});

test("model: a request that a browser sent a second time is that of the second exchange", () => {
  const model = new Model();
  const server = new Server();
  model.record("longpoll", { kind: "asked", t: 0 });
  server.entry("request", "longpoll", 1, 50);
  server.entry("end", "longpoll", 1, 300, { cut: "closed" });
  server.entry("request", "longpoll", 2, 450);
  model.exchanged(server.batch(), toPage, 1);
  const { asks, exchanges } = model.byName.get("longpoll");
  equal([asks.items[0].exchange.exchange, ...exchanges.items.map(({ ask }) => ask?.key ?? null)], [2, null, 0]);
});

test("model: a text upstream has the stamps of both sides", () => {
  const model = new Model();
  const server = new Server();
  for (const t of [100, 200]) model.record("websocket", { kind: "sent", t });
  for (const t of [150, 250, 300]) server.entry("message", "websocket", 1, t, { dir: "up", id: 0, published: 0 });
  model.exchanged(server.batch(), toPage, 1);
  equal(model.byName.get("websocket").ups.items.map(({ key, sent }) => [toPage(key), sent]), [[150, 100], [250, 200], [300, null]]);
});

test("model: a stream that is read anew brings nothing twice, and a new server's numbers begin anew", () => {
  const model = new Model();
  const server = new Server();
  server.message("sse", 7, 100, 1, 99);
  const batch = server.batch();
  for (let i = 0; i < 2; i++) model.exchanged({ ...batch, published: [[1, stamp(99)]] }, toPage, 1);
  equal(model.byName.get("sse").lines.items.length, 1);
  equal(model.publishes.items.length, 1);
  const restarted = new Server();
  restarted.message("sse", 1, 900, 1, 890);
  model.exchanged({ ...restarted.batch(), epoch: "two" }, toPage, 1);
  equal(model.byName.get("sse").lines.items.map(({ id, key }) => [id, toPage(key)]), [[1, 99], [1, 890]]);
});

test("model: without the server's entries there is what the page recorded", () => {
  const model = new Model();
  model.record("longpoll", { kind: "asked", t: 0 });
  model.record("longpoll", { kind: "answered", t: 90, asked: 0 });
  model.record("longpoll", arrival(1, 40, 90, 0));
  const { lines, asks } = model.byName.get("longpoll");
  equal([model.recorded, ...lines.items.map(plain)], [false, [1, 40, null, 90, null]]);
  equal([lines.items[0].asked, asks.items[0].answered], [0, 90]);
});

test("model: its memory is bounded", () => {
  const model = new Model();
  const server = new Server();
  for (let id = 1; id <= 60_000; id++) {
    server.message("sse", 1, id, id, id - 0.5);
    model.record("sse", arrival(id, id - 0.5, id + 1));
    if (id % 100 === 0) model.exchanged(server.batch(id), toPage, 1);
  }
  const { lines, byId, news } = model.byName.get("sse");
  near(lines.items.length, 22_500, 2500);
  equal([byId.size, lines.items.at(-1).id], [lines.items.length, 60_000]);
  near(news.items.length, 22_500, 2500);
  near(model.publishes.items.length, 22_500, 2500);
  equal(toPage(model.since) > 35_000, true);
});

// A run of 2 000 messages by a stream with cuts: what was on the wire then is lost, and written anew to the next one.
test("model: each line is what was recorded, through cuts", () => {
  let seed = 3;
  const random = () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
  const model = new Model();
  const server = new Server();
  /** @type {[number, () => void][]} */
  const happenings = [];
  const written = new Map(); // by seq, every message that the server wrote
  const arrived = new Map(); // by id, when it arrived
  let exchange = 1;
  let connected = true;
  let cursor = 0; // that the page has
  let sent = 0; // that the server has written to this exchange
  const published = [];
  const write = (now) => {
    for (; connected && sent < published.length; sent++) {
      const id = sent + 1;
      const at = now + 0.2;
      server.message("sse", exchange, at, id, published[sent]);
      written.set(server.seq, { id, at: stamp(at), published: stamp(published[sent]), exchange });
      const [mine, t] = [exchange, at + 50 + random()];
      happenings.push([t, () => {
        if (mine !== exchange || !connected) return; // it was cut on its way
        cursor = id;
        arrived.set(id, t);
        model.record("sse", arrival(id, published[id - 1], t));
      }]);
    }
  };
  for (let i = 0, now = 0; i < 2000; i++) {
    now += 40 * random();
    const t = now;
    happenings.push([t, () => (published.push(t), write(t))]);
    if (i % 100 === 60) {
      happenings.push([t + 5, () => {
        server.entry("end", "sse", exchange, t + 5, { cut: "closed" });
        connected = false;
      }]);
      happenings.push([t + 400, () => {
        [exchange, connected, sent] = [exchange + 1, true, cursor];
        server.entry("request", "sse", exchange, t + 400);
        write(t + 400);
      }]);
    }
  }
  let read = 0;
  for (let now = 0; happenings.length; ) {
    happenings.sort((a, b) => a[0] - b[0]);
    const [t, happen] = happenings.shift();
    now = t;
    happen();
    if (now - read > 100 * random()) { // entries and arrivals reach the model in any order
      read = now;
      model.exchanged(server.batch(now), toPage, 1);
    }
  }
  model.exchanged(server.batch(), toPage, 1);

  const { lines } = model.byName.get("sse");
  equal(lines.items.length, written.size); // no line that was not recorded, none missing
  equal(written.size > 2050, true); // some were written twice
  for (const { seq, id, key, written: at, exchange } of lines.items) {
    equal({ id, at, published: key, exchange: exchange.exchange }, written.get(seq));
  }
  const landed = lines.items.filter((line) => !Number.isNaN(line.arrived));
  equal(landed.length, arrived.size);
  for (const line of landed) {
    equal(line.arrived, arrived.get(line.id));
    equal(line.arrived >= toPage(line.written), true);
  }
  equal(arrived.size, 2000);
});
