// Server-Sent Events: ask once, and the answer never ends.
// After a cut the browser itself asks again, with the last id that it saw.
import { backoff } from "./backoff.js";

export function open(url, after, on) {
  let cursor = after; // "EPOCH-ID" of the last entry we have; "": from now
  let failures = 0;
  let source, timer;

  function ask() {
    source = new EventSource(url + (cursor && `&after=${cursor}`));
    source.onopen = () => {
      failures = 0;
      on.state("live");
    };
    source.onmessage = (event) => {
      const now = performance.now();
      read(event, JSON.parse(event.data), now);
    };
    source.addEventListener("gap", (event) => read(event, JSON.parse(event.data)));
    source.onerror = () => {
      if (source.readyState !== EventSource.CLOSED) return on.state("down", "the browser asks again");
      // Any answer but 200 closes an EventSource for good. So make another.
      const ms = backoff(++failures);
      on.state("down", `refused, again in ${(ms / 1000).toFixed(1)} s`);
      timer = setTimeout(ask, ms);
    };
  }

  function read({ lastEventId }, entry, now) {
    const [epoch] = lastEventId.split("-");
    if (epoch !== cursor.split("-")[0]) on.epoch(epoch);
    cursor = lastEventId;
    if (entry.gap) on.gap(entry.gap);
    else on.message(entry, now);
  }

  on.state("connecting");
  ask();
  return () => {
    source.close();
    clearTimeout(timer);
  };
}
