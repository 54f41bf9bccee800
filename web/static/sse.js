// Server-Sent Events: ask once, and the answer never ends.
// After a cut the browser itself asks again, with the last id that it saw.
import { backoff } from "./backoff.js";

export function open(url, after, on) {
  let cursor = after; // "EPOCH-ID" of the last entry we have; "": from now
  let failures = 0;
  let source, timer, silent;

  function ask() {
    on.asked(performance.now());
    source = new EventSource(url + (cursor && `&after=${cursor}`));
    source.onopen = () => {
      on.answered(performance.now());
      failures = 0;
      on.state("live");
      heard();
    };
    source.onmessage = (event) => {
      const now = performance.now();
      read(event, JSON.parse(event.data), now);
      heard();
    };
    source.addEventListener("gap", (event) => read(event, JSON.parse(event.data)));
    source.addEventListener("heartbeat", () => {
      on.beat(performance.now());
      heard();
    });
    source.onerror = () => {
      if (source.readyState !== EventSource.CLOSED) return on.state("down", "the browser asks again");
      again("refused"); // any answer but 200 closes an EventSource for good
    };
    heard();
  }

  function read({ lastEventId }, entry, now) {
    const [epoch] = lastEventId.split("-");
    if (epoch !== cursor.split("-")[0]) on.epoch(epoch);
    cursor = lastEventId;
    if (entry.gap) on.gap(entry.gap);
    else on.message(entry, now);
  }

  // Heartbeats make a silence tell: then the connection is given up.
  function heard() {
    clearTimeout(silent);
    if (on.silence()) silent = setTimeout(() => again("silent"), on.silence());
  }

  function again(why) {
    source.close();
    clearTimeout(silent);
    const ms = backoff(++failures);
    on.state("down", `${why}, again in ${(ms / 1000).toFixed(1)} s`);
    timer = setTimeout(ask, ms);
  }

  on.state("connecting");
  ask();
  return () => {
    source.close();
    for (const id of [timer, silent]) clearTimeout(id);
  };
}
