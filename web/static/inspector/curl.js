import { fields } from "./fields.js";

/** @typedef {import("./fields.js").Span} Span */

// Headers that curl writes itself, as HTTP wants them.
const own = ["host", "connection", "content-length", "transfer-encoding"];

/**
 * curl returns the command that sends a request once more, for any shell of POSIX. Without the page tag: its bytes are
 * none of this page's.
 * @param {{method: string, http: string, tls: boolean, transport: string}} request
 * @param {Span[]} spans of the request
 */
export function curl({ method, http, tls, transport }, spans) {
  const lines = fields(spans);
  const all = lines.flatMap(header);
  const named = (wanted) => all.find(([name]) => name.toLowerCase() === wanted)?.[1];
  const requestLine = lines.filter(({ role }) => role === "request line" || role === "page tag")
    .map(({ bytes }) => binary(bytes));
  const target = (named(":path") ?? requestLine.join("").split(" ")[1])
    .replace(/([?&])page=[^&]*(&|$)/, (_, before, behind) => (behind ? before : ""));
  const host = named(":authority") ?? named("host");
  const upgrades = named("upgrade") !== undefined;
  const body = lines.filter(({ role }) => role === "body").flatMap(({ bytes }) => [...bytes]);

  const words = ["curl", http === "2" ? "--http2" : "--http1.1"];
  if (tls) words.push("--insecure");
  if (["longpoll", "sse", "websocket", "websocket/echo"].includes(transport)) words.push("--no-buffer");
  if (upgrades) words.push("--output -");
  if (/[[\]{}]/.test(target)) words.push("--globoff");
  if (method === "HEAD") words.push("--head");
  else if (method !== (body.length ? "POST" : "GET")) words.push(`--request ${quoted(method)}`);
  for (const [name, value] of all) {
    const lower = name.toLowerCase();
    if (lower.startsWith(":") || (own.includes(lower) && !(upgrades && lower === "connection"))) continue;
    words.push(`--header ${quoted(value ? `${name}: ${value}` : `${name};`)}`);
  }
  if (body.length && named("content-type") === undefined) words.push("--header 'Content-Type:'");
  if (body.length) words.push("--data-binary @-");
  words.push(quoted(`${tls ? "https" : "http"}://${host}${target}`));
  const command = words.join(" ");
  return body.length ? `printf ${quoted(octal(body))} | ${command}` : command;
}

/**
 * header returns the name and the value of a field that is a header. Each character of them is a byte.
 * @param {import("./fields.js").Field} field
 * @returns {[string, string][]}
 */
function header({ role, name, value, bytes }) {
  if (role.startsWith("field,")) return [[name, binary(new TextEncoder().encode(value))]];
  if (role !== "field") return [];
  const line = binary(bytes);
  const colon = line.indexOf(":");
  return [[line.slice(0, colon), line.slice(colon + 1).trim()]];
}

/** @param {Uint8Array} bytes */
const binary = (bytes) => [...bytes].map((b) => String.fromCharCode(b)).join("");

/**
 * quoted returns a word for a shell. Each character is a byte; where one is no printable ASCII, printf writes the word.
 * @param {string} word
 */
function quoted(word) {
  if (!/^[ -~]*$/.test(word)) return `"$(printf ${quoted(octal([...word].map((c) => c.charCodeAt(0))))})"`;
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/**
 * octal writes bytes for printf: letters and digits as they are.
 * @param {number[]} bytes
 */
const octal = (bytes) => bytes.map((b) => {
  const c = String.fromCharCode(b);
  return /[A-Za-z0-9 .,:;/=+*_{}()[\]<>"#@!?&|~^$]/.test(c) ? c : `\\${b.toString(8).padStart(3, "0")}`;
}).join("");
