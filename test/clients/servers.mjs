// Starts the servers of a run on free ports and ends them by their pid.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const here = dirname(fileURLToPath(import.meta.url));
export const root = join(here, "..", "..");

const children = new Set();
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

// start runs a server and waits for its line "listening addr=HOST:PORT".
export async function start(command, args, { deadline = 15_000 } = {}) {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, SOCKEYE_DRAIN: "0s" } });
  children.add(child);
  let output = "";
  const address = await new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no address from ${command} within ${deadline} ms:\n${output}`)), deadline);
    const read = (chunk) => {
      if (output.length < 200_000) output += chunk;
      const found = /listening\b.*?\baddr"?[=:]"?(\[?[\w.:]+\]?:\d+)/.exec(output);
      if (!found) return;
      clearTimeout(late);
      resolve(found[1]);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.on("error", reject);
    child.on("exit", (code) => {
      children.delete(child);
      reject(new Error(`${command} ended with ${code}:\n${output}`));
    });
  });
  return {
    url: `http://${address}`,
    pid: child.pid,
    output: () => output,
    // stop asks with SIGTERM, insists with SIGKILL after 5 s, and gives the exit code.
    stop: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) return resolve(child.exitCode);
        const insist = setTimeout(() => child.kill("SIGKILL"), 5_000);
        child.on("exit", (code) => {
          clearTimeout(insist);
          resolve(code);
        });
        child.kill("SIGTERM");
      }),
  };
}

// sockeye gives the path of the program; SOCKEYE_BIN names another one.
export function sockeye() {
  return process.env.SOCKEYE_BIN ?? built("sockeye", "./cmd/sockeye", !existsSync(join(root, "bin", "sockeye")));
}

// fixture builds test/fixture and gives its path.
let fixturePath;
export function fixture() {
  return (fixturePath ??= process.env.FIXTURE_BIN ?? built("fixture", "./test/fixture", true));
}

function built(name, folder, build) {
  const path = join(root, "bin", name);
  if (build) execFileSync("go", ["build", "-o", path, folder], { cwd: root, stdio: "inherit" });
  return path;
}

// programCommand gives command and arguments that run the program on a free
// port with a configuration of its own. The tests cut many connections of one
// address, which shall not be taken for a proxy's doing.
export function programCommand(yaml, args = []) {
  const folder = mkdtempSync(join(tmpdir(), "sockeye-test-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "sockeye.yaml");
  writeFileSync(file, yaml);
  return [sockeye(), ["--config", file, "--listen", "127.0.0.1:0", "--allow-upgrades=on", ...args]];
}

const timings = {
  fixture: [],
  // A polling client that is cut off between two polls is missed only by its pings.
  recovery: ["--recovery", "2m", "--ping-interval", "1s", "--ping-timeout", "4s"],
  heartbeat: ["--ping-interval", "400ms", "--ping-timeout", "3s"],
};

// startAll gives the servers of the suite: for each kind its URL for JSON and
// for MessagePack clients, and the commands that start the program once more.
// Sockeye tells the two parsers apart by itself.
export async function startAll(reference, yaml) {
  const node = (...args) => [process.execPath, [join(here, "reference.mjs"), ...args]];
  const commands = {};
  for (const [kind, args] of Object.entries(timings)) {
    commands[kind] = reference ? [node(...args), node(...args, "--parser", "msgpack")] : [[fixture(), args]];
  }
  commands.program = reference ? [node("--relay"), node("--relay", "--parser", "msgpack")] : [programCommand(yaml)];
  const servers = [];
  const urls = { json: {}, msgpack: {} };
  await Promise.all(
    Object.entries(commands).map(async ([kind, of]) => {
      const started = await Promise.all(of.map((command) => start(...command)));
      servers.push(...started);
      urls.json[kind] = started[0].url;
      urls.msgpack[kind] = started.at(-1).url;
    }),
  );
  return {
    urls,
    program: { json: commands.program[0], msgpack: commands.program.at(-1) },
    stop: () => Promise.all(servers.map((s) => s.stop())),
  };
}
