// A process with some of the clients. It is told what to do by all.mjs, and tells what it saw.
import { Room } from "./client.mjs";

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const rooms = [];

const orders = {
  /** Connects rooms of clients, some at a time. */
  async connect({ url, names, size }) {
    for (const name of names) {
      rooms.push(new Room(url, name, size));
      await pause(size * 4);
    }
  },

  /** Begins to say numbers, `every` so many milliseconds in each room. */
  start({ every }) {
    this.timers = rooms.map((room) => setInterval(() => room.say(), every));
  },

  stop() {
    for (const timer of this.timers) clearInterval(timer);
  },

  state() {
    const members = rooms.flatMap((room) => room.members);
    return {
      connected: members.filter((c) => c.socket.connected).length,
      settled: members.every((c) => c.settled),
      joined: rooms.every((room) => room.members.every((c) => c.joined)),
      hearing: rooms.every((room) => room.members.every((c) => c.heard.length > 0)),
      complete: rooms.every((room) => room.complete),
    };
  },

  /** Everything that was seen. */
  result() {
    const judged = rooms.map((room) => room.judge());
    const members = rooms.flatMap((room) => room.members);
    return {
      faults: judged.flatMap((j) => j.faults),
      lost: judged.reduce((sum, j) => sum + j.lost, 0),
      doubled: judged.reduce((sum, j) => sum + j.doubled, 0),
      said: rooms.reduce((sum, room) => sum + room.accepted.size, 0),
      heard: members.reduce((sum, c) => sum + c.heard.length, 0),
      refused: members.reduce((sum, c) => sum + c.refused, 0),
      losses: members.flatMap((c) => c.losses),
    };
  },
};

process.on("message", async ({ id, order, ...more }) => {
  const answer = await orders[order](more);
  process.send({ id, answer });
});
process.on("disconnect", () => process.exit());
