import { marks } from "./flight.js";
import { markPath } from "./mark.js";

/**
 * track returns what draws on a canvas what was under way at an instant: the source is left, the reader right. With ids
 * it writes them beside the marks, too.
 * @param {HTMLCanvasElement} canvas
 * @param {string} name of the lane
 * @returns {(record: import("../lane/record.js").Record, t: number, ids: boolean) => void}
 */
export function track(canvas, name) {
  const context = canvas.getContext("2d");
  let ratio = 1;
  let style = null;
  let shown = ""; // what is drawn
  let drawn = -Infinity; // as of when
  let crowded = false;
  new ResizeObserver(() => {
    ratio = devicePixelRatio;
    canvas.width = Math.round(canvas.clientWidth * ratio);
    canvas.height = Math.round(canvas.clientHeight * ratio);
    style = null;
    shown = "";
  }).observe(canvas);

  return (record, t, ids) => {
    if (crowded && Math.abs(t - drawn) < 40) return; // of many marks none can be followed
    drawn = t;
    const list = marks(record, t);
    crowded = !ids && list.length > 5;
    const content = JSON.stringify([list, ids, getComputedStyle(canvas).color]);
    if (content === shown) return;
    shown = content;
    const { width, height } = canvas;
    style ??= getComputedStyle(canvas);
    const colour = style.color;
    const text = style.outlineColor;
    const size = 0.36 * height;
    const [left, right] = [size * 1.6, width - size * 1.6];
    const y = height / 2;
    context.clearRect(0, 0, width, height);
    context.strokeStyle = style.borderTopColor;
    context.lineWidth = ratio;
    context.beginPath();
    context.moveTo(left, y);
    context.lineTo(right, y);
    for (const x of [left, right]) {
      context.moveTo(x, y - size);
      context.lineTo(x, y + size);
    }
    context.stroke();
    context.textAlign = "center";
    context.textBaseline = "middle";
    let written = -Infinity; // where the last id was
    for (const { kind, x, id, fade } of list) {
      const at = left + x * (right - left);
      context.globalAlpha = kind === "landed" ? Math.max(0.15, fade) : 1;
      context.fillStyle = colour;
      if (kind === "request") {
        context.fillStyle = text;
        context.font = `700 ${1.9 * size}px system-ui`;
        context.fillText("?", at, y);
        continue;
      }
      const shape = markPath(name, at, y, size);
      if (kind === "empty") {
        context.lineWidth = 1.5 * ratio;
        context.strokeStyle = colour;
        context.stroke(shape);
        continue;
      }
      context.fill(shape);
      if (!ids || kind === "landed" || Math.abs(at - written) < 6 * size) continue;
      written = at;
      context.fillStyle = text;
      context.font = `${1.5 * size}px system-ui`;
      context.textAlign = x > 0.5 ? "right" : "left";
      context.fillText(`#${id}`, at + (x > 0.5 ? -1.4 : 1.4) * size, y);
      context.textAlign = "center";
    }
    context.globalAlpha = 1;
  };
}
