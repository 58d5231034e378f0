// Fifty hostile clients at a time, in each way, beside good ones. npm test asks that the good
// lose nothing; npm run prove, that they hardly notice, and writes docs/evidence/floods.md.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { Program, folder, root, sockeye } from "../house/programs.mjs";
import { Crowd } from "./crowd.mjs";
import { report } from "./report.mjs";
import { told } from "./told.mjs";

const long = process.argv.includes("--long");
const only = process.argv[process.argv.indexOf("--only") + 1 || Infinity];

// The hostile ones come from 127.0.0.2 to 127.0.0.6, ten from each.
const hostileClients = 50;

// What each does in a second, at most: it shares the machine with the server and the good.
// The first number is for npm test, the second for npm run prove.
const rates = {
  events: [400, 400], // twice what a connection may send
  bytes: [100, 250], // frames of some 8 KiB: 0.8 and 2 MiB/s
  handshakes: [10, 20], // 100 and 200 of an address
  namespaces: [400, 400],
  rooms: [150, 150],
  "half-open": [20, 40], // connections
};

const settings = long
  ? { good: 500, every: 1_000, each: 15_000, args: [] } // the limits as they are by default
  : {
      good: 40,
      every: 100,
      each: 4_000,
      // Lower ones, so that they are reached in four seconds.
      args: ["--event-rate", "100/s burst 200", "--byte-rate", "256KiB/s burst 1MB", "--ip-handshakes", "20/s burst 60", "--ip-connections", "200"],
    };

/** The counters of the server that show which limits were met: name and labels to number. */
async function counters(url) {
  const text = await (await fetch(`${url}/metrics`)).text();
  const found = new Map();
  for (const [, name, labels, value] of text.matchAll(/^sockeye_(limits_hit|connects_refused)_total\{(.*)\} (\S+)$/gm)) {
    const words = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, word]) => [key, word]);
    const { limit, effect, why } = Object.fromEntries(words);
    found.set(name === "limits_hit" ? `${limit} ${effect}` : `connect refused: ${why}`, Number(value));
  }
  return found;
}

async function flood(binary, server, crowd, way) {
  const before = await counters(server.url);
  const args = ["-addr", `127.0.0.1:${server.port}`, "-way", way, "-clients", hostileClients, "-rate", rates[way][long ? 1 : 0], "-for", `${settings.each + 500}ms`];
  // It gives way to the others: in truth it would have machines of its own.
  const hostile = await Program.start("nice", ["-n", "10", binary, ...args.map(String)], { ready: () => true });
  const good = await crowd.act(settings.each);
  await hostile.exited;
  const met = [];
  for (const [name, value] of await counters(server.url)) {
    const more = value - (before.get(name) ?? 0);
    if (more > 0) met.push([name, more]);
  }
  return { way, good, met, hostile: JSON.parse(hostile.output), rate: rates[way][long ? 1 : 0] };
}

/** What is wrong with how the good fared. */
function complaints({ way, good, met, hostile }) {
  const bad = [];
  if (good.cuts.length > 0) bad.push(`${good.cuts.length} good clients were cut off: ${good.cuts[0]}`);
  if (good.wrong.length > 0) bad.push(`${good.wrong.length} messages were lost or out of order: ${good.wrong[0]}`);
  if (good.missing > 0) bad.push(`${good.missing} good clients still miss something`);
  if (good.max >= 2_000) bad.push(`an ack took ${Math.round(good.max)} ms`);
  if (way && hostile.sent === 0) bad.push("the hostile clients did nothing");
  if (way && met.length === 0 && hostile.limited === 0) bad.push("no limit was met");
  return bad.map((text) => `${way ?? "quiet"}: ${text}`);
}

const line = ({ way = "quiet", good, met = [], hostile }) =>
  [
    way.padEnd(11),
    `${good.acks} acks`.padEnd(12),
    `p50 ${good.p50.toFixed(1)} p99 ${good.p99.toFixed(1)} max ${good.max.toFixed(0)} ms`.padEnd(36),
    hostile ? `hostile: ${JSON.stringify(hostile)} ` : "",
    met.map(([name, n]) => `${name} ${n}`).join(", "),
  ].join(" ");

const began = performance.now();
const binary = join(folder(), "hostile");
const built = spawnSync(process.env.GO ?? "go", ["build", "-o", binary, "./test/floods/hostile"], { cwd: root, encoding: "utf8" });
if (built.status !== 0) throw new Error(`go build ./test/floods/hostile: ${built.error ?? built.stderr}`);

const config = join(folder(), "sockeye.yaml");
writeFileSync(config, 'relay:\n  namespaces:\n    /n-*:\n      "*": {to: others}\n');
const server = await sockeye(["--config", config, "--limits-except", "127.0.0.1", ...settings.args]);
const crowd = await Crowd.gather(server.url, settings.good, settings.every);

const rows = [];
const failures = [];
await crowd.act(1_000); // until everything is warm
for (const way of Object.keys(rates)) {
  if (only && way !== only) continue;
  for (const step of long ? ["quiet", way] : [way]) {
    const row = step === "quiet" ? { good: await crowd.act(settings.each) } : await flood(binary, server, crowd, way);
    rows.push(row);
    console.log(line(row));
    failures.push(...complaints(row));
  }
}
crowd.end();
if ((await server.stop()) !== 0) failures.push("the server did not stop in order");

if (!only) {
  for (const text of await told()) {
    console.log(text);
    if (text.startsWith("FAIL")) failures.push(text);
  }
}

if (long) {
  const { text, slow } = report(rows, { ...settings, hostile: hostileClients });
  failures.push(...slow);
  if (!only) writeFileSync(join(root, "docs", "evidence", "floods.md"), text);
}
for (const text of failures) console.log(`FAILED ${text}`);
console.log(`${rows.length} runs, ${failures.length} failures, ${((performance.now() - began) / 1000).toFixed(0)} s`);
if (failures.length > 0) console.log(server.output.slice(-3_000));
process.exit(failures.length > 0 ? 1 : 0);
