/** @typedef {import("./actions.js").Actions} Actions */

/**
 * Card is an odd experiment: something to try that belongs to no scene. A click sets it up, and it stays so until the card
 * is left.
 * @typedef {object} Card
 * @property {string} title
 * @property {string} ask what is odd about it, in a sentence
 * @property {string} watch one thing: "Watch …"
 * @property {string} chapter the stem of the page in docs/, and where on it
 * @property {import("./actions.js").Setup} [setup] of the lab; none: all of it is done by hand
 * @property {(lab: Actions) => Promise<() => void>} [act] what else is set up; it returns what takes that back
 * @property {string} [byHand] what the reader does that the page cannot
 */

const calm = { network: { rtt: 100 }, feed: { source: "some", rate: 2, phase: "poisson", payload: 0 }, interval: 1000, beat: 0 };

/** @type {Card[]} */
export const odd = [
  {
    title: "Poll faster than a round trip",
    ask: "Polling wants to ask every 0.1 s, and a round trip takes 0.5 s.",
    watch: "polling's requests: a new one leaves when the last is answered, and no sooner.",
    chapter: "03-polling",
    setup: { ...calm, network: { rtt: 500 }, interval: 100 },
  },
  {
    title: "A cookie of 4 KB",
    ask: "The site has set the largest cookie that browsers accept.",
    watch: "bytes per message: polling and long-polling send the cookie each time, the open streams never again.",
    chapter: "13-http2-and-the-pool",
    setup: calm,
    async act() {
      document.cookie = `fourwires=${"x".repeat(4000)}; path=/; SameSite=Strict`;
      return () => (document.cookie = "fourwires=; path=/; SameSite=Strict; max-age=0");
    },
  },
  {
    title: "60 KB at 56 kbit/s",
    ask: "Every 10 s a message of 60 KB comes through a telephone modem, one for each connection.",
    watch: "how long each message is on the wire: some 9 s, on every lane.",
    chapter: "12-bad-networks",
    setup: { ...calm, network: { rtt: 100, kbps: 56 }, feed: { source: "market", rate: 0.1, phase: "even", payload: 60_000 } },
  },
  {
    title: "Hide this tab for a minute",
    ask: "Browsers slow down the timers of a tab that nobody sees.",
    watch: "polling after you have come back: it asked more rarely, while SSE and WebSocket went on.",
    chapter: "11-measuring-time",
    setup: { ...calm, interval: 200 },
    byHand: "open another tab in this window, wait for a minute, and come back.",
  },
  {
    title: "Seven tabs",
    ask: "Seven event streams more, as if seven tabs of this browser showed the page.",
    watch: "polling and long-polling: over HTTP/1.1 they wait for a free connection, and no error says so.",
    chapter: "13-http2-and-the-pool",
    setup: calm,
    async act(lab) {
      const streams = Array.from({ length: 7 }, () => lab.openStream("sse"));
      return () => streams.forEach((stream) => stream.close());
    },
  },
  {
    title: "A proxy that buffers",
    ask: "A proxy collects a response before it passes it on.",
    watch: "SSE: it falls behind the other lanes, and no error says so.",
    chapter: "07-sse-that-survives",
    byHand: "start the nginx of the chapter, and open the page at its port.",
  },
  {
    title: "Gzip that is not flushed",
    ask: "A proxy compresses the event stream, and waits until a block is full.",
    watch: "SSE: it falls behind, and then many messages arrive together.",
    chapter: "howto#behind-a-proxy-that-compresses",
    byHand: "start one of the proxies of the chapter, and open the page at its port.",
  },
  {
    title: "A clock set wrong",
    ask: "This computer's clock goes an hour ahead.",
    watch: "the latencies: the page measures how far the two clocks are apart, so they stay as they were.",
    chapter: "11-measuring-time",
    setup: calm,
    byHand: "open this page on another computer than the lab's, and set that one's clock an hour ahead.",
  },
  {
    title: "Jitter, and order",
    ask: "Each write takes up to half a second longer than the last, at random, at 10 messages a second.",
    watch: "that no message overtakes another: TCP keeps the order, and what comes later waits.",
    chapter: "12-bad-networks",
    setup: { ...calm, network: { rtt: 100, jitter: 500 }, feed: { source: "market", rate: 10, phase: "even", payload: 0 } },
  },
  {
    title: "A thousand messages a second",
    ask: "The feed publishes a thousand messages a second, and polling asks once a second.",
    watch: "bytes per message: one response with a thousand messages is cheaper than a thousand events.",
    chapter: "14-many-clients",
    setup: { ...calm, feed: { source: "market", rate: 1000, phase: "poisson", payload: 0 } },
  },
  {
    title: "A rare message, an eager poll",
    ask: "A message comes every 10 s, and polling asks 20 times a second.",
    watch: "polling's bytes per message: 200 requests for each message.",
    chapter: "15-choose",
    setup: { ...calm, network: {}, feed: { source: "market", rate: 0.1, phase: "poisson", payload: 0 }, interval: 50 },
  },
  {
    title: "Cut every 4 seconds",
    ask: "All of this page's connections are reset every 4 s.",
    watch: "lost: it stays 0, since each lane reads on from its last id.",
    chapter: "05-never-lose",
    setup: { ...calm, feed: { source: "some", rate: 10, phase: "poisson", payload: 0 } },
    async act(lab) {
      const timer = setInterval(() => lab.reset().catch(() => {}), 4000); // none is open now and then: the next is cut
      return () => clearInterval(timer);
    },
  },
];
