// api returns ask(method, path, body), which asks the control API at origin and
// returns what it answers. It throws its error sentence, that it is slow, or what is
// missing: the control API is not there, or takes no questions from this page, which a
// browser does not tell apart. Without an origin it asks nothing.
export function api(origin, missing) {
  return async (method, path, body) => {
    if (!origin) throw new Error(missing);
    const answer = await fetch(origin + path, {
      method,
      cache: "no-store",
      signal: AbortSignal.timeout(2000),
      ...(body && { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
    }).catch(({ name }) => {
      throw new Error(name === "TimeoutError" ? `the control address ${origin} has not answered for 2 s` : missing);
    });
    const text = await answer.text();
    const told = text ? JSON.parse(text) : {};
    if (!answer.ok) throw new Error(told.error ?? `HTTP ${answer.status}`);
    return told;
  };
}
