/**
 * quantile returns the smallest of the values that at least the share q of them does not exceed (the nearest rank:
 * always a value that was measured), and undefined where there are none.
 * @param {Iterable<number>} values in any order
 * @param {number} q from 0 to 1
 */
export function quantile(values, q) {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)];
}

/**
 * enough tells whether n samples are enough for the quantile q: 100 for p99, 1 000 for p99.9.
 * @param {number} n
 * @param {number} q from 0 to 1
 */
export const enough = (n, q) => n * (1 - q) >= 1 - 1e-9;
