const often = 20; // milliseconds between two looks at the clock

/**
 * Busy is what watches how late this computer is.
 * @typedef {object} Busy
 * @property {(since?: number) => number} worst the longest delay, in milliseconds, that ended since then
 * @property {() => void} stop
 */

/**
 * watchBusy measures how late this computer is while a step runs: how late this page's timers are, and how long the lab
 * takes to answer a frame over the control address, which no network delays. What a step measures may be late by as much
 * at each hop. Where the control address cannot be had, it is the timers alone.
 * @param {string} url of an echo; "": there is none
 * @returns {Busy}
 */
export function watchBusy(url) {
  /** @type {[number, number][]} when a delay ended, and how long it was */
  const delays = [];
  let asked = 0; // when the frame was sent whose echo is awaited; 0: none is
  let timer;
  /** @type {WebSocket | undefined} */
  let socket;
  try { // a page with TLS may not be allowed to open it
    socket = url ? new WebSocket(url.replace(/^http/, "ws")) : undefined;
  } catch {}
  if (socket) {
    socket.onmessage = () => {
      const now = performance.now();
      delays.push([now, now - asked]);
      asked = 0;
    };
    socket.onclose = () => (asked = 0);
  }

  function look(due) {
    const now = performance.now();
    delays.push([now, now - due]);
    if (socket?.readyState === WebSocket.OPEN && !asked) {
      asked = now;
      socket.send("are you there?");
    }
    timer = setTimeout(look, often, now + often);
  }
  timer = setTimeout(look, often, performance.now() + often);

  return {
    worst(since = -Infinity) {
      const now = performance.now();
      const ended = delays.filter(([t]) => t >= since).map(([, ms]) => ms);
      return ended.reduce((a, b) => Math.max(a, b), asked ? now - asked : 0);
    },
    stop() {
      clearTimeout(timer);
      socket?.close();
    },
  };
}
