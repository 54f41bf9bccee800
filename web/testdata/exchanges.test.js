import { equal, test } from "./test.js";
import { exchanges } from "/static/lab/exchanges.js";

// fake replaces EventSource while run runs, and gives it the sources that were opened.
async function fake(run) {
  const real = window.EventSource;
  const opened = [];
  window.EventSource = class {
    static CLOSED = real.CLOSED;
    readyState = real.CONNECTING;
    constructor(url) {
      this.url = url;
      opened.push(this);
    }
    close() {
      this.readyState = real.CLOSED;
    }
  };
  try {
    await run(opened);
  } finally {
    window.EventSource = real;
  }
}

const until = async (condition) => {
  while (!condition()) await new Promise((go) => setTimeout(go, 5));
};

test("exchanges: a refusal is missing, and the stream is opened anew until it is closed", () => fake(async (opened) => {
  const seen = [];
  const close = exchanges("/control/exchanges?page=7", { batch: ({ now }) => seen.push(now), missing: () => seen.push("missing") });
  opened[0].onmessage({ data: '{"epoch":"one","now":1,"published":[],"entries":[]}' });
  opened[0].onerror(); // cut: the browser resumes by itself
  equal([opened.length, seen], [1, [1]]);
  opened[0].close();
  opened[0].onerror();
  await until(() => opened.length === 2);
  opened[1].onmessage({ data: '{"epoch":"one","now":2,"published":[],"entries":[]}' });
  equal([opened[1].url, seen], ["/control/exchanges?page=7", [1, "missing", 2]]);
  close();
  equal(opened[1].readyState, EventSource.CLOSED);
}));
