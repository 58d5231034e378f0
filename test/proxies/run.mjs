// Runs every case beside the others, each with a server, a proxy and a client of its own. Only a
// few begin at once: what is cut after a second shall not be so because the machine is busy.
//
//   node run.mjs [--long] [--only TEXT]
//
// In each the client connects, exchanges 1,000 numbered messages each way at once, may be cut off a
// few times until it has settled, exchanges 1,000 more, stays connected, and exchanges 1,000 again.
import assert from "node:assert/strict";
import { parseArgs } from "node:util";
import { root, sockeye } from "../house/programs.mjs";
import { addresses } from "./addresses.mjs";
import { cases } from "./cases.mjs";
import { refusals } from "./refusals.mjs";
import { Visitor } from "./visitor.mjs";

const { values: flags } = parseArgs({ options: { long: { type: "boolean", default: false }, only: { type: "string", default: "" } } });
const messages = 1000;
const settling = flags.long ? 60_000 : 30_000; // from the beginning
const stay = flags.long ? 180_000 : 12_000;
const patience = 30_000; // for an exchange: many cases run at once

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));

/** The server's counters by name, of those that have no labels. */
async function counts(server) {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  return Object.fromEntries([...text.matchAll(/^(\w+) (\S+)$/gm)].map(([, name, value]) => [name, Number(value)]));
}

/** Lets so many at once through, the others after them. */
class Gate {
  #waiting = [];
  constructor(places) {
    this.places = places;
  }
  async enter() {
    if (this.places > 0) this.places--;
    else await new Promise((resolve) => this.#waiting.push(resolve));
  }
  leave() {
    const next = this.#waiting.shift();
    if (next) next();
    else this.places++;
  }
}

const beginning = new Gate(6);

async function live(it) {
  await beginning.enter();
  let begun = false;
  const letNextBegin = () => {
    if (!begun) beginning.leave();
    begun = true;
  };
  try {
    return await observe(it, letNextBegin);
  } finally {
    letNextBegin();
  }
}

async function observe(it, hasBegun) {
  const server = await sockeye(["--log-level", "debug", ...(it.server ?? [])]);
  const hop = await it.hop?.(server.port);
  const proxy = it.webSocketsByHop ? await it.start(server.port, hop.port) : await it.start(hop?.port ?? server.port);
  const visitor = new Visitor(proxy.url, it.client);
  const report = {};
  try {
    await visitor.exchange(messages, { atOnce: 40, within: settling });
    hasBegun();
    await sleep(visitor.begun + settling - Date.now());
    report.before = visitor.cuts.length;
    report.transport = visitor.transport;
    await visitor.exchange(messages, { within: patience });
    await sleep(stay);
    await visitor.exchange(messages, { within: patience });

    assert.equal(report.before, visitor.cuts.length, `cut off after it had settled: ${cutsOf(visitor)}`);
    assert.ok(report.before <= (it.cuts ?? 0), `cut off more than ${it.cuts ?? 0} times before it settled: ${cutsOf(visitor)}`);
    assert.equal(visitor.transport, it.transport, "transport at the end");
    assert.equal(report.transport, it.transport, "transport once it had settled");
    assert.deepEqual(visitor.disorder, [], "messages out of order");
    if (it.loses) assert.ok(hop.lost > 3, `only ${hop.lost} answers were lost`);
    await it.after?.(await counts(server), proxy.url, server.output);
  } catch (error) {
    report.error = [error.message, "--- client", ...visitor.story, "--- server", lastOf(server), `--- ${it.proxy}`, lastOf(proxy)].join("\n");
  } finally {
    const { exchanged, resent } = visitor.messages;
    report.line =
      `connected after ${visitor.connectedAfter ?? "?"} ms, at the end on ${visitor.transport}, ` +
      `${exchanged} messages each way in order${resent ? ` (${resent} sent again after a cut)` : ""}, ` +
      `cut off ${report.before ?? visitor.cuts.length} times before and ${visitor.cuts.length - (report.before ?? visitor.cuts.length)} times after settling`;
    visitor.end();
    await Promise.all([proxy.stop(), server.stop()]);
  }
  return report;
}

/** The end of what a program printed. */
const lastOf = (program) => program.output.split("\n").slice(-100).join("\n");

const cutsOf = (visitor) => visitor.cuts.map((c) => `${c.reason} after ${c.at} ms (${c.error?.message ?? ""} ${c.error?.description ?? ""})`).join("; ");

const wanted = (title) => title.toLowerCase().includes(flags.only.toLowerCase());
let passed = 0;
let failed = 0;
function tell(title, { line, error }) {
  error ? failed++ : passed++;
  console.log(`${error ? "FAIL" : "ok  "} ${title}: ${line}`.replaceAll(root, "."));
  if (error) console.log(error.replaceAll(/^/gm, "     "));
}

const all = [
  ...cases(flags.long).map((it) => [`${it.proxy}: ${it.does}`, () => live(it)]),
  ...[...refusals(), ...addresses()].map((it) => [`${it.proxy}: ${it.does}`, () => it.run()]),
].filter(([title]) => wanted(title));

console.log(
  `each client settles within ${settling / 1000} s and stays for ${stay / 1000} s, with ${messages} messages each way at once, settled, and at the end`,
);
const under = all.map(([title, run]) => [title, run().catch((error) => ({ line: "did not begin", error: error.stack }))]);
for (const [title, report] of under) tell(title, await report);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);
