// The short form, for make test: the test's own test, then both kinds of runs with fixed
// seeds. SEED chooses others.
import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const seed = process.env.SEED ?? "1";
const size = ["--seed", seed, "--seconds", "20"];

/** Runs a script, and gives what it printed and whether it went well. */
function script(name, ...args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(here, name), ...args], { stdio: ["ignore", "pipe", "inherit"], timeout: 150_000 });
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.on("exit", (code) => resolve({ output, well: code === 0 }));
  });
}

let passed = 0;
let failed = 0;
function show({ output, well }, counted) {
  console.log(output.trimEnd());
  const counts = counted && /(\d+) passed, (\d+) failed\s*$/.exec(output);
  passed += counts ? Number(counts[1]) : Number(well);
  failed += counts ? Number(counts[2]) : Number(!well);
  if (counts && !well && counts[2] === "0") failed++;
}

show(await script("self.mjs"), true);
const runs = await Promise.all([
  script("chaos.mjs", ...size, "--faults", "nodes,proxies"),
  script("chaos.mjs", ...size, "--faults", "nodes,proxies,redis"),
]);
for (const run of runs) show(run);
console.log(`test/chaos in all: ${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
