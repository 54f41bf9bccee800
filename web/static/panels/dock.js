/**
 * dock lays panels behind tabs (WAI-ARIA, tabs pattern). It returns their elements by name, and show.
 * @template {string} Name
 * @param {HTMLElement} element
 * @param {Record<Name, string>} names and titles
 */
export function dock(element, names) {
  const entries = /** @type {[Name, string][]} */ (Object.entries(names));
  element.innerHTML = `
    <div role="tablist" aria-label="Controls">${entries.map(([name, title]) =>
      `<button type="button" role="tab" id="tab-${name}" aria-controls="${name}">${title}</button>`).join("")}</div>
    ${entries.map(([name]) =>
      `<div role="tabpanel" id="${name}" aria-labelledby="tab-${name}" hidden></div>`).join("")}`;
  const tabs = /** @type {HTMLElement[]} */ ([...element.querySelectorAll("[role=tab]")]);
  const panels = /** @type {Record<Name, HTMLElement>} */ (
    Object.fromEntries(entries.map(([name]) => [name, element.querySelector(`#${name}`)])));

  /**
   * show shows a panel, with the focus on its tab where that is wanted.
   * @param {Name} name
   */
  function show(name, focus = false) {
    for (const tab of tabs) {
      const here = tab.id === `tab-${name}`;
      tab.setAttribute("aria-selected", String(here));
      tab.tabIndex = here ? 0 : -1;
      if (here && focus) tab.focus();
    }
    for (const [other] of entries) panels[other].hidden = other !== name;
  }

  tabs.forEach((tab, i) => {
    tab.addEventListener("click", () => show(entries[i][0]));
    tab.addEventListener("keydown", ({ key }) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[key];
      if (by) show(entries[(i + by + tabs.length) % tabs.length][0], true);
    });
  });
  show(entries[0][0]);
  return { panels, show };
}
