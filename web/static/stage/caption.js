import { setText } from "../figures/text.js";

const pause = 10_000; // milliseconds between two sentences, at least: they are read aloud

/**
 * caption is the one sentence on what is to be seen now.
 * @param {HTMLElement} element
 */
export function caption(element) {
  let result = "";
  let pending = "";
  let shownAt = performance.now();

  return {
    /**
     * result shows the result of a scene's step at once, and until the next one. "" takes it back.
     * @param {string} text
     */
    result(text) {
      if (text || result) setText(element, text);
      element.classList.toggle("result", text !== "");
      result = text;
      shownAt = performance.now();
    },
    /**
     * news has a sentence shown once, when it is its turn.
     * @param {string} text
     */
    news: (text) => (pending = text),
    /** @param {number} now */
    due: (now) => now - shownAt >= pause,
    /**
     * show shows the news or, where there are none, the result or, where there is none, the text.
     * @param {number} now
     * @param {string} text
     */
    show(now, text) {
      shownAt = now;
      setText(element, pending || result || text);
      pending = "";
    },
  };
}

/** @typedef {ReturnType<typeof caption>} Caption */
