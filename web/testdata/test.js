// A test is a name and a function that throws. Modules register their tests,
// and the Go test beside this folder runs them in a real browser.
const tests = [];

export const test = (name, run) => tests.push({ name, run });

// equal compares by JSON, which is what all of our results can be written as.
export function equal(got, want) {
  if (JSON.stringify(got) !== JSON.stringify(want)) {
    throw new Error(`got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
  }
}

// throws wants an error of f.
export function throws(f) {
  try {
    f();
  } catch {
    return;
  }
  throw new Error(`no error of ${f}`);
}

// near compares two numbers up to a difference.
export function near(got, want, by) {
  if (!(Math.abs(got - want) <= by)) throw new Error(`got ${got}, want ${want} ± ${by}`);
}

// results runs the tests and returns [{name, error}], with error "" for success.
export async function results() {
  const results = [];
  for (const { name, run } of tests) {
    try {
      await run();
      results.push({ name, error: "" });
    } catch (err) {
      results.push({ name, error: String(err) });
    }
  }
  return results;
}
