const span = 40_000; // that the course goes back: what is drawn are 20 s, up to an instant that may lie further back
const grain = 20; // news that follow closer than this are drawn as one

/**
 * The age of information is now − at of the newest message that has arrived: it grows with time and falls with news.
 * An Age remembers its course, for a while to be drawn and exactly for its mean. All times are milliseconds of the
 * server's clock.
 */
export class Age {
  /** @type {[number, number][]} [when, at]: from `when` on, the newest message was published at `at` */
  course = [];
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
    const last = this.course.at(-1);
    if (last && now - last[0] < grain) last[1] = at;
    else this.course.push([now, at]);
    // What is drawn begins with the last point that lies before the span.
    while (this.course.length > 1 && this.course[1][0] < now - span) this.course.shift();
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
