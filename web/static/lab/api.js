/**
 * Ask sends a request to the control API and returns its JSON. It throws the API's error sentence, or that the API is
 * slow, or why it is missing.
 * @callback Ask
 * @param {"GET" | "PATCH" | "PUT" | "POST" | "DELETE"} method
 * @param {string} path
 * @param {object} [body]
 * @returns {Promise<any>}
 */

/**
 * api returns what asks the control API at an origin. A browser does not tell whether the API is not there or refuses
 * this page: missing is why, either way. Without an origin nothing is asked.
 * @param {string} origin
 * @param {string} missing
 * @returns {Ask}
 */
export function api(origin, missing) {
  return async (method, path, body) => {
    if (!origin) throw new Error(missing);
    const response = await fetch(origin + path, {
      method,
      cache: "no-store",
      signal: AbortSignal.timeout(2000),
      ...(body && { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
    }).catch(({ name }) => {
      throw new Error(name === "TimeoutError" ? `the control address ${origin} has not answered for 2 s` : missing);
    });
    const text = await response.text();
    const answer = text ? JSON.parse(text) : {};
    if (!response.ok) throw new Error(answer.error ?? `HTTP ${response.status}`);
    return answer;
  };
}
