/** @typedef {import("./fields.js").Field} Field */

/**
 * Row is a row of a hex dump: pieces of fields, each with the index of its field; or a note on one.
 * @typedef {object} Row
 * @property {number} offset of its first byte
 * @property {{field: number, bytes: Uint8Array}[]} pieces
 * @property {{field: number, text: string}} [note]
 */

/**
 * dump lays fields out in rows of a hex dump, width bytes each. Of a field it takes the first most bytes, and a note
 * says how many there are more; of bytes that TLS adds there is a note alone.
 * @param {Field[]} fields
 * @param {number} width
 * @param {number} most
 * @returns {Row[]}
 */
export function dump(fields, width, most) {
  /** @type {Row[]} */
  const rows = [];
  /** @type {Row | null} that has room */
  let row = null;
  let offset = 0, used = 0;
  fields.forEach(({ bytes, size }, field) => {
    if (!bytes) {
      rows.push({ offset, pieces: [], note: { field, text: `${size} B that TLS adds` } });
      row = null;
      return;
    }
    const shown = bytes.subarray(0, most);
    for (let at = 0; at < shown.length;) {
      if (!row || used === width) {
        rows.push((row = { offset: offset + at, pieces: [] }));
        used = 0;
      }
      const piece = shown.subarray(at, at + width - used);
      row.pieces.push({ field, bytes: piece });
      used += piece.length;
      at += piece.length;
    }
    offset += bytes.length;
    if (bytes.length > most) {
      const text = `${bytes.length - most} B more`;
      rows.push({ offset: offset - bytes.length + most, pieces: [], note: { field, text } });
      row = null;
    }
  });
  return rows;
}

/**
 * text writes bytes beside their hex: one character each, CR as ← and LF as ↵.
 * @param {Uint8Array} bytes
 */
export const text = (bytes) => [...bytes].map(symbol).join("");

const symbol = (b) => (b === 13 ? "←" : b === 10 ? "↵" : b >= 32 && b < 127 ? String.fromCharCode(b) : "·");
