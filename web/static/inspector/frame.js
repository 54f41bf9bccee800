import { keyRole, lengthRole, opcodeName, opcodeRole, payloadLength } from "./fields.js";
import { bits, joined, unmask } from "./octets.js";

/**
 * frameAt returns the WebSocket frame to which a field belongs, bit by bit, with the first bytes of its payload as they
 * are on the wire and without the mask; null where it belongs to none.
 * @param {import("./fields.js").Field[]} fields
 * @param {number} at
 */
export function frameAt(fields, at) {
  const { dir } = fields[at];
  let begin = at;
  while (begin >= 0 && !(fields[begin].role === opcodeRole && fields[begin].dir === dir)) begin--;
  if (begin < 0) return null;
  let end = begin + 1;
  while (end < fields.length && fields[end].role !== opcodeRole && fields[end].dir === dir) end++;
  const frame = fields.slice(begin, end);
  const length = frame.find(({ role }) => role === lengthRole)?.bytes;
  if (!length) return null; // it was cut

  const first = frame[0].bytes[0], short = length[0] & 0x7f;
  const isMasked = length[0] >> 7 === 1;
  const cells = [
    { name: "FIN", bits: bits(first >> 7, 1), means: first >> 7 ? "last frame" : "more follow" },
    { name: "RSV", bits: bits((first >> 4) & 7, 3), means: first & 0x40 ? "compressed" : "no extension" },
    { name: "opcode", bits: bits(first & 15, 4), means: opcodeName(first & 15) },
    { name: "MASK", bits: bits(length[0] >> 7, 1), means: isMasked ? "masked" : "not masked" },
    { name: "length", bits: bits(short, 7), means: short < 126 ? `${short} bytes` : `next ${length.length - 1} bytes` },
  ];
  if (short >= 126) {
    const more = [...length.slice(1)].map((b) => bits(b)).join(" ");
    cells.push({ name: "extended length", bits: more, means: `${payloadLength(length)} bytes` });
  }
  const key = frame.find(({ role }) => role === keyRole)?.bytes ?? null;
  const rest = frame.filter(({ role }) => ![opcodeRole, lengthRole, keyRole].includes(role));
  const payload = joined(rest.map(({ bytes }) => bytes));
  const wire = payload.subarray(0, 16);
  return { cells, key, wire, clear: unmask(key, wire), more: payload.length - wire.length };
}
