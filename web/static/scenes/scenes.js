import { number } from "../figures/format.js";
import { quantile } from "../figures/quantile.js";
import { recurring, unaccounted } from "../lab/bytes.js";
import { notCut } from "../lab/network.js";
import { transports } from "../transports/transports.js";
import { causal, lossWithoutCursor, most, near, none, rising, spread, such, within, write } from "./checks.js";

/** @typedef {import("./actions.js").Actions} Actions */
/** @typedef {{checks: import("./checks.js").Check[], summary: string}} Result of a step; summary: what is to be seen */

/**
 * Step is a question, four answers to predict with, and the run that shows which is right.
 * @typedef {object} Step
 * @property {string} title
 * @property {string} ask
 * @property {string[]} choices
 * @property {number | ((page: {http: string}) => number | null)} answer the index of the right one; null: not measured
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
const bytes = ({ up, down }) => recurring(up) + recurring(down);
/** @returns {[string, number][]} */
const pairs = (names, f) => names.map((name) => [name, f(name)]);
const each = (f) => Object.fromEntries(lanes.map((name) => [name, f(name)]));
const overHTTP2 = ({ http }) => http === "HTTP/2";

// burst is a step of two scenes: two messages ten milliseconds apart.
/** @type {Step} */
const burst = {
  title: "Two messages, 10 ms apart",
  ask: "Which lane delays the second message more than the first?",
  choices: ["polling", "long-polling", "SSE", "WebSocket"],
  answer: 1,
  async run(lab) {
    let arrivals;
    for (let tries = 0; tries < 4; tries++) {
      arrivals = await lab.burst(2, 10);
      if (arrivals.apart > 4 && arrivals.apart < 20) break; // or it was not what was asked for
    }
    const { apart, ms, clock, error } = arrivals;
    const delay = lab.page.network.rtt / 2;
    const by = 15 + error;
    return {
      checks: [
        near("SSE, the second", ms.sse[1] ?? null, delay, by),
        near("WebSocket, the second", ms.websocket[1] ?? null, delay, by),
        near("long-polling, the first", ms.longpoll[0] ?? null, delay, by),
        near("long-polling, the second", ms.longpoll[1] ?? null, Math.max(delay, 3 * delay - apart), by + 5),
        causal(ms, delay, clock),
      ],
      summary: `The second, ${write(apart)} later, took ${write(ms.longpoll[1])} by long-polling, which had to be asked again, ${write(ms.sse[1])} by SSE, and ${write(ms.polling[1])} by polling.`,
    };
  },
  note: "Press R to see it twenty times slower. The second message waits at the source until the next question is there, a round trip after the first, and then takes half a trip: 150 ms, less the 10. Polling hardly minds: it waits for its next look anyway.",
};

/** @type {Scene[]} */
export const scenes = [
  {
    title: "Same feed, four ages",
    setup: { network: { rtt: 100 }, feed: { source: "some", rate: 2, phase: "poisson" }, interval: 2000, beat: 0 },
    lesson: "Staleness by polling is anything from nothing to the interval, plus a trip. Latency is bought with requests.",
    steps: [
      burst,
      {
        title: "How late is polling?",
        ask: "Polling asks every 2 s. How late is its median message?",
        choices: ["0.05 s", "1.05 s", "2 s", "2.05 s"],
        answer: 1,
        async run(lab) {
          await lab.interval(2000);
          await lab.feed({ source: "some", rate: 50, phase: "poisson" });
          const { ms, clock, error } = await lab.gather(6000);
          const { rtt } = lab.page.network;
          return {
            checks: [
              near("polling, p50", median(ms.polling), 1000 + rtt / 2, 150 + error),
              within("polling, the latest", Math.max(...ms.polling), 1700, 2000 + rtt + 150 + error),
              near("SSE, p50", median(ms.sse), rtt / 2, 15 + error),
              near("WebSocket, p50", median(ms.websocket), rtt / 2, 15 + error),
              rising("SSE before polling", [["SSE", median(ms.sse)], ["polling", median(ms.polling)]]),
              causal(ms, rtt / 2, clock),
            ],
            summary: `A message by polling is half an interval late on median: ${write(median(ms.polling))}, against ${write(median(ms.sse))} by SSE.`,
          };
        },
        note: "A message comes at a random instant of the interval, so it waits anything from 0 to 2 s for the next look, and then half a round trip. (50 messages a second, so that the figure settles in 6 s.)",
      },
      {
        title: "Ten times as often",
        ask: "Now it asks every 0.2 s. What becomes of the delay, and of the requests?",
        choices: ["both a tenth", "a tenth; the requests stay", "the waiting a tenth; ten times the requests", "nothing changes"],
        answer: 2,
        async run(lab) {
          await lab.feed({ source: "some", rate: 50, phase: "poisson" });
          await lab.interval(200);
          await lab.wait(500);
          const { ms, error, requests, took } = await lab.gather(5000);
          const { rtt } = lab.page.network;
          return {
            checks: [
              near("polling, p50", median(ms.polling), 100 + rtt / 2, 30 + error),
              near("requests by polling", requests.polling / (took / 1000), 5, 0.7, "a second"),
              such("requests by SSE", requests.sse === 0, `${requests.sse} in ${write(took)} (none expected)`),
            ],
            summary: `Asking ten times as often brings polling down to ${write(median(ms.polling))}, for ${number(requests.polling / (took / 1000), 1)} requests a second instead of 0.5.`,
          };
        },
        note: "The sawtooth has shrunk; look at the bytes a message. Latency is bought with requests. Move the slider under Feed to see what lies between.",
      },
      {
        title: "A metronome",
        ask: "The feed now ticks every second, evenly, and polling asks every second. How late is each message?",
        choices: ["all equally late", "0 to 1 s, at random", "half a second", "later and later"],
        answer: 0,
        async run(lab) {
          await lab.feed({ source: "some", rate: 1, phase: "even" });
          await lab.interval(1000);
          await lab.wait(1500);
          const { ms, error } = await lab.gather(6000);
          const apart = ms.polling.length >= 4 ? spread(ms.polling, 1000) : null;
          return {
            checks: [within(`polling, the delays of ${ms.polling.length} messages differ by`, apart, 0, 30 + error)],
            summary: `Locked to the feed, polling is ${write(median(ms.polling))} late each time, whatever the interval would suggest. Run it again, and it is another.`,
          };
        },
        note: "Both are clocks now. (At random they would lie apart by 500 ms.) Which delay it is depends on nothing but the instants at which the feed and polling began. A benchmark with such a feed measures this accident: hence random instants.",
      },
    ],
  },
  {
    title: "What does a message cost?",
    setup: { network: {}, feed: { source: "none" }, interval: 1000, beat: 0 },
    lesson: "Heads, framing, payload: a poll pays all of them, an event a line or two, a frame two to four bytes.",
    steps: [
      {
        title: "One message",
        ask: "What does a WebSocket put around a short message?",
        choices: ["about 2 B", "about 30 B", "about 300 B", "about 700 B"],
        answer: 0,
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
              near("around a frame", around("websocket"), 2, 0, "B"),
              within("around an event", around("sse"), 20, 45, "B"),
              within("around a long-poll's message", around("longpoll"), overHTTP2(lab.page) ? 60 : 300, 3000, "B"),
              rising("from the least", pairs(["websocket", "sse", "longpoll"], around), "B"),
              near("unaccounted", nameless, 0, 0, "B"),
            ],
            summary: `Around one message: ${number(around("websocket"), 1)} B by WebSocket, ${number(around("sse"), 1)} B by SSE, ${number(around("longpoll"))} B by long-polling and ${number(around("polling"))} B by polling, empty polls included.`,
          };
        },
        note: "The table (T) has each part. Two bytes are FIN, opcode and length (RFC 6455, section 5.2). An event has its field names, its id, and the chunk around it. A poll has two heads: its own and its answer's. What TLS adds, 22 bytes to a record, is left out here.",
      },
      {
        title: "A longer one",
        ask: "And around a message of 2 000 bytes?",
        choices: ["still 2 B", "4 B", "10 B", "1 % of it"],
        answer: 1,
        async run(lab) {
          const cost = await lab.send(["x".repeat(2000), "y".repeat(2000)]);
          const frame = cost.websocket.down.framing / 2;
          const share = (name) => (100 * cost[name].down.payload) / bytes(cost[name]);
          return {
            checks: [
              near("around a frame", frame, 4, 0, "B"),
              rising("payload's share", pairs(["longpoll", "sse", "websocket"], share), "%"),
            ],
            summary: `With 2 000 bytes of payload ${number(share("longpoll"))} % of what long-polling sends is payload, and ${number(share("websocket"), 1)} % of a WebSocket's: the longer the message, the less the wire matters.`,
          };
        },
        note: "Up to 125 bytes of payload the frame's header is 2 bytes, up to 65 535 it is 4.",
      },
      {
        title: "A cookie of 1 000 bytes",
        ask: "The site sets a cookie of 1 000 bytes. What does it add to each poll, and to each event?",
        choices: ["nothing to either", "about 1 000 B to each poll alone", "about 1 000 B to both", "about 1 000 B, once"],
        answer: (page) => (overHTTP2(page) ? 3 : 1),
        async run(lab) {
          await lab.interval(300);
          await lab.wait(1000);
          const head = async (ms = 2500) => {
            const { polling, sse } = await lab.idle(ms);
            return { n: polling.requests, polling: polling.up.head / polling.requests, sse: sse.up.head };
          };
          const before = await head();
          const others = document.cookie !== "";
          document.cookie = `fourwires=${"x".repeat(1000)}; path=/; SameSite=Strict`;
          let first, after;
          try {
            first = await head(1000);
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
            summary: `The cookie adds ${number(more)} B to each ${overHTTP2(lab.page) ? "poll but the first" : "poll"}, and nothing to a stream that is open. It is deleted again.`,
          };
        },
        note: "On HTTP/1.1 each request carries all cookies, again and again. On HTTP/2 HPACK sends it once and then refers to it. A stream has sent its head long ago.",
      },
      {
        title: "Nothing happens",
        ask: "Nothing is published. Which lane spends the most bytes?",
        choices: ["polling", "long-polling", "SSE", "WebSocket"],
        answer: 0,
        async run(lab) {
          await lab.interval(500);
          await lab.wait(1200, "until all is quiet");
          const cost = await lab.idle(6000);
          const spent = (name) => bytes(cost[name]) / 6;
          const others = Math.max(...lanes.slice(1).map(spent));
          const list = lanes.map((name) => `${name} ${number(spent(name), 1)} B/s`).join(", ");
          return {
            checks: [
              within("polling", spent("polling"), overHTTP2(lab.page) ? 50 : 400, 10_000, "B/s"),
              such("more than any other", spent("polling") > others, list),
            ],
            summary: `In quiet polling spends ${number(spent("polling"))} B a second on asking for nothing, and the others at most ${number(others, 1)}.`,
          };
        },
        note: "Long-polling asks anew every 25 s; SSE writes a comment and WebSocket a ping every 15 s, so that boxes in between do not forget the connection.",
      },
      {
        title: "The same over HTTP/2",
        ask: "What does HTTP/2 make of the heads of a poll?",
        choices: ["nothing", "half", "about a tenth", "they are gone"],
        answer: (page) => (overHTTP2(page) ? 2 : null), // by HTTP/1.1 it is not measured
        async run(lab) {
          await lab.interval(300);
          await lab.wait(1000);
          const { polling } = await lab.idle(3000);
          const heads = (polling.up.head + polling.down.head) / polling.requests;
          return {
            checks: [
              overHTTP2(lab.page)
                ? within("both heads of a poll, HTTP/2", heads, 20, 150, "B")
                : within("both heads of a poll, HTTP/1.1", heads, 250, 2000, "B"),
            ],
            summary: overHTTP2(lab.page)
              ? `On HTTP/2 the two heads of a poll come to ${number(heads)} B: what was said before is said by its number (HPACK).`
              : `On HTTP/1.1 the two heads of a poll come to ${number(heads)} B. For HTTP/2 ${lab.page.secure ? `open ${lab.page.secure} (key H) and run this again` : "start the lab with --tls"}.`,
          };
        },
        note: "A browser speaks HTTP/2 only where TLS is. SSE and WebSocket hardly change: their heads were sent once.",
      },
    ],
  },
  {
    title: "The burst and the gap",
    setup: { network: { rtt: 100 }, feed: { source: "some", rate: 2, phase: "poisson" }, interval: 1000, beat: 0 },
    lesson: "Between an answer and the next question long-polling is blind. A cursor is the protocol, not an option.",
    steps: [
      burst,
      {
        title: "Without a cursor",
        ask: "20 messages a second, and a long-poll that asks without a cursor, just for “what is new”. How much does it lose?",
        choices: ["nothing", "1 in 8", "a third", "two thirds"],
        answer: 3,
        async run(lab) {
          const rate = 20;
          await lab.feed({ source: "some", rate, phase: "poisson" });
          await lab.wait(500);
          const { got, all, lost: share } = await lab.naive(7000);
          await lab.wait(1500, "waiting for the last poll");
          const want = 100 * lossWithoutCursor(rate, lab.page.network.rtt);
          return {
            checks: [
              near("lost without a cursor", share === null ? null : 100 * share, want, 12, "%"),
              none("lost with one", each(lab.lost)),
            ],
            summary: `Without a cursor ${number(100 * share)} % are lost (${all + 1 - got} of ${all + 1}), with one none.`,
          };
        },
        note: "Blind for a round trip after each answer: a share of λR / (1 + λR). Without a network in between it still loses some. Each of the four lanes asks from its cursor, the last id it has, so nothing can be missed.",
      },
    ],
  },
  {
    title: "Pull the plug",
    setup: { network: { rtt: 100 }, feed: { source: "some", rate: 4, phase: "poisson" }, interval: 1000, beat: 0 },
    lesson: "An error has to be heard to be an error: heartbeats make a silence tell. A cursor makes a cut cost time, but no messages.",
    steps: [
      {
        title: "A connection ends (FIN)",
        ask: "All connections are closed in order. When is SSE back?",
        choices: ["at once", "after some 3 s", "after 20 s", "never"],
        answer: 1,
        run: (lab) => ended(lab, "fin"),
        note: "The browser itself opens an EventSource again, after the time that the lab told it (retry: 3000), and sends Last-Event-ID. A WebSocket is opened again by our code, after a random time up to half a second. Polling's connection lay idle: nothing to notice. And a long-poll whose answer had not begun is asked again by the browser itself, before our code hears of it.",
      },
      {
        title: "A connection breaks (RST)",
        ask: "Now they are reset. What does SSE do?",
        choices: ["it loses messages", "it gives up", "the same as before", "it waits for a reload"],
        answer: 2,
        run: (lab) => ended(lab, "rst"),
        note: "What was under way is gone, but the cursor asks for it again.",
      },
      {
        title: "Silence",
        ask: "For 20 s what is open passes nothing on, and nobody is told. Who notices first?",
        choices: ["polling", "SSE", "WebSocket", "nobody"],
        answer: 0,
        run: (lab) => silent(lab, 0),
        note: "As if a router on the way had forgotten them: only new connections get through. Only polling waits for something, an answer, and not for longer than 10 s; then it asks by another connection. (On HTTP/2 there is no other: it asks again on the silent one.) An open stream without news looks the same as a broken one: what is owed arrives at once, after 20 s.",
      },
      {
        title: "Silence, with heartbeats",
        ask: "The same, but SSE and WebSocket hear a heartbeat every 5 s. When do they notice?",
        choices: ["at once", "within 7.5 s", "after 20 s", "not at all"],
        answer: 1,
        run: (lab) => silent(lab, 5),
        note: "A silence of one heartbeat and a half is taken for a cut. A ping or a comment would not do: a page can see neither. On HTTP/2 the event stream is asked for again on the connection that is silent, which the browser takes for sound; a WebSocket has one of its own.",
      },
      {
        title: "The server restarts",
        ask: "The server restarts: ids begin at 1. A lane that holds 400 …",
        choices: ["waits for 401", "misses 1 to 400", "reads on from 1", "needs a reload"],
        answer: 2,
        async run(lab) {
          const { reached, after, lost } = await lab.cut("restart");
          const epochs = lanes.map((name) => lab.epoch(name));
          return {
            checks: [
              most("caught up", caught(reached, after), 12_000),
              such("all know the new epoch", new Set(epochs).size === 1 && epochs[0] !== undefined, epochs.join(", ")),
              none("lost", lost),
            ],
            summary: `The server is another (epoch ${epochs[0]}), and all four lanes read on from its first message: a cursor names its epoch.`,
          };
        },
        note: "Those cut together come back together: hence the random wait before each try. Only an EventSource has none: its 3 s are the server's.",
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
        ask: "A browser opens seven event streams to one host. How many open?",
        choices: ["one", "four", "six", "all seven"],
        answer: (page) => (overHTTP2(page) ? 3 : 2),
        async run(lab) {
          const { opened, polled } = await lab.pool(7, "sse");
          const h2 = overHTTP2(lab.page);
          return {
            checks: [
              near("open", opened, h2 ? 7 : 6, 0, "of 7"),
              polledOnce(polled, h2),
            ],
            summary: h2
              ? `On HTTP/2 all ${opened} are open, on one connection.`
              : `${opened} are open, the seventh waits, and so does every poll: ${lab.page.http} has six connections to a host, and a stream keeps its own.`,
          };
        },
        note: "Seven tabs with one stream each come to the same. The lanes above rest meanwhile. WHATWG HTML, section 9.2, warns of it.",
      },
      {
        title: "Eight WebSockets",
        ask: "And eight WebSockets?",
        choices: ["one", "six", "seven", "all eight"],
        answer: 3,
        async run(lab) {
          const { opened, polled } = await lab.pool(8, "websocket");
          return {
            checks: [near("open", opened, 8, 0, "of 8"), within("and then one poll, answered after", polled, 0, 1500)],
            summary: `All ${opened} WebSockets are open, and a poll is answered: WebSockets have a pool of their own.`,
          };
        },
        note: "In Chromium that pool has 255 connections, over all hosts.",
      },
      {
        title: "Eight streams over HTTP/2",
        ask: "And eight event streams over HTTP/2?",
        choices: ["six", "seven", "all eight", "none"],
        answer: (page) => (overHTTP2(page) ? 2 : null), // by HTTP/1.1 it is not measured
        async run(lab) {
          const { opened, polled } = await lab.pool(8, "sse");
          const h2 = overHTTP2(lab.page);
          return {
            checks: [
              near(`open, ${lab.page.http}`, opened, h2 ? 8 : 6, 0, "of 8"),
              polledOnce(polled, h2),
            ],
            summary: h2
              ? "Eight of eight: on HTTP/2 a stream is not a connection."
              : `By HTTP/1.1 it is six again. ${lab.page.secure ? `At ${lab.page.secure} (key H)` : "With --tls, over https,"} it is eight of eight.`,
          };
        },
        note: "The number of streams of one connection is limited too, by the server: the lab allows 250.",
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
  return such("and then one poll", answered ? polled !== null : polled === null, text);
}

// caught returns after what time each lane that a cut has reached had caught up.
const caught = (reached, after) => Object.fromEntries(reached.map((name) => [name, after[name]?.caught ?? null]));

// needStreams fails where a cut has not reached what the step is about.
function needStreams(reached) {
  const missing = notCut(reached, ["sse", "websocket"]);
  if (missing) throw new Error(`${missing} Run it again.`);
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
    summary: `SSE was back after ${write(sse?.connected)}, WebSocket after ${write(websocket?.connected)}, and nothing was lost: each went on from its last id. ${notCut(reached, lanes)}`,
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
  const connected = { SSE: sse?.connected ?? null, WebSocket: websocket?.connected ?? null };
  const notices = (what, stamp) => {
    if (beat) return within(`${what} notices`, stamp?.noticed ?? null, 0.5 * limit, limit + 700);
    const not = stamp?.noticed === null;
    return such(`${what} notices`, not, not ? "not at all, as expected" : `after ${write(stamp?.noticed)}`);
  };
  return {
    checks: [
      ...(seconds > 12 && reached.includes("polling")
        ? [within("polling notices", polling?.noticed ?? null, 8500, 11_500)]
        : []),
      notices("SSE", sse),
      notices("WebSocket", websocket),
      ...(beat ? [overHTTP2(lab.page)
        ? rising("connected again", [["WebSocket", websocket?.connected ?? null], ["SSE", sse?.connected ?? null]])
        : most("connected again", connected, limit + 3000)] : []),
      within("age by WebSocket, at most", ages.websocket, beat ? 1000 : seconds * 900, beat ? limit + 4000 : seconds * 1000 + 3000),
      most("caught up", caught(reached, after), seconds * 1000 + 8000),
      none("lost", lost),
    ],
    summary: (beat
      ? `With a heartbeat every ${beat} s SSE noticed after ${write(sse?.noticed)} and WebSocket after ${write(websocket?.noticed)}; they were back after ${write(sse?.connected)} and ${write(websocket?.connected)}.`
      : `For ${seconds} s neither SSE nor WebSocket noticed anything; then all of it arrived at once, and nothing was lost.`) + ` ${notCut(reached, lanes)}`,
  };
}
