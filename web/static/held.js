// A Held notices that a lane is behind the others for longer than it takes: what
// arrived elsewhere does not arrive here, and no error says why. A silent cut looks
// like that, and so does a proxy that collects a stream before it passes it on.
export class Held {
  #mark = null; // {epoch, id, since}: the head that was noted, and when

  // behind returns by how many messages of the epoch, or 0: newest is what the lane
  // has, head what the others have, now and limit are in milliseconds.
  behind(epoch, newest, head, now, limit) {
    if (this.#mark && (epoch !== this.#mark.epoch || newest >= this.#mark.id)) this.#mark = null;
    if (!this.#mark && newest < head) this.#mark = { epoch, id: head, since: now };
    return this.#mark && now - this.#mark.since > limit ? head - newest : 0;
  }
}
