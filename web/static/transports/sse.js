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
    const hears = (type, take) => source.addEventListener(type, (event) => {
      take(event, performance.now());
      heard();
    });
    hears("open", (_, now) => {
      on.answered(now);
      failures = 0;
      on.state("live");
    });
    hears("hello", hello);
    hears("message", read);
    hears("gap", read);
    hears("heartbeat", (_, now) => on.beat(now));
    const closed = () => source.readyState === EventSource.CLOSED; // by any answer but 200, for good
    source.onerror = () => (closed() ? again("refused") : on.state("down", "the browser asks again"));
    heard();
  }

  // The first event says where the stream begins: after a restart before all of it.
  function hello({ lastEventId }) {
    const [epoch, id] = lastEventId.split("-");
    if (epoch !== cursor.split("-")[0]) on.epoch(epoch, Number(id));
    cursor = lastEventId;
  }

  function read({ lastEventId, data }, now) {
    const entry = JSON.parse(data);
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
