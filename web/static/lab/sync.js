import { backoff } from "../transports/backoff.js";

// sync asks the server for its time, and gives the clock the four stamps: every
// five seconds eight times in a row, because the first question after a rest
// takes the longest. Of the urls the first is asked for as long as it answers; another
// for eight questions, and then it is tried again.
export function sync(urls, clock) {
  let failures = 0;
  let asks = 0;

  function connect() {
    const which = failures % urls.length;
    let socket, asked, timer;
    let answered = false;

    const ask = () => {
      wait();
      asks++;
      asked = performance.now();
      socket.send("what time is it?");
    };
    // What the browser forbids throws (a page with TLS may not ask an address without), or
    // fires error and, in Firefox, never close. What a firewall drops does nothing.
    const again = () => {
      clearTimeout(timer);
      if (socket) socket.onerror = socket.onclose = socket.onopen = socket.onmessage = null;
      socket?.close();
      failures = answered ? 0 : failures + 1;
      setTimeout(connect, backoff(failures));
    };
    const wait = () => {
      clearTimeout(timer);
      timer = setTimeout(again, 10_000);
    };
    wait();
    try {
      socket = new WebSocket(urls[which].replace(/^http/, "ws"));
    } catch {
      return again();
    }
    socket.onopen = ask;
    socket.onmessage = (event) => {
      const now = performance.now();
      const { received, sent } = JSON.parse(event.data);
      const ours = performance.timeOrigin;
      clock.add(ours + asked, received / 1000, sent / 1000, ours + now);
      answered = true;
      clearTimeout(timer);
      if (asks % 8) timer = setTimeout(ask);
      else timer = setTimeout(which === 0 ? ask : again, 5000);
    };
    socket.onerror = socket.onclose = again;
  }

  connect();
}
