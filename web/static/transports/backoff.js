/**
 * backoff returns how many milliseconds to wait before the next try after so many failures in a row (1, 2, 3 …):
 * anything between nothing and a limit that doubles up to ten seconds. The whole span is random ("full jitter"), so
 * that clients which were cut together do not reconnect together.
 * @param {number} failures
 */
export function backoff(failures, random = Math.random) {
  return random() * Math.min(10_000, 250 * 2 ** failures);
}
