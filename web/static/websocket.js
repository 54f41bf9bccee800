// WebSocket: ask once, and the connection turns into a pipe for both directions.
// After a cut nothing happens by itself: asking again and the cursor are ours.
import { backoff } from "./backoff.js";

export function open(url, after, on) {
  let cursor = after; // "EPOCH-ID" of the last entry we have; "": from now
  let failures = 0;
  let socket, timer;

  function ask() {
    socket = new WebSocket(url.replace(/^http/, "ws") + (cursor && `&after=${cursor}`));
    socket.onmessage = (event) => {
      const now = performance.now();
      read(JSON.parse(event.data), now);
    };
    socket.onclose = ({ code }) => {
      const ms = backoff(++failures);
      on.state("down", `closed with ${code}, again in ${(ms / 1000).toFixed(1)} s`);
      timer = setTimeout(ask, ms);
    };
  }

  function read(entry, now) {
    const [epoch] = cursor.split("-");
    if (entry.epoch) return hello(entry, epoch);
    cursor = `${epoch}-${entry.gap ? entry.gap.to : entry.id}`;
    if (entry.gap) on.gap(entry.gap);
    else on.message(entry, now);
  }

  // The first frame says whose messages follow: after a restart all of them.
  function hello({ epoch, head }, known) {
    failures = 0;
    on.state("live");
    if (epoch === known) return;
    cursor = `${epoch}-${cursor ? 0 : head}`;
    on.epoch(epoch);
  }

  on.state("connecting");
  ask();
  return () => {
    socket.onclose = null;
    socket.close();
    clearTimeout(timer);
  };
}
