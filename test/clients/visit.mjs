// One run of one case: opens sockets of one client version on one transport,
// waits for what the case awaits, and closes everything at the end. All waiting
// is bounded by the case's deadline; on expiry the error names what was awaited.
import { createRequire } from "node:module";
import { CutProxy } from "./cutproxy.mjs";
import { start } from "./servers.mjs";

const require = createRequire(import.meta.url);

export const modes = {
  websocket: { transports: ["websocket"] },
  polling: { transports: ["polling"] },
  upgrade: {}, // the client's default: polling, then WebSocket
};

// loadClient gives {label, io, parser, from(version)} for "4.8.4" or "4.8.4+msgpack".
export async function loadClient(label) {
  const [version, parser] = label.split("+");
  const module = await import(`client-${version}`);
  return {
    label,
    version,
    parser: parser === "msgpack" ? require("socket.io-msgpack-parser") : undefined,
    legacy: version.startsWith("2."),
    io: module.io ?? module.default,
    from: (other) => compare(version, other) >= 0,
  };
}

function compare(a, b) {
  const [x, y] = [a, b].map((v) => v.split(".").map(Number));
  for (let i = 0; i < 3; i++) if ((x[i] ?? 0) !== (y[i] ?? 0)) return (x[i] ?? 0) - (y[i] ?? 0);
  return 0;
}

let serial = 0;

export class Visit {
  #sockets = [];
  #closers = [];
  #awaited = new Set();
  #expire;

  constructor({ client, mode, url, deadline, reference, program }) {
    this.client = client;
    this.program = program; // command and arguments
    this.reference = reference; // Node's own server
    this.mode = mode;
    this.url = url;
    this.expired = new Promise((_, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`deadline of ${deadline} ms passed, awaiting: ${[...this.#awaited].join("; ") || "?"}`)),
        deadline,
      );
      this.#expire = () => clearTimeout(timer);
    });
    this.expired.catch(() => {});
  }

  // name gives a room, tag or key that no other case uses.
  name(prefix = "r") {
    return `${prefix}-${process.pid}-${++serial}`;
  }

  // open starts a new connection and returns its socket at once.
  open(path = "/", options = {}) {
    const { url = this.url, ...rest } = options;
    const socket = this.client.io(url + path, {
      ...modes[this.mode],
      forceNew: true,
      reconnection: false,
      reconnectionDelay: 50,
      reconnectionDelayMax: 100,
      randomizationFactor: 0,
      ...(this.client.parser && { parser: this.client.parser }),
      ...rest,
    });
    this.#sockets.push(socket);
    return socket;
  }

  // also opens another namespace on the connection of socket.
  also(socket, path, options) {
    const other = socket.io.socket(path, options);
    this.#sockets.push(other);
    return other;
  }

  // identified is the option that a server reads as handshake.auth: clients 2.x
  // have the query of their namespace for it.
  identified(auth, path = "/") {
    if (!this.client.legacy) return [path, { auth }];
    return [`${path}?${new URLSearchParams(auth)}`, {}];
  }

  async connect(path, options) {
    return this.connected(this.open(path, options));
  }

  async connected(socket) {
    if (!socket.connected) {
      const refused = this.client.legacy ? ["error", "connect_error"] : ["connect_error"];
      await this.wait(
        `connect ${socket.nsp}`,
        new Promise((resolve, reject) => {
          socket.once("connect", resolve);
          for (const event of refused) {
            socket.once(event, (err) => {
              if (!socket.io.opts?.reconnection) reject(new Error(`${event}: ${err?.message ?? err} ${err?.description ?? ""}`));
            });
          }
        }),
      );
    }
    return socket;
  }

  // reopen disconnects and connects again. Clients before 4.4 must not be asked
  // to connect while their last connection is still closing.
  async reopen(socket) {
    const { engine } = socket.io;
    socket.disconnect();
    await this.poll("the engine's close", async () => engine.readyState, (state) => state === "closed");
    socket.connect();
    await this.connected(socket);
  }

  // upgraded waits until a connection of the mode "upgrade" is on WebSocket.
  async upgraded(socket) {
    const engine = socket.io.engine;
    if (this.mode !== "upgrade" || engine.transport.name === "websocket") return;
    await this.wait("upgrade", new Promise((resolve) => engine.once("upgrade", resolve)));
  }

  // resting waits until nothing is in flight: the upgrade is done, or a poll has
  // been waiting at the server for a while. A server that is cut off from a
  // client between two polls has nothing to notice it by but the heartbeat.
  async resting(socket) {
    await this.upgraded(socket);
    const { transport } = socket.io.engine;
    let since = performance.now();
    const busy = () => (since = performance.now());
    for (const event of ["packet", "poll", "pollComplete"]) transport.on(event, busy);
    await this.poll("rest", async () => performance.now() - since, (ms) => ms > 60);
    for (const event of ["packet", "poll", "pollComplete"]) transport.off(event, busy);
  }

  // inbox records an event of a socket from now on; take() waits for the next.
  inbox(socket, event) {
    const items = [];
    const waiting = [];
    socket.on(event, (...args) => {
      const ack = typeof args.at(-1) === "function" ? args.at(-1) : undefined;
      const item = ack ? Object.assign(args.slice(0, -1), { ack }) : args;
      if (waiting.length > 0) waiting.shift()(item);
      else items.push(item);
    });
    const take = () =>
      items.length > 0
        ? Promise.resolve(items.shift())
        : this.wait(`event ${event}`, new Promise((resolve) => waiting.push(resolve)));
    return {
      items,
      take,
      takeMany: async (n) => {
        const all = [];
        while (all.length < n) all.push(await take());
        return all;
      },
    };
  }

  // call emits and waits for the acknowledgement; all its arguments.
  calls(socket, event, ...args) {
    return this.wait(`ack of ${event}`, new Promise((resolve) => socket.emit(event, ...args, (...got) => resolve(got))));
  }

  // call is calls for acknowledgements with at most one argument.
  async call(socket, event, ...args) {
    return (await this.calls(socket, event, ...args))[0];
  }

  // poll calls again until check accepts the answer.
  async poll(label, ask, check) {
    for (;;) {
      const got = await ask();
      if (check(got)) return got;
      await this.wait(`${label}, last answer ${JSON.stringify(got)}`, new Promise((resolve) => setTimeout(resolve, 20)));
    }
  }

  // reasonsOf asks the server why the socket with that tag ended.
  async reasonsOf(tag) {
    const observer = await this.connect("/plain");
    return this.poll("disconnect reasons", () => this.call(observer, "reasons", tag), (got) => got.length >= 2);
  }

  // startProgram starts another process of the program.
  async startProgram() {
    const server = await start(...this.program);
    this.#closers.push(() => server.stop());
    return server;
  }

  async proxy(target = this.url) {
    const proxy = await CutProxy.open(target);
    this.#closers.push(() => proxy.close());
    return proxy;
  }

  async wait(label, promise) {
    this.#awaited.add(label);
    try {
      return await Promise.race([promise, this.expired]);
    } finally {
      this.#awaited.delete(label);
    }
  }

  end() {
    this.#expire();
    for (const socket of this.#sockets) {
      socket.io.opts.reconnection = false;
      socket.io.reconnection?.(false);
      socket.disconnect();
      // A connection without sockets stays open otherwise.
      socket.io._close?.() ?? socket.io.close?.();
    }
    for (const close of this.#closers) close();
  }
}

// plain replaces every kind of binary by {hex}, so that deepEqual compares contents.
export function plain(value) {
  if (value instanceof ArrayBuffer) return { hex: Buffer.from(value).toString("hex") };
  if (ArrayBuffer.isView(value)) {
    return { hex: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex") };
  }
  if (Array.isArray(value)) return value.map(plain);
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]));
  }
  return value;
}
