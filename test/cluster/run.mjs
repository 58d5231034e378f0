// Sockeye and Node.js in one cluster: runs every combination of adapter and Redis, each in
// a process of its own, and sums up.
//
//   node run.mjs [--reference]         four Node.js nodes, to prove the suite itself
//                [--combination NAME]  one of them (may be repeated)
//                [--only REGEXP]       cases whose name matches
//                [--jobs 3]            combinations at once
//                [--verbose]           also what passed, and what the nodes printed
import { fork } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Redis, RedisCluster } from "../house/redis.mjs";
import { buildNode } from "./cluster.mjs";

const { values: flags } = parseArgs({
  options: {
    reference: { type: "boolean", default: false },
    combination: { type: "string", multiple: true },
    only: { type: "string" },
    jobs: { type: "string", default: "3" },
    verbose: { type: "boolean", default: false },
  },
});

// Which cases a combination runs: "all" is all that need no cluster of their own, "requests"
// what is about answers, "short" a selection, "faults" what ends nodes and cuts connections,
// "history" what needs recovery.
const combinations = [
  { name: "redis", adapter: "redis", sets: ["all", "requests", "short"] },
  { name: "redis-streams", adapter: "redis-streams", sets: ["all", "requests", "short"] },
  { name: "redis, faults", adapter: "redis", sets: ["faults"] },
  { name: "redis-streams, faults", adapter: "redis-streams", sets: ["faults"] },
  { name: "redis, specific response channels", adapter: "redis", sets: ["requests"], specificResponses: true },
  { name: "redis-streams, recovery", adapter: "redis-streams", sets: ["short", "history"], recovery: true },
  { name: "redis on a Redis Cluster", adapter: "redis", sets: ["short"], sharded: true },
  { name: "redis-streams on a Redis Cluster", adapter: "redis-streams", sets: ["short"], sharded: true },
].filter((c) => !flags.combination || flags.combination.includes(c.name)).filter((c) => !flags.reference || !c.sets.includes("faults"));

const began = performance.now();
if (!flags.reference) buildNode();
const [single, sharded] = await Promise.all([
  Redis.start(),
  combinations.some((c) => c.sharded) ? RedisCluster.start() : undefined,
]);

let passed = 0;
let failed = 0;
const waiting = combinations.map((c, i) => ({ ...c, prefix: `mixed${i}`, redis: (c.sharded ? sharded : single).url, redisPort: single.port }));
await Promise.all(
  Array.from({ length: Number(flags.jobs) }, async () => {
    for (let c = waiting.shift(); c; c = waiting.shift()) await runCombination(c);
  }),
);
await Promise.all([single.stop(), sharded?.stop()]);
console.log(`${flags.reference ? "four Node.js nodes" : "two Sockeye and two Node.js nodes"}, ${((performance.now() - began) / 1000).toFixed(1)} s`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);

function runCombination(combination) {
  const since = performance.now();
  const open = new Set();
  const counts = [0, 0];
  const record = (name, error, ms) => {
    counts[error ? 1 : 0]++;
    if (error) console.log(`FAIL [${combination.name}] ${name}${ms === undefined ? "" : ` (${ms} ms)`}\n     ${error.replaceAll("\n", "\n     ")}`);
    else if (flags.verbose) console.log(`ok   [${combination.name}] ${name} (${ms} ms)`);
  };
  const worker = join(dirname(fileURLToPath(import.meta.url)), "worker.mjs");
  const child = fork(worker, [JSON.stringify({ combination, only: flags.only, reference: flags.reference })]);
  return new Promise((resolve) => {
    child.on("message", (message) => {
      if (message.planned) return message.planned.forEach((name) => open.add(name));
      if (message.codes) {
        if (flags.verbose) console.log(message.output);
        if (message.codes.some((code) => code !== 0)) record("the nodes end with exit code 0 after SIGTERM", `${message.codes}\n${message.output}`);
        return;
      }
      open.delete(message.name);
      record(message.name, message.error, message.ms);
    });
    child.on("exit", (code) => {
      if (counts[0] + counts[1] === 0) record("all", `the worker ended with ${code} before its ${open.size} cases`);
      else for (const name of open) record(name, `the worker ended with ${code} before this case did`);
      if (code !== 0 && open.size === 0) record("the worker", `it ended with ${code}`);
      passed += counts[0];
      failed += counts[1];
      console.log(`${combination.name}: ${counts[0]} passed, ${counts[1]} failed, ${((performance.now() - since) / 1000).toFixed(1)} s`);
      resolve();
    });
  });
}
