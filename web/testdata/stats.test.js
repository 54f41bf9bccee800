// The vectors of internal/stats: the page counts as all other instruments do.
import { equal, near, test } from "./test.js";
import { enough, quantile } from "/static/figures/quantile.js";
import { Age } from "/static/lane/age.js";
import { Tally } from "/static/lane/tally.js";
import { peak } from "/static/stage/layout.js";
import { Model } from "/static/stage/model.js";

async function vectors(name) {
  const all = await (await fetch(`/stats/${name}.json`)).json();
  if (!all.length) throw new Error(`${name}.json has no vectors`);
  return all;
}

test("stats: quantile", async () => {
  for (const { name, sorted, q, want } of await vectors("quantile")) equal([name, quantile(sorted.toReversed(), q)], [name, want]);
});

test("stats: enough", async () => {
  for (const { n, q, want } of await vectors("enough")) equal([n, q, enough(n, q)], [n, q, want]);
});

test("stats: ids", async () => {
  for (const { name, next, ids, head, delivered, duplicated, reordered, lost } of await vectors("ids")) {
    const tally = new Tally();
    tally.epoch("one", next ? next - 1 : null);
    for (const id of ids) tally.message(id);
    const end = Math.max(0, head - Math.max(tally.newest, next - 1)); // which a tally does not know
    equal([name, tally.messages - tally.duplicated, tally.duplicated, tally.reordered, tally.lost + end], [name, delivered, duplicated, reordered, lost]);
  }
});

test("stats: age", async () => {
  const scale = 500;
  for (const { taken, mean, peak: highest } of await vectors("age")) {
    const age = new Age();
    for (const [due, now] of taken) age.news(scale * now, scale * due);
    const end = scale * taken.at(-1)[1];
    const got = age.takeMean(end);
    if (mean === null) {
      equal(got, null);
      continue;
    }
    near(got, scale * mean, 1e-9);
    const model = new Model();
    taken.forEach(([due, now], i) => model.record("sse", { kind: "message", t: scale * now, id: i, at: 1000 * scale * due }));
    equal(peak(model, { t: end, at: 1000 * end, span: Infinity }), scale * highest);
  }
});
