// The good ones: official clients that ask, talk in rooms of ten, and note what they missed.
import { performance } from "node:perf_hooks";
import { io } from "socket.io-client";
import { until } from "../house/programs.mjs";

const roomSize = 10;

export class Crowd {
  clients = [];

  /** `every` is how often, in milliseconds, each asks; one in eight of these it talks to its room. */
  static async gather(url, count, every) {
    const crowd = new Crowd();
    crowd.every = every;
    for (let i = 0; i < count; i++) {
      // One in ten stays on polling, four begin there, the others use WebSocket at once.
      const transports = i % 10 === 0 ? ["polling"] : i % 10 < 5 ? ["polling", "websocket"] : ["websocket"];
      const socket = io(url, { transports, forceNew: true });
      crowd.clients.push(new Client(crowd, socket, i));
      if (i % 50 === 49) await crowd.allIn();
    }
    await crowd.allIn();
    return crowd;
  }

  allIn() {
    return until("every good client is in its room", () => this.clients.every((c) => c.joined), 60_000);
  }

  /** Lets them ask and talk for a while, and gives what came of it once every answer is in. */
  async act(milliseconds) {
    for (const c of this.clients) c.begin();
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    for (const c of this.clients) c.pause();
    let late = 0;
    try {
      await until("every ack and message is in", () => this.clients.every((c) => c.settled), 10_000);
    } catch {
      late = this.clients.filter((c) => !c.settled).length;
    }
    const latencies = this.clients.flatMap((c) => c.latencies).sort((a, b) => a - b);
    const at = (share) => latencies[Math.min(latencies.length - 1, Math.floor(share * latencies.length))];
    return {
      acks: latencies.length,
      p50: at(0.5),
      p99: at(0.99),
      max: at(1),
      missing: late,
      cuts: this.clients.flatMap((c) => c.cuts),
      wrong: this.clients.flatMap((c) => c.wrong),
    };
  }

  end() {
    for (const c of this.clients) c.socket.disconnect();
  }
}

class Client {
  joined = false;
  latencies = [];
  cuts = [];
  wrong = [];
  #asked = 0;
  #answered = 0;
  #said = 0;
  #heard = new Map(); // the last number of each one in the room

  constructor(crowd, socket, index) {
    this.crowd = crowd;
    this.socket = socket;
    this.name = String(index);
    this.room = `good ${Math.floor(index / roomSize)}`;
    socket.on("connect", () => {
      socket.emit("join", this.room, (answer) => {
        if (answer !== "ok") this.wrong.push(`join: ${JSON.stringify(answer)}`);
        this.joined = true;
      });
    });
    socket.on("disconnect", (reason) => this.active && this.cuts.push(reason));
    socket.on("connect_error", (error) => this.active && this.cuts.push(error.message));
    socket.on("msg", (from, n) => {
      const last = this.#heard.get(from) ?? 0;
      if (n !== last + 1) this.wrong.push(`${n} of ${from} instead of ${last + 1}`);
      this.#heard.set(from, n);
    });
  }

  begin() {
    this.active = true;
    this.latencies = [];
    this.cuts = [];
    this.wrong = [];
    const { every } = this.crowd;
    this.starter = setTimeout(() => {
      this.#ask();
      this.timer = setInterval(() => this.#ask(), every);
    }, Math.random() * every);
  }

  pause() {
    clearTimeout(this.starter);
    clearInterval(this.timer);
  }

  #ask() {
    const asked = performance.now();
    const n = ++this.#asked;
    this.socket.emit("echo", n, (answer) => {
      this.latencies.push(performance.now() - asked);
      this.#answered++;
      if (answer !== n) this.wrong.push(`${JSON.stringify(answer)} instead of ${n}`);
    });
    if (n % 8 === 0) this.socket.emit("say", this.room, this.name, ++this.#said);
  }

  /** Whether it got every answer, and everything that the others of its room said. */
  get settled() {
    if (this.#answered !== this.#asked) return false;
    return this.crowd.clients.every((c) => c.room !== this.room || (this.#heard.get(c.name) ?? 0) === c.#said);
  }
}
