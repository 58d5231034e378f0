// One official client with the delays that it comes with, and what it saw.
import { Agent } from "node:http";
import { io } from "socket.io-client";

const kinds = [
  { name: "polling", options: { transports: ["polling"] }, ends: "polling" },
  { name: "default", options: {}, ends: "websocket" },
  { name: "websocket", options: { transports: ["websocket"] }, ends: "websocket" },
];

export class Client {
  heard = []; // numbers, in the order they came
  losses = []; // of connections: { at, back, why, recovered }
  refused = 0; // attempts to connect that failed
  faults = [];

  constructor(url, i, room) {
    this.kind = kinds[i % kinds.length];
    this.room = room;
    this.name = `client ${i} of ${room} (${this.kind.name})`;
    const agent = new Agent({ keepAlive: true }); // as in browsers
    this.socket = io(url, { ...this.kind.options, agent, forceNew: true });
    this.socket.on("connect", () => this.connected());
    this.socket.on("disconnect", (why) => this.disconnected(why));
    this.socket.on("msg", (n) => this.heard.push(n));
    this.socket.on("connect_error", () => this.refused++);
  }

  /** Whether it is on the transport where it should end up. */
  get settled() {
    return this.socket.io.engine?.transport?.name === this.kind.ends;
  }

  connected() {
    const loss = this.losses.at(-1);
    if (loss && !loss.back) {
      loss.back = Date.now();
      loss.recovered = this.socket.recovered;
      if (loss.recovered) return;
      this.faults.push("was not recovered");
    }
    this.joined = this.socket.timeout(30_000).emitWithAck("join", this.room).then(
      (answer) => answer === "ok" || this.faults.push(`join was answered ${JSON.stringify(answer)}`),
      (error) => this.faults.push(`join: ${error.message}`),
    );
  }

  disconnected(why) {
    this.losses.push({ at: Date.now(), why });
    if (why === "io server disconnect") this.faults.push("was sent a DISCONNECT packet"); // it does not come back
  }

  close() {
    this.socket.off();
    this.socket.close();
  }
}

/** The members of a room. The first of them says numbers to all. */
export class Room {
  accepted = new Set(); // numbers that were answered "ok"
  next = 0;

  constructor(url, name, size) {
    this.members = Array.from({ length: size }, (_, i) => new Client(url, i, name));
  }

  get settled() {
    return this.members.every((c) => c.socket.connected);
  }

  /** Says the next number, unless the speaker is away. */
  say() {
    const { socket, room } = this.members[0];
    if (!socket.connected) return;
    const n = this.next++;
    socket.timeout(20_000).emit("say", room, n, (error, answer) => {
      if (!error && answer === "ok") this.accepted.add(n);
    });
  }

  /** What each member should have got and has not. A number that was not answered may have come or not. */
  missing(client) {
    const heard = new Set(client.heard);
    return [...this.accepted].filter((n) => !heard.has(n));
  }

  get complete() {
    return this.settled && this.members.every((c) => this.missing(c).length === 0);
  }

  judge() {
    const faults = [];
    let lost = 0;
    let doubled = 0;
    for (const client of this.members) {
      const missing = this.missing(client);
      lost += missing.length;
      if (missing.length > 0) client.faults.push(`never got ${missing.slice(0, 5)}`);
      doubled += client.heard.length - new Set(client.heard).size;
      const wrong = client.heard.findIndex((n, i) => i > 0 && n <= client.heard[i - 1]);
      if (wrong > 0) client.faults.push(`got ${client.heard[wrong]} after ${client.heard[wrong - 1]}`);
      if (!client.socket.connected) client.faults.push("is not connected at the end");
      faults.push(...client.faults.map((fault) => `${client.name} ${fault}`));
    }
    return { faults, lost, doubled };
  }
}
