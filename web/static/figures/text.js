/**
 * setText writes text into an element, if it is not there already. All that arrives over a wire goes through here: it
 * becomes text, never HTML.
 * @param {Element} element
 * @param {unknown} text
 */
export function setText(element, text) {
  text = String(text);
  if (element.textContent !== text) element.textContent = String(text);
}
