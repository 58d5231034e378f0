// What one client saw: its connections, the rooms it was in, and every number it got.
// It draws no conclusions; judge.mjs does.
import { moment } from "./ledger.mjs";

export class Witness {
  /**
   * Connections of the namespace: { at, wall, recovered, told, transport, sid, id, node, ended,
   * endedWall, why, unkept }. unkept says that the client was told in this connection, by an
   * offset or by its private id, that it cannot be recovered from it.
   */
  connections = [];
  /** Times in rooms: { room, asked, acked, ackedOn, leaving, left, told, story }, most of them a moment or 0. */
  stays = [];
  /**
   * Numbers: { number, key, room, at, wall, on, unlogged }, on being the index of the connection.
   * unlogged says that the client was told with the number, by its offset, that it came past the log.
   */
  arrivals = [];
  /** Reconnects: { from, to, away, recovered }, from and to being connections. */
  reconnects = [];
  /** Failures that are no matter of numbers. */
  faults = [];

  constructor(name, ledger, keyOf) {
    this.name = name;
    this.ledger = ledger;
    this.keyOf = keyOf;
  }

  get connection() {
    return this.connections.at(-1);
  }

  connected({ recovered, sid, id, transport, node = "" }) {
    const before = this.connection;
    const now = { at: moment(), wall: Date.now(), recovered, told: Boolean(before) && !recovered, transport, sid, id, node, ended: 0 };
    this.connections.push(now);
    if (!before) return;
    if (now.told) {
      for (const stay of this.stays) {
        if (!stay.left && !stay.told) stay.told = now.at;
      }
    }
    this.reconnects.push({ from: before, to: now, away: now.wall - before.endedWall, recovered });
  }

  disconnected(why, unkept = false) {
    const now = this.connection;
    now.unkept = unkept;
    now.ended = moment();
    now.endedWall = Date.now();
    now.why = why;
  }

  /** The stay in a room that is not over. */
  stay(room) {
    return this.stays.findLast((stay) => stay.room === room && !stay.left && !stay.told);
  }

  joining(room) {
    if (this.stay(room)) return;
    this.stays.push({ room, asked: moment(), acked: 0, ackedOn: 0, leaving: 0, left: 0, told: 0, story: [] });
    this.#tell(room, "join asked");
  }

  joined(room) {
    const stay = this.stay(room);
    if (!stay || stay.acked) return;
    stay.acked = moment();
    stay.ackedOn = this.connections.length - 1;
    this.#tell(room, "joined");
  }

  leaving(room) {
    const stay = this.stay(room);
    if (!stay || stay.leaving) return;
    stay.leaving = moment();
    this.#tell(room, "leave asked");
  }

  left(room) {
    const stay = this.stay(room);
    if (!stay) return;
    this.#tell(room, "left");
    stay.left = moment();
  }

  /** Notes for people what happened to a stay. */
  #tell(room, what) {
    this.stay(room).story.push({ wall: Date.now(), what, on: this.connections.length - 1 });
  }

  heard(p, room, n, unlogged = false) {
    const key = this.keyOf(p, room, n);
    this.arrivals.push({ key, number: this.ledger.numbers.get(key), p, room, n, at: moment(), wall: Date.now(), on: this.connections.length - 1, unlogged });
  }
}
