import { Age } from "./age.js";
import { label, rest } from "./bytes.js";
import { latency, number, seconds, time, value } from "./format.js";
import { Latency } from "./latency.js";
import { mark } from "./mark.js";
import { put } from "./put.js";
import { strip } from "./strip.js";
import { Tally } from "./tally.js";

// lane shows one transport. It returns on, the callbacks that the transport's
// module calls; update(now), which writes what has changed; draw(now, top),
// which draws the strip; mean(ms), which writes the mean age; cost(row), which
// writes the bytes; and age and oneWay, the measures.
//
// What arrived can be read off the element too: data-state, data-ids (the
// epochs and runs of Tally.toString) and the counts of the tally.
export function lane(element, { name, letter, about }, page) {
  element.className = "lane";
  element.dataset.lane = name;
  element.innerHTML = `
    <div class="who">
      <h2>${mark(name)} <span class="letter" aria-hidden="true">${letter}</span> ${name}</h2>
      <p class="about"></p>
      <p class="state"></p>
    </div>
    <div class="age">
      <p class="figure"><b></b> <span class="unit">s</span></p>
      <p class="label">age<span class="mean"></span></p>
    </div>
    <div class="course">
      <p class="top" aria-hidden="true"></p>
      <canvas role="img" aria-label="the age over the last 20 seconds"></canvas>
    </div>
    <p class="newest"><span class="label">newest</span> <b></b> <span class="value"></span></p>
    <div class="bytes">
      <p class="figure">–</p>
      <p class="label once"></p>
      <p class="label rest"></p>
    </div>
    <div class="latency">
      <p class="figure"></p>
      <p class="label">one-way p50<span class="n"></span></p>
      <p class="label error"></p>
    </div>
    <dl>
      <div><dt>messages</dt><dd data-count="messages"></dd></div>
      <div><dt>lost</dt><dd data-count="lost"></dd></div>
      <div><dt>in gaps</dt><dd data-count="gone"></dd></div>
      <div><dt>duplicated</dt><dd data-count="duplicated"></dd></div>
      <div><dt>reordered</dt><dd data-count="reordered"></dd></div>
    </dl>`;
  const part = (selector) => element.querySelector(selector);
  const parts = {
    about: part(".about"),
    state: part(".state"),
    age: part(".age b"),
    mean: part(".mean"),
    top: part(".top"),
    id: part(".newest b"),
    value: part(".value"),
    latency: part(".latency .figure"),
    n: part(".n"),
    error: part(".error"),
    bytes: part(".bytes .figure"),
    once: part(".once"),
    rest: part(".rest"),
  };
  const paint = strip(part("canvas"));

  const tally = new Tally();
  const age = new Age();
  const oneWay = new Latency();
  let state = "connecting";
  let detail = "";
  let newest = null; // the message with the highest id of the present epoch
  let figured = -Infinity; // when the slower figures were last written

  if (page.epoch) tally.epoch(page.epoch, Math.max(page.head - 1, 0));

  const on = {
    state(text, why = "") {
      [state, detail] = [text, why];
    },

    message(m, now) {
      page.seen(name, m, now);
      if (m.id > tally.newest) {
        newest = m;
        if (page.clock.best) age.news(page.clock.server(now), m.at / 1000);
      }
      tally.message(m.id);
      measure(m, now);
    },

    gap: (gap) => tally.gap(gap),
    epoch: (epoch) => tally.epoch(epoch),
    interval: () => page.interval,
  };

  function measure(m, now) {
    const old = m.id <= page.head && tally.epochs.at(-1).name === page.epoch; // before the page was open
    if (old || !page.clock.best) return;
    const ms = page.clock.server(now) - m.at / 1000;
    if (document.hidden || ms > now - page.visible) oneWay.hidden++;
    else oneWay.add(m.id, now, ms, page.clock.best.error);
  }

  function update(now) {
    if (newest && page.clock.best) {
      const at = newest.at / 1000;
      if (age.at === null) age.news(page.clock.server(now), at); // it came before the clock was known
      put(parts.age, seconds(page.clock.server(now) - at));
    } else {
      put(parts.age, "–");
    }
    put(parts.id, newest ? `#${newest.id}` : "–");
    put(parts.value, newest ? value(newest.data) : "");
    put(parts.about, detail || about(page));

    // Figures that change faster cannot be read.
    if (now - figured < 250) return;
    figured = now;

    const { epochs } = tally;
    const epoch = epochs.length ? `epoch ${epochs.at(-1).name}` : "";
    put(parts.state, [state, epoch, epochs.length > 1 ? `the ${epochs.length}${ordinal(epochs.length)}` : ""].filter(Boolean).join(", "));
    const median = oneWay.median(now);
    put(parts.latency, median ? latency(median.ms, median.error) : "–");
    put(parts.n, median ? `, n ${number(median.n)}` : ", none yet");
    const hidden = oneWay.hidden ? `${number(oneWay.hidden)} dropped: tab hidden` : "";
    put(parts.error, [median ? `± ${time(median.error)}, last 60 s` : "", hidden].filter(Boolean).join(", "));

    for (const dd of element.querySelectorAll("dd")) {
      const { count } = dd.dataset;
      put(dd, number(tally[count]));
      if (count !== "messages") dd.classList.toggle("bad", tally[count] > 0);
    }
    const { messages, lost, gone, duplicated, reordered } = tally;
    Object.assign(element.dataset, { state, ids: tally, messages, lost, gone, duplicated, reordered });
  }

  function draw(now, top) {
    put(parts.top, Number.isFinite(top) ? `${top / 1000} s` : "");
    if (page.clock.best) paint(age.course, page.clock.server(now), top);
  }

  const mean = (ms) => put(parts.mean, ms === null ? "" : `, mean ${seconds(ms)} s`);

  // cost writes what the ledger has of this lane, or null.
  function cost(row) {
    put(parts.bytes, row ? number(row.bytes) : "–");
    put(parts.once, label(row));
    put(parts.rest, rest(row));
    element.dataset.unaccounted = row ? row.unaccounted : "";
  }

  return { name, on, update, draw, mean, cost, age, oneWay };
}

function ordinal(n) {
  return n % 100 > 10 && n % 100 < 14 ? "th" : (["th", "st", "nd", "rd"][n % 10] ?? "th");
}
