// PostgreSQL from Debian's package, which forgets everything: only tests may run it so.
import { execFile, execFileSync } from "node:child_process";
import { chownSync, readdirSync, realpathSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { Program, folder, freePort } from "./programs.mjs";

const run = promisify(execFile);

/** The directory of the newest PostgreSQL that is installed. */
function binaries() {
  const debian = "/usr/lib/postgresql";
  let versions = [];
  try {
    versions = readdirSync(debian).sort((a, b) => Number(b) - Number(a));
  } catch {
    // not Debian's
  }
  const places = [...(process.env.PATH ?? "").split(delimiter), ...versions.map((version) => join(debian, version, "bin"))];
  for (const place of places) {
    try {
      return dirname(realpathSync(join(place, "initdb"))); // where it is linked to has the other programs
    } catch {
      // not here
    }
  }
  throw new Error("PostgreSQL's initdb is missing (Debian: apt-get install postgresql)");
}

/** Who PostgreSQL runs as: it refuses to run as root. */
function somebody() {
  if (process.getuid() !== 0) return {};
  const number = (kind, name) => Number(execFileSync("id", [kind, name], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
  for (const name of ["postgres", "nobody"]) {
    try {
      return { uid: number("-u", name), gid: number("-g", name) };
    } catch {
      // there is nobody of this name
    }
  }
  throw new Error("PostgreSQL does not run as root, and there is neither a user postgres nor nobody");
}

/** A PostgreSQL server on a free port. */
export class Postgres {
  #bin = binaries();
  #as = somebody();
  #databases = 0;

  static async start() {
    const server = new Postgres();
    const dir = folder();
    if (server.#as.uid !== undefined) chownSync(dir, server.#as.uid, server.#as.gid);
    const data = join(dir, "data");
    const as = { cwd: dir, env: { LC_ALL: "C" }, ...server.#as };
    await run(
      join(server.#bin, "initdb"),
      ["--pgdata", data, "--username", "sockeye", "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync"],
      { ...as, env: { ...process.env, ...as.env } },
    );
    server.port = await freePort();
    server.program = await Program.start(
      join(server.#bin, "postgres"),
      ["-D", data, "-p", server.port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off",
        "-c", "max_connections=300", "-c", "shared_buffers=32MB"].map(String),
      { ...as, ready: (output) => output.includes("ready to accept connections"), within: 60_000 },
    );
    return server;
  }

  /** Makes an empty database and gives its URL. */
  async database() {
    const name = `test${++this.#databases}`;
    await run(join(this.#bin, "createdb"), ["-h", "127.0.0.1", "-p", String(this.port), "-U", "sockeye", name]);
    return `postgres://sockeye@127.0.0.1:${this.port}/${name}?sslmode=disable`;
  }

  /** Ends it, with the connections that are open. */
  stop() {
    return this.program.stop("SIGINT");
  }
}
