const span = 20_000; // milliseconds from the left edge to now

// The heights that a strip may stand for: with one of these for all lanes, they can be compared.
const tops = [500, 1000, 2000, 5000, 10_000, 20_000, 30_000, 60_000, 300_000, Infinity];

/** @typedef {[number, number][]} Course of an Age */

/**
 * peak returns the highest age in the part of a course that is drawn at now.
 * @param {Course} course
 * @param {number} now
 */
export function peak(course, now) {
  let peak = 0;
  course.forEach(([when, at], i) => {
    const until = Math.min(course[i + 1]?.[0] ?? now, now);
    if (until >= Math.max(when, now - span)) peak = Math.max(peak, until - at);
  });
  return peak;
}

/**
 * top returns the age at the top of all strips, of which the highest peak is given.
 * @param {number} peak
 */
export function top(peak) {
  return tops.find((top) => top >= peak);
}

/**
 * strip returns what draws the age over the 20 s up to now on a canvas: it climbs with time, and drops where news
 * arrived.
 * @param {HTMLCanvasElement} canvas
 * @returns {(course: Course, now: number, top: number) => void}
 */
export function strip(canvas) {
  const context = canvas.getContext("2d");
  let ratio = 1;
  new ResizeObserver(() => {
    ratio = devicePixelRatio;
    canvas.width = Math.round(canvas.clientWidth * ratio);
    canvas.height = Math.round(canvas.clientHeight * ratio);
  }).observe(canvas);

  return (course, now, top) => {
    const { width, height } = canvas;
    const base = height - ratio;
    const x = (when) => Math.max(0, width * (1 - (now - when) / span));
    const y = (age) => base - (base - 2 * ratio) * Math.min(1, Math.max(0, age) / top);

    context.clearRect(0, 0, width, height);
    if (!course.length || course[0][0] > now) return;
    context.beginPath();
    course.forEach(([when, at], i) => {
      const until = Math.min(course[i + 1]?.[0] ?? now, now);
      const from = Math.max(when, now - span);
      if (until < from) return;
      context.lineTo(x(from), y(from - at));
      context.lineTo(x(until), y(until - at));
    });
    const { color: colour } = getComputedStyle(canvas);
    context.strokeStyle = colour;
    context.lineWidth = 2 * ratio;
    context.lineJoin = "round";
    context.stroke();
    context.lineTo(width, base);
    context.lineTo(x(Math.max(course[0][0], now - span)), base);
    context.globalAlpha = 0.2;
    context.fillStyle = colour;
    context.fill();
    context.globalAlpha = 1;
  };
}
