// Runs test/python/suite.py, where a Python with python-socketio is installed.
import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { root } from "./servers.mjs";

const needs = "import socketio, requests, websocket, aiohttp";

// runPython gives {version, results} or {skipped: why}. It takes two minutes at most.
export async function runPython(urls, only) {
  const python = [process.env.PYTHON, "python3", "/usr/bin/python3"]
    .filter(Boolean)
    .find((path) => spawnSync(path, ["-c", needs]).status === 0);
  if (!python) return { skipped: "no Python with socketio, requests, websocket and aiohttp was found" };
  const child = spawn(python, [join(root, "test", "python", "suite.py"), JSON.stringify(urls), only ?? ""], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const end = () => child.kill("SIGKILL");
  process.on("exit", end);
  const late = setTimeout(end, 120_000);
  let version = "";
  let noise = "";
  const results = [];
  child.stderr.on("data", (chunk) => (noise = (noise + chunk).slice(-4000)));
  createInterface({ input: child.stdout }).on("line", (line) => {
    const message = JSON.parse(line);
    if (message.version) version = message.version;
    else results.push({ client: "python", ...message });
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  clearTimeout(late);
  if (code !== 0) {
    results.push({
      client: "python", mode: "all", feature: "connect", name: "the suite ends by itself",
      outcome: "failed", ms: 0, error: `ended with ${code}: ${noise}`,
    });
  }
  return { version, results };
}
