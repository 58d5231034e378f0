// A crowd of official clients behind a balancer, in groups of four: one by polling only,
// one that upgrades, one by WebSocket only, and one that upgrades and sends bytes. What
// each says to its group must reach all four once and in order, and so must echoes.
import http from "node:http";
import https from "node:https";
import { io } from "socket.io-client";

export const kinds = {
  polling: { transports: ["polling"] },
  upgrade: {},
  websocket: { transports: ["websocket"] },
  binary: {},
};

const patience = 60_000; // of one client from its start to its end
const opening = 100; // how many clients connect at once

/** What a client says as its number i. */
const content = (kind, i) => (kind === "binary" ? Buffer.from([i & 255, 0, 255, i >> 8]) : `number ${i} ü`);

class Member {
  faults = [];
  acked = 0;
  heard = new Map(); // who → how many
  done = 0;

  constructor(kind, group, url, ca) {
    this.kind = kind;
    this.group = group;
    const Agent = url.startsWith("https") ? https.Agent : http.Agent;
    this.agent = new Agent({ keepAlive: true, ca });
    // Browsers keep connections alive too. A client that has to come again has lost its
    // session, which is what must not happen.
    this.socket = io(url, { ...kinds[kind], ca, agent: this.agent, forceNew: true, reconnection: false });
    this.socket.on("msg", (who, i, data) => this.hear(who, i, data));
    this.socket.on("disconnect", (why, details) => this.leaving || this.fault(`disconnected: ${why} ${details?.description ?? ""}`));
    this.connected = new Promise((resolve) => {
      this.socket.on("connect", resolve);
      this.socket.on("connect_error", (error) => resolve(this.fault(`not connected: ${error.message} ${error.context?.responseText ?? error.description ?? ""}`)));
    });
  }

  fault(text) {
    if (this.faults.length < 5) this.faults.push(`${this.kind}: ${text}`);
    this.changed?.();
  }

  hear(who, i, data) {
    const next = this.heard.get(who) ?? 0;
    const want = content(who, i);
    const same = Buffer.isBuffer(want) ? Buffer.isBuffer(data) && want.equals(data) : want === data;
    if (i !== next) this.fault(`number ${i} of ${who} came when ${next} was due`);
    else if (!same) this.fault(`number ${i} of ${who} came as ${data}`);
    this.heard.set(who, i + 1);
    this.changed?.();
  }

  /** Says `count` numbers, the first half at once, which meets the upgrade, and asks for echoes. */
  async talk(count) {
    for (let i = 0; i < count; i++) {
      const due = i;
      this.socket.emit("say", this.group.room, this.kind, i, content(this.kind, i), (answer) => {
        if (answer !== "ok") this.fault(`say was answered ${JSON.stringify(answer)}`);
        this.changed?.();
      });
      this.socket.emit("echo", this.kind, i, content(this.kind, i), (who, n, data) => {
        const want = content(this.kind, due);
        const same = Buffer.isBuffer(want) ? Buffer.isBuffer(data) && want.equals(data) : want === data;
        if (who !== this.kind || n !== due || !same) this.fault(`echo ${due} came as ${n} ${data}`);
        if (due !== this.acked) this.fault(`echo ${due} came when ${this.acked} was due`);
        this.acked++;
        this.changed?.();
      });
      if (i >= count / 2) await new Promise((resolve) => setTimeout(resolve, 15));
    }
  }

  complete(count) {
    return this.faults.length > 0 || (this.acked === count && Object.keys(kinds).every((k) => this.heard.get(k) === count) && this.settled());
  }

  /** Whether it is on the transport where it should end up. */
  settled() {
    return this.socket.io.engine?.transport?.name === (this.kind === "polling" ? "polling" : "websocket");
  }

  awaits(condition) {
    return new Promise((resolve) => {
      const poll = setInterval(() => this.changed?.(), 200);
      const timer = setTimeout(() => {
        this.fault(`not complete in time: ${this.acked} echoes, heard ${JSON.stringify([...this.heard])}, on ${this.socket.io.engine?.transport?.name}`);
      }, patience);
      this.changed = () => {
        if (!condition()) return;
        clearInterval(poll);
        clearTimeout(timer);
        this.changed = undefined;
        resolve();
      };
      this.changed();
    });
  }

  leave() {
    this.leaving = true;
    this.socket.disconnect();
    this.agent.destroy();
  }
}

/** Runs a group and gives its faults. */
async function gather(room, url, ca, count) {
  const group = { room };
  const members = Object.keys(kinds).map((kind) => new Member(kind, group, url, ca));
  const faults = () => members.flatMap((m) => m.faults);
  await Promise.all(members.map((m) => m.connected));
  if (faults().length === 0) {
    await Promise.all(
      members.map(async (m) => {
        const answer = await m.socket.timeout(20_000).emitWithAck("join", room).catch((error) => error.message);
        if (answer !== "ok") m.fault(`join was answered ${JSON.stringify(answer)}`);
      }),
    );
  }
  return { members, faults, talk: () => Promise.all(members.map((m) => [m.talk(count), m.awaits(() => m.complete(count))]).flat()) };
}

/**
 * Runs a crowd against an address. Gives how many messages were heard and what was wrong.
 * All are connected before the first says a word, so that they are there at once.
 */
export async function crowd({ url, ca, clients, messages, name }) {
  const began = Date.now();
  const groups = [];
  const rooms = Array.from({ length: Math.ceil(clients / 4) }, (_, i) => `${name} ${i}`);
  const openers = Array.from({ length: Math.min(opening / 4, rooms.length) }, async () => {
    for (let room = rooms.pop(); room; room = rooms.pop()) groups.push(await gather(room, url, ca, messages));
  });
  await Promise.all(openers);
  const connected = Date.now() - began;
  if (groups.every((g) => g.faults().length === 0)) await Promise.all(groups.map((g) => g.talk()));
  const faults = groups.flatMap((g) => g.faults());
  let heard = 0;
  for (const group of groups) {
    for (const member of group.members) {
      heard += member.acked;
      for (const n of member.heard.values()) heard += n;
      member.leave();
    }
  }
  return { clients: groups.length * 4, heard, expected: groups.length * 4 * 5 * messages, faults, connected, took: Date.now() - began };
}
