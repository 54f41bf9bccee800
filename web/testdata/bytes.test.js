import { equal, test } from "./test.js";
import { perMessage, rest } from "/static/bytes.js";

const row = {
  delivered: 4,
  up: { head: 400, opening: 0, tag: 40, unaccounted: 0, total: 440 },
  down: { payload: 200, head: 300, opening: 90, tag: 0, unaccounted: 2, total: 592 },
};

test("bytes: everything counts, but what is paid once and the page's own mark", () => {
  equal(perMessage(row), { bytes: 902 / 4, once: 90, unaccounted: 2 });
});

test("bytes: there is no figure before the first message", () => {
  equal(perMessage({ ...row, delivered: 0 }), null);
});

test("bytes: what is unaccounted is always said", () => {
  equal(rest(perMessage(row)), "unaccounted: 2 B");
  equal(rest({ once: 90, unaccounted: 0 }), "and 90 B once");
  equal(rest({ once: 0, unaccounted: 0 }), "");
});
