import { equal, test } from "./test.js";
import { headerCosts, table } from "/static/inspector/costs.js";
import { curl } from "/static/inspector/curl.js";
import { dump, text } from "/static/inspector/dump.js";
import { fields, totals } from "/static/inspector/fields.js";
import { frameAt } from "/static/inspector/frame.js";
import { Connections } from "/static/inspector/inspector.js";
import { meaning } from "/static/inspector/meanings.js";
import { quote } from "/static/inspector/octets.js";

const bytesOf = (text) => Uint8Array.from(text, (c) => c.charCodeAt(0));
// span has as many bytes as its text has characters: each is a byte.
const span = (dir, part, role, binary, more = {}) => ({ dir, part, role, size: binary.length, bytes: btoa(binary), ...more });
const lines = (spans) => fields(spans).map(({ part, role, size, text }) => [part, role, size, text]);

test("inspector: bytes are quoted as Go does", () => {
  const utf8 = (text) => quote(new TextEncoder().encode(text));
  equal(utf8('a"b\\\r\n\t\x00\x1b\x7f'), 'a"b\\\\\\r\\n\\t\\x00\\x1b\\x7f');
  equal(utf8("é€😀שלום"), "é€😀שלום");
  equal(utf8("\u202e\u00a0\ufeff\u{e0001}"), "\\u202e\\u00a0\\ufeff\\U000e0001");
  equal(quote(Uint8Array.of(0xff, 0xc3, 0x28, 0xe2, 0x82, 0x41, 0xed, 0xa0, 0x80)), "\\xff\\xc3(\\xe2\\x82A\\xed\\xa0\\x80");
});

test("inspector: a header is one field, and the page tag another", () => {
  const spans = [
    span("up", "head", "request line", "GET /polling"), span("up", "tag", "page tag", "?page=x"),
    span("up", "head", "request line", " HTTP/1.1"), span("up", "head", "line end", "\r\n"),
    span("up", "head", "field name", "Host: "), span("up", "head", "field value", "a"),
    span("up", "head", "line end", "\r\n"), span("up", "head", "blank line", "\r\n"),
  ];
  equal(lines(spans), [
    ["head", "request line", 12, "GET /polling"], ["tag", "page tag", 7, "?page=x"],
    ["head", "request line", 11, " HTTP/1.1\\r\\n"], ["head", "field", 9, "Host: a\\r\\n"], ["head", "blank line", 2, "\\r\\n"],
  ]);
  const { up, down } = totals(spans);
  equal([up.head, up.tag, up.total, down.total], [34, 7, 41, 0]);
  equal(table([headerCosts(spans), headerCosts(spans.slice(2))]),
    [["start line", "30", "11"], ["host", "9", "9"], ["blank line", "2", "2"], ["all", "41", "22"]]);
});

const close = [
  span("up", "control", "FIN and opcode", "\x88"), span("up", "control", "MASK and length", "\x84"),
  span("up", "control", "masking key", "\x01\x02\x03\x04"), span("up", "control", "close", "\x02\xea\x6c\x6b"),
];

test("inspector: a masked frame, bit by bit", () => {
  equal(lines(close).map(([, , , text]) => text),
    ["10001000  FIN, close", "10000100  masked, 4 bytes", "01 02 03 04", "1000 oo  (unmasked)"]);
  for (const at of [0, 3]) {
    const { cells, clear, wire, more } = frameAt(fields(close), at);
    equal(cells.map(({ bits }) => bits).join(" "), "1 000 1000 1 0000100");
    equal([[...wire], [...clear], more], [[2, 0xea, 0x6c, 0x6b], [3, 0xe8, 0x6f, 0x6f], 0]);
  }
});

test("inspector: a long frame, and what is no frame", () => {
  const long = [
    span("down", "framing", "FIN and opcode", "\x01"), span("down", "framing", "MASK and length", "\x7e\x01\x00"),
    span("down", "payload", "payload", "x".repeat(256)),
  ];
  equal(lines(long)[1][3], "01111110 00000001 00000000  no mask, 256 bytes");
  const { cells, key, more } = frameAt(fields(long), 2);
  equal(cells.map(({ means }) => means), ["more follow", "no extension", "text", "not masked", "next 2 bytes", "256 bytes"]);
  equal([key, more], [null, 240]);
  equal(frameAt(fields([span("up", "head", "request line", "GET")]), 0), null);
  equal(frameAt(fields([span("down", "framing", "FIN and opcode", "\x81")]), 0), null);
});

test("inspector: headers of HTTP/2", () => {
  const head = (role, binary, name, value, text) => span("up", "head", role, binary, { stream: 1, name, value, text });
  const spans = [
    span("up", "head", "frame header", "123456789", { stream: 1, text: "HEADERS, stream 1, 9 bytes" }),
    head("field, indexed", "\x82", ":method", "GET", "2"),
    head("field, added", "1234", "accept", "*/*", "19, plain 3"),
    head("field, never added", "12", "cookie", "**", "Huffman 5 for 6, plain 2"),
    { dir: "up", part: "tls", role: "TLS record", size: 22 },
  ];
  equal(lines(spans).map(([, , , text]) => text), [
    "HEADERS, stream 1, 9 bytes", ":method: GET  (2)", "accept: */*  (19, plain 3)", "cookie: **  (Huffman 5 for 6, plain 2)", "",
  ]);
  equal([...headerCosts(spans)].map(([name, { size, mark }]) => `${name} ${size}${mark}`), ["frame header 9", ":method 1=", "accept 4+", "cookie 2"]);
  equal(fields(spans).slice(1, 4).map(meaning), [
    "Index 2 of the static table stands for the name and the value of :method.",
    "HPACK: name by index 19, value in 3 bytes, as they are. Added to the dynamic table: from now on an index stands for it.",
    "HPACK: name in 5 bytes by Huffman code, instead of 6, value in 2 bytes, as they are. Never added to a table: it is a secret.",
  ]);
});

test("inspector: rows of hex, a long field, and bytes that TLS adds", () => {
  const rows = dump(fields([
    span("down", "framing", "chunk size", "a\r\n"), span("down", "payload", "message", "0123456789"),
    { dir: "down", part: "tls", role: "TLS record", size: 22 }, span("down", "framing", "chunk end", "\r\n"),
  ]), 4, 6);
  equal(rows.map(({ offset, pieces, note }) => [offset, note?.text ?? pieces.map(({ field, bytes }) => `${field}:${text(bytes)}`).join()]), [
    [0, "0:a←↵,1:0"], [4, "1:1234"], [8, "1:5"], [9, "4 B more"], [13, "22 B that TLS adds"], [13, "3:←↵"],
  ]);
});

test("inspector: 60 kB of hostile text is few rows and little text", () => {
  const hostile = "\u202e\u0000\u0301שלום<img src=x onerror=alert(1)>".repeat(1500);
  const binary = [...new TextEncoder().encode(hostile)].map((b) => String.fromCharCode(b)).join("");
  const begun = performance.now();
  const [field] = fields([span("down", "payload", "message", binary)]);
  const rows = dump([field], 16, 512);
  equal(rows.length, 33);
  equal(field.text.length < 2500 && /… and \d+ bytes more$/.test(field.text), true);
  equal(performance.now() - begun < 500, true);
});

test("inspector: connections, and the requests to compare", () => {
  const all = new Connections();
  const request = (exchange) => ({ kind: "request", at: 5, conn: 1, exchange, transport: "polling", http: "2", tls: true, bytes: { head: 10 } });
  all.add({ epoch: "a", now: 9, entries: [{ kind: "open", at: 3, conn: 1, exchange: 0, transport: "connection" }, request(7)] });
  for (let i = 1; i < 101; i++) all.add({ epoch: "a", now: 9, entries: [request(7 + i)] });
  all.add({ epoch: "a", now: 10, entries: [
    { kind: "control", at: 6, conn: 1, exchange: 6, transport: "connection", bytes: { opening: 5 } },
    { kind: "close", at: 8, conn: 1, exchange: 0, transport: "connection", bytes: {} },
  ] });
  equal(all.requests("polling", "2"), { count: 101, first: 7, hundredth: 106, latest: 107 });
  equal(all.requests("polling", "1.1"), null);
  const [c] = all.all.values();
  equal([c.opened, c.closed, c.http, c.tls, c.bytes, [...c.requests], all.now], [3, 8, "2", true, 1015, [["polling", 101]], 10]);
  for (let conn = 2; conn < 100; conn++) all.add({ epoch: "a", now: 11, entries: [{ kind: "open", at: 9, conn, exchange: 0, transport: "connection" }] });
  equal([all.all.size, all.all.has(1), all.all.has(99)], [40, false, true]);
  all.add({ epoch: "b", now: 12 });
  equal(all.all.size, 0);
});

test("inspector: a request as curl sends it", () => {
  const spans = [
    span("up", "head", "request line", "GET /sse?"), span("up", "tag", "page tag", "page=x&"),
    span("up", "head", "request line", "after=[1] HTTP/1.1"), span("up", "head", "line end", "\r\n"),
    ...[["Host: ", "h:1"], ["X-Quote: ", "it's $HOME `ls`"], ["Connection: ", "keep-alive"], ["Empty:", ""]].flatMap(([name, value]) =>
      [span("up", "head", "field name", name), span("up", "head", "field value", value), span("up", "head", "line end", "\r\n")]),
  ];
  equal(curl({ method: "GET", http: "1.1", tls: false, transport: "sse" }, spans),
    "curl --http1.1 --no-buffer --globoff --header 'X-Quote: it'\\''s $HOME `ls`' --header 'Empty;' 'http://h:1/sse?after=[1]'");
  const upgrade = [span("up", "opening", "request line", "GET /websocket"), span("up", "tag", "page tag", "?page=x"),
    span("up", "opening", "request line", " HTTP/1.1"), span("up", "opening", "line end", "\r\n"),
    span("up", "opening", "field name", "Host: "), span("up", "opening", "field value", "h"), span("up", "opening", "line end", "\r\n"),
    span("up", "opening", "field name", "Connection: "), span("up", "opening", "field value", "Upgrade"), span("up", "opening", "line end", "\r\n"),
    span("up", "opening", "field name", "Upgrade: "), span("up", "opening", "field value", "websocket"), span("up", "opening", "line end", "\r\n")];
  equal(curl({ method: "GET", http: "1.1", tls: true, transport: "websocket" }, upgrade),
    "curl --http1.1 --insecure --no-buffer --output - --header 'Connection: Upgrade' --header 'Upgrade: websocket' 'https://h/websocket'");
});
