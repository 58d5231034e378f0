// A round of the game, as every page has it: which flies there are follows from its number,
// and of two who caught one fly the earlier has it. So pages agree, whatever they heard first.

import { HEIGHT, WIDTH } from "./river.js";

const FLIES = 24; // of a round
const SHOWN = 8; // at a time

// A number from 0 to 1 that is the same on every page.
function chance(...seeds) {
  let h = 2166136261;
  for (const seed of seeds) {
    h = Math.imul(h ^ seed, 16777619);
    h ^= h >>> 13;
  }
  h = Math.imul(h ^ (h >>> 16), 2246822507);
  return ((h ^ (h >>> 13)) >>> 0) / 2 ** 32;
}

export class Round {
  number = 1;
  wins = new Map(); // rounds, by id
  #caught = new Map(); // {id, t} by index

  /** How many flies nobody has caught. */
  get left() {
    return FLIES - this.#caught.size;
  }

  /** The flies that can be caught now: {index, x, y}. */
  flies() {
    const flies = [];
    for (let index = 0; index < FLIES && flies.length < SHOWN; index += 1) {
      if (this.#caught.has(index)) continue;
      flies.push({ index, x: 60 + chance(this.number, index, 1) * (WIDTH - 120), y: 60 + chance(this.number, index, 2) * (HEIGHT - 120) });
    }
    return flies;
  }

  /** How many flies each has. */
  scores() {
    const scores = new Map();
    for (const { id } of this.#caught.values()) scores.set(id, (scores.get(id) ?? 0) + 1);
    return scores;
  }

  /** Takes what somebody caught. Returns the id of the winner, if that ends the round. */
  take({ r, i, id, t }) {
    if (!Number.isInteger(r) || r < this.number || !(i >= 0 && i < FLIES) || typeof id !== "string" || !Number.isFinite(t)) return null;
    if (r > this.number) this.#begin(r); // the others are further
    const known = this.#caught.get(i);
    if (!known || t < known.t || (t === known.t && id < known.id)) this.#caught.set(i, { id, t });
    return this.left ? null : this.#end();
  }

  /** What there is, for a page that comes. */
  state() {
    return { r: this.number, caught: [...this.#caught].map(([i, { id, t }]) => ({ i, id, t })), wins: [...this.wins] };
  }

  /** Takes what another page has. */
  merge({ r, caught, wins }) {
    let winner = null;
    if (Number.isInteger(r) && r > this.number) this.#begin(r);
    for (const one of Array.isArray(caught) ? caught.slice(0, FLIES) : []) winner = this.take({ r, ...one }) ?? winner;
    for (const [id, won] of Array.isArray(wins) ? wins.slice(0, 200) : []) {
      if (Number.isInteger(won)) this.wins.set(id, Math.max(won, this.wins.get(id) ?? 0));
    }
    return winner;
  }

  #begin(number) {
    this.number = number;
    this.#caught.clear();
  }

  #end() {
    const [[winner]] = [...this.scores()].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
    this.wins.set(winner, (this.wins.get(winner) ?? 0) + 1);
    this.#begin(this.number + 1);
    return winner;
  }
}
