// The long form, for make chaos: both kinds of runs with 300 clients, one after the other.
// SEED chooses another seed than today's date.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const seed = process.env.SEED ?? new Date().toISOString().slice(0, 10).replaceAll("-", "");
const size = ["--seed", seed, "--clients", "300", "--publishers", "6", "--rate", "20", "--pace", "1500", "--settle", "60"];

let failed = 0;
for (const [faults, seconds] of [
  ["nodes,proxies", "200"],
  ["nodes,proxies,redis", "360"],
]) {
  const { status } = spawnSync(process.execPath, [join(here, "chaos.mjs"), ...size, "--faults", faults, "--seconds", seconds], {
    stdio: "inherit",
    timeout: 20 * 60_000,
  });
  if (status !== 0) failed++;
}
console.log(`${2 - failed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
