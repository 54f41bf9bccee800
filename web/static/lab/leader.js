// In one browser one tab measures: six connections are all that it has for a host
// on HTTP/1.1, and four lanes take up to three. Another tab shows what the first
// records.
//
// alone tells whether the tab called me is the first. If so, tell(entry) sends to
// those that look on, and on.state() is what they begin with; on.yield is called when
// another tab is to measure. If not, state is what the first told, on.entry is told
// what it sends, and take() makes it yield. on.again loads this tab anew.
const short = 150; // milliseconds that an answer takes at most, if nothing is slow
const long = 1000; // that another tab takes to load

export async function alone(me, on) {
  const channel = new BroadcastChannel("fourwires");
  const say = (kind, what) => channel.postMessage({ from: me, kind, what });
  const role = { first: false, state: null, tell: (entry) => watched && say("entry", entry), take };
  let watched = false; // somebody looks on
  let beaten = false; // somebody else wants to be the first, and goes before this tab
  let taken = false; // this tab has asked the first to yield
  let since; // when this tab became the first
  let release = () => {}; // lets another tab have the lock
  let heard;
  const told = new Promise((go) => (heard = go));
  const here = () => ({ since, state: on.state() });
  const now = () => performance.timeOrigin + performance.now(); // the same in all tabs
  const soon = (ms) => new Promise((go) => setTimeout(go, ms));

  const hears = {
    ask(from) {
      watched = true;
      if (role.first) say("here", here());
      else if (from < me) beaten = true;
    },
    // Two that are the first have not heard each other in time: the elder stays.
    here(from, { since: theirs, state }) {
      if (role.first && (theirs < since || (theirs === since && from < me))) yields();
      else if (role.first) hears.ask(from);
      else if (!role.state) heard((role.state = state));
    },
    entry: (from, entry) => role.state?.page === from && on.entry(entry),
    yield: () => role.first && yields(),
    bye: (from, wait) => role.state?.page === from && soon(taken ? 0 : wait + 300 * Math.random()).then(on.again),
  };
  // A tab of another version of the page may say more.
  channel.onmessage = ({ data: { from, kind, what } }) => hears[kind]?.(from, what);
  addEventListener("pagehide", () => role.first && say("bye", 0));

  // Who holds the lock is the first. A page that came without TLS from another
  // machine has no locks: there the first is who is not answered, and of several
  // that ask at once, the smallest name.
  const { locks } = navigator;
  role.first = Boolean(locks) && (await new Promise((is) => locks.request("fourwires", { ifAvailable: true }, (lock) => {
    is(lock !== null);
    return lock && new Promise((go) => (release = go));
  })));
  const wait = locks ? 5 * long : short;
  while (!role.first && !role.state) {
    beaten = false;
    const asked = now();
    say("ask");
    await Promise.race([told, soon(wait)]);
    if (beaten) await Promise.race([told, soon(long)]);
    else if (now() - asked < 2 * wait) role.first = !role.state; // or this tab is busy, and may not have heard
  }
  since = now();
  if (role.first) say("here", here());
  else say("ask"); // so that the first knows that somebody looks on
  return role;

  function yields() {
    role.first = false;
    say("bye", long); // so long the tab that is to measure may take
    on.yield();
    release();
  }

  async function take() {
    taken = true;
    say("yield");
    await soon(long); // and it has said bye, unless it is stuck
    on.again();
  }
}
