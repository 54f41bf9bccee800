import { equal, test } from "./test.js";
import { Tally } from "/static/lane/tally.js";

function tally(after, ...ids) {
  const t = new Tally();
  t.epoch("one", after);
  for (const id of ids) t.message(id);
  return t;
}

const counts = ({ messages, lost, gone, duplicated, reordered }) => ({ messages, lost, gone, duplicated, reordered });
const none = { messages: 0, lost: 0, gone: 0, duplicated: 0, reordered: 0 };

test("tally: ids in order are one run", () => {
  const t = tally(4, 5, 6, 7);
  equal(counts(t), { ...none, messages: 3 });
  equal(String(t), "one:5-7");
  equal(t.newest, 7);
});

test("tally: nothing has arrived", () => {
  equal(counts(new Tally()), none);
  equal([new Tally().newest, String(new Tally())], [0, ""]);
  equal(counts(tally(4)), none);
  equal(String(tally(4)), "one:");
});

test("tally: skipped ids are lost", () => {
  equal(counts(tally(4, 5, 8, 9, 11)), { ...none, messages: 4, lost: 3 });
  equal(String(tally(4, 5, 8, 9, 11)), "one:5-5,8-9,11-11");
});

test("tally: ids between the cursor and the first message are lost", () => {
  equal(counts(tally(4, 7)), { ...none, messages: 1, lost: 2 });
  equal(counts(tally(null, 7)), { ...none, messages: 1 }); // no cursor: from now on
});

test("tally: an id that arrives late is reordered, and lost no more", () => {
  equal(counts(tally(0, 1, 3, 4)), { ...none, messages: 3, lost: 1 });
  equal(counts(tally(0, 1, 3, 4, 2)), { ...none, messages: 4, reordered: 1 });
  equal(String(tally(0, 1, 3, 4, 2)), "one:1-4");
});

test("tally: an id that arrives twice is duplicated, not reordered", () => {
  equal(counts(tally(0, 1, 2, 2)), { ...none, messages: 3, duplicated: 1 });
  equal(counts(tally(0, 1, 2, 3, 1)), { ...none, messages: 4, duplicated: 1 });
});

test("tally: a gap is announced, not lost", () => {
  const t = tally(0, 1, 2);
  t.gap({ from: 3, to: 9 });
  t.message(10);
  equal(counts(t), { ...none, messages: 3, gone: 7 });
  equal(String(t), "one:1-10");
});

test("tally: a gap may come first, twice, or across what is there", () => {
  const t = tally(null);
  t.gap({ from: 3, to: 5 });
  t.gap({ from: 3, to: 5 });
  t.message(8);
  t.gap({ from: 5, to: 9 });
  equal(counts(t), { ...none, messages: 1, gone: 6 });
  equal(String(t), "one:3-9");
});

test("tally: of a new epoch everything is due", () => {
  const t = tally(4, 5);
  equal(t.epoch("two"), true);
  t.message(3);
  equal(counts(t), { ...none, messages: 2, lost: 2 });
  equal(t.newest, 3);
  equal(String(t), "one:5-5 two:3-3");
});

test("tally: an epoch is new once", () => {
  const t = tally(4, 5);
  equal(t.epoch("one"), false);
  equal(t.epoch("two"), true);
  equal(t.epoch("two"), false);
  equal(String(t), "one:5-5 two:");
});

test("tally: any order of ids adds up", () => {
  for (let round = 0; round < 200; round++) {
    const ids = Array.from({ length: 40 }, () => 1 + Math.floor(Math.random() * 30));
    const t = tally(0, ...ids);
    const distinct = new Set(ids);
    equal(t.duplicated, ids.length - distinct.size);
    equal(t.lost, Math.max(...ids) - distinct.size);
    equal(t.messages, ids.length);
  }
});
