// Drives Sockeye with the official clients and writes the table of results.
//
//   node clients.mjs [--reference]        against Node's own server instead
//                    [--client 4.8.4]     one client ("4.8.4+msgpack" too; may be repeated)
//                    [--only REGEXP]      cases whose "feature: name" matches
//                    [--at websocket]     one transport: websocket, polling, upgrade
//                    [--report FOLDER]    writes clients.json and clients.md there
//                    [--jobs 2]           client processes at once
//                    [--no-python]        without python-socketio
import { fork } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cases } from "./cases/index.mjs";
import { runPython } from "./python.mjs";
import { here, startAll } from "./servers.mjs";
import { relayYAML } from "./relayconfig.mjs";
import { summarize, markdown } from "./table.mjs";

export const labels = ["2.5.0", "3.1.3", "4.0.2", "4.4.1", "4.6.2", "4.7.5", "4.8.4", "4.0.2+msgpack", "4.8.4+msgpack"];

const { values: flags } = parseArgs({
  options: {
    reference: { type: "boolean", default: false },
    client: { type: "string", multiple: true },
    only: { type: "string" },
    at: { type: "string" },
    report: { type: "string" },
    jobs: { type: "string", default: "2" },
    deadline: { type: "string", default: "15000" },
    "no-python": { type: "boolean", default: false },
  },
});

const began = performance.now();
const servers = await startAll(flags.reference, relayYAML);
const results = [];
const waiting = [...(flags.client ?? labels)].filter((label) => label !== "python");
const wanted = flags.client ? flags.client.includes("python") : !flags.at;
const python = wanted && !flags["no-python"] ? runPython(servers.urls.json, flags.only) : { results: [] };
await Promise.all(
  Array.from({ length: Number(flags.jobs) }, async () => {
    for (let label = waiting.shift(); label; label = waiting.shift()) await runClient(label);
  }),
);
const { version: pythonVersion, results: fromPython = [], skipped } = await python;
results.push(...fromPython);
if (skipped) console.log(`LEFT OUT: python-socketio: ${skipped}`);
const codes = await servers.stop();

let failed = 0;
for (const r of results.filter((r) => r.outcome === "failed")) {
  failed++;
  console.log(`FAIL ${r.client} [${r.mode}] ${r.feature}: ${r.name} (${r.ms} ms)\n     ${r.error.replaceAll("\n", "\n     ")}`);
}
if (!flags.reference && codes.some((code) => code !== 0)) {
  failed++;
  console.log(`FAIL a server did not end with exit code 0 after SIGTERM: ${JSON.stringify(codes)}`);
}
if (flags.report) {
  mkdirSync(flags.report, { recursive: true });
  const summary = summarize(results, pythonVersion, skipped);
  writeFileSync(join(flags.report, "clients.json"), JSON.stringify(summary, null, 2) + "\n");
  writeFileSync(join(flags.report, "clients.md"), markdown(summary));
}
const seconds = ((performance.now() - began) / 1000).toFixed(1);
console.log(`${flags.reference ? "Node's server" : "Sockeye"}, ${seconds} s`);
console.log(`${results.filter((r) => r.outcome === "passed").length} passed, ${failed} failed`);
process.exit(failed > 0 || results.length === 0 ? 1 : 0);

// runClient runs one client in a process of its own and collects its results.
function runClient(label) {
  const job = {
    label,
    urls: servers.urls,
    program: servers.program,
    reference: flags.reference,
    only: flags.only,
    at: flags.at,
    deadline: Number(flags.deadline),
    concurrency: 8,
  };
  const child = fork(join(here, "worker.mjs"), [JSON.stringify(job)]);
  const open = new Map();
  const record = ({ case: index, mode, ...rest }) => {
    const { feature, name } = cases[index];
    results.push({ client: label, mode, feature, name, ...rest });
  };
  return new Promise((resolve) => {
    child.on("message", (message) => {
      if (message.planned) return message.planned.forEach((p) => open.set(`${p.case} ${p.mode}`, p));
      open.delete(`${message.case} ${message.mode}`);
      record(message);
    });
    child.on("exit", (code) => {
      for (const p of open.values()) {
        record({ ...p, outcome: "failed", ms: 0, error: `the client's process ended with ${code} before this case did` });
      }
      resolve();
    });
  });
}
