import { equal, near, test } from "./test.js";
import { Age } from "/static/lane/age.js";
import { backoff } from "/static/transports/backoff.js";
import { Latency } from "/static/lane/latency.js";
import { quantile } from "/static/figures/quantile.js";

test("quantile: the nearest rank, always a value that was measured", () => {
  equal(quantile([3, 1, 2], 0.5), 2);
  equal(quantile([4, 1, 3, 2], 0.5), 2);
  equal(quantile([10, 9, 100], 0.5), 10); // by number, not by text
  equal(quantile([-2, -1, 5], 0), -2);
  equal(quantile([-2, -1, 5], 1), 5);
  equal(quantile([7], 0.99), 7);
  equal(quantile([], 0.5), undefined);
});

test("quantile: leaves its values as they are", () => {
  const values = [3, 1, 2];
  quantile(values, 0.5);
  equal(values, [3, 1, 2]);
});

test("backoff: any time up to a limit that doubles", () => {
  const limits = [1, 2, 3, 4, 5, 6, 7, 40].map((failures) => backoff(failures, () => 1));
  equal(limits, [500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000]);
  equal(backoff(40, () => 0), 0);
  for (let i = 0; i < 1000; i++) near(backoff(2), 500, 500);
});

test("latency: the median, with the worst error of the clock", () => {
  const l = new Latency();
  equal(l.median(0), null);
  l.add(1, 0, -0.5, 0.1);
  l.add(2, 0, 7, 0.4);
  l.add(3, 0, 3, 0.2);
  equal(l.median(0), { ms: 3, error: 0.4, n: 3 });
  l.clear();
  equal(l.median(0), null);
});

test("latency: what is negative stays so", () => {
  const l = new Latency();
  l.add(1, 0, -0.5, 0.1);
  equal(l.median(0).ms, -0.5);
});

test("latency: a sample counts for a minute", () => {
  const l = new Latency();
  l.add(1, 0, 5, 1);
  l.add(2, 30_000, 7, 1);
  equal(l.median(60_000).n, 2);
  equal(l.median(60_001), { ms: 7, error: 1, n: 1 });
  equal(l.median(90_001), null);
});

test("latency: of many, a fair share is kept", () => {
  // A poll each second of 10 000 messages: the truth is 500 ms.
  const l = new Latency();
  let id = 0;
  for (let now = 1000; now <= 20_000; now += 1000) {
    for (let i = 0; i < 10_000; i++) l.add(++id, now, 1000 - i / 10, 0.1);
  }
  const { ms, n } = l.median(20_000);
  near(ms, 500, 25);
  near(n, 1500, 500);
});

test("age: the mean of a sawtooth", () => {
  const age = new Age();
  for (let now = 1000; now <= 11_000; now += 1000) age.news(now, now - 100); // from 100 to 1100 ms
  near(age.takeMean(11_000), 600, 1e-9);
});

test("age: a mean begins where the last one ended, in the middle of a tooth", () => {
  const age = new Age();
  age.news(1000, 1000);
  near(age.takeMean(1400), 200, 1e-9);
  age.news(2000, 2000);
  near(age.takeMean(2000), 700, 1e-9);
  equal(age.takeMean(2000), null); // no time has gone by
});

test("age: without a message there is no mean", () => {
  equal(new Age().takeMean(5000), null);
});

test("age: a clock that is set back counts nothing twice", () => {
  const age = new Age();
  age.news(1000, 1000);
  age.news(1500, 1500);
  age.news(1499, 1499);
  near(age.takeMean(2000), 250, 1);
});

