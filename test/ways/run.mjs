// Runs every case against one server with history, all at once: they mostly wait.
//
//   node run.mjs [--only TEXT]
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { folder, root, sockeye } from "../house/programs.mjs";
import { cases } from "./cases.mjs";
import { events } from "./events.mjs";

const { values: flags } = parseArgs({ options: { only: { type: "string", default: "" } } });

const config = join(folder(), "sockeye.yaml");
writeFileSync(config, 'recovery: 2m\nhistory:\n  namespaces:\n    /: {"kept:*": {length: 1000}}\n');
const server = await sockeye(["--config", config]);

async function one([title, run]) {
  try {
    await run(server);
    return `ok   ${title}`;
  } catch (error) {
    return `FAIL ${title}\n     ${error.stack.replaceAll("\n", "\n     ")}`.replaceAll(root, ".");
  }
}

const lines = await Promise.all(Object.entries({ ...cases, ...events }).filter(([title]) => title.includes(flags.only)).map(one));
console.log(lines.join("\n"));
const failed = lines.filter((line) => line.startsWith("FAIL")).length;
if (failed > 0) console.log(server.output.slice(-4_000));
await server.stop();
console.log(`${lines.length - failed} passed, ${failed} failed`);
process.exit(failed > 0 || lines.length === 0 ? 1 : 0);
