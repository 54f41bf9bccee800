// What the tests of the diagram share: a model of a few entries, and a view of it.
import { Model } from "/static/stage/model.js";

const offset = 5000; // ms that the server's clock is ahead
export const stamp = (ms) => 1000 * (ms + offset);
const toPage = (at) => at / 1000 - offset;

// A view of 1 000 ms in 1 000 pixels: an instant is its own x.
export function view(t = 1000, change = {}) {
  const strips = [0, 1, 2, 3].map((i) => ({ x: 0, y: 100 * i, width: 1007, height: 100 }));
  return {
    t, at: stamp(t), span: 1000, unit: 10, strips, oneWay: 50, limits: [3000, 1000, 1000, 1000], top: 1000, chosen: null,
    ...change,
  };
}
// Without names of the rails.
export const narrow = (t, change) => {
  const wide = view(t, change);
  return { ...wide, unit: 100, strips: wide.strips.map((strip) => ({ ...strip, width: 1070 })) };
};

export function model(...entries) {
  const model = new Model();
  model.exchanged({ epoch: "one", now: stamp(0), entries: [] }, toPage, 1);
  let seq = 0;
  for (const { lane, ...entry } of entries) {
    if (entry.kind === "published") model.exchanged({ epoch: "one", now: 1, published: [[entry.id, stamp(entry.t)]] }, toPage, 1);
    else if (lane) model.record(lane, entry);
    else model.exchanged({ epoch: "one", now: 1, entries: [{ seq: ++seq, ...entry }] }, toPage, 1);
  }
  return model;
}
export const written = (transport, id, published, at, exchange = 1) =>
  ({ kind: "message", transport, exchange, at: stamp(at), dir: "down", id, published: stamp(published), bytes: { payload: 100, envelope: 20 } });
export const arrived = (lane, id, published, t) => ({ lane, kind: "message", t, id, at: stamp(published), asked: null });
export const asked = (lane, t) => ({ lane, kind: "asked", t });
export const answered = (lane, asked, t) => ({ lane, kind: "answered", asked, t });
export const request = (transport, exchange, at) => ({ kind: "request", transport, exchange, at: stamp(at), bytes: { head: 300 } });
export const response = (transport, exchange, at) => ({ kind: "response", transport, exchange, at: stamp(at), bytes: { head: 100 } });
export const end = (transport, exchange, at, cut) => ({ kind: "end", transport, exchange, at: stamp(at), bytes: {}, cut });
