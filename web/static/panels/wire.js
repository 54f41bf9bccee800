import { mark } from "../stage/mark.js";

// wire has for each lane the command that shows, in a terminal, what this lab sends on
// it: a browser keeps heads, framing, comments and pings from its pages.
export function wire(element, wires) {
  const tls = location.protocol === "https:";
  const upgrade = "-o - -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' ";
  const command = (name) => `curl -v${tls ? "k" : ""}N ${name === "websocket" ? (tls ? "--http1.1 " : "") + upgrade : ""}${location.origin}/${name}`;
  element.innerHTML = `
    <dl>${wires.map(({ name }) => `<div data-lane="${name}"><dt>${mark(name)} ${name}</dt><dd><code>${command(name)}</code></dd></div>`).join("")}</dl>
    <p>And every byte by name, where the lab was built: <code>go run ./cmd/lab wire sse</code>, or another lane; with <code>--http 2 --tls</code>, too.</p>`;
}
