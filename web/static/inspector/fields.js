import { parts } from "../lab/bytes.js";
import { bits, decode, hex, joined, quote, unmask } from "./octets.js";

/**
 * Span is a run of bytes on the wire that have one purpose, as the lab recorded it.
 * @typedef {object} Span
 * @property {"up" | "down"} dir
 * @property {string} part
 * @property {string} role what the bytes are: "field name", "chunk size" …
 * @property {number} size in bytes
 * @property {string} [bytes] in base64; missing where TLS adds them
 * @property {number} [stream] of HTTP/2
 * @property {string} [name] of a header of HTTP/2
 * @property {string} [value]
 * @property {string} [text] what the bytes mean, or how the header is encoded
 */

/**
 * Field is a line of what lab wire prints: spans that belong together, such as a header's name, value and line end.
 * @typedef {object} Field
 * @property {"up" | "down"} dir
 * @property {string} part
 * @property {string} role
 * @property {number} size in bytes
 * @property {Uint8Array | null} bytes null where TLS adds them
 * @property {string} name of a header of HTTP/2
 * @property {string} value
 * @property {string} encoding how that header is encoded
 * @property {string} text what lab wire prints of it
 */

export const opcodeRole = "FIN and opcode", lengthRole = "MASK and length", keyRole = "masking key";

const mostText = 600; // bytes of a field that are written as text

/**
 * fields joins spans to lines, as wire.Listing does.
 * @param {Span[]} spans
 * @returns {Field[]}
 */
export function fields(spans) {
  const lines = [];
  for (const span of spans) {
    const { name = "", value = "", text = "" } = span;
    const chunks = span.bytes === undefined ? [] : [decode(span.bytes)];
    const last = lines.at(-1);
    if (last && joins(last, span)) {
      last.size += span.size;
      last.chunks.push(...chunks);
      Object.assign(last, { name, value, text });
    } else {
      lines.push({ ...span, name, value, text, chunks });
    }
  }
  /** @type {Record<string, Uint8Array | null>} */
  const keys = { up: null, down: null };
  return lines.map(({ dir, part, role, size, name, value, text, chunks }) => {
    const bytes = chunks.length ? joined(chunks) : null;
    const described = describe({ dir, role, bytes, name, value, text }, keys);
    return { dir, part, role: role.replace(/ name$/, ""), size, bytes, name, value, encoding: text, text: described };
  });
}

/**
 * joins tells whether a span continues the line before: the rest of the same span, the value behind a header's name, or
 * a line end.
 * @param {any} last
 * @param {Span} span
 */
function joins(last, span) {
  if (last.dir !== span.dir || last.part !== span.part || last.stream !== span.stream || last.text) return false;
  if (last.chunks.at(-1)?.at(-1) === 10) return false;
  return (last.role === span.role && span.role !== opcodeRole) || ["field value", "line end"].includes(span.role);
}

function describe({ dir, role, bytes, name, value, text }, keys) {
  switch (role) {
    case opcodeRole:
      keys[dir] = null;
      return `${bits(bytes[0])}  ${bytes[0] & 0x80 ? "FIN, " : ""}${opcodeName(bytes[0] & 15)}`;
    case lengthRole: {
      const all = [...bytes].map((b) => bits(b)).join(" ");
      return `${all}  ${bytes[0] & 0x80 ? "masked" : "no mask"}, ${payloadLength(bytes)} bytes`;
    }
    case keyRole:
      keys[dir] = bytes;
      return [...bytes].map(hex).join(" ");
    case "payload":
    case "close": {
      const clear = unmask(keys[dir], bytes);
      const isClose = role === "close" && bytes.length >= 2;
      const clearText = isClose ? `${clear[0] * 256 + clear[1]} ${quote(clear.subarray(2))}` : clip(clear);
      return clearText + (keys[dir] ? "  (unmasked)" : "");
    }
  }
  if (name) return `${name}: ${clip(new TextEncoder().encode(value))}  (${text})`;
  return text || clip(bytes ?? new Uint8Array());
}

/** @param {Uint8Array} bytes */
function clip(bytes) {
  if (bytes.length <= mostText) return quote(bytes);
  let end = mostText;
  while (end > mostText - 3 && (bytes[end] & 0xc0) === 0x80) end--; // not inside a character
  return `${quote(bytes.subarray(0, end))} … and ${bytes.length - end} bytes more`;
}

/** @param {number} opcode */
export const opcodeName = (opcode) =>
  ({ 0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong" })[opcode] ?? "reserved";

/**
 * payloadLength reads the length of a frame's payload, from the byte with MASK on (RFC 6455, section 5.2).
 * @param {Uint8Array} bytes
 */
export function payloadLength(bytes) {
  const short = bytes[0] & 0x7f;
  return short < 126 ? short : bytes.slice(1).reduce((sum, b) => sum * 256 + b, 0);
}

/**
 * totals adds the bytes of spans up, by direction and part.
 * @param {Span[]} spans
 * @returns {Record<"up" | "down", Record<string, number>>}
 */
export function totals(spans) {
  const none = () => Object.fromEntries([...parts, "total"].map((part) => [part, 0]));
  const sums = { up: none(), down: none() };
  for (const { dir, part, size } of spans) {
    sums[dir][part] += size;
    sums[dir].total += size;
  }
  return sums;
}
