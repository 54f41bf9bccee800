// The arithmetic of the charts, which are drawn in curves.js and bars.js.

/**
 * axis returns the ends of a log axis, powers of ten, that spans all these lists; values at or below its low end are
 * drawn there.
 * @param {(number[] | Float64Array)[]} lists sorted, in milliseconds
 */
export function axis(lists) {
  let [low, high] = [Infinity, -Infinity];
  for (const values of lists) {
    const first = values.find((value) => value > 0);
    if (first === undefined) continue;
    low = Math.min(low, first);
    high = Math.max(high, values.at(-1));
  }
  if (low === Infinity) return [1, 1000];
  low = 10 ** Math.max(-2, Math.floor(Math.log10(low)));
  high = 10 ** Math.ceil(Math.log10(high * 1.0001));
  return [low, Math.max(high, low * 10)];
}

/**
 * place returns where on the axis, from 0 to 1, a value lies.
 * @param {number} value
 * @param {number[]} axis
 */
export function place(value, [low, high]) {
  if (value <= low) return 0;
  return Math.min(1, Math.log10(value / low) / Math.log10(high / low));
}

/**
 * steps returns the corners [value, share] of the empirical distribution of sorted values: each value, and the share of
 * values up to it. Nothing is binned; where there are more than most, only each 2nd, 3rd … corner is returned.
 * @param {number[] | Float64Array} values
 */
export function steps(values, most = 400) {
  const every = Math.max(1, Math.ceil(values.length / most));
  const corners = [];
  for (let i = every - 1; i < values.length; i += every) corners.push([values[i], (i + 1) / values.length]);
  if (values.length && corners.at(-1)?.[1] !== 1) corners.push([values.at(-1), 1]);
  return corners;
}

/**
 * tail returns the points [nines, value] of a percentile plot of sorted values: of the share q nines is −log₁₀(1 − q),
 * so p90 is at 1 and p99 at 2. It ends where one sample is all that is left: at p99 of 100.
 * @param {number[] | Float64Array} values
 */
export function tail(values, points = 200) {
  const ends = Math.log10(values.length || 1);
  return Array.from({ length: values.length ? points + 1 : 0 }, (_, i) => {
    const nines = (i / points) * ends;
    const rank = Math.ceil((1 - 10 ** -nines) * values.length - 1e-9);
    return [nines, values[Math.max(0, rank - 1)]];
  });
}

/**
 * apart moves labels, each at its y, so that none covers another, and none lies below the bottom. It returns their new
 * y, in the same order.
 * @param {number[]} ys
 * @param {number} height of a label
 * @param {number} bottom
 */
export function apart(ys, height, bottom) {
  const order = ys.map((y, i) => [y, i]).sort((a, b) => a[0] - b[0]);
  let last = -Infinity;
  for (const label of order) last = label[0] = Math.max(label[0], last + height);
  let limit = bottom;
  for (const label of order.toReversed()) {
    label[0] = Math.min(label[0], limit);
    limit = label[0] - height;
  }
  const moved = [];
  for (const [y, i] of order) moved[i] = y;
  return moved;
}
