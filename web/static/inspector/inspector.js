/**
 * Entry is an entry of the exchanges that the lab recorded, as the control API returns it.
 * @typedef {object} Entry
 * @property {number} seq
 * @property {string} kind open, close, request, response, message, gap, control, end
 * @property {number} at µs of the server's clock
 * @property {number} exchange
 * @property {number} conn
 * @property {string} transport
 * @property {Record<string, number>} [bytes] by part
 * @property {string} [method] of a request
 * @property {string} [target]
 * @property {string} [http] "1.1" or "2"
 * @property {boolean} [tls]
 * @property {number} [status] of a response
 * @property {"up" | "down"} [dir] of a message, or of control bytes
 * @property {number} [id] of a message
 * @property {string} [role] of control bytes
 * @property {number} [from] of a gap
 * @property {number} [to]
 * @property {string} [cut] why an exchange ended, if not by itself
 */

/**
 * Connection is a TCP connection of a page, and what it carried.
 * @typedef {object} Connection
 * @property {number} conn
 * @property {number | null} opened µs; null: before the first entry
 * @property {number | null} closed µs; null: it is open
 * @property {string} http "": no request is recorded
 * @property {boolean} tls
 * @property {Map<string, number>} requests by transport; 0: only what followed one
 * @property {number} bytes
 * @property {number} exchange of the bytes that belong to no single request; 0: there are none
 */

/**
 * Requests are those of one transport on one version of HTTP: which exchanges to compare.
 * @typedef {{count: number, first: number, hundredth: number, latest: number}} Requests
 */

/** @typedef {{control: string, missing: string, me: string}} Page */

const mostConnections = 40;

// Connections keeps what the entries of a page tell of its connections: those that are open, and the last that closed.
export class Connections {
  /** @type {Map<number, Connection>} oldest first */
  all = new Map();
  now = 0; // µs of the server's clock
  /** @type {Map<string, Requests>} */
  #requests = new Map();
  #epoch = "";

  /**
   * add takes an event of the stream of exchanges.
   * @param {{epoch: string, now: number, entries?: Entry[]}} batch
   */
  add({ epoch, now, entries = [] }) {
    if (epoch !== this.#epoch) { // another server, which counts anew
      this.#epoch = epoch;
      this.all.clear();
      this.#requests.clear();
    }
    this.now = now || this.now;
    for (const entry of entries) this.#entry(entry);
  }

  /** @param {Entry} entry */
  #entry({ kind, at, conn, exchange, transport, http, tls, bytes }) {
    let c = this.all.get(conn);
    if (!c) {
      c = { conn, opened: null, closed: null, http: "", tls: false, requests: new Map(), bytes: 0, exchange: 0 };
      this.all.set(conn, c);
      this.#forget();
    }
    if (kind === "open") c.opened = at;
    if (kind === "close") c.closed = at;
    if (transport === "connection" && bytes) c.exchange = exchange;
    for (const part in bytes) c.bytes += bytes[part];
    const requested = Number(kind === "request");
    if (transport !== "connection") c.requests.set(transport, (c.requests.get(transport) ?? 0) + requested);
    if (!requested) return;
    [c.http, c.tls] = [http, tls];
    const key = `${transport} ${http}`;
    const requests = this.#requests.get(key) ?? { count: 0, first: exchange, hundredth: 0, latest: 0 };
    requests.count++;
    if (requests.count === 100) requests.hundredth = exchange;
    requests.latest = exchange;
    this.#requests.set(key, requests);
  }

  #forget() {
    if (this.all.size <= mostConnections) return;
    const oldest = [...this.all.values()].find(({ closed }) => closed !== null) ?? this.all.values().next().value;
    this.all.delete(oldest.conn);
  }

  /**
   * requests returns those of a transport on a version of HTTP.
   * @param {string} transport
   * @param {string} http
   */
  requests = (transport, http) => this.#requests.get(`${transport} ${http}`) ?? null;
}

/**
 * inspector shows the bytes of an exchange in a dialog, which is loaded when it is opened first. By exchanged it learns
 * of the page's connections.
 * @param {HTMLDialogElement} element
 * @param {Page} page
 */
export function inspector(element, page) {
  const connections = new Connections();
  /** @type {Promise<(exchange: number, seq?: number) => Promise<void>>} */
  let loading = null;

  async function load() {
    const [{ dialog }] = await Promise.all([import("./dialog.js"), loadStyle()]);
    return dialog(element, page, connections);
  }

  /**
   * open shows the bytes of an exchange; with seq, only the request, the response's headers and that entry.
   * @param {number} exchange
   * @param {number} [seq]
   */
  async function open(exchange, seq) {
    loading ??= load();
    try {
      await (await loading)(exchange, seq);
    } catch {
      loading = null;
      element.textContent = "The inspector cannot be loaded: the lab does not answer. Esc closes this.";
      if (!element.open) element.showModal();
    }
  }

  return {
    open,
    close: () => element.close(),
    exchanged: (batch) => connections.add(batch),
  };
}

function loadStyle() {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = new URL("inspector.css", import.meta.url).href;
  document.head.append(link);
  return new Promise((go) => (link.onload = link.onerror = go));
}
