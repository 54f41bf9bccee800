import { mark } from "../stage/mark.js";
import { transports } from "../transports/transports.js";

const upgrade = "-o - -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' " +
  "-H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' ";

/**
 * wire has for each lane the command that shows, in a terminal, what this lab sends on it: a browser keeps headers,
 * framing, comments and pings from its pages.
 * @param {HTMLElement} element
 */
export function wire(element) {
  const tls = location.protocol === "https:";
  /** @param {string} name */
  const command = (name) => {
    const options = name === "websocket" ? (tls ? "--http1.1 " : "") + upgrade : "";
    return `curl -v${tls ? "k" : ""}N ${options}${location.origin}/${name}`;
  };
  const rows = transports.map(({ name, title }) =>
    `<div data-lane="${name}"><dt>${mark(name)} ${title}</dt><dd><code>${command(name)}</code></dd></div>`);
  element.innerHTML = `
    <dl>${rows.join("")}</dl>
    <p>And every byte by name, where the lab was built: <code>go run ./cmd/lab wire sse</code>, or another lane; with
    <code>--http 2 --tls</code>, too.</p>`;
}
