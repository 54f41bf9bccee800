// In one browser one tab measures: six connections are all that it has for a host
// on HTTP/1.1, and four lanes take up to three. Another tab shows what the first
// records.
//
// alone tells whether this tab is the first. If so, tell(entry) sends to those
// that look on, and on.state() is what they begin with; on.yield is called when
// one of them wants to measure. If not, state is what the first told, on.entry is
// told what it sends, and take() makes it yield.
export async function alone(me, on) {
  const channel = new BroadcastChannel("fourwires");
  const say = (message) => channel.postMessage({ from: me, ...message });
  let first = null; // who measures
  let watched = false;

  const role = { first: true, state: null, tell: (entry) => watched && say({ entry }), take: () => say({ yield: true }) };

  channel.onmessage = ({ data }) => {
    if (role.first && data.ask) {
      watched = true;
      say({ here: on.state() });
    } else if (role.first && data.yield) {
      role.first = false;
      on.yield();
    } else if (data.here && first === null) {
      first = data.from;
      role.state = data.here;
      role.first = false;
    } else if (!role.first && data.from === first && data.entry) {
      on.entry(data.entry);
    } else if (!role.first && data.bye) {
      setTimeout(() => location.reload(), Math.random() * 300);
    }
  };
  addEventListener("pagehide", () => role.first && say({ bye: true }));

  say({ ask: true });
  await new Promise((go) => setTimeout(go, 120));
  return role;
}
