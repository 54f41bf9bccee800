// Server-Sent Events: ask once, and the response never ends.
// After a cut the browser itself reconnects, with the last id that it saw.
import { backoff } from "./backoff.js";

/** @type {import("./transports.js").Open} */
export function open(url, after, on) {
  let cursor = after; // "EPOCH-ID" of the last entry we have; "": from now
  let failures = 0, source, timer, silent;

  function ask() {
    on.asked(performance.now());
    source = new EventSource(url + (cursor && `&after=${cursor}`));
    const listen = (type, handle) => source.addEventListener(type, (event) => {
      handle(event, performance.now());
      restartSilence();
    });
    listen("open", (_, now) => {
      on.answered(now);
      failures = 0;
      on.state("live");
    });
    listen("hello", hello);
    listen("message", read);
    listen("gap", read);
    listen("heartbeat", (_, now) => on.beat(now));
    const closed = () => source.readyState === EventSource.CLOSED; // by any status but 200, for good
    source.onerror = () => (closed() ? retry("refused") : on.state("down", "reconnecting (browser)"));
    restartSilence();
  }

  // The first event tells where the stream begins: after a restart before all of it.
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

  // With heartbeats a silence is a cut: then the connection is given up.
  function restartSilence() {
    clearTimeout(silent);
    if (on.silence()) silent = setTimeout(() => retry("silent"), on.silence());
  }

  function retry(why) {
    source.close();
    clearTimeout(silent);
    const ms = backoff(++failures);
    on.state("down", why, ms);
    timer = setTimeout(ask, ms);
  }

  on.state("connecting");
  ask();
  return () => {
    source.close();
    for (const id of [timer, silent]) clearTimeout(id);
  };
}
