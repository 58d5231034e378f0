// Two nodes and a Redis behind HAProxy, with recovery. Both are restarted, one after the
// other, while official clients hear numbers: nobody may miss one, and they must come back
// evenly.
//
//   node all.mjs [--clients 60] [--drain 4] [--workers 2] [--strict] [--report FILE]
//
// --drain is in seconds. --strict judges the rate, too, for which the machine must be quiet.
import { fork } from "node:child_process";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { balance, certificate } from "../balancers/balancers.mjs";
import { freePort, sockeye, until } from "../house/programs.mjs";
import { Redis } from "../house/redis.mjs";
import { refused } from "./refused.mjs";
import { report, summary } from "./report.mjs";

const { values: flags } = parseArgs({
  options: {
    clients: { type: "string", default: "60" },
    drain: { type: "string", default: "4" },
    workers: { type: "string", default: "2" },
    strict: { type: "boolean", default: false },
    report: { type: "string" },
  },
});
const clients = Number(flags.clients);
const drain = Number(flags.drain);
const every = 1000; // ms between two numbers in a room
const size = Math.min(25, Math.floor(clients / Number(flags.workers) / 2)); // of a room
const patience = 60_000;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A process of clients. */
class Worker {
  #next = 0;
  #waiting = new Map();

  constructor() {
    this.process = fork(join(dirname(fileURLToPath(import.meta.url)), "worker.mjs"));
    this.process.on("message", ({ id, answer }) => this.#waiting.get(id)(answer));
    this.process.on("exit", (code) => {
      if (code) throw new Error(`a worker ended with ${code}`);
    });
  }

  tell(order, more = {}) {
    const id = this.#next++;
    this.process.send({ id, order, ...more });
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }
}

const workers = Array.from({ length: Number(flags.workers) }, () => new Worker());
process.on("exit", () => workers.forEach((worker) => worker.process.kill("SIGKILL")));
const tell = (order, more) => Promise.all(workers.map((worker) => worker.tell(order, more)));
const states = (what, check, within = patience) => until(what, async () => check(await tell("state")), within);
const connected = (all) => all.reduce((sum, state) => sum + state.connected, 0);

/** Stops a node in order, starts it again and gives what happened meanwhile. */
async function restart(node, args) {
  const from = Date.now();
  const code = await node.stop("SIGTERM", (drain + 30) * 1000);
  const stopped = Date.now();
  const left = Number(/msg=drained left=(\d+)/.exec(node.output)?.[1] ?? -1);
  const released = Number(/msg="draining: [^"]*" clients=(\d+)/.exec(node.output)?.[1] ?? 0);
  const faults = [];
  if (code !== 0) faults.push(`a node ended with ${code}`);
  if (!node.output.includes("clean=true")) faults.push("a node did not stop cleanly");
  await states("all clients are back", (all) => connected(all) === total);
  const back = Date.now();
  const again = await sockeye(args, { port: node.port });
  return { node: again, from, stopped, back, left, released, faults };
}

const turnedAway = await refused().catch((error) => [error.message]);
console.log(`${turnedAway.length > 0 ? "FAIL" : "ok  "} clients that come to a node while it drains try again by themselves`);
for (const fault of turnedAway) console.log(`     ${fault}`);

const began = Date.now();
const redis = await Redis.start();
const args = ["--redis-url", redis.url, "--recovery", "2m", "--drain", `${drain}s`];
let nodes = await Promise.all([0, 1].map(async () => sockeye(args, { port: await freePort() })));
const balancer = await balance("haproxy", nodes, certificate());
const names = Array.from({ length: Math.round(clients / size) }, (_, i) => `room ${i}`);
const total = names.length * size;
const faults = [];
const restarts = [];
let result;
try {
  await Promise.all(workers.map((worker, w) => worker.tell("connect", { url: balancer.http, size, names: names.filter((_, i) => i % workers.length === w) })));
  await states("all clients are connected and in their rooms", (all) => connected(all) === total && all.every((s) => s.joined && s.settled));
  await tell("start", { every });
  await states("all hear numbers", (all) => all.every((s) => s.hearing));
  for (const i of [0, 1]) {
    const one = await restart(nodes[i], args);
    nodes[i] = one.node;
    restarts.push(one);
    faults.push(...one.faults);
    await pause(4_000); // until HAProxy sends clients there, too
  }
  await tell("stop");
  await states("all have got everything", (all) => all.every((s) => s.complete)).catch((error) => faults.push(error.message));
  await pause(500); // what comes twice may come late
  const results = await tell("result");
  const add = (key) => results.reduce((sum, r) => sum + r[key], 0);
  result = {
    clients: total, drain, rooms: names.length, every, seconds: (Date.now() - began) / 1000,
    said: add("said"), heard: add("heard"), lost: add("lost"), doubled: add("doubled"), refused: add("refused"),
    restarts: restarts.map((one) => summary(one, results.flatMap((r) => r.losses), drain)),
  };
  faults.push(...results.flatMap((r) => r.faults));
  for (const { released, came, ratio } of result.restarts) {
    if (came < released * 0.9) faults.push(`${released} clients were sent away, but ${came} came back`);
    if (flags.strict && ratio > 2) faults.push(`clients came back ${ratio.toFixed(2)} times as fast as evenly`);
  }
} catch (error) {
  faults.push(String(error.stack));
  for (const node of nodes) console.log(node.output.split("\n").slice(-15).join("\n"));
}
const text = result ? report(result, faults) : "";
console.log(text);
for (const fault of faults.slice(0, 20)) console.log(`FAIL ${fault}`);
if (flags.report && result) writeFileSync(flags.report, text);
workers.forEach((worker) => worker.process.disconnect());
await balancer.program.kill();
await Promise.all(nodes.map((node) => node.kill()));
await redis.stop();
const failed = [faults, turnedAway].filter((list) => list.length > 0).length;
console.log(`${2 - failed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
