import { difference } from "./bytes.js";

/** @typedef {import("./bytes.js").Row} Row */
/** @typedef {{epoch?: string, rows: Row[]}} Answer of GET /control/ledger */

/**
 * count asks the control API for this page's rows of the ledger, once a second. It returns what begins the count anew:
 * with this answer of the ledger, or with the next.
 * @param {string} url
 * @param {object} on
 * @param {(row: Row, counted: Row, since: number) => void} on.row each row, what was added to it since the count
 * began, and when that was
 * @param {() => void} on.missing the ledger cannot be had
 * @returns {(answer?: Answer) => void}
 */
export function count(url, on) {
  /** @type {Answer & {since: number}} */
  let start = { rows: [], since: 0 }; // what the ledger had when the count began
  let asks = 0; // only the response to the last is up to date
  let timer;

  async function ask(restart = false) {
    clearTimeout(timer);
    const mine = ++asks;
    try {
      const response = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(2000) });
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      const answer = await response.json();
      if (mine !== asks) return;
      report(answer, restart);
      restart = false;
    } catch {
      if (mine !== asks) return;
      on.missing();
    }
    timer = setTimeout(ask, 1000, restart);
  }

  /** @param {Answer} answer */
  function report(answer, restart) {
    start.epoch ??= answer.epoch;
    const restarted = answer.epoch !== start.epoch; // a server that has counted from nothing
    if (restart || restarted) {
      start = { epoch: answer.epoch, rows: restarted ? [] : answer.rows, since: performance.now() };
    }
    for (const row of answer.rows) {
      const before = start.rows.find(({ transport }) => transport === row.transport);
      on.row(row, difference(row, before), start.since);
    }
  }

  ask();
  return (answer) => {
    if (!answer) return void ask(true);
    asks++;
    report(answer, true);
    clearTimeout(timer);
    timer = setTimeout(ask, 1000);
  };
}
