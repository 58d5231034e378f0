// The table of results: one row per feature, one column per client.
//
//   node table.mjs --update [--report FOLDER] [--readme FILE]   writes it into the README
//   node table.mjs --check  [--report FOLDER] [--readme FILE]   fails if the README's differs
//
// The README holds it between <!-- clients:begin --> and <!-- clients:end -->.
// It carries no dates and no timings, so that it changes only with the results.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { features } from "./cases/index.mjs";
import { here, root } from "./servers.mjs";

const begin = "<!-- clients:begin -->";
const end = "<!-- clients:end -->";

// summarize counts per client and feature, and names the transports with failures.
export function summarize(results, pythonVersion, pythonLeftOut) {
  const clients = [...new Set(results.map((r) => r.client))].sort(byVersion);
  const known = features.filter((f) => results.some((r) => r.feature === f));
  const cell = (client, feature) => {
    const mine = results.filter((r) => r.client === client && r.feature === feature);
    const failed = mine.filter((r) => r.outcome === "failed");
    return { passed: mine.length - failed.length, failed: failed.length, on: [...new Set(failed.map((r) => r.mode))].sort() };
  };
  return {
    clients,
    ...(pythonVersion && { pythonVersion }),
    ...(pythonLeftOut && { pythonLeftOut }),
    rows: known.map((feature) => ({ feature, cells: Object.fromEntries(clients.map((c) => [c, cell(c, feature)])) })),
    failures: results
      .filter((r) => r.outcome === "failed")
      .map(({ client, mode, feature, name, error }) => ({ client, mode, feature, name, error })),
  };
}

function byVersion(a, b) {
  const python = a.startsWith("python") - b.startsWith("python");
  return python || a.includes("+") - b.includes("+") || a.localeCompare(b, "en", { numeric: true });
}

// markdown prints ✓ where all transports passed, ✗ with the transports that
// did not, and – where the client does not have the feature.
export function markdown({ clients, rows, pythonVersion }) {
  const title = (client) =>
    client === "python" ? `python-socketio ${pythonVersion ?? ""}`.trim() : client.replace("+msgpack", " MessagePack");
  const print = ({ passed, failed, on }) => (failed > 0 ? `✗ ${on.join(", ")}` : passed > 0 ? "✓" : "–");
  const total = (client) => {
    const sum = (key) => rows.reduce((n, row) => n + row.cells[client][key], 0);
    return `${sum("passed")} of ${sum("passed") + sum("failed")}`;
  };
  const lines = [
    ["", ...clients.map(title)],
    ["---", ...clients.map(() => ":-:")],
    ...rows.map(({ feature, cells }) => [feature, ...clients.map((c) => print(cells[c]))]),
    ["cases passed", ...clients.map(total)],
  ];
  return lines.map((line) => `| ${line.join(" | ")} |\n`).join("");
}

function main() {
  const { values: flags } = parseArgs({
    options: {
      update: { type: "boolean" },
      check: { type: "boolean" },
      report: { type: "string", default: join(here, "report") },
      readme: { type: "string", default: join(root, "README.md") },
    },
  });
  const summary = JSON.parse(readFileSync(join(flags.report, "clients.json"), "utf8"));
  if (summary.pythonLeftOut) {
    console.log(`LEFT OUT: the README's table, as python-socketio was: ${summary.pythonLeftOut}`);
    return 0;
  }
  const table = markdown(summary);
  if (!existsSync(flags.readme)) {
    console.log(`${flags.readme} does not exist; nothing to ${flags.check ? "check" : "update"}`);
    return 0;
  }
  const text = readFileSync(flags.readme, "utf8");
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) {
    console.error(`${flags.readme} has no ${begin} … ${end}`);
    return 1;
  }
  const wanted = `${text.slice(0, from + begin.length)}\n${table}${text.slice(to)}`;
  // Another system may have another version of python-socketio.
  const same = (t) => t.replace(/python-socketio [\d.]+/, "python-socketio");
  if (wanted === text || (flags.check && same(wanted) === same(text))) return 0;
  if (flags.check) {
    console.error(`the client table in ${flags.readme} is out of date; "npm run table" in test/clients writes it`);
    return 1;
  }
  writeFileSync(flags.readme, wanted);
  return 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exit(main());
