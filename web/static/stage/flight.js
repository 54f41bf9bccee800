const shown = 500; // milliseconds that a landing is shown
const longest = 60_000; // milliseconds back, to the oldest request that is shown

/**
 * Mark is what is to be seen at one place of a lane. x goes from 0, the source, to 1, the reader.
 *
 *     message  under way, or at x = 0 while it waits there for a request
 *     landed   the last that arrived, for a while; fade goes from 1 to 0
 *     request  under way, or at x = 0 while it waits at the server
 *     empty    an answer without news
 *
 * @typedef {object} Mark
 * @property {"message" | "landed" | "request" | "empty"} kind
 * @property {number} x
 * @property {number} [id]
 * @property {number} [fade]
 */

/**
 * marks returns what is to be seen on a lane at the instant t, from its record alone. The stamps tell when a message
 * was published and when it arrived. One that a request fetched has left when half of that request's time was over,
 * or when it was published, whichever was later: exact where both directions take the same.
 * @param {import("../lane/record.js").Record} record
 * @param {number} t
 */
export function marks(record, t) {
  /** @type {Mark[]} */
  const list = [];
  const delay = record.oneWayDelay ?? 0;
  const fruitful = new Set(); // the requests that fetched something
  /** @type {Mark | null} */
  let landed = null;
  for (const entry of record.since(t - shown)) {
    if (entry.kind !== "message" || entry.sent === null) continue;
    const left = entry.asked === null ? entry.sent : Math.max(entry.sent, (entry.asked + entry.t) / 2);
    if (entry.asked !== null) fruitful.add(entry.asked);
    if (t < entry.sent) continue;
    if (t >= entry.t) landed = { kind: "landed", id: entry.id, x: 1, fade: 1 - (t - entry.t) / shown };
    else list.push({ kind: "message", id: entry.id, x: t < left ? 0 : (t - left) / Math.max(entry.t - left, 0.001) });
  }
  if (landed) list.push(landed);

  const answers = record.since(t).filter(({ kind, asked }) => kind === "answered" && asked !== null);
  for (const { asked, t: answered } of answers) {
    if (asked > t || asked < t - longest) continue;
    const arrived = asked + Math.min(delay, (answered - asked) / 2);
    const left = Math.max(arrived, answered - delay);
    if (t < arrived) list.push({ kind: "request", x: 1 - (t - asked) / (arrived - asked) });
    else if (t < left) list.push({ kind: "request", x: 0 });
    else if (!fruitful.has(asked)) list.push({ kind: "empty", x: (t - left) / Math.max(answered - left, 0.001) });
  }
  if (answers.length) return list;
  // The last request may not have its answer yet.
  const open = record.entries.findLast(({ kind }) => kind === "asked" || kind === "answered" || kind === "state");
  if (open?.kind === "asked" && open.t <= t) {
    list.push({ kind: "request", x: delay ? Math.max(0, 1 - (t - open.t) / delay) : 0 });
  }
  return list;
}
