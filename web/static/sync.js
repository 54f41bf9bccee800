import { backoff } from "./backoff.js";

// sync asks the server for its time, and gives the clock the four stamps: every
// five seconds eight times in a row, because the first question after a rest
// takes the longest. Of the urls the first is asked for as long as it answers.
export function sync(urls, clock) {
  let failures = 0;
  let asks = 0;

  function connect() {
    const socket = new WebSocket(urls[failures % urls.length].replace(/^http/, "ws"));
    let asked, timer;

    const ask = () => {
      asks++;
      asked = performance.now();
      socket.send("what time is it?");
    };
    socket.onopen = ask;
    socket.onmessage = (event) => {
      const now = performance.now();
      const { received, sent } = JSON.parse(event.data);
      const ours = performance.timeOrigin;
      clock.add(ours + asked, received / 1000, sent / 1000, ours + now);
      failures = 0;
      timer = setTimeout(ask, asks % 8 === 0 ? 5000 : 0);
    };
    socket.onclose = () => {
      clearTimeout(timer);
      setTimeout(connect, backoff(++failures));
    };
  }

  connect();
}
