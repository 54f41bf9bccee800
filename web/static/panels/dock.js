/**
 * dock lays panels behind a line of buttons, each of which shows its panel or takes it away: one at most is shown. It
 * returns their elements by name, show, and toggle.
 * @template {string} Name
 * @param {HTMLElement} line of the buttons
 * @param {HTMLElement} element in which the panels are
 * @param {Record<Name, string>} names and titles
 */
export function dock(line, element, names) {
  const entries = /** @type {[Name, string][]} */ (Object.entries(names));
  line.innerHTML = entries.map(([name, title]) =>
    `<button type="button" id="tab-${name}" aria-controls="${name}" aria-expanded="false">${title}</button>`).join("");
  for (const [name, title] of entries) {
    const panel = element.querySelector(`#${name}`) ?? element.appendChild(document.createElement("section"));
    panel.id = name;
    panel.setAttribute("aria-label", title);
  }
  const buttons = /** @type {HTMLElement[]} */ ([...line.children]);
  const panels = /** @type {Record<Name, HTMLElement>} */ (
    Object.fromEntries(entries.map(([name]) => [name, element.querySelector(`#${name}`)])));

  /**
   * show shows a panel, with the focus on its button where that is wanted; "": none.
   * @param {Name | ""} name
   */
  function show(name, focus = false) {
    buttons.forEach((button, i) => {
      const here = entries[i][0] === name;
      button.setAttribute("aria-expanded", String(here));
      panels[entries[i][0]].hidden = !here;
      if (here && focus) button.focus();
    });
  }

  /** @param {Name} name */
  const toggle = (name, focus = false) => show(panels[name].hidden ? name : "", focus);

  buttons.forEach((button, i) => button.addEventListener("click", () => toggle(entries[i][0])));
  show("");
  return { panels, show, toggle };
}
