// Polling: ask, be answered at once, wait, ask the next time.
// What is published meanwhile stays on the server until the next poll.
import { backoff } from "./backoff.js";

/** @type {import("./transports.js").Open} */
export function open(url, after, on) {
  const stop = new AbortController();
  let cursor = after; // "EPOCH-ID" of the last entry we have; "": from now
  let failures = 0, timer;
  let due = performance.now(); // when the last poll was due

  async function ask() {
    on.asked(performance.now());
    try {
      const answer = await fetch(url + (cursor && `&after=${cursor}`), {
        cache: "no-store", // or Chromium queues equal requests at its cache
        signal: AbortSignal.any([stop.signal, AbortSignal.timeout(10_000)]),
      });
      const text = await answer.text();
      const now = performance.now();
      on.answered(now);
      if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
      failures = 0;
      on.state("live");
      if (answer.status === 204) return schedule();
      const news = JSON.parse(text);
      read(news, now);
      if (news.head > Number(cursor.split("-")[1])) ask(); // an answer holds 64 KiB, or one message
      else schedule();
    } catch (err) {
      if (stop.signal.aborted) return;
      const ms = backoff(++failures);
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

  // A late timer makes no later poll late. The interval may change meanwhile.
  function schedule() {
    const now = performance.now();
    const left = due + on.interval() - now;
    if (left > 0) return void (timer = setTimeout(schedule, Math.min(left, 100)));
    due = left < -on.interval() ? now : due + on.interval();
    timer = setTimeout(ask);
  }

  on.state("connecting");
  ask();
  return () => {
    stop.abort();
    clearTimeout(timer);
  };
}
