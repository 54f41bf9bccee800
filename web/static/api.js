// api returns ask(method, path, body), which asks the control API at origin and
// returns what it answers. It throws its error sentence, or that nobody answered.
// Without an origin it asks nothing, and throws why this page is barred.
export function api(origin, barred) {
  return async (method, path, body) => {
    if (!origin) throw new Error(barred);
    const answer = await fetch(origin + path, {
      method,
      cache: "no-store",
      signal: AbortSignal.timeout(2000),
      ...(body && { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
    }).catch(() => {
      throw new Error(`the control address ${origin} does not answer`);
    });
    const text = await answer.text();
    const told = text ? JSON.parse(text) : {};
    if (!answer.ok) throw new Error(told.error ?? `HTTP ${answer.status}`);
    return told;
  };
}
