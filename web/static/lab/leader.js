// In one browser one tab measures, the leader: six connections are all that a browser has for a host on HTTP/1.1, and
// four lanes take up to three. Other tabs view what the leader records.
const short = 150; // milliseconds that an answer takes at most, if nothing is slow
const long = 1000; // that another tab takes to load

/**
 * Role is what a tab does.
 * @typedef {object} Role
 * @property {boolean} leads
 * @property {any} state of a viewer: what the leader's on.state returned
 * @property {(entry: any) => void} send sends an entry from the leader to the viewers
 * @property {() => Promise<void>} take makes the leader yield to this tab
 */

/**
 * lead finds out whether this tab leads.
 * @param {string} me this tab's name
 * @param {object} on
 * @param {() => any} on.state what a viewer begins with
 * @param {(entry: any) => void} on.entry an entry of the leader
 * @param {() => void} on.yield another tab is to lead
 * @param {() => void} on.reload this tab is to load anew
 * @returns {Promise<Role>}
 */
export async function lead(me, on) {
  const channel = new BroadcastChannel("fourwires");
  const post = (kind, content) => channel.postMessage({ from: me, kind, what: content });
  /** @type {Role} */
  const role = { leads: false, state: null, send: (entry) => viewed && post("entry", entry), take };
  let viewed = false; // another tab views this one
  let outranked = false; // another tab wants to lead, and goes before this one
  let taken = false; // this tab has asked the leader to yield
  let since; // when this tab became the leader
  let release = () => {}; // lets another tab have the lock
  let resolve;
  const answered = new Promise((done) => (resolve = done));
  const claim = () => ({ since, state: on.state() });
  const now = () => performance.timeOrigin + performance.now(); // the same in all tabs
  const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

  const receive = {
    ask(from) {
      viewed = true;
      if (role.leads) post("here", claim());
      else if (from < me) outranked = true;
    },
    // Two leaders have not received each other's messages in time: the elder stays.
    here(from, { since: theirs, state }) {
      if (role.leads && (theirs < since || (theirs === since && from < me))) yieldTo();
      else if (role.leads) receive.ask(from);
      else if (!role.state) resolve((role.state = state));
    },
    entry: (from, entry) => role.state?.page === from && on.entry(entry),
    yield: () => role.leads && yieldTo(),
    bye: (from, wait) => role.state?.page === from && sleep(taken ? 0 : wait + 300 * Math.random()).then(on.reload),
  };
  // A tab of another version of the page may send other kinds.
  channel.onmessage = ({ data: { from, kind, what } }) => receive[kind]?.(from, what);
  addEventListener("pagehide", () => role.leads && post("bye", 0));

  // Whoever holds the lock leads. A page that was loaded without TLS from another machine has no locks: there the tab
  // leads that is not answered, and of several that ask at once, the one with the smallest name.
  const { locks } = navigator;
  const lock = (resolve) => locks.request("fourwires", { ifAvailable: true }, (lock) => {
    resolve(lock !== null);
    return lock && new Promise((done) => (release = () => done(undefined)));
  });
  role.leads = Boolean(locks) && (await new Promise(lock));
  const wait = locks ? 5 * long : short;
  while (!role.leads && !role.state) {
    outranked = false;
    const asked = now();
    post("ask");
    await Promise.race([answered, sleep(wait)]);
    if (outranked) await Promise.race([answered, sleep(long)]);
    else if (now() - asked < 2 * wait) role.leads = !role.state; // else this tab is busy, and an answer may be waiting
  }
  since = now();
  if (role.leads) post("here", claim());
  else post("ask"); // so that the leader knows that it is viewed
  return role;

  function yieldTo() {
    role.leads = false;
    post("bye", long); // the new leader may take so long
    on.yield();
    release();
  }

  async function take() {
    taken = true;
    post("yield");
    await sleep(long); // and the leader has sent bye, unless it is stuck
    on.reload();
  }
}
