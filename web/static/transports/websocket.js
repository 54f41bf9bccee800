// WebSocket: ask once, and the connection turns into a pipe for both directions.
// After a cut nothing happens by itself: reconnecting and the cursor are ours.
import { backoff } from "./backoff.js";

/** @type {import("./transports.js").Open} */
export function open(url, after, on) {
  let cursor = after; // "EPOCH-ID" of the last entry we have; "": from now
  let failures = 0, socket, timer, silent;

  function ask() {
    on.asked(performance.now());
    socket = new WebSocket(url.replace(/^http/, "ws") + (cursor && `&after=${cursor}`));
    socket.onopen = () => on.answered(performance.now());
    socket.onmessage = (event) => {
      const now = performance.now();
      read(JSON.parse(event.data), now);
      restartSilence();
    };
    socket.onerror = () => retry("no connection"); // Firefox fires no close where the page's policy forbids
    socket.onclose = ({ code }) => retry(`closed with ${code}`);
    restartSilence();
  }

  function read(entry, now) {
    if (entry.epoch) return hello(entry);
    if (entry.heartbeat !== undefined) return on.beat(now);
    cursor = `${cursor.split("-")[0]}-${entry.gap ? entry.gap.to : entry.id}`;
    if (entry.gap) on.gap(entry.gap);
    else on.message(entry, now);
  }

  // The first frame names the epoch that follows: after a restart all of them.
  function hello({ epoch, head }) {
    failures = 0;
    on.state("live");
    on.pipe((text) => socket.send(text));
    if (epoch === cursor.split("-")[0]) return;
    const start = cursor ? 0 : head;
    cursor = `${epoch}-${start}`;
    on.epoch(epoch, start);
  }

  // With heartbeats a silence is a cut: then the connection is given up.
  function restartSilence() {
    clearTimeout(silent);
    if (on.silence()) silent = setTimeout(() => retry("silent"), on.silence());
  }

  function retry(why) {
    close();
    const ms = backoff(++failures);
    on.state("down", why, ms);
    timer = setTimeout(ask, ms);
  }

  function close() {
    socket.onerror = socket.onclose = null;
    socket.close();
    for (const id of [timer, silent]) clearTimeout(id);
  }

  on.state("connecting");
  ask();
  return close;
}
