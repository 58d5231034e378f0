// What was published and what became of it. The order of the log is the truth that
// every client is judged by.

/** The order of things that happen in this process. */
let moments = 0;
export const moment = () => ++moments;

export class Ledger {
  /** Every number by its key. */
  numbers = new Map();
  /** For each room its confirmed numbers, in the order of the log. */
  rooms = new Map();
  confirmed = 0;
  accepted = 0; // "ok" acks
  refused = 0; // acks with an error
  /** Numbers that are in the log more than once: readers have to see through that. */
  repeated = 0;
  /** Entries of the log that are no numbers of this run. */
  strange = [];

  static key(p, r, n) {
    return `${p}/${r}/${n}`;
  }

  /** A publisher is about to say number n into room r. */
  publish(p, r, n) {
    const number = { key: Ledger.key(p, r, n), p, r, n, emitted: moment(), wall: Date.now(), index: -1, id: "", ok: false };
    this.numbers.set(number.key, number);
    return number;
  }

  /** The publisher was answered. */
  answered(number, ok) {
    number.ok = ok;
    number.answeredWall = Date.now();
    ok ? this.accepted++ : this.refused++;
  }

  /** An entry of the log was read. */
  confirm(p, r, n, id) {
    const number = this.numbers.get(Ledger.key(p, r, n));
    if (!number) return void this.strange.push(`${id}: ${p}/${r}/${n}`);
    if (number.index >= 0) return void this.repeated++;
    number.index = this.confirmed++;
    number.id = id;
    number.seen = Date.now();
    if (!this.rooms.has(r)) this.rooms.set(r, []);
    this.rooms.get(r).push(number);
  }

  /** What was answered ok and is not in the log. */
  withoutEntry() {
    return [...this.numbers.values()].filter((number) => number.ok && number.index < 0);
  }

  /** Where the log does not have a publisher's numbers of one room in the order sent. */
  disorder() {
    const found = [];
    for (const list of this.rooms.values()) {
      const last = new Map();
      for (const number of list) {
        const before = last.get(number.p);
        if (before && before.n > number.n) found.push({ before, number });
        else last.set(number.p, number);
      }
    }
    return found;
  }
}
