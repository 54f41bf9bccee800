/**
 * viewer makes this tab one that views another tab's lanes.
 * @param {HTMLElement} element
 * @param {() => void} take makes this tab the one that measures
 */
export function viewer(element, take) {
  document.body.dataset.viewer = "";
  element.hidden = false;
  element.innerHTML = "Another tab of this browser is measuring; this one shows its record: a browser has " +
    `six connections to a host. <button type="button">Measure here</button>`;
  element.querySelector("button").addEventListener("click", take);
}
