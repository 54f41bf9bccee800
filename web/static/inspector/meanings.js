/** What the parts are, each in a sentence. */
export const parts = {
  payload: "the messages themselves",
  envelope: "text around a message inside a body",
  framing: "marks where a chunk or a frame begins and ends",
  head: "start line and headers, for each request and response",
  opening: "once for a stream or a connection",
  control: "keeps a stream alive, or ends it",
  tag: "page=, by which the lab knows this page's bytes",
  tls: "added by encryption",
  unaccounted: "has no name",
};

/** What the roles are; those that lab wire explains itself are not here. */
const roles = {
  "request line": "Method, target, version. Headers follow, one a line, up to a blank line.",
  "status line": "Version, status, reason. Headers follow, one a line, up to a blank line.",
  field: "A header: name, colon, value, CR LF. HTTP/1.1 writes each header out in each request.",
  "blank line": "It ends the headers, or an event.",
  "page tag": "By page= the lab books the bytes to this page. No figure has it.",
  body: "The body, as it is.",
  message: "The message, as the feed encoded it.",
  "around the messages": "JSON around the messages: the epoch, brackets, commas.",
  gap: "Messages that the server no longer has: from, to.",
  "chunk size": "How many bytes follow, in hexadecimal, then CR LF. A chunk may end anywhere in an event.",
  "chunk end": "CR LF behind a chunk.",
  "end of the last chunk": "CR LF behind the chunk of size 0: the body ends.",
  "event id": "A browser that reconnects sends the last id as Last-Event-ID.",
  "event type": "The name of the event. Without it, an event is a message.",
  data: "The line of an event that has its data.",
  comment: "A line that begins with a colon is a comment: it keeps the connection alive.",
  retry: "How many milliseconds a browser waits before it reconnects.",
  "line end": "LF ends a line of an event.",
  "FIN and opcode": "The first byte of a frame.",
  "MASK and length": "Whether the payload is masked, and its length, in 7, 16 or 64 bits.",
  "masking key": "Four bytes of chance. Each byte of the payload is XORed with one of them: a client must do so.",
  payload: "The payload of a frame; shown without its mask.",
  close: "A status, and a reason. The other end answers with a close frame, and the connection ends.",
  ping: "The other end answers with the same bytes in a pong.",
  pong: "The answer to a ping, with its bytes.",
  "frame header": "Nine bytes: length, type, flags, stream.",
  setting: "What this end of the connection accepts or wants.",
  "TLS record": "Header and tag of the records. What they contain is shown without encryption.",
  "TLS handshake": "Keys and the certificate; after it both ends can encrypt.",
  unknown: "Bytes that break the protocol: they are unaccounted.",
};

const staticFields = 61; // of HPACK's static table (RFC 7541, appendix A)

/**
 * meaning explains a field in a sentence or two; "" where its text says all.
 * @param {import("./fields.js").Field} field
 */
export function meaning({ role, encoding, name }) {
  if (role === "field, indexed") {
    const where = Number(encoding) <= staticFields ? "static table" : "dynamic table";
    return `Index ${encoding} of the ${where} stands for the name and the value of ${name}.`;
  }
  if (!role.startsWith("field, ")) return roles[role] ?? "";
  const [first, second] = encoding.split(", ");
  const written = (literal = "") => literal
    .replace(/^Huffman (\d+) for (\d+)$/, "$1 bytes by Huffman code, instead of $2")
    .replace(/^plain (\d+)$/, "$1 bytes, as they are");
  const nameText = /^\d+$/.test(first) ? `name by index ${first}` : `name in ${written(first)}`;
  const after = {
    "field, added": "Added to the dynamic table: from now on an index stands for it.",
    "field, not added": "Not added to the dynamic table: it changes with each request.",
    "field, never added": "Never added to a table: it is a secret.",
  }[role];
  return `HPACK: ${nameText}, value in ${written(second)}. ${after}`;
}
