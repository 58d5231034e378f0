// Three nodes and a Redis behind each balancer, plain and with TLS; then nodes that end.
//
//   node all.mjs [--clients 60] [--only nginx,haproxy,caddy]
import { parseArgs } from "node:util";
import { sockeye } from "../house/programs.mjs";
import { Redis } from "../house/redis.mjs";
import { balance, certificate, names } from "./balancers.mjs";
import { crowd } from "./crowd.mjs";
import { pollOverHTTP2 } from "./http2.mjs";
import { ending, frozen, metric } from "./owners.mjs";
import { secure } from "./secure.mjs";

const { values: flags } = parseArgs({
  options: { clients: { type: "string", default: "60" }, only: { type: "string", default: names.join(",") } },
});
const clients = Number(flags.clients);
const messages = 12; // of each client

let passed = 0;
let failed = 0;
function tell(what, faults, more = "") {
  faults.length === 0 ? passed++ : failed++;
  console.log(`${faults.length === 0 ? "ok  " : "FAIL"} ${what}${more && `: ${more}`}`);
  for (const fault of faults.slice(0, 10)) console.log(`     ${fault}`);
  if (faults.length > 10) console.log(`     and ${faults.length - 10} more`);
}

/** Starts three nodes. */
async function startNodes(redis, prefix = "crowd") {
  const nodes = await Promise.all([0, 1, 2].map(() => sockeye(["--redis-url", redis.url, "--redis-prefix", prefix])));
  for (const node of nodes) node.id = /msg="other nodes reach this one" node=(\S+)/.exec(node.output)[1];
  return nodes;
}

/** The sum of a metric over all nodes. */
const total = async (nodes, ...of) => (await Promise.all(nodes.map((n) => metric(n, ...of)))).reduce((a, b) => a + b, 0);

/** What the nodes have counted that must not be, and that nothing was carried although it must be. */
async function counted(nodes, before) {
  const faults = [];
  const carried = await total(nodes, "carried_requests_total", 'role="sent"');
  if (carried <= before) faults.push("nothing was carried");
  for (const [name, labels] of [["carry_failures_total"], ["requests_refused_total"]]) {
    const n = await total(nodes, name, labels);
    if (n > 0) faults.push(`${name} is ${n}`);
  }
  return { carried, faults };
}

/** Nodes of their own, of which two end behind a balancer. */
async function endings(name, redis, tls) {
  const doomed = await startNodes(redis, `ending-${name}`);
  const balancer = await balance(name, doomed, tls);
  try {
    const faults = await ending({ url: balancer.http, nodes: doomed });
    tell(`${name}: a node that stops in order, and one that is killed`, faults, "nobody else notices, all come back");
  } finally {
    await balancer.program.kill();
    await Promise.all(doomed.map((node) => node.stop()));
  }
}

/** A crowd behind one balancer, plain and with TLS, and a client by HTTP/2. */
async function behind(name, nodes, tls) {
  const balancer = await balance(name, nodes, tls);
  try {
    for (const scheme of ["http", "https"]) {
      const before = await total(nodes, "carried_requests_total", 'role="sent"');
      const result = await crowd({ url: balancer[scheme], ca: tls.text, clients, messages, name: `${name} ${scheme}` });
      const { carried, faults } = await counted(nodes, before);
      if (result.faults.length === 0 && result.heard !== result.expected) result.faults.push(`${result.heard} of ${result.expected} messages were heard`);
      tell(
        `${name}, ${scheme}: ${result.clients} clients on every transport`,
        [...result.faults, ...faults],
        `${result.heard} messages and echoes in order, ${carried - before} requests carried, ` +
          `all connected after ${result.connected} ms, done after ${result.took} ms`,
      );
    }
    tell(`${name}, HTTP/2: polling`, await pollOverHTTP2({ url: balancer.https, ca: tls.text, messages: 50 }), "50 echoes in order");
  } finally {
    await balancer.program.kill();
  }
}

const began = Date.now();
const tls = certificate();
const redis = await Redis.start();
const nodes = await startNodes(redis);
try {
  for (const name of flags.only.split(",")) await behind(name, nodes, tls);
  const { faults, more } = await secure({ redis, clients, messages });
  tell("nodes that end TLS themselves", faults, more);
  tell("an owner that is stopped where it stands", await frozen(nodes), "an error within two seconds");
  for (const name of flags.only.split(",")) await endings(name, redis, tls);
} catch (error) {
  tell("the suite", [String(error.stack)]);
}
for (const node of nodes) {
  for (const line of node.output.split("\n")) {
    if (/level=ERROR|panic/.test(line)) tell("a node's log", [line]);
    else if (failed > 0 && /level=WARN/.test(line)) console.log(`     ${line}`);
  }
}
await Promise.all(nodes.map((node) => node.stop()));
await redis.stop();
console.log(`after ${Math.round((Date.now() - began) / 1000)} s`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
