import { backoff } from "../transports/backoff.js";

/**
 * sync asks the server for its time, and gives the clock the four stamps: every five seconds eight times in a row,
 * because the first request after a pause takes the longest. The first URL is asked as long as it answers; another one
 * for eight requests, and then the first is tried anew.
 * @param {string[]} urls
 * @param {import("./clock.js").Clock} clock
 */
export function sync(urls, clock) {
  let failures = 0;
  let asks = 0;

  function connect() {
    const which = failures % urls.length;
    let socket, asked, timer;
    let answered = false;

    const ask = () => {
      patience();
      if (socket.readyState !== WebSocket.OPEN) return; // it is closing: close follows, or patience ends
      asks++;
      asked = performance.now();
      socket.send("what time is it?");
    };
    // What the browser forbids throws (a page with TLS may not ask an address without), or
    // fires error and, in Firefox, never close. What a firewall drops does nothing.
    const retry = () => {
      clearTimeout(timer);
      if (socket) socket.onerror = socket.onclose = socket.onopen = socket.onmessage = null;
      socket?.close();
      failures = answered ? 0 : failures + 1;
      setTimeout(connect, backoff(failures));
    };
    const patience = () => {
      clearTimeout(timer);
      timer = setTimeout(retry, 10_000);
    };
    patience();
    try {
      socket = new WebSocket(urls[which].replace(/^http/, "ws"));
    } catch {
      return retry();
    }
    socket.onopen = ask;
    socket.onmessage = (event) => {
      const now = performance.now();
      const { received, sent } = JSON.parse(event.data);
      const origin = performance.timeOrigin;
      clock.add(origin + asked, received / 1000, sent / 1000, origin + now);
      answered = true;
      clearTimeout(timer);
      if (asks % 8) timer = setTimeout(ask);
      else timer = setTimeout(which === 0 ? ask : retry, 5000);
    };
    socket.onerror = socket.onclose = retry;
  }

  connect();
}
