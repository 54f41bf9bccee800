// In one browser one tab measures: six connections are all that it has for a host
// on HTTP/1.1, and four lanes take up to three. Another tab shows what the first
// records.
//
// alone tells whether this tab is the first. If so, tell(entry) sends to those
// that look on, and on.state() is what they begin with; on.yield is called when
// one of them wants to measure. If not, state is what the first told, on.entry is
// told what it sends, and take() makes it yield, and loads this tab anew.
export async function alone(me, on) {
  const channel = new BroadcastChannel("fourwires");
  const say = (message) => channel.postMessage({ from: me, ...message });
  const role = { first: true, state: null, tell: (entry) => watched && say({ entry }), take };
  let watched = false;
  let release = () => {}; // lets another tab be the first
  let heard;

  channel.onmessage = ({ data }) => {
    if (role.first && data.ask) {
      watched = true;
      say({ here: on.state() });
    } else if (role.first && data.yield) {
      role.first = false;
      on.yield();
      release();
    } else if (data.here && !role.state) {
      role.state = data.here;
      heard();
    } else if (role.state && data.from === role.state.page && data.entry) {
      on.entry(data.entry);
    } else if (role.state && data.bye) {
      setTimeout(() => location.reload(), Math.random() * 300);
    }
  };
  addEventListener("pagehide", () => role.first && say({ bye: true }));

  // Who holds the lock is the first. A page that came without TLS from another
  // machine has no locks: there the first is who is not answered.
  const { locks } = navigator;
  const told = new Promise((go) => (heard = go));
  const soon = (ms) => new Promise((go) => setTimeout(go, ms));
  if (locks) role.first = await new Promise((is) => locks.request("fourwires", { ifAvailable: true }, (lock) => {
    is(lock !== null);
    return lock && new Promise((go) => (release = go));
  }));
  if (locks && role.first) return role;
  role.first = false;
  say({ ask: true });
  await Promise.race([told, soon(locks ? 5000 : 150)]);
  if (!role.state) role.first = true;
  return role;

  async function take() {
    say({ yield: true });
    if (locks) await locks.request("fourwires", () => {});
    else await soon(300);
    location.reload();
  }
}
