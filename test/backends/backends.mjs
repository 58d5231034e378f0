// The backends of docs/examples, as programs on a port of their own.
import { copyFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { Program, folder, freePort, root } from "../house/programs.mjs";

export const secret = "a secret of tests, of more than 32 bytes";

/** A backend that can be killed and started again on its port. */
class Backend {
  constructor(command, args, cwd) {
    Object.assign(this, { command, args, cwd });
  }

  async start() {
    this.port ??= await freePort();
    this.program = await Program.start(this.command, this.args(this.port), {
      port: this.port,
      cwd: this.cwd,
      env: { PORT: this.port, WEBHOOK_SECRET: secret },
    });
  }

  get url() {
    return `http://127.0.0.1:${this.port}/sockeye`;
  }

  kill() {
    return this.program.kill();
  }
}

/** Express, which its example finds beside it, as it would after npm install. */
function express() {
  const cwd = folder();
  copyFileSync(join(root, "docs", "examples", "express", "server.mjs"), join(cwd, "server.mjs"));
  symlinkSync(join(root, "test", "backends", "node_modules"), join(cwd, "node_modules"));
  return new Backend("node", () => ["server.mjs"], cwd);
}

/** An app of Flask, with the server that it comes with. */
function flask(example = "flask") {
  const cwd = join(root, "docs", "examples", example);
  const python = process.env.PYTHON ?? "/usr/bin/python3"; // Debian's own, which sees Debian's packages
  return new Backend(python, (port) => ["-B", "-m", "flask", "run", "--port", port], cwd);
}

export const backends = { express, flask };

/** What docs/moving-from-flask-socketio.md moves away from: it is a server itself. */
export const flaskSocketIO = () => flask("flask-socketio");
