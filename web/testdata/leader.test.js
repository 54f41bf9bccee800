import { equal, test } from "./test.js";
import { lead } from "/static/lab/leader.js";

// A World has tabs that share a BroadcastChannel, without Web Locks, and a time of its
// own: every message, to every tab, takes as long as it happens to, in order.
class World {
  now = 0;
  due = []; // {at, run}
  tabs = []; // that are open: {me, role, channel}
  names = 0;
  delay;

  constructor(delay) {
    this.delay = delay;
  }

  at(ms, run) {
    this.due.push({ at: this.now + ms, run });
  }

  // open opens a tab after ms, which loads anew when it is asked to.
  open(ms) {
    this.at(ms, () => {
      const tab = { me: `${Math.floor(1e6 * Math.random())}-${++this.names}` };
      const reload = (after) => {
        if (!this.tabs.includes(tab)) return; // it does already
        this.tabs.splice(this.tabs.indexOf(tab), 1);
        this.open(after);
      };
      this.opening = tab;
      this.tabs.push(tab);
      lead(tab.me, {
        state: () => ({ page: tab.me, lanes: {} }),
        entry() {},
        yield: () => this.at(1000, () => reload(20)), // as main.js does
        reload: () => reload(20),
      }).then((role) => (tab.role = role));
    });
  }

  // run goes through so many milliseconds.
  async run(ms) {
    for (const end = this.now + ms; ;) {
      for (let i = 0; i < 20; i++) await null; // what waits for a promise
      const next = this.due.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) return;
      this.due.splice(this.due.indexOf(next), 1);
      this.now = next.at;
      next.run();
    }
  }

  // live runs f while the names that lead uses mean this world.
  async live(f) {
    const world = this;
    const real = { setTimeout, BroadcastChannel, addEventListener };
    const { now } = performance;
    performance.now = () => world.now;
    globalThis.setTimeout = (run, ms) => world.at(ms, run);
    globalThis.addEventListener = () => {};
    globalThis.BroadcastChannel = class {
      tab = world.opening;
      last = new Map(); // by tab, when the last message to it arrives
      constructor() {
        this.tab.channel = this;
      }
      postMessage(data) {
        for (const { channel } of world.tabs) {
          if (channel === this) continue;
          const at = Math.max(world.now + world.delay(), this.last.get(channel) ?? 0);
          this.last.set(channel, at);
          world.due.push({ at, run: () => world.tabs.includes(channel.tab) && channel.onmessage({ data }) });
        }
      }
    };
    Object.defineProperty(navigator, "locks", { value: undefined, configurable: true });
    try {
      await f();
    } finally {
      performance.now = now;
      delete navigator.locks;
      Object.assign(globalThis, real);
    }
  }

  // roles returns how many lead, and whether all others view that one.
  get roles() {
    const leaders = this.tabs.filter(({ role }) => role?.leads);
    return [leaders.length, this.tabs.every(({ role }) => role?.leads || role?.state?.page === leaders[0]?.me)];
  }
}

for (const [what, slowest] of [["at once", 0], ["within 5 ms", 5], ["within 140 ms", 140], ["up to 3 s later, at first", 3000]]) {
  test(`leader: of tabs that open together, and get each other’s messages ${what}, one measures`, async () => {
    for (let round = 0; round < 150; round++) {
      const world = new World(() => (world.now < 5000 ? slowest : 5) * Math.random());
      await world.live(async () => {
        const tabs = 2 + (round % 3);
        const apart = [0, 100, 400][round % 5] ?? 0;
        for (let i = 0; i < tabs; i++) world.open(apart * Math.random());
        await world.run(20_000);
        equal([world.tabs.length, ...world.roles], [tabs, 1, true]);
      });
    }
  });
}

test("leader: of tabs that ask at the same instant, the one with the smallest name leads", async () => {
  for (let round = 0; round < 50; round++) {
    const world = new World(() => 0);
    await world.live(async () => {
      for (let i = 0; i < 3; i++) world.open(0);
      await world.run(0);
      const [smallest] = world.tabs.map(({ me }) => me).sort();
      await world.run(5000);
      equal(world.tabs.filter(({ role }) => role.leads).map(({ me }) => me), [smallest]);
    });
  }
});

test("leader: a tab that takes over measures, and the others view it", async () => {
  for (let round = 0; round < 50; round++) {
    const world = new World(() => 50 * Math.random());
    await world.live(async () => {
      for (let i = 0; i < 3; i++) world.open(100 * i);
      await world.run(2000);
      const viewer = world.tabs.find(({ role }) => !role.leads);
      const names = world.tabs.map(({ me }) => me);
      viewer.role.take();
      await world.run(10_000);
      equal([world.tabs.length, ...world.roles], [3, 1, true]);
      equal(world.tabs.filter(({ me }) => names.includes(me)).length, 0); // all have loaded anew
    });
  }
});

test("leader: where the tab that measures is closed without a message, the next one that opens measures", async () => {
  const world = new World(() => 1);
  await world.live(async () => {
    world.open(0);
    await world.run(1000);
    world.tabs = [];
    world.open(0);
    await world.run(1000);
    equal([world.tabs.length, ...world.roles], [1, 1, true]);
  });
});
