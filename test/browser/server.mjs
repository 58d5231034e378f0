// The program under test, and a wire to it that can be cut.

import { spawn } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import { fileURLToPath } from "node:url";

export const binary = process.env.SOCKEYE_BIN || fileURLToPath(new URL("../../bin/sockeye", import.meta.url));
const STARTUP = 10_000; // ms

/** A running sockeye. It logs its address, from which port is read. */
export class Server {
  log = "";

  static async start(args = [], port = 0) {
    const server = new Server();
    server.args = args;
    await server.#spawn(port);
    return server;
  }

  async #spawn(port) {
    this.process = spawn(binary, ["serve", "--listen", `127.0.0.1:${port}`, ...this.args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, SOCKEYE_DRAIN: "0s" },
    });
    this.exited = once(this.process, "exit");
    this.port = await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no address within ${STARTUP} ms:\n${this.log}`)), STARTUP);
      const from = this.log.length;
      const hear = (chunk) => {
        this.log += chunk;
        const address = /msg=listening addr=\S+:(\d+)/.exec(this.log.slice(from));
        if (!address) return;
        clearTimeout(timer);
        resolve(Number(address[1]));
      };
      this.process.stdout.on("data", hear);
      this.process.stderr.on("data", hear);
      this.process.on("error", reject);
      this.process.on("exit", (code) => reject(new Error(`exited with ${code} before it listened:\n${this.log}`)));
    });
  }

  get url() {
    return `${this.args.includes("--tls-cert") ? "https" : "http"}://127.0.0.1:${this.port}`;
  }

  /** Ends the program as a service manager does, and returns its exit code. */
  async stop() {
    if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill("SIGTERM");
    const [code] = await this.exited;
    return code;
  }

  /** Ends it without a word. */
  async kill() {
    this.process.kill("SIGKILL");
    await this.exited;
  }

  /** Starts it again on the same port. */
  async startAgain() {
    await this.#spawn(this.port);
  }
}

/** A TCP wire to a server. While it is cut, it refuses and nothing passes. */
export class Wire {
  #sockets = new Set();
  #listener;

  static async to(server) {
    const wire = new Wire();
    wire.server = server;
    await wire.#listen(0);
    return wire;
  }

  async #listen(port) {
    this.#listener = net.createServer((near) => {
      const far = net.connect(this.server.port, "127.0.0.1");
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on("error", () => {}); // one end cut the other
        socket.on("close", () => {
          this.#sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
      }
      near.pipe(far).pipe(near);
    });
    this.#listener.listen(port, "127.0.0.1");
    await once(this.#listener, "listening");
    this.port = this.#listener.address().port;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  async cut() {
    const closed = once(this.#listener, "close");
    this.#listener.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async mend() {
    await this.#listen(this.port);
  }

  async close() {
    if (this.#listener.listening) await this.cut();
  }
}
