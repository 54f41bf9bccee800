// quantile returns the smallest of the values that at least the share q of them
// does not exceed (the nearest rank: always a value that was measured), and
// undefined where there are none.
export function quantile(values, q) {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)];
}
