/**
 * viewer makes this tab one that views another tab's lanes.
 * @param {HTMLElement} element
 * @param {() => void} take makes this tab the one that measures
 */
export function viewer(element, take) {
  document.body.dataset.viewer = "";
  element.hidden = false;
  element.innerHTML = "Another tab of this browser measures, and this one shows what that records: one browser has " +
    `six connections to a host. <button type="button">Measure here</button>`;
  element.querySelector("button").addEventListener("click", take);
}
