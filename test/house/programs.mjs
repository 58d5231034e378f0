// Programs that a suite starts: they end with it, by their process ids.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

const running = new Set();
const folders = new Set();
process.on("exit", () => {
  for (const program of running) program.kill("SIGKILL");
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

/** A folder that goes with the suite. */
export function folder() {
  const path = mkdtempSync(join(tmpdir(), "sockeye-test-"));
  folders.add(path);
  return path;
}

const given = new Set();

/**
 * A port of loopback that was free a moment ago. It is below those that the system gives to
 * connections and to programs that listen on port 0: one of those would soon be somebody else's.
 */
export async function freePort() {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 22_000);
    if (given.has(port)) continue;
    given.add(port);
    const server = net.createServer();
    const free = await new Promise((resolve) => {
      server.on("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!free) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

/** Tries something every few milliseconds until it is true, and fails with what was awaited: a text, or a function that gives it then. */
export async function until(what, condition, within = 15_000) {
  const end = Date.now() + within;
  for (;;) {
    const found = await condition();
    if (found) return found;
    if (Date.now() > end) throw new Error(`not within ${within} ms: ${typeof what === "function" ? what() : what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Whether something listens on a port of loopback. */
export function listens(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1");
    socket.on("connect", () => (socket.destroy(), resolve(true)));
    socket.on("error", () => resolve(false));
  });
}

/** A running program. */
export class Program {
  /** What it printed, the last half megabyte. */
  output = "";

  /**
   * Starts a program and waits until `ready(output)` gives something that is no lie, which
   * becomes `program.ready`, or until it listens on `port`. It runs as `uid` and `gid`, if given.
   */
  static async start(command, args, { ready, port, env, cwd, uid, gid, within = 20_000 } = {}) {
    const program = new Program();
    program.command = command;
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env }, cwd, uid, gid });
    program.child = child;
    program.pid = child.pid;
    running.add(child);
    program.exited = new Promise((resolve) => {
      child.on("error", (error) => {
        program.output += `${error}\n`;
        running.delete(child);
        resolve(null);
      });
      child.on("exit", (code, signal) => {
        running.delete(child);
        program.ended = true;
        resolve(code ?? signal);
      });
    });
    const hear = (chunk) => {
      program.output = (program.output + chunk).slice(-500_000);
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    const closed = new Promise((resolve) => child.on("close", resolve));
    try {
      program.ready = await until(
        `${command} is ready`,
        async () => {
          if (program.ended) throw new Error(`${command} ended`);
          return ready ? ready(program.output) : listens(port);
        },
        within,
      );
    } catch (error) {
      child.kill("SIGKILL");
      await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 500))]); // for its last words
      throw new Error(`${error.message}\n${command} ${args.join(" ")}\n${program.output}`);
    }
    return program;
  }

  /** Asks it to end, insists after a while, and gives its exit code or the signal that ended it. */
  async stop(signal = "SIGTERM", patience = 12_000) {
    if (this.ended) return this.exited;
    this.child.kill(signal);
    const insist = setTimeout(() => this.child.kill("SIGKILL"), patience);
    const code = await this.exited;
    clearTimeout(insist);
    return code;
  }

  /** Ends it at once, as a machine that fails. */
  kill() {
    return this.stop("SIGKILL");
  }

  /** Stops it where it stands, without ending it; `thaw` lets it go on. */
  freeze() {
    this.child.kill("SIGSTOP");
  }

  /** Waits until a frozen program stands still, which takes a moment on a busy machine. */
  async standsStill() {
    const tasks = `/proc/${this.pid}/task`;
    if (!existsSync(tasks)) return; // not Linux
    const stopped = (task) => /\) [Tt] /.test(readFileSync(join(tasks, task, "stat"), "utf8"));
    await until(`${this.command} stands still`, () => readdirSync(tasks).every(stopped));
  }

  thaw() {
    this.child.kill("SIGCONT");
  }
}

/** The path of the program under test; SOCKEYE_BIN names another one. */
export function sockeyePath() {
  const path = process.env.SOCKEYE_BIN ?? join(root, "bin", "sockeye");
  if (!existsSync(path)) throw new Error(`${path} is missing: run make build`);
  return path;
}

/**
 * Starts Sockeye on a free port, or on `port`, and gives the program with its `url` and `port`.
 * It sends its clients away at once when it stops, unless `args` say --drain.
 */
export async function sockeye(args = [], { port = 0, env, host = "127.0.0.1" } = {}) {
  const program = await Program.start(sockeyePath(), ["serve", "--listen", `${host}:${port}`, ...args], {
    env: { SOCKEYE_DRAIN: "0s", ...env },
    ready: (output) => /msg=listening addr=\S+:(\d+)/.exec(output)?.[1],
  });
  program.port = Number(program.ready);
  program.url = `http://127.0.0.1:${program.port}`;
  return program;
}
