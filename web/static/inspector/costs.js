/** @typedef {import("./fields.js").Span} Span */

/**
 * headerCosts returns how many bytes each header of a request takes, as wire.HeaderCosts does. The mark is "=" for an
 * index into a table of HPACK, and "+" for a header that was written out and added to the dynamic table.
 * @param {Span[]} spans
 * @returns {Map<string, {size: number, mark: string}>}
 */
export function headerCosts(spans) {
  const costs = new Map();
  let line = "";
  for (const { role, size, bytes, name, text } of spans) {
    let mark = "";
    switch (role) {
      case "request line":
      case "status line":
        line = "start line";
        break;
      case "field name":
        line = atob(bytes).replace(/[: \t]+$/, "").toLowerCase();
        break;
      case "blank line":
        line = role;
        break;
      case "field value":
      case "line end":
      case "page tag":
        break;
      case "frame header":
        if (!/^(HEADERS|CONTINUATION)/.test(text)) continue;
        line = role;
        break;
      case "table size":
        line = role;
        break;
      default:
        if (!name) continue;
        line = name;
        mark = role === "field, indexed" ? "=" : role === "field, added" && text ? "+" : "";
    }
    const cost = costs.get(line) ?? { size: 0, mark: "" };
    costs.set(line, { size: cost.size + size, mark: cost.mark + mark });
  }
  return costs;
}

/**
 * table returns the rows that compare requests: a header, and what it takes in each; at the end all headers.
 * @param {Map<string, {size: number, mark: string}>[]} columns
 * @returns {string[][]}
 */
export function table(columns) {
  const names = new Set(columns.flatMap((costs) => [...costs.keys()]));
  const rows = [...names].map((name) => [name, ...columns.map((costs) => {
    const cost = costs.get(name);
    return cost ? `${cost.size}${cost.mark}` : "–";
  })]);
  const all = columns.map((costs) => [...costs.values()].reduce((sum, { size }) => sum + size, 0));
  return [...rows, ["all", ...all.map(String)]];
}
