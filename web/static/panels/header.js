import { setText } from "../figures/text.js";

/**
 * header is the buttons that change how the page looks, and by which version of HTTP it is loaded.
 * @param {import("../lab/page.js").Page} page
 * @param {() => string} packed the bytes of this page, to be shown beside those of the other version
 */
export function header(page, packed) {
  const root = document.documentElement;
  const [projector, theme, otherHTTP] = ["projector", "theme", "other"].map((id) => document.getElementById(id));
  const dark = matchMedia("(prefers-color-scheme: dark)");
  // Where this page was loaded through another port than the lab's own, the other version's port is unknown.
  const isHere = (/** @type {string} */ origin) =>
    origin && new URL(origin).protocol === location.protocol && new URL(origin).port === location.port;
  const other = isHere(page.plain) ? page.secure : isHere(page.secure) ? page.plain : "";

  function toggleProjector() {
    const on = root.toggleAttribute("data-projector");
    projector.setAttribute("aria-pressed", String(on));
    const changed = on ? root.requestFullscreen?.() : document.fullscreenElement && document.exitFullscreen();
    changed?.catch(() => {});
  }

  function toggleTheme() {
    const now = root.dataset.theme ?? (dark.matches ? "dark" : "light");
    root.dataset.theme = now === "dark" ? "light" : "dark";
    setText(theme, now === "dark" ? "Dark" : "Light");
  }

  function toOtherHTTP() {
    if (!other) return;
    const place = new URLSearchParams(location.hash.slice(1) || "scene=1");
    place.set("beside", packed());
    location.assign(`${other}/#${place}`);
  }

  otherHTTP.hidden = !other;
  setText(otherHTTP, `Open over ${location.protocol === "https:" ? "HTTP/1.1" : "HTTP/2"}`);
  for (const menu of document.querySelectorAll("details.menu")) {
    const close = () => menu.removeAttribute("open");
    menu.addEventListener("click", ({ target }) => /** @type {Element} */ (target).closest("li") && close());
    menu.addEventListener("keydown", (event) => /** @type {KeyboardEvent} */ (event).key === "Escape" && close());
    addEventListener("pointerdown", ({ target }) => menu.contains(/** @type {Node} */ (target)) || close());
  }
  projector.addEventListener("click", toggleProjector);
  theme.addEventListener("click", toggleTheme);
  otherHTTP.addEventListener("click", toOtherHTTP);
  return {
    toggleProjector, toggleTheme, toOtherHTTP,
    leaveProjector: () => root.hasAttribute("data-projector") && toggleProjector(),
  };
}
