// Says that something new waits, for who does not see it: not each by each, and not often.

const FIRST = 1000; // ms until the first announcement
const BETWEEN = 10_000; // ms to the next

export class News {
  #counts = {};
  #timer = 0;

  /** say is called with what is to be read out. */
  constructor(t, say) {
    Object.assign(this, { t, say });
  }

  /** Counts an item that waits. */
  hear(item) {
    if (!item.waits) return;
    const key = item.c.parent ? "newReplies" : "newComments";
    this.#counts[key] = (this.#counts[key] ?? 0) + 1;
    this.#timer ||= setTimeout(() => this.#tell(), FIRST);
  }

  #tell() {
    const words = Object.entries(this.#counts).map(([key, n]) => this.t.say(key, { n }));
    this.#counts = {};
    this.#timer = words.length ? setTimeout(() => this.#tell(), BETWEEN) : 0;
    if (words.length) this.say(words.join(", "));
  }

  stop() {
    clearTimeout(this.#timer);
  }
}
