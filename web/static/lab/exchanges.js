import { backoff } from "../transports/backoff.js";

const patience = 5; // seconds of silence: the lab sends an event at least once a second

/**
 * exchanges reads what the server recorded of a page's exchanges, as long as the page is open. After a cut the browser
 * resumes by itself; after a refusal, and after a silence, the stream is opened anew, with back-off. It returns what
 * closes it.
 * @param {string} url of GET /control/exchanges
 * @param {object} on
 * @param {(batch: import("../stage/model.js").Batch) => void} on.batch each event
 * @param {() => void} on.missing they cannot be had
 */
export function exchanges(url, on) {
  let failures = 0;
  let silent = 0; // seconds, counted one by one: while the page stands still, its events wait
  /** @type {EventSource} */
  let source;
  let timer, ticks;

  function open() {
    source = new EventSource(url);
    source.onmessage = ({ data }) => {
      failures = silent = 0;
      on.batch(JSON.parse(data));
    };
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) retry(); // by any status but 200, for good
    };
    silent = 0;
    ticks = setInterval(() => ++silent > patience && retry(), 1000);
  }

  function retry() {
    close();
    on.missing();
    timer = setTimeout(open, backoff(++failures));
  }

  function close() {
    source.close();
    clearInterval(ticks);
    clearTimeout(timer);
  }

  open();
  return close;
}
