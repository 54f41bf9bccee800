// How figures are written. A minus is a minus sign, and a narrow space that does not break separates thousands.

/**
 * number writes x with so many decimals, and no "−0.00".
 * @param {number} x
 */
export function number(x, decimals = 0) {
  const text = Math.abs(x).toFixed(decimals);
  const [whole, rest] = text.split(".");
  const spaced = whole.replace(/\B(?=(\d{3})+$)/g, "\u202f");
  return (x < 0 && Number(text) !== 0 ? "−" : "") + spaced + (rest ? `.${rest}` : "");
}

/**
 * seconds writes a time in seconds, without the unit.
 * @param {number} ms
 */
export function seconds(ms) {
  return number(ms / 1000, Math.abs(ms) < 9_995 ? 2 : Math.abs(ms) < 99_950 ? 1 : 0);
}

/**
 * time writes a time with about three digits, and its unit.
 * @param {number} ms
 */
export function time(ms) {
  const size = Math.abs(ms);
  if (size >= 999.5) return `${seconds(ms)} s`;
  return `${number(ms, size < 9.995 ? 2 : size < 99.95 ? 1 : 0)} ms`;
}

/**
 * latency writes a time that is known to ± error. Where the error is more than a fifth of it, all that is known is what
 * it does not exceed. A negative latency cannot be true, so it is shown as it is: the clock or its error is wrong.
 * @param {number} ms
 * @param {number} error in milliseconds
 */
export function latency(ms, error) {
  return ms >= 0 && error > ms / 5 ? `< ${time(ms + error)}` : time(ms);
}

/**
 * value writes the data of a message on one line. Anybody may publish: data must only ever become text.
 * @param {any} data
 */
export function value(data) {
  if (typeof data === "string") return clip(data);
  if (typeof data?.chat === "string") return clip(data.chat);
  if (typeof data?.symbol === "string" && Number.isFinite(data.price) && Number.isFinite(data.change)) {
    const { symbol, price, change } = data;
    return clip(`${symbol} ${number(price, 2)} ${change > 0 ? "+" : ""}${number(change, 2)}`);
  }
  if (Number.isFinite(data?.sampled)) {
    const { cpu, memory, load, in: down, out: up } = data;
    const parts = [];
    if (Number.isFinite(cpu)) parts.push(`cpu ${number(cpu, 1)} %`);
    if (Number.isFinite(memory)) parts.push(`memory ${number(memory, 1)} %`);
    if (Number.isFinite(load)) parts.push(`load ${number(load, 2)}`);
    if (Number.isFinite(down)) parts.push(`in ${number(down / 1000, 1)} kB/s`);
    if (Number.isFinite(up)) parts.push(`out ${number(up / 1000, 1)} kB/s`);
    if (parts.length) return parts.join(" · ");
  }
  return clip(JSON.stringify(data));
}

/** @param {string} text */
const clip = (text) => (text.length > 200 ? `${text.slice(0, 200)}…` : text);
