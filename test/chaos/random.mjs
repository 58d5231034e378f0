// Choices that a seed repeats. Each user has a stream of its own, named, so that one
// user's choices do not depend on how often another chose.

/** A number of 32 bits that stands for a text (FNV-1a). */
function digest(text) {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

export class Random {
  #state;

  constructor(seed, name) {
    this.#state = digest(`${seed}/${name}`);
  }

  /** From 0 up to, not including, 1 (mulberry32). */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** A whole number from `least` to `most`, both included. */
  whole(least, most) {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  one(list) {
    return list[this.whole(0, list.length - 1)];
  }

  /** Some of a list, in an order of its own. */
  some(list, count) {
    const rest = [...list];
    const chosen = [];
    while (chosen.length < count && rest.length > 0) chosen.push(...rest.splice(this.whole(0, rest.length - 1), 1));
    return chosen;
  }

  /** One key of `weights`, in proportion to its weight. */
  weighted(weights) {
    let left = this.next() * Object.values(weights).reduce((sum, w) => sum + w, 0);
    for (const [key, weight] of Object.entries(weights)) {
      left -= weight;
      if (left < 0) return key;
    }
    return Object.keys(weights).at(-1);
  }
}
