// put writes text into an element, if it is not there already. All that comes
// over a wire goes through here: it becomes text, never HTML.
export function put(element, text) {
  text = String(text);
  if (element.textContent !== text) element.textContent = text;
}
