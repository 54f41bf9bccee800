// The six scenarios of chapter 15, as lab measure --scenario has them: messages
// a second of all together, bytes of data, messages that come together and how many
// milliseconds apart, clients, and as rarely as polling may ask, in milliseconds.
// direction: down (the server publishes), both (clients publish, all read), up
// (clients send, and are answered).
export const scenarios = [
  { name: "chat", direction: "both", rate: 4, payload: 120, burst: 1, apart: 0, clients: 20, interval: 1000, why: "A room of twenty, where somebody writes a line every five seconds. A second late is early enough." },
  { name: "ticker", direction: "down", rate: 10, payload: 200, burst: 1, apart: 0, clients: 20, interval: 1000, why: "Live updates: scores or prices of which everybody sees all, and nobody answers." },
  { name: "collab", direction: "both", rate: 20, payload: 60, burst: 5, apart: 30, clients: 5, interval: 200, why: "Five people in one document. Whoever types sends a burst of small edits, and all see them as they are typed." },
  { name: "game", direction: "both", rate: 80, payload: 60, burst: 1, apart: 0, clients: 4, interval: 50, why: "Four players, each sends its position twenty times a second. What comes late is worth nothing." },
  { name: "iot", direction: "up", rate: 10, payload: 200, burst: 1, apart: 0, clients: 50, interval: 10_000, why: "Fifty devices send a reading every five seconds, and are told that it came." },
  { name: "trading", direction: "down", rate: 200, payload: 150, burst: 10, apart: 1, clients: 10, interval: 100, why: "Quotes in bursts: ten within some milliseconds, twenty times a second." },
];

// feed returns what the lab is to publish: what comes from the others.
export function feed({ direction, rate, payload, burst, apart, clients }) {
  if (direction === "up") return { source: "none" };
  return { source: "market", rate: direction === "both" ? (rate * (clients - 1)) / clients : rate, phase: "poisson", burst, apart_ms: apart, payload };
}

// own returns how many messages a second this page sends, as one of the clients.
export const own = ({ direction, rate, clients }) => (direction === "down" ? 0 : rate / clients);
