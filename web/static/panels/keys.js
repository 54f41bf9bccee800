// keys calls what belongs to a key that is pressed alone: {key: act}. Where a text
// is being typed, or a control has a use for the key, it is left to that; and the
// switch turns all of it off (WCAG 2.2, 2.1.4).
export function keys(acts, on) {
  // Who points has no use for the focus that a click leaves: the next key is meant
  // for the page.
  let points = false;
  addEventListener("pointerdown", () => (points = true));
  addEventListener("click", ({ detail, target }) => detail > 0 && target.closest("button, summary")?.blur());
  addEventListener("change", ({ target }) => points && target.matches("select") && target.blur());

  addEventListener("keydown", (event) => {
    points = false;
    if (!on() || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (wants(document.activeElement, event.key)) return;
    const act = acts[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  });
}

function wants(element, key) {
  if (!element || element === document.body) return false;
  if (element.matches("input:not([type=range], [type=checkbox]), select, textarea")) return true;
  return key === " " && element.matches("button:not([aria-selected=true]), summary, [type=checkbox]"); // a tab that is shown has none
}
