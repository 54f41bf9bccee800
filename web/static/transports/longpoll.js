// Long-polling: ask, and the server answers when there is news; then ask at once.
// What is published between two requests waits for the second: the re-arm gap.
import { backoff } from "./backoff.js";

/** @type {import("./transports.js").Open} */
export function open(url, after, on) {
  const stop = new AbortController();
  let cursor = after; // "EPOCH-ID" of the last entry we have; "": from now
  let failures = 0, timer;
  let wait = 0; // seconds; 0 for the first answer, which shows that the server is there

  async function ask() {
    on.asked(performance.now());
    try {
      const answer = await fetch(`${url}&wait=${wait}s` + (cursor && `&after=${cursor}`), {
        cache: "no-store", // or Chromium queues equal requests at its cache
        signal: AbortSignal.any([stop.signal, AbortSignal.timeout((wait + 10) * 1000)]),
      });
      const text = await answer.text();
      const now = performance.now();
      on.answered(now);
      if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
      failures = 0;
      wait = 25;
      on.state("live");
      if (answer.status !== 204) read(JSON.parse(text), now);
      ask();
    } catch (err) {
      if (stop.signal.aborted) return;
      const ms = backoff(++failures);
      wait = 0;
      on.state("down", err instanceof TypeError ? "no answer" : err.message, ms);
      timer = setTimeout(ask, ms);
    }
  }

  // The cursor is read from the body: a proxy that compresses it changes the ETag.
  function read({ epoch, head, messages }, now) {
    const [first] = messages;
    if (epoch !== cursor.split("-")[0]) on.epoch(epoch, first ? (first.gap?.from ?? first.id) - 1 : head);
    if (!first) cursor = `${epoch}-${head}`;
    for (const entry of messages) {
      cursor = `${epoch}-${entry.gap ? entry.gap.to : entry.id}`;
      if (entry.gap) on.gap(entry.gap);
      else on.message(entry, now);
    }
  }

  on.state("connecting");
  ask();
  return () => {
    stop.abort();
    clearTimeout(timer);
  };
}
