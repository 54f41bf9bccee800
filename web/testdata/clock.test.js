import { equal, near, test } from "./test.js";
import { Clock, grain } from "/static/lab/clock.js";

// ask adds a sample: the server is ahead by offset, and a message takes there
// milliseconds up, 1 ms on the server, and back milliseconds down.
function ask(clock, t0, offset, there, back) {
  const t1 = t0 + there + offset;
  clock.add(t0, t1, t1 + 1, t0 + there + 1 + back);
}

test("clock: unknown until eight samples are in", () => {
  const clock = new Clock(0);
  for (let i = 0; i < 7; i++) ask(clock, 1000 * i, 250, 4, 4);
  equal(clock.best, null);
  ask(clock, 7000, 250, 4, 4);
  equal(clock.best, { offset: 250, error: 4 });
});

test("clock: the least round trip counts", () => {
  const clock = new Clock(0);
  for (let i = 0; i < 7; i++) ask(clock, 1000 * i, -250, 80, 4);
  ask(clock, 7000, -250, 3, 3);
  for (let i = 8; i < 16; i++) ask(clock, 1000 * i, -250, 4, 80);
  equal(clock.best, { offset: -250, error: 3 });
});

test("clock: a sample is forgotten after sixteen more", () => {
  const clock = new Clock(0);
  ask(clock, 0, 1, 1, 1);
  for (let i = 1; i < 16; i++) ask(clock, 1000 * i, 9, 5, 5);
  equal(clock.best.offset, 1);
  ask(clock, 16_000, 9, 5, 5);
  equal(clock.best, { offset: 9, error: 5 });
});

test("clock: the truth lies within the error, however uneven the ways are", () => {
  for (let round = 0; round < 500; round++) {
    const clock = new Clock(0);
    const offset = 1000 * (Math.random() - 0.5);
    for (let i = 0; i < 16; i++) ask(clock, 1000 * i, offset, 50 * Math.random(), 50 * Math.random());
    near(clock.best.offset, offset, clock.best.error + 1e-6);
  }
});

test("clock: a clock that drifts is followed, within the error and what it drifts in sixteen samples", () => {
  const clock = new Clock(0);
  const drift = 100e-6; // the server's clock gains 100 µs a second
  for (let i = 0; i < 100; i++) {
    const now = 1000 * i;
    ask(clock, now, 250 + drift * now, 5 * Math.random(), 5 * Math.random());
    if (i < 8) continue;
    near(clock.best.offset, 250 + drift * now, clock.best.error + 16 * 1000 * drift);
  }
});

test("clock: a trip of less than nothing is no sample", () => {
  const clock = new Clock(0);
  clock.add(1000, 2000, 2050, 1010); // the server's clock was set meanwhile
  equal(clock.samples, []);
});

test("clock: server time", () => {
  const clock = new Clock(0);
  for (let i = 0; i < 8; i++) ask(clock, 1000 * i, 250, 4, 4);
  near(clock.server(100), performance.timeOrigin + 350, 1e-3);
});

// rounded returns what a clock of this grain shows at t. Browsers round down or up, so that
// the edges cannot be found.
const rounded = (t, grain) => (Math.floor(t / grain) + (Math.random() < 0.5 ? 0 : 1)) * grain;

for (const step of [1, 16, 100]) {
  test(`clock: the truth lies within the error of a clock of ${step} ms`, () => {
    for (let round = 0; round < 200; round++) {
      const clock = new Clock(step);
      const offset = 1000 * (Math.random() - 0.5);
      for (let i = 0; i < 16; i++) {
        const t0 = 1000 * i + 10 * Math.random();
        const t1 = t0 + offset + 0.1 * Math.random();
        clock.add(rounded(t0, step), t1, t1, rounded(t1 - offset + 0.1 * Math.random(), step));
      }
      equal(clock.jumps, 0);
      equal(clock.samples.length, 16); // none was taken for a clock that was set
      near(clock.best.offset, offset, clock.best.error + 1e-6);
      if (!(clock.best.error <= 2 * step)) throw new Error(`an error of ${clock.best.error} ms`);
    }
  });

  test(`clock: a grain of ${step} ms is measured`, () => {
    let t = 0.3;
    near(grain(() => Math.floor((t += 0.01) / step) * step), step, 1e-6);
  });
}

test("clock: the grain of a clock that is fine is the time that it takes to read it", () => {
  let t = 0;
  near(grain(() => (t += 0.25)), 0.25, 1e-9);
});
