/**
 * The age of information is now − at of the newest message that has arrived: it grows with time and falls with news.
 * An Age knows its mean, exactly. All times are milliseconds of the server's clock.
 */
export class Age {
  /** @type {number | null} */
  at = null; // when the newest message was published; null: none yet
  #area = 0; // of the age since #since, up to #until
  #since = 0;
  #until = 0;

  /**
   * news notes that at `now` a message arrived that was published at `at`.
   * @param {number} now
   * @param {number} at
   */
  news(now, at) {
    this.#sum(now);
    if (this.at === null) this.#since = this.#until = now;
    this.at = at;
  }

  /**
   * takeMean returns the mean age from the last call to now, and begins the next. It is null where nothing has arrived.
   * @param {number} now
   */
  takeMean(now) {
    this.#sum(now);
    const mean = this.#until > this.#since ? this.#area / (this.#until - this.#since) : null;
    this.#area = 0;
    this.#since = this.#until;
    return mean;
  }

  #sum(now) {
    if (this.at === null || now <= this.#until) return;
    this.#area += ((this.#until + now) / 2 - this.at) * (now - this.#until);
    this.#until = now;
  }
}
