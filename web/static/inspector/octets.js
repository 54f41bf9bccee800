/**
 * decode returns the bytes of base64.
 * @param {string} base64
 */
export const decode = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));

/**
 * joined returns one array of all bytes.
 * @param {Uint8Array[]} chunks
 */
export function joined(chunks) {
  if (chunks.length === 1) return chunks[0];
  const all = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

/**
 * hex writes a byte as two hexadecimal digits.
 * @param {number} byte
 */
export const hex = (byte) => byte.toString(16).padStart(2, "0");

/**
 * bits writes the last n bits of a byte.
 * @param {number} byte
 */
export const bits = (byte, n = 8) => byte.toString(2).padStart(n, "0");

/**
 * unmask returns the bytes of a WebSocket's payload as they were before the client masked them (RFC 6455, section 5.3).
 * @param {Uint8Array | null} key null: they are not masked
 * @param {Uint8Array} bytes
 */
export const unmask = (key, bytes) => (key?.length ? bytes.map((byte, i) => byte ^ key[i % key.length]) : bytes);

const escapes = new Map([
  [7, "\\a"], [8, "\\b"], [9, "\\t"], [10, "\\n"], [11, "\\v"], [12, "\\f"], [13, "\\r"], [92, "\\\\"],
]);
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * quote writes bytes as text, with CR, LF and all that cannot be seen escaped as in Go (strconv.Quote): as lab wire
 * does.
 * @param {Uint8Array} bytes
 */
export function quote(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length;) {
    const [character, size] = characterAt(bytes, i);
    const code = character?.codePointAt(0) ?? bytes[i];
    if (escapes.has(code)) text += escapes.get(code);
    else if (character !== null && printable.test(character)) text += character;
    else if (code < 0x100 && size === 1) text += `\\x${hex(code)}`;
    else if (code < 0x10000) text += `\\u${code.toString(16).padStart(4, "0")}`;
    else text += `\\U${code.toString(16).padStart(8, "0")}`;
    i += size;
  }
  return text;
}

/**
 * characterAt returns the character of UTF-8 that begins at bytes[i], and its size; null where there is none.
 * @param {Uint8Array} bytes
 * @param {number} i
 * @returns {[string | null, number]}
 */
function characterAt(bytes, i) {
  const lead = bytes[i];
  if (lead < 0x80) return [String.fromCharCode(lead), 1];
  const size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  try {
    return [utf8.decode(bytes.subarray(i, i + size)), size];
  } catch {
    return [null, 1];
  }
}
