// What all charts share; curves.js and bars.js draw.
import { number } from "../figures/format.js";

/**
 * frame writes a chart's frame: a heading, a button for each kind of view, the picture, the table and the note below.
 * It returns these, and show, which shows a kind; data-kind of the element is the kind that is shown.
 * @param {HTMLElement} element
 * @param {string} title
 * @param {string[]} kinds
 * @param {() => void} update
 */
export function frame(element, title, kinds, update) {
  element.className = "chart";
  const kindButtons = kinds.map((kind) => `<button type="button" aria-pressed="false">${kind}</button>`).join("");
  element.innerHTML = `
    <h2><span class="title">${title}</span> <span class="kinds">${kindButtons}</span></h2>
    <svg xmlns="http://www.w3.org/2000/svg" role="img"></svg>
    <div class="scroll" tabindex="0" role="region" hidden><table></table></div>
    <p class="label note"></p>`;
  const picture = element.querySelector("svg");
  const [box, note] = /** @type {HTMLElement[]} */ ([...element.querySelectorAll(".scroll, .note")]);
  picture.setAttribute("aria-label", `${title}; its figures are in the table`);
  box.setAttribute("aria-label", `${title}, the table`);
  const buttons = [...element.querySelectorAll("button")];
  for (const button of buttons) button.addEventListener("click", () => show(button.textContent));

  /** @param {string} kind */
  function show(kind) {
    mark(kind);
    update();
  }

  function mark(kind) {
    element.dataset.kind = kind;
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.textContent === kind));
    picture.toggleAttribute("hidden", kind === "table");
    box.hidden = kind !== "table";
  }
  mark(kinds[0]);
  return { picture, table: element.querySelector("table"), note, show };
}

/** @param {SVGSVGElement} picture */
export function size(picture) {
  const { clientWidth, clientHeight } = picture;
  return { width: Math.max(260, clientWidth), height: Math.max(100, clientHeight) };
}

/**
 * draw replaces what is drawn in the picture.
 * @param {SVGSVGElement} picture
 * @param {string} svg
 * @param {{width: number, height: number}} size
 */
export function draw(picture, svg, { width, height }) {
  picture.innerHTML = svg;
  picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
}

/**
 * fill writes a table, as text.
 * @param {HTMLTableElement} table
 * @param {string[]} headings
 * @param {string[][]} rows
 */
export function fill(table, headings, rows) {
  const row = (cells, tag) => {
    const tr = document.createElement("tr");
    cells.forEach((text, i) => {
      const cell = /** @type {HTMLTableCellElement} */ (document.createElement(i === 0 && text ? "th" : tag));
      if (cell.tagName === "TH") cell.scope = tag === "th" ? "col" : "row";
      cell.textContent = text;
      tr.append(cell);
    });
    return tr;
  };
  table.replaceChildren(row(headings, "th"), ...rows.map((cells) => row(cells, "td")));
}

/**
 * each writes how many there were of something on each lane: one number where it is the same on all.
 * @param {number[]} counts in the order of the lanes
 * @param {string[]} titles of the lanes
 */
export function each(counts, titles) {
  if (counts.every((n) => n === counts[0])) return `${number(counts[0])} ${counts[0] === 1 ? "message" : "messages"} each`;
  return `messages: ${counts.map((n, i) => `${titles[i]} ${number(n)}`).join(", ")}`;
}
