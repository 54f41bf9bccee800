import { equal, test } from "./test.js";
import { State } from "/static/lab/page.js";
import { upstream } from "/static/panels/upstream.js";

// echoed returns what is written of a frame that is echoed after 4 ms, with a clock of this grain.
async function echoed(grain) {
  const page = Object.assign(new State({}), { clock: { grain } });
  const real = WebSocket;
  const { now } = performance;
  let t = 0;
  globalThis.WebSocket = class {
    readyState = 1;
    constructor() {
      setTimeout(() => this.onopen());
    }
    send() {
      setTimeout(() => this.onmessage((t += 4)));
    }
  };
  performance.now = () => t;
  try {
    const element = document.createElement("div");
    const up = upstream(element, page, async () => ({ rows: [] }));
    await up.start();
    await up.send("frame", "echo", "x");
    return element.querySelector("[data-method=frame] td:nth-of-type(4)").textContent;
  } finally {
    performance.now = now;
    globalThis.WebSocket = real;
  }
}

test("upstream: how long it took is as exact as the clock", async () => {
  equal([await echoed(0.005), await echoed(1), await echoed(100)], ["4.00 ms", "< 6.00 ms", "< 204 ms"]);
});
