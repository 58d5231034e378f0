// Runs the clients, the check of the README's table and the guarantees, all of
// them even after a failure, and sums up.
//
//   node all.mjs [--full] [--report FOLDER]
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { here } from "./servers.mjs";

const { values: flags } = parseArgs({
  options: { full: { type: "boolean", default: false }, report: { type: "string", default: join(here, "report") } },
});
const report = resolve(flags.report);
mkdirSync(report, { recursive: true });

const steps = [
  ["clients.mjs", "--report", report],
  ["table.mjs", "--check", "--report", report],
  ["guarantees.mjs", "--report", join(report, "guarantees.json"), ...(flags.full ? ["--full"] : [])],
];
let passed = 0;
let failed = 0;
for (const [script, ...args] of steps) {
  const { status, stdout } = spawnSync(process.execPath, [join(here, script), ...args], {
    encoding: "utf8",
    maxBuffer: 64 << 20,
    stdio: ["ignore", "pipe", "inherit"],
    timeout: 20 * 60_000,
  });
  process.stdout.write(stdout);
  const counts = /(\d+) passed, (\d+) failed\n$/.exec(stdout);
  if (counts) {
    passed += Number(counts[1]);
    failed += Number(counts[2]);
  }
  // A step without counts, or that broke, is a case of its own.
  if (!counts || (status !== 0 && counts[2] === "0")) status === 0 ? passed++ : failed++;
}
console.log(`test/clients in all: ${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
