import { number } from "./format.js";

// perMessage returns what a lane's row of the ledger comes to: bytes for each
// message that was delivered, everything included, empty polls and heartbeats
// too, but not what page= adds, nor what is paid once, which is opening. It
// returns null where nothing was delivered yet.
export function perMessage({ delivered, up, down }) {
  if (delivered === 0) return null;
  const once = up.opening + down.opening;
  const bytes = up.total + down.total - up.tag - down.tag - once;
  return { bytes: bytes / delivered, once, unaccounted: up.unaccounted + down.unaccounted };
}

// ledger asks the control API at url once a second for this page's rows, and
// tells on of each, by lane; or of null, where the ledger is not to be had.
export function ledger(url, on) {
  async function ask() {
    try {
      const answer = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(2000) });
      if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
      for (const row of (await answer.json()).rows) on(row.transport, row);
    } catch {
      on(null, null);
    }
    setTimeout(ask, 1000);
  }
  ask();
}

// rest says what the figure does not have: what was paid once, and what nobody knows.
export const rest = ({ once, unaccounted }) => (unaccounted ? `unaccounted: ${number(unaccounted)} B` : once ? `and ${number(once)} B once` : "");
