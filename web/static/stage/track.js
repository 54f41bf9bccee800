import { marks } from "./flight.js";

// track returns draw(record, t, near), which draws on a canvas what was under
// way at the instant t: the source is left, the reader right. near writes the
// ids beside the marks, too.
export function track(canvas, name) {
  const context = canvas.getContext("2d");
  let ratio = 1;
  let style = null;
  let before = ""; // what is drawn
  let drawn = -Infinity; // as of when
  let crowded = false;
  new ResizeObserver(() => {
    ratio = devicePixelRatio;
    canvas.width = Math.round(canvas.clientWidth * ratio);
    canvas.height = Math.round(canvas.clientHeight * ratio);
    style = null;
    before = "";
  }).observe(canvas);

  return (record, t, near) => {
    if (crowded && Math.abs(t - drawn) < 40) return; // of many marks none can be followed
    drawn = t;
    const list = marks(record, t);
    crowded = !near && list.length > 5;
    const now = JSON.stringify([list, near, getComputedStyle(canvas).color]);
    if (now === before) return;
    before = now;
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
      shape(context, name, at, y, size);
      if (kind === "empty") {
        context.lineWidth = 1.5 * ratio;
        context.strokeStyle = colour;
        context.stroke();
        continue;
      }
      context.fill();
      if (!near || kind === "landed" || Math.abs(at - written) < 6 * size) continue;
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

// shape lays the path of a lane's mark.
function shape(context, name, x, y, size) {
  context.beginPath();
  if (name === "polling") return context.arc(x, y, size, 0, 2 * Math.PI);
  const points = {
    longpoll: [[0, -1.15], [1.15, 0], [0, 1.15], [-1.15, 0]],
    sse: [[0, -1.1], [1.15, 0.9], [-1.15, 0.9]],
    websocket: [[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]],
  }[name];
  for (const [dx, dy] of points) context.lineTo(x + dx * size, y + dy * size);
  context.closePath();
}
