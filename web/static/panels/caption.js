import { put } from "../figures/text.js";

const rest = 10_000; // milliseconds between two sentences, at least: they are read aloud

// says is the one sentence on what is to be seen now. A result, which a step of a
// scene has, is said at once and stands until it is taken back (""). News is said
// in its turn, and once. due(now) tells whether it is time, and say(now, text) says
// the news or, where there are none nor a result, the text.
export function says(element) {
  let result = "";
  let pending = "";
  let said = performance.now();

  return {
    result(text) {
      if (text || result) put(element, text);
      element.classList.toggle("result", text !== "");
      result = text;
      said = performance.now();
    },
    news: (text) => (pending = text),
    due: (now) => now - said >= rest,
    say(now, text) {
      said = now;
      put(element, pending || result || text);
      pending = "";
    },
  };
}
