// The clients of a run: official clients that listen in rooms, and others that publish.
import { Agent } from "node:http";
import { io } from "socket.io-client";
import { Ledger } from "./ledger.mjs";
import { Witness } from "./witness.mjs";

const transports = {
  default: {},
  polling: { transports: ["polling"] },
  websocket: { transports: ["websocket"] },
};
export const kinds = Object.keys(transports);

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Opens a client of its own connection. Every second one keeps its connections for polls, as browsers do. */
function open(url, kind, { keep }) {
  const options = { forceNew: true, reconnectionDelay: 100, reconnectionDelayMax: 500, timeout: 5_000, ...transports[kind] };
  if (keep) options.agent = new Agent({ keepAlive: true });
  return io(url, options);
}

/** A client that the server refused or dismissed does not come back by itself. */
function comeBack(socket, faults) {
  socket.on("connect_error", (error) => {
    if (socket.active) return;
    faults.push({ kind: "refused", text: `the namespace was refused: ${error.message}`, wall: Date.now() });
    setTimeout(() => socket.connect(), 300);
  });
  socket.on("disconnect", (reason) => {
    if (reason !== "io server disconnect") return;
    faults.push({ kind: "dismissed", text: "the server sent a DISCONNECT packet", wall: Date.now() });
    setTimeout(() => socket.connect(), 300);
  });
}

/** A client in several rooms. */
export class Listener {
  constructor(name, { url, kind, rooms, ledger, keep, nodeOf }) {
    this.kind = kind;
    this.rooms = new Set(rooms);
    this.witness = new Witness(`${name} (${kind})`, ledger, Ledger.key);
    this.nodeOf = nodeOf;
    this.errors = []; // of connecting: { wall, text }
    this.socket = open(url, kind, { keep });
    comeBack(this.socket, this.witness.faults);
    this.socket.on("connect", () => this.connected());
    this.socket.on("disconnect", (reason, details) => this.witness.disconnected(details?.description ? `${reason}: ${describe(details)}` : reason, this.unkept));
    this.socket.on("msg", ({ p, r, n }, offset) => this.heard(p, r, n, isUnlogged(offset)));
    this.socket.io.on("error", (error) => this.errors.push({ wall: Date.now(), text: `${error.message}: ${describe(error)}` }));
  }

  heard(p, r, n, unlogged) {
    this.witness.heard(p, r, n, unlogged);
  }

  connected() {
    const { socket, witness } = this;
    const engine = socket.io.engine;
    this.offset = socket._lastOffset; // of an earlier session, if this is a new one
    this.id = socket.id; // which the socket forgets
    witness.connected({ recovered: Boolean(socket.recovered), sid: engine.id, id: socket.id, node: this.nodeOf?.(engine.id), transport: engine.transport.name });
    const connection = witness.connection;
    engine.on("upgrade", (transport) => (connection.transport += `>${transport.name}`));
    for (const room of this.rooms) {
      if (!witness.stay(room)?.acked) this.join(room);
    }
    for (const stay of witness.stays) {
      if (stay.leaving && !stay.left && !stay.told) this.leave(stay.room);
    }
  }

  /**
   * Whether the client has got, in this connection, what is not in the log, or a session that
   * is not saved: offsets of such packets begin with "!", private ids of such sessions are the
   * public one twice.
   */
  get unkept() {
    const { _pid: pid, _lastOffset: offset } = this.socket;
    return pid === this.id + this.id || (offset !== this.offset && isUnlogged(offset));
  }

  async join(room) {
    this.rooms.add(room);
    this.witness.joining(room);
    await this.until("join", room, () => !this.witness.stay(room) || this.witness.stay(room).acked);
  }

  async leave(room) {
    this.rooms.delete(room);
    this.witness.leaving(room);
    await this.until("leave", room, () => !this.witness.stay(room));
  }

  /** Asks until the server says ok or the connection ends; the next one asks again. */
  async until(event, room, done) {
    const connection = this.witness.connection;
    while (!done() && this.socket.connected && this.witness.connection === connection) {
      try {
        const answer = await this.socket.timeout(8_000).emitWithAck(event, room);
        if (this.witness.connection !== connection || connection.ended) return;
        if (answer === "ok") return void this.witness[event === "join" ? "joined" : "left"](room);
        connection.refusals = (connection.refusals ?? 0) + 1;
        connection.refusal = `${event}: ${JSON.stringify(answer)}`;
      } catch {
        if (!this.socket.connected) return;
      }
      await pause(200);
    }
  }

  /** Whether it is connected and in the rooms it wants to be in. */
  get settled() {
    return this.socket.connected && [...this.rooms].every((room) => this.witness.stay(room)?.acked);
  }

  close() {
    this.socket.off();
    this.socket.close();
  }
}

/** Whether a packet with this offset came past the log. */
const isUnlogged = (offset) => typeof offset === "string" && offset.startsWith("!");

function describe(error) {
  const { description, context } = error;
  const text = description?.message ?? description?.type ?? description;
  const status = context?.status === undefined ? "" : ` (status ${context.status}: ${String(context.responseText).slice(0, 100)})`;
  return `${text}${status}`;
}

/** A client that says numbers into rooms, several of them under way at once. */
export class Publisher {
  static underWay = 16;

  constructor(name, { url, kind, rooms, ledger, every, random }) {
    Object.assign(this, { name, rooms, ledger, every, random });
    this.next = new Map(rooms.map((room) => [room, 0]));
    this.waiting = 0;
    this.turn = 0; // connections so far: order is promised within one
    this.faults = [];
    this.socket = open(url, kind, { keep: true });
    comeBack(this.socket, this.faults);
    this.socket.on("connect", () => this.turn++);
  }

  start() {
    this.timer = setInterval(() => this.say(), this.every);
  }

  say() {
    if (!this.socket.connected || this.waiting >= Publisher.underWay) return;
    const room = this.random.one(this.rooms);
    const n = this.next.get(room) + 1;
    this.next.set(room, n);
    const number = this.ledger.publish(`${this.name}.${this.turn}`, room, n);
    this.waiting++;
    this.socket.timeout(10_000).emit("say", room, { p: number.p, r: room, n }, (error, answer) => {
      this.waiting--;
      if (!error) this.ledger.answered(number, answer === "ok");
    });
  }

  stop() {
    clearInterval(this.timer);
  }

  close() {
    this.stop();
    this.socket.off();
    this.socket.close();
  }
}
