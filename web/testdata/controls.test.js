import { equal, test, throws } from "./test.js";
import { api } from "/static/lab/api.js";
import { State } from "/static/lab/page.js";
import { controls, describe } from "/static/panels/controls.js";

test("controls: what the feed carries, also what this page has no word for", () => {
  equal([
    describe(null),
    describe({ source: "none", rate: 2, phase: "even" }),
    describe({ source: "market", rate: 2, phase: "full moon" }),
    describe({ source: "relay", rate: 2, phase: "even" }),
  ], ["unknown", "quiet", "a market, 2/s full moon", "relay"]);
});

test("controls: an interval that the slider does not have is an error", () => {
  const page = new State({});
  const { setInterval } = controls(document.createElement("div"), null, page, { change() {}, heartbeat() {} });
  setInterval(50);
  throws(() => setInterval(60)); // the slider stood on 50 ms, and the lane polled every 60
  equal(page.interval, 50);
});

test("api: without the control address it says what is missing, and what is slow", async () => {
  const said = (promise) => promise.then(() => "nothing", ({ message }) => message);
  equal(await said(api("", "the controls are elsewhere")("GET", "/control/feed")), "the controls are elsewhere");
  const real = fetch;
  try {
    globalThis.fetch = async () => { throw new TypeError("Failed to fetch"); };
    equal(await said(api("http://one", "it is not there")("GET", "/control/feed")), "it is not there");
    globalThis.fetch = async () => { throw new DOMException("signal timed out", "TimeoutError"); };
    equal(await said(api("http://one", "it is not there")("GET", "/control/feed")), "the control address http://one has not answered for 2 s");
  } finally {
    globalThis.fetch = real;
  }
});
