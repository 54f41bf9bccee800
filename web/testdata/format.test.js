import { equal, test } from "./test.js";
import { latency, number, seconds, time, value } from "/static/figures/format.js";

const thin = "\u202f";

test("format: numbers", () => {
  equal(number(0), "0");
  equal(number(999), "999");
  equal(number(1234567), `1${thin}234${thin}567`);
  equal(number(1234.5, 2), `1${thin}234.50`);
  equal(number(-1.25, 1), "−1.3");
  equal(number(-0.001, 2), "0.00");
});

test("format: seconds have three digits, or so", () => {
  equal([0, 1424, 9994, 9996, 99_940, 99_960].map(seconds), ["0.00", "1.42", "9.99", "10.0", "99.9", "100"]);
  equal(seconds(-30), "−0.03");
  equal(seconds(4_000_000), `4${thin}000`);
});

test("format: times have three digits and a unit", () => {
  equal([0.624, 9.994, 9.996, 42.42, 99.96, 642.4].map(time), ["0.62 ms", "9.99 ms", "10.0 ms", "42.4 ms", "100 ms", "642 ms"]);
  equal([999.4, 999.6, 1204].map(time), ["999 ms", "1.00 s", "1.20 s"]);
  equal(time(-0.12), "−0.12 ms");
});

test("format: a latency that is not known to a fifth is a bound", () => {
  equal(latency(10, 2), "10.0 ms");
  equal(latency(10, 2.01), "< 12.0 ms");
  equal(latency(0, 0.3), "< 0.30 ms");
});

test("format: a latency that cannot be is shown as it is", () => {
  equal(latency(-0.5, 0.1), "−0.50 ms");
  equal(latency(-0.1, 3), "−0.10 ms");
});

test("format: readings of the host", () => {
  equal(
    value({ cpu: 12.5, memory: 43.1, load: 0.5, in: 1234, out: 987, sampled: 1767225600000000 }),
    "cpu 12.5 % · memory 43.1 % · load 0.50 · in 1.2 kB/s · out 1.0 kB/s",
  );
  equal(value({ memory: 43.1, sampled: 1767225600000000 }), "memory 43.1 %");
});

test("format: a step of the market", () => {
  equal(value({ symbol: "QUOKKA", price: 101.25, change: -0.13 }), "QUOKKA 101.25 −0.13");
  equal(value({ symbol: "QUOKKA", price: 1012.5, change: 0.1, pad: "xxx" }), `QUOKKA 1${thin}012.50 +0.10`);
});

test("format: any other JSON", () => {
  equal(value("<b>text</b>"), "<b>text</b>");
  equal([null, 0, true, [], {}].map(value), ["null", "0", "true", "[]", "{}"]);
  equal(value({ symbol: {}, price: 1, change: 2 }), '{"symbol":{},"price":1,"change":2}');
  equal(value({ symbol: "A", price: "<b>", change: 2 }), '{"symbol":"A","price":"<b>","change":2}');
  equal(value({ cpu: "<b>", sampled: 1 }), '{"cpu":"<b>","sampled":1}');
  equal(value({ sampled: "<b>" }), '{"sampled":"<b>"}');
});

test("format: what is long is cut", () => {
  equal(value("x".repeat(201)), `${"x".repeat(200)}…`);
  equal(value({ symbol: "A".repeat(300), price: 1, change: 1 }).length, 201);
});
