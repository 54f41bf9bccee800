import { answered, arrived, asked, end, model, narrow, request, response, stamp, view, written } from "./diagram.js";
import { equal, near, test } from "./test.js";
import { place } from "/static/stage/layout.js";
import { Model } from "/static/stage/model.js";
import { nearest, next } from "/static/stage/pick.js";
import { span, ticks } from "/static/stage/scrub.js";
import { rows, story } from "/static/stage/story.js";

const now = (t) => ({ t, at: stamp(t), error: 0.1 });

test("story: a message in one sentence", () => {
  const m = model(
    request("polling", 1, 690), written("polling", 45, 100, 700), end("polling", 1, 701), arrived("polling", 45, 100, 751),
    written("sse", 45, 100, 100.2, 2), arrived("sse", 45, 100, 150.2),
    written("websocket", 45, 100, 100.2, 3), end("websocket", 3, 120, "closed"),
    written("longpoll", 45, 100, 198, 4), arrived("longpoll", 45, 100, 248),
  );
  const tell = (lane, t) => story(m.byName.get(lane).lines.items[0], now(t));
  equal(tell("polling", 600), "#45 has waited 500 ms at the server until now.");
  equal(tell("polling", 710), "#45 waited 600 ms for the next poll, was written 10.0 ms ago, and has not arrived.");
  equal(tell("polling", 800), "#45 waited 600 ms for the next poll, then travelled 51.0 ms; 420 B: 100 payload, 320 around it.");
  equal(tell("sse", 800), "#45 left after 0.20 ms, then travelled 50.0 ms; 120 B: 100 payload, 20 around it.");
  equal(tell("longpoll", 800), "#45 waited 98.0 ms for the next request, then travelled 50.0 ms; 120 B: 100 payload, 20 around it.");
  equal(tell("websocket", 800), "#45 left after 0.20 ms, and was cut off before it arrived.");
  equal(rows(m, now(800), 20)[0], ["#45", "polling", "600 ms", "51.0 ms", "651 ms", "120"]);
});

test("story: without the server's stamps", () => {
  const m = new Model();
  m.record("sse", arrived("sse", 1, 400, 452));
  equal(story(m.byName.get("sse").lines.items[0], now(800)), "#1 arrived 52.0 ms after it was published; the server’s stamps are not available here.");
});

test("story: a request in one sentence", () => {
  const m = model(
    asked("polling", 100), request("polling", 1, 150), response("polling", 1, 151), end("polling", 1, 151), answered("polling", 100, 201),
    request("sse", 2, 0), written("sse", 1, 10, 10, 2),
  );
  equal(story(m.byName.get("polling").exchanges.items[0], now(800)), "The poll travelled 50.0 ms, waited 1.00 ms at the server, and brought nothing: an empty poll; 400 B.");
  equal(story(m.byName.get("sse").exchanges.items[0], now(800)), "The request was read; its response has been open for 800 ms, with 1 message: 420 B.");
});

test("pick: the nearest line within 24 pixels", () => {
  const m = model(
    written("sse", 1, 400, 402), arrived("sse", 1, 400, 452), written("sse", 2, 600, 602), arrived("sse", 2, 600, 652),
    asked("polling", 100), request("polling", 9, 150),
  );
  const v = narrow(1000);
  const at = (x, y) => nearest(m, v, x, y);
  equal([at(430, 250).id, at(640, 262).id, at(520, 250), at(127, 50).exchange], [1, 2, null, 9]);
  near(place(v, 2).middle, 249, 0.01);
});

test("pick: the next line is the same message on the next lane, then the next message", () => {
  const m = model(...["polling", "sse"].flatMap((lane) => [1, 2].flatMap((id) => [written(lane, id, 100 * id, 100 * id), arrived(lane, id, 100 * id, 100 * id + 50)])));
  const names = [];
  let chosen = m.byName.get("polling").lines.items[0];
  for (const by of [1, 1, 1, 1, -1, -1, -1, -1]) {
    chosen = next(m, view(1000, { chosen }), by) ?? chosen;
    names.push(`${chosen.lane.name}${chosen.id}`);
  }
  equal(names, ["sse1", "polling2", "sse2", "sse2", "polling2", "sse1", "polling1", "polling1"]);
  equal(next(m, view(1000), 1).id, 2); // the newest that arrived
});

test("scrub: what is in view follows the round trip", () => {
  equal([0, 100, 400, 5000].map((rtt) => span(rtt, 0)), [5000, 5000, 20_000, 60_000]);
  equal([span(100, 1), span(100, -1), span(100, 20)], [2500, 10_000, 50]);
  equal(ticks(5000), [0, 1000, 2000, 3000, 4000, 5000]);
  equal(ticks(60_000), [0, 20_000, 40_000, 60_000]);
});
