import { answered, arrived, asked, end, model, narrow, request, response, stamp, view, written } from "./diagram.js";
import { equal, near, test } from "./test.js";
import { layout, peak, Shapes, top } from "/static/stage/layout.js";
import { Model } from "/static/stage/model.js";

// draw returns what is drawn in a strip: rounded numbers, and the texts.
function draw(model, view, i) {
  const shapes = new Shapes();
  layout(model, view, shapes);
  const strip = shapes.strips[i];
  const list = (name) => [...strip[name].data.slice(0, strip[name].length)].map((x) => Math.round(x));
  return { list, texts: strip.texts.map(({ text }) => text), hairs: shapes.hairs.length / 4, fine: strip.fine };
}

test("layout: a pushed message goes from the server's rail, when it was written, to yours, when it arrived", () => {
  const m = model(written("sse", 1, 400, 402), arrived("sse", 1, 400, 452));
  const { list, hairs } = draw(m, narrow(1000), 2);
  equal(list("travels"), [402, 230, 452, 268]);
  equal([list("arrivals"), list("dots"), hairs], [[452, 268], [400, 230], 4]);
  equal(list("waits"), [400, 220, 2, 9]); // it left 2 ms later
  equal(draw(m, narrow(440), 2).list("arrivals"), []); // not yet
});

test("layout: what waits at the server is stacked until it is written", () => {
  const m = model(
    written("polling", 1, 100, 700), written("polling", 2, 200, 700), written("polling", 3, 650, 700),
    ...[1, 2, 3].map((id) => arrived("polling", id, [0, 100, 200, 650][id], 750)),
    { kind: "published", id: 4, t: 800 },
  );
  const { list, texts } = draw(m, view(1000), 0);
  const waits = list("waits");
  equal([waits.length / 4, waits.filter((_, i) => i % 4 === 1)], [4, [26, 23, 19, 26]]); // up to three high
  near(waits[2], (1000 - 37 - 7) * 0.6 + 4.2, 3); // from 100 to 700
  equal(texts.includes("3 waited for the next poll"), true);
  equal(list("travels").length, 4); // one answer, one line
  near(list("waits")[12] + list("waits")[14], 1000, 1); // the fourth waits still
});

test("layout: an empty poll is dashed both ways, one that brought something is not", () => {
  const m = model(
    asked("polling", 100), request("polling", 1, 150), response("polling", 1, 151), end("polling", 1, 151), answered("polling", 100, 201),
    asked("polling", 500), request("polling", 2, 550), response("polling", 2, 551), written("polling", 1, 300, 551, 2), end("polling", 2, 551), answered("polling", 500, 601),
  );
  const { list } = draw(m, narrow(1000), 0);
  equal(list("empties"), [100, 68, 150, 30, 151, 30, 201, 68]);
  equal(list("requests"), [500, 68, 550, 30]);
});

test("layout: held requests are bands, and between them is the re-arm gap", () => {
  const m = model(
    asked("longpoll", 0), request("longpoll", 1, 50), response("longpoll", 1, 400), end("longpoll", 1, 400), answered("longpoll", 0, 450),
    asked("longpoll", 451), request("longpoll", 2, 501),
  );
  const bands = draw(m, narrow(1000), 1).list("bands");
  equal([bands[0], bands[0] + bands[2], bands[4], bands[4] + bands[6]], [50, 400, 501, 1000]);
});

test("layout: a stream is a band until it ends, and a cut is marked", () => {
  const m = model(request("sse", 1, 50), response("sse", 1, 51), end("sse", 1, 700, "closed"), { lane: "sse", kind: "state", t: 750, state: "down" });
  const { list, texts } = draw(m, narrow(1000), 2);
  equal([list("bands")[0], list("bands")[2]], [50, 650]);
  equal([list("cuts"), list("broken")], [[700, 230], [750, 268, 1000, 268]]);
  equal(texts.includes("noticed"), true);
});

test("layout: in a silence a line stops midway, and goes on when it is over", () => {
  const entries = [
    { lane: "sse", kind: "cut", t: 300, cut: "silence", lasting: 500 },
    written("sse", 1, 400, 400), arrived("sse", 1, 400, 830),
  ];
  const during = draw(model(...entries), narrow(700), 2).list;
  equal([during("travels"), during("stops")], [[700, 230, 725, 249], [725, 249]]); // at 400 of −300 … 700
  const after = draw(model(...entries), narrow(1000), 2).list;
  equal(after("travels"), [400, 230, 425, 249, 805, 249, 830, 268]);
  equal([after("stuck"), after("stops"), after("silences")], [[425, 249, 805, 249], [], [300, 230, 500, 38]]);
});

test("layout: a request that never reached the server stops midway", () => {
  const { list } = draw(model(asked("polling", 300)), narrow(1000), 0);
  equal([list("requests"), list("stops")], [[300, 68, 325, 49], [325, 49]]);
});

test("layout: a lane that is late has it written what the source has", () => {
  const m = model(arrived("sse", 528, 100, 150), { kind: "published", id: 529, t: 200 }, { kind: "published", id: 611, t: 1900 });
  equal(draw(m, view(1100), 2).texts.some((text) => text.startsWith("source")), false);
  equal(draw(m, view(2000), 2).texts.includes("source has #611, you have #528"), true);
});

test("layout: the age grows with time and falls with news, as high on all lanes", () => {
  const m = model(arrived("sse", 1, 0, 100), arrived("sse", 2, 500, 600), arrived("polling", 1, 0, 100));
  const v = narrow(1000);
  equal(draw(m, v, 2).list("age"), [100, 268, 100, 271, 600, 287, 600, 271, 1000, 284, 1000, 268]);
  equal([peak(m, v), peak(m, { ...v, t: 400, at: stamp(400) })], [1000, 400]);
  equal([0, 500, 501, 2100, 61_000].map(top), [500, 500, 1000, 3000, 300_000]);
});

test("layout: without the server's stamps a line is dashed, from published to arrived", () => {
  const m = new Model();
  m.record("sse", arrived("sse", 1, 400, 452));
  const { list } = draw(m, narrow(1000), 2);
  equal([list("dashed"), list("travels"), list("waits")], [[400, 230, 452, 268], [], []]);
});

test("layout: of more lines than can be told apart a density is drawn", () => {
  const entries = [];
  for (let id = 1; id <= 5000; id++) entries.push(written("sse", id, id / 5, id / 5 + 0.1), arrived("sse", id, id / 5, id / 5 + 0.2));
  const { list, hairs, fine } = draw(model(...entries), view(1000), 2);
  equal([list("travels").length / 4 <= 334, list("dots").length, list("crowds").length, hairs, fine], [true, 0, 4, 0, true]);
  equal([list("travels").length / 4 > 200, list("flows").length], [true, 4]);
});
