import { equal, test } from "./test.js";
import { difference, footnote, pack, parts, perMessage, unpack } from "/static/lab/bytes.js";

const row = {
  delivered: 4,
  up: { head: 400, opening: 0, tag: 40, unaccounted: 0, total: 440 },
  down: { payload: 200, head: 300, opening: 90, tag: 0, unaccounted: 2, total: 592 },
};

test("bytes: everything counts, but what is paid once and the page's own mark", () => {
  equal(perMessage(row), { bytes: 902 / 4, opening: 90, unaccounted: 2 });
});

test("bytes: there is no figure before the first message", () => {
  equal(perMessage({ ...row, delivered: 0 }), null);
});

test("bytes: what is unaccounted is always said", () => {
  equal(footnote(perMessage(row)), "unaccounted: 2 B");
  equal(footnote({ opening: 90, unaccounted: 0 }), "opening 90 B");
  equal(footnote({ opening: 0, unaccounted: 0 }), "");
});

test("bytes: the ledger's difference, and from nothing", () => {
  const row = (n) => ({ requests: n, delivered: n, sent: 0, up: { head: 10 * n, total: 10 * n }, down: { head: 0, total: 0 } });
  equal(difference(row(5), row(2)).up, { head: 30, total: 30 });
  equal(difference(row(5)).requests, 5);
});

test("bytes: rows go into an address, and come out of it", () => {
  const full = (part) => Object.fromEntries([...parts, "total"].map((name, i) => [name, i * part]));
  const sse = { transport: "sse", delivered: 7, up: full(1), down: full(100) };
  const text = pack({ rows: new Map([["sse", sse], ["connection", { transport: "connection" }]]), seconds: 2.5 });
  const { rows, seconds } = unpack(text);
  equal(seconds, 3);
  equal(rows.get("sse"), sse);
  equal([...rows.keys()], ["polling", "longpoll", "sse", "websocket"]);
  equal(rows.get("polling").delivered, 0);
  for (const bad of ["", "k3v9qa", "1.2", `${text}.1`, text.replace("7", "x"), text.replace("7", "1e999")]) equal(unpack(bad), null);
});
