/**
 * A Series keeps items sorted by their key, the newest most of them: items are added in about their order, each in its
 * place, and the oldest are forgotten a fifth at a time.
 * @template {{key: number}} T
 */
export class Series {
  /** @type {T[]} */
  items = [];
  forgot = -Infinity; // the key up to which items were forgotten

  /**
   * @param {number} most items
   * @param {(item: T) => void} [forget] is called with each item that is forgotten
   */
  constructor(most, forget = () => {}) {
    this.most = most;
    this.forget = forget;
  }

  /** @param {T} item */
  add(item) {
    const { items } = this;
    const last = items.length - 1;
    if (last < 0 || items[last].key <= item.key) items.push(item);
    else items.splice(this.after(item.key), 0, item);
    if (items.length <= this.most * 1.25) return;
    const dropped = items.splice(0, items.length - this.most);
    this.forgot = dropped.at(-1).key;
    for (const item of dropped) this.forget(item);
  }

  /**
   * from returns the index of the first item whose key is not below this one.
   * @param {number} key
   */
  from(key) {
    let [low, high] = [0, this.items.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.items[middle].key < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * after returns the index of the first item whose key is above this one.
   * @param {number} key
   */
  after(key) {
    let [low, high] = [0, this.items.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.items[middle].key <= key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * at returns the last item whose key is not above this one.
   * @param {number} key
   * @returns {T | undefined}
   */
  at(key) {
    return this.items[this.after(key) - 1];
  }

  clear() {
    this.items = [];
    this.forgot = -Infinity;
  }
}
