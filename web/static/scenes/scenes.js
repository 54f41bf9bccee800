import { number } from "../figures/format.js";
import { quantile } from "../figures/quantile.js";
import { recurring, unaccounted } from "../lab/bytes.js";
import { notCut } from "../lab/network.js";
import { transports } from "../transports/transports.js";
import { causal, difference, lossWithoutCursor, most, near, none, rising, spread, such, within, write } from "./checks.js";

/** @typedef {import("./actions.js").Actions} Actions */

/**
 * Result is what a step has measured.
 * @typedef {object} Result
 * @property {import("./checks.js").Check[]} checks
 * @property {string} summary what is to be seen
 * @property {string} [unclear] why a check that does not hold says nothing
 */

/**
 * Step is a question, four answers to predict with, and the run that shows which is right.
 * @typedef {object} Step
 * @property {string} title
 * @property {string} ask
 * @property {string[]} choices
 * @property {number | ((page: {http: string, silence: number}) => number | null)} answer the index of the right one; null:
 * not measured
 * @property {string} watch what to look at while it runs: "Watch …"
 * @property {string} chapter the stem of the page in docs/, and where on it
 * @property {boolean} [needsHTTP2] the question is about HTTP/2
 * @property {(lab: Actions) => Promise<Result>} run
 * @property {string} note for whoever presents it
 */

/**
 * Scene is steps on one subject.
 * @typedef {object} Scene
 * @property {string} title
 * @property {import("./actions.js").Setup} setup of the lab, before each step runs
 * @property {string} lesson
 * @property {Step[]} steps
 */

const median = (values) => (values.length ? quantile(values, 0.5) : null);
const lanes = transports.map(({ name }) => name);
const title = (name) => transports.find((transport) => transport.name === name).title;
const bytes = ({ up, down }) => recurring(up) + recurring(down);
/** @returns {[string, number][]} */
const pairs = (names, f) => names.map((name) => [name, f(name)]);
const each = (f) => Object.fromEntries(lanes.map((name) => [name, f(name)]));
const overHTTP2 = ({ http }) => http === "HTTP/2";

// burst is a step of two scenes: two messages ten milliseconds apart.
/** @type {Step} */
const burst = {
  title: "Two messages, 10 ms apart",
  ask: "Two messages, 10 ms apart: which transport delays the second?",
  choices: ["polling", "long-polling", "SSE", "WebSocket"],
  answer: 1,
  watch: "the second message of the pair: on which lane does it wait at the server?",
  chapter: "04-longpoll",
  async run(lab) {
    let arrivals;
    let spaced = false;
    for (let tries = 0; tries < 4 && !spaced; tries++) {
      arrivals = await lab.burst(2, 10);
      spaced = arrivals.apart > 4 && arrivals.apart < 20;
    }
    const { apart, ms, error } = arrivals;
    const delay = lab.page.network.rtt / 2;
    const by = 15 + error; // on each way across the network: long-polling's second message is the third
    const later = each((name) => {
      const [first, second] = ms[name];
      return typeof first === "number" && typeof second === "number" ? second - first : null;
    });
    return {
      checks: [
        near("long-polling, second minus first", later.longpoll, Math.max(0, 2 * delay - apart), 2 * by),
        near("SSE, second minus first", later.sse, 0, by),
        near("WebSocket, second minus first", later.websocket, 0, by),
        near("long-polling, the first", ms.longpoll[0] ?? null, delay, by),
        near("long-polling, the second", ms.longpoll[1] ?? null, Math.max(delay, 3 * delay - apart), 3 * by),
        near("SSE, the second", ms.sse[1] ?? null, delay, by),
        near("WebSocket, the second", ms.websocket[1] ?? null, delay, by),
        causal(ms, delay, error),
      ],
      summary: `Second minus first: ${lanes.map((name) => `${title(name)} ${difference(later[name])}`).join(", ")}.`,
      ...(!spaced && { unclear: `The two messages were published ${write(apart)} apart, not 10 ms: too busy to tell.` }),
    };
  },
  note: "Press R to see it twenty times slower. Long-polling's second message waits at the server until the next request is there: that is the re-arm gap, a round trip long. Then the message travels for half a round trip: 150 ms in all, less the 10. Polling brings both with one response.",
};

/** @type {Scene[]} */
export const scenes = [
  {
    title: "Same feed, four ages",
    setup: { network: { rtt: 100 }, feed: { source: "some", rate: 2, phase: "poisson" }, interval: 2000, beat: 0 },
    lesson: "Polling is late by anything up to its interval, plus the one-way delay. Lower latency costs more requests.",
    steps: [
      burst,
      {
        title: "How late is polling?",
        ask: "Polling asks every 2 s. By how much are half of its messages late, or more?",
        choices: ["0.05 s", "1.05 s", "2 s", "2.05 s"],
        answer: 1,
        watch: "how many messages wait at the server before each poll.",
        chapter: "03-polling",
        async run(lab) {
          await lab.interval(2000);
          await lab.feed({ source: "some", rate: 50, phase: "poisson" });
          const { ms, error } = await lab.gather(6000);
          const { rtt } = lab.page.network;
          return {
            checks: [
              near("polling, median", median(ms.polling), 1000 + rtt / 2, 150 + error),
              within("polling, the latest", Math.max(...ms.polling), 1700, 2000 + rtt + 150 + error),
              near("SSE, median", median(ms.sse), rtt / 2, 15 + error),
              near("WebSocket, median", median(ms.websocket), rtt / 2, 15 + error),
              rising("SSE before polling", [["sse", median(ms.sse)], ["polling", median(ms.polling)]]),
              causal(ms, rtt / 2, error),
            ],
            summary: `By polling half the messages are more than ${write(median(ms.polling))} late, by SSE more than ${write(median(ms.sse))}.`,
          };
        },
        note: "A message is published at a random instant of the interval. It waits from 0 to 2 s for the next poll, and then travels for half a round trip. The feed runs at 50 messages a second, so that the median settles within 6 s.",
      },
      {
        title: "Ten times as often",
        ask: "Polling now asks every 0.2 s. How do its delay and its requests change?",
        choices: ["delay ÷10, requests ÷10", "delay ÷10, requests the same", "delay ÷10, requests ×10", "neither changes"],
        answer: 2,
        watch: "how many of polling's requests bring nothing.",
        chapter: "03-polling",
        async run(lab) {
          await lab.feed({ source: "some", rate: 50, phase: "poisson" });
          await lab.interval(200);
          await lab.wait(500);
          const { ms, error, requests, took } = await lab.gather(5000);
          const { rtt } = lab.page.network;
          return {
            checks: [
              near("polling, median", median(ms.polling), 100 + rtt / 2, 30 + error),
              near("requests by polling", requests.polling / (took / 1000), 5, 0.7, "a second", 100),
              such("requests by SSE", requests.sse === 0, `${requests.sse} in ${write(took)} (none expected)`),
            ],
            summary: `Half the messages are now more than ${write(median(ms.polling))} late, and polling sends ${number(requests.polling / (took / 1000), 1)} requests a second instead of 0.5.`,
          };
        },
        note: "The wait for the next poll is a tenth; the one-way delay stays. Bytes per message have grown with the requests. Change the poll interval under Feed to see the values between.",
      },
      {
        title: "A metronome",
        ask: "One message every second, exactly, and a poll every second: how late is each message?",
        choices: ["all equally late", "0 to 1 s, at random", "half a second", "each later than the last"],
        answer: 0,
        watch: "the distance from each message to the poll that fetches it: it stays the same.",
        chapter: "11-measuring-time",
        async run(lab) {
          await lab.feed({ source: "some", rate: 1, phase: "even" });
          await lab.interval(1000);
          await lab.wait(1500);
          const { ms, error } = await lab.gather(6000);
          const apart = ms.polling.length >= 4 ? spread(ms.polling, 1000) : null;
          return {
            checks: [within(`polling, the delays of ${ms.polling.length} messages differ by`, apart, 0, 30 + error)],
            summary: `Each message is ${write(median(ms.polling))} late. Run it again: the delay is another one, and again the same for all messages.`,
          };
        },
        note: "Feed and polling are both clocks now, and the delay depends only on when each of them began. At random instants the delays would differ by up to 500 ms from their middle. A benchmark with an even feed measures this accident, so the lab publishes at random instants.",
      },
    ],
  },
  {
    title: "What does a message cost?",
    setup: { network: {}, feed: { source: "none" }, interval: 1000, beat: 0 },
    lesson: "A poll pays for request and response headers each time, an event for a line or two, a WebSocket frame for two to four bytes.",
    steps: [
      {
        title: "One message",
        ask: "How many bytes does WebSocket add to a short message?",
        choices: ["about 2 B", "about 30 B", "about 300 B", "about 700 B"],
        answer: 0,
        watch: "bytes per message on each lane; the payload is the same on all four.",
        chapter: "10-counting-bytes",
        async run(lab) {
          const n = 4;
          const cost = await lab.send(Array.from({ length: n }, (_, i) => `message ${i} of 4`));
          const around = (name) => {
            const { up, down } = cost[name];
            return (bytes(cost[name]) - down.payload - down.control - up.control - down.tls - up.tls) / n;
          };
          const nameless = lanes.reduce((sum, name) => sum + unaccounted(cost[name]), 0);
          return {
            checks: [
              near("added by WebSocket", around("websocket"), 2, 0, "B"),
              within("added by SSE", around("sse"), 20, 45, "B"),
              within("added by long-polling", around("longpoll"), overHTTP2(lab.page) ? 60 : 300, 3000, "B"),
              rising("from the least", pairs(["websocket", "sse", "longpoll"], around), "B"),
              near("unaccounted", nameless, 0, 0, "B"),
            ],
            summary: `Added to one message: ${number(around("websocket"), 1)} B by WebSocket, ${number(around("sse"), 1)} B by SSE, ${number(around("longpoll"))} B by long-polling and ${number(around("polling"))} B by polling, empty polls included.`,
          };
        },
        note: "The table (T) has each part. WebSocket's two bytes are FIN, opcode and length (RFC 6455, section 5.2). An event has field names, an id, and a chunk around it. A poll has request headers and response headers. TLS adds 22 bytes to each record, which are left out here.",
      },
      {
        title: "A longer one",
        ask: "How many bytes does WebSocket add to a message of 2 000 bytes?",
        choices: ["still 2 B", "4 B", "10 B", "20 B, 1 % of it"],
        answer: 1,
        watch: "how large the payload's share of the bytes has become, on every lane.",
        chapter: "08-websocket-by-hand",
        async run(lab) {
          const cost = await lab.send(["x".repeat(2000), "y".repeat(2000)]);
          const frame = cost.websocket.down.framing / 2;
          const share = (name) => (100 * cost[name].down.payload) / bytes(cost[name]);
          return {
            checks: [
              near("added by WebSocket", frame, 4, 0, "B"),
              rising("payload's share", pairs(["longpoll", "sse", "websocket"], share), "%"),
            ],
            summary: `Of long-polling's bytes ${number(share("longpoll"))} % are payload, of WebSocket's ${number(share("websocket"), 1)} %: the longer the message, the less the transport matters.`,
          };
        },
        note: "A frame's header takes 2 bytes up to 125 bytes of payload, and 4 bytes up to 65 535.",
      },
      {
        title: "A cookie of 1 000 bytes",
        ask: "The site sets a cookie of 1 000 bytes. What does that add?",
        choices: ["nothing", "1 000 B to each poll", "1 000 B to each poll and each event", "1 000 B, once"],
        answer: (page) => (overHTTP2(page) ? 3 : 1),
        watch: "polling's bytes per message grow, and those of the open streams stay.",
        chapter: "13-http2-and-the-pool",
        async run(lab) {
          await lab.interval(300);
          await lab.wait(1000);
          const head = async (ms = 2500, begin = undefined) => {
            const { polling, sse } = await lab.idle(ms, begin);
            return { n: polling.requests, polling: polling.up.head / polling.requests, sse: sse.up.head };
          };
          const before = await head();
          const others = document.cookie !== "";
          // One that this connection has never carried: HTTP/2 would remember it. The first poll that has it is counted.
          const value = Math.random().toString(36).slice(2, 10).padEnd(1000, "x");
          const set = () => (document.cookie = `fourwires=${value}; path=/; SameSite=Strict`);
          let first, after;
          try {
            first = await head(1000, set);
            after = await head();
          } finally {
            document.cookie = "fourwires=; path=/; SameSite=Strict; max-age=0";
          }
          const more = after.polling - before.polling;
          const line = "fourwires=".length + 1000 + (others ? "; ".length : "Cookie: \r\n".length);
          return {
            checks: [
              ...(overHTTP2(lab.page)
                ? [
                    within("more on the first poll", (first.polling - before.polling) * first.n, 700, 1100, "B"),
                    within("more on each later poll", more, -5, 20, "B"),
                  ]
                : [near("more on each poll", more, line, 12, "B")]),
              near("more on an open event stream", after.sse - before.sse, 0, 0, "B"),
            ],
            summary: `The cookie adds ${number(more)} B to each ${overHTTP2(lab.page) ? "poll after the first" : "poll"}, and nothing to a stream that is open. It has been deleted.`,
          };
        },
        note: "On HTTP/1.1 each request carries all cookies. On HTTP/2 the first request carries the cookie, and the later ones refer to it by a number (HPACK). An open stream has sent its request headers already.",
      },
      {
        title: "Nothing happens",
        ask: "Nothing is published. Which transport sends the most bytes?",
        choices: ["polling", "long-polling", "SSE", "WebSocket"],
        answer: 0,
        watch: "polling's empty polls; the other lanes have nothing to draw.",
        chapter: "03-polling",
        async run(lab) {
          await lab.interval(500);
          await lab.wait(1200, "until all is quiet");
          const cost = await lab.idle(6000);
          const spent = (name) => bytes(cost[name]) / 6;
          const others = Math.max(...lanes.slice(1).map(spent));
          const list = lanes.map((name) => `${title(name)} ${number(spent(name), 1)} B/s`).join(", ");
          return {
            checks: [
              within("polling", spent("polling"), overHTTP2(lab.page) ? 50 : 400, 10_000, "B/s"),
              such("more than any other", spent("polling") > others, list),
            ],
            summary: `Polling spends ${number(spent("polling"))} B a second on empty polls, and the others at most ${number(others, 1)} B a second.`,
          };
        },
        note: "Long-polling sends a new request every 25 s. SSE sends a comment and WebSocket a ping every 15 s, so that routers and proxies keep the connection.",
      },
      {
        title: "The same over HTTP/2",
        ask: "How large are a poll's request and response headers over HTTP/2?",
        choices: ["as large as over HTTP/1.1", "half as large", "about a tenth", "they are gone"],
        answer: (page) => (overHTTP2(page) ? 2 : null), // over HTTP/1.1 it is not measured
        watch: "the headers' part of polling's bytes per message.",
        chapter: "13-http2-and-the-pool",
        needsHTTP2: true,
        async run(lab) {
          await lab.interval(300);
          await lab.wait(1000);
          const { polling } = await lab.idle(3000);
          const heads = (polling.up.head + polling.down.head) / polling.requests;
          return {
            checks: [
              overHTTP2(lab.page)
                ? within("headers of a poll, HTTP/2", heads, 20, 150, "B")
                : within("headers of a poll, HTTP/1.1", heads, 250, 2000, "B"),
            ],
            summary: overHTTP2(lab.page)
              ? `Over HTTP/2 the headers of a poll take ${number(heads)} B: a field that was sent before is sent as a number (HPACK).`
              : `Over HTTP/1.1 the headers of a poll take ${number(heads)} B. Now run this over HTTP/2 (key H).`,
          };
        },
        note: "Browsers speak HTTP/2 over TLS only. SSE and WebSocket hardly change: their headers were sent once.",
      },
    ],
  },
  {
    title: "The burst and the gap",
    setup: { network: { rtt: 100 }, feed: { source: "some", rate: 2, phase: "poisson" }, interval: 1000, beat: 0 },
    lesson: "Between a response and its next request long-polling sees nothing: it needs a cursor to lose nothing.",
    steps: [
      burst,
      {
        title: "Without a cursor",
        ask: "20 messages a second: how many does long-polling lose without a cursor?",
        choices: ["none", "1 in 8", "a third", "two thirds"],
        answer: 3,
        watch: "the re-arm gap of the long-polling lane: what is published then is lost without a cursor.",
        chapter: "05-never-lose",
        async run(lab) {
          const rate = 20;
          await lab.feed({ source: "some", rate, phase: "poisson" });
          await lab.wait(500);
          const { got, all, lost: share } = await lab.naive(7000);
          await lab.wait(1500, "waiting for the last poll");
          const want = 100 * lossWithoutCursor(rate, lab.page.network.rtt);
          return {
            checks: [
              near("lost without a cursor", share === null ? null : 100 * share, want, 12, "%", 30),
              none("lost with a cursor", each(lab.lost)),
            ],
            summary: `Without a cursor ${number(100 * share)} % are lost (${all + 1 - got} of ${all + 1}), with a cursor none.`,
          };
        },
        note: "For a round trip R after each response no request is there. At λ messages a second that loses a share of λR / (1 + λR). Each of the four lanes asks from its cursor, the id of the last message it has.",
      },
    ],
  },
  {
    title: "Pull the plug",
    setup: { network: { rtt: 100 }, feed: { source: "some", rate: 4, phase: "poisson" }, interval: 1000, beat: 0 },
    lesson: "Without heartbeats a client cannot tell a dead connection from a quiet one. With a cursor a cut costs time, and no messages.",
    steps: [
      {
        title: "A connection ends (FIN)",
        ask: "The server closes all connections. When is SSE connected again?",
        choices: ["at once", "after 3 s", "after 20 s", "never"],
        answer: 1,
        watch: "when each lane notices, is connected again, and has caught up.",
        chapter: "07-sse-that-survives",
        run: (lab) => ended(lab, "fin"),
        note: "The browser reconnects an EventSource by itself, after the time that the server set (retry: 3000), and sends Last-Event-ID. A WebSocket is reconnected by the page's code, after a random wait of up to half a second. Polling's connection was idle, so polling notices nothing. A long-poll whose response had not begun is sent again by the browser, and the page's code never knows.",
      },
      {
        title: "A connection breaks (RST)",
        ask: "Now the connections are reset. What does SSE do?",
        choices: ["it loses messages", "it gives up", "the same as after FIN", "it waits for a reload"],
        answer: 2,
        watch: "the messages on the wire when the connections break: they arrive after all, later.",
        chapter: "07-sse-that-survives",
        run: (lab) => ended(lab, "rst"),
        note: "A reset drops what was on the wire. The cursor has the server send it again.",
      },
      {
        title: "Silence",
        ask: "For 20 s every open connection goes silent; no error is raised. Which transport notices first?",
        choices: ["polling", "SSE", "WebSocket", "none of them"],
        answer: ({ silence }) => (silence > 12 ? 0 : 3), // polling gives up after 10 s
        watch: "messages pile up at the server, and the lanes still say that they are live.",
        chapter: "12-bad-networks",
        run: (lab) => silent(lab, 0),
        note: "This is a router that has forgotten its connections: only new ones get through. Polling expects a response within 10 s, and then asks over another connection. (Over HTTP/2 there is no other: it asks again over the silent one.) To SSE and WebSocket a dead connection looks like a quiet one; what waited arrives at once, after 20 s.",
      },
      {
        title: "Silence, with heartbeats",
        ask: "The same, with a heartbeat every 5 s to SSE and WebSocket. When do they notice?",
        choices: ["at once", "after 7.5 s at most", "after 20 s", "never"],
        answer: 1,
        watch: "the moment at which SSE and WebSocket give up the silent connection and open another.",
        chapter: "07-sse-that-survives",
        run: (lab) => silent(lab, 5),
        note: "The page counts one and a half heartbeat intervals without a message as a cut. A WebSocket ping or an SSE comment would not do: a page sees neither. Over HTTP/2 the browser sends the new request for the event stream over the same silent connection; WebSocket has a connection of its own.",
      },
      {
        title: "The server restarts",
        ask: "The server restarts, and ids begin at 1. What does a client do whose last id is 400?",
        choices: ["it waits for 401", "it misses 1 to 400", "it reads on from 1", "it needs a reload"],
        answer: 2,
        watch: "the ids on each lane: after the restart they begin at 1.",
        chapter: "05-never-lose",
        async run(lab) {
          const { reached, after, lost } = await lab.cut("restart");
          const epochs = lanes.map((name) => lab.epoch(name));
          return {
            checks: [
              most("caught up", caught(reached, after), 12_000),
              such("all have the new epoch", new Set(epochs).size === 1 && epochs[0] !== undefined, epochs.join(", ")),
              none("lost", lost),
            ],
            summary: `It is a new server (epoch ${epochs[0]}), and all four transports read on from its first message: a cursor names its epoch.`,
          };
        },
        note: "Clients that were cut together would reconnect together, so each waits for a random time before it tries. An EventSource does not: it waits for the 3 s that the server set.",
      },
    ],
  },
  {
    title: "The seventh tab",
    setup: { network: {}, feed: { source: "some", rate: 2, phase: "poisson" }, interval: 2000, beat: 0 },
    lesson: "The limit is the browser's pool of six HTTP/1.1 connections to a host, not SSE.",
    steps: [
      {
        title: "Seven event streams",
        ask: "A browser requests seven event streams from one host. How many open?",
        choices: ["one", "four", "six", "all seven"],
        answer: (page) => (overHTTP2(page) ? 3 : 2),
        watch: "the boxes: each is a connection of the browser. (The four lanes are paused for this step.)",
        chapter: "13-http2-and-the-pool",
        async run(lab) {
          const { opened, polled } = await lab.pool(7, "sse");
          const h2 = overHTTP2(lab.page);
          return {
            checks: [
              near("open", opened, h2 ? 7 : 6, 0, "of 7", 500),
              polledOnce(polled, h2),
            ],
            summary: h2
              ? `Over HTTP/2 all ${opened} are open, on one connection.`
              : `${opened} of 7, as expected: the browser has six HTTP/1.1 connections to a host, so the seventh stream waits, and so does every poll.`,
          };
        },
        note: "Seven tabs with one stream each do the same. WHATWG HTML, section 9.2, warns of it.",
      },
      {
        title: "Eight WebSockets",
        ask: "A browser opens eight WebSockets to one host. How many open?",
        choices: ["one", "six", "seven", "all eight"],
        answer: 3,
        watch: "the boxes: WebSockets take none of the six. (The four lanes are paused for this step.)",
        chapter: "13-http2-and-the-pool",
        async run(lab) {
          const { opened, polled } = await lab.pool(8, "websocket");
          return {
            checks: [near("open", opened, 8, 0, "of 8", 500), within("then a poll, answered after", polled, 0, 1500)],
            summary: `${opened} of 8, as expected, and a poll is answered: WebSockets have a pool of their own.`,
          };
        },
        note: "In Chromium this pool has 255 connections, to all hosts together.",
      },
      {
        title: "Eight streams over HTTP/2",
        ask: "Eight event streams over HTTP/2: how many open?",
        choices: ["six", "seven", "all eight", "none"],
        answer: (page) => (overHTTP2(page) ? 2 : null), // over HTTP/1.1 it is not measured
        watch: "the boxes: over HTTP/2 there is one, with all streams in it.",
        chapter: "13-http2-and-the-pool",
        needsHTTP2: true,
        async run(lab) {
          const { opened, polled } = await lab.pool(8, "sse");
          const h2 = overHTTP2(lab.page);
          return {
            checks: [
              near(`open, ${lab.page.http}`, opened, h2 ? 8 : 6, 0, "of 8", 500),
              polledOnce(polled, h2),
            ],
            summary: h2
              ? "8 of 8, as expected: over HTTP/2 a stream is not a connection."
              : `Over HTTP/1.1 it is ${opened} of 8. Now run this over HTTP/2 (key H).`,
          };
        },
        note: "The server limits how many streams one HTTP/2 connection has: this lab allows 250.",
      },
    ],
  },
];

/**
 * polledOnce expects that one poll more is answered, or is not.
 * @param {number | null} polled after how many milliseconds it was answered
 * @param {boolean} answered
 */
function polledOnce(polled, answered) {
  const text = polled === null ? "not answered within 2 s" : `answered after ${write(polled)}`;
  return such("then a poll", answered ? polled !== null : polled === null, text);
}

// caught returns after what time each lane that a cut has reached had caught up.
const caught = (reached, after) => Object.fromEntries(reached.map((name) => [name, after[name]?.caught ?? null]));

// needStreams fails where a cut has not reached what the step is about.
function needStreams(reached) {
  const missing = notCut(reached, ["sse", "websocket"]);
  if (missing) throw new Error(`${missing} Run it again`);
}

/**
 * ended cuts all lanes by FIN or RST, and compares what follows with what each does.
 * @param {Actions} lab
 * @param {"fin" | "rst"} kind
 * @returns {Promise<Result>}
 */
async function ended(lab, kind) {
  await lab.wait(1500, "until all lanes run");
  const { reached, after, lost } = await lab.cut(kind);
  needStreams(reached);
  const roundTrips = 2 * lab.page.network.rtt;
  const { sse, websocket, longpoll } = after;
  return {
    checks: [
      within("SSE notices", sse?.noticed ?? null, 0, 700),
      near("SSE is connected again", sse?.connected ?? null, 3000 + roundTrips, 600),
      within("WebSocket is connected again", websocket?.connected ?? null, 0, 1200 + 2 * roundTrips),
      ...(reached.includes("longpoll")
        ? [within("long-polling has caught up", longpoll?.caught ?? null, 0, 1500 + 2 * roundTrips)]
        : []),
      most("caught up", caught(reached, after), 8000),
      none("lost", lost),
    ],
    summary: `SSE was connected again after ${write(sse?.connected)}, WebSocket after ${write(websocket?.connected)}, and no message was lost: each read on from its last id. ${notCut(reached, lanes)}`,
  };
}

/**
 * silent cuts all lanes by 20 s of silence.
 * @param {Actions} lab
 * @param {number} beat seconds between heartbeats; 0: none
 * @returns {Promise<Result>}
 */
async function silent(lab, beat) {
  const seconds = lab.page.silence;
  await lab.beat(beat);
  await lab.wait(2500, "until all lanes run");
  const { reached, after, lost, ages } = await lab.cut("silence", seconds);
  needStreams(reached);
  const { polling, sse, websocket } = after;
  const limit = beat * 1500;
  const connected = { sse: sse?.connected ?? null, websocket: websocket?.connected ?? null };
  const notices = (what, stamp) => {
    if (beat) return within(`${what} notices`, stamp?.noticed ?? null, 0.5 * limit, limit + 700);
    const not = stamp?.noticed === null;
    return such(`${what} notices`, not, not ? "never, as expected" : `after ${write(stamp?.noticed)}`);
  };
  return {
    checks: [
      ...(seconds > 12 && reached.includes("polling")
        ? [within("polling notices", polling?.noticed ?? null, 8500, 11_500)]
        : []),
      notices("SSE", sse),
      notices("WebSocket", websocket),
      ...(beat ? [overHTTP2(lab.page)
        ? rising("connected again", [["websocket", websocket?.connected ?? null], ["sse", sse?.connected ?? null]])
        : most("connected again", connected, limit + 3000)] : []),
      within("WebSocket's highest age", ages.websocket, beat ? 1000 : seconds * 900, beat ? limit + 4000 : seconds * 1000 + 3000),
      most("caught up", caught(reached, after), seconds * 1000 + 8000),
      none("lost", lost),
    ],
    summary: (beat
      ? `With a heartbeat every ${beat} s SSE noticed after ${write(sse?.noticed)} and WebSocket after ${write(websocket?.noticed)}; they were connected again after ${write(sse?.connected)} and ${write(websocket?.connected)}.`
      : `For ${seconds} s neither SSE nor WebSocket noticed anything; then all messages arrived at once, and none was lost.`) + ` ${notCut(reached, lanes)}`,
  };
}
