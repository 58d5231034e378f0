// Runs all cases, some at a time: they wait for one another's nodes most of the time.
//
//   node run.mjs [--only TEXT] [--rounds 5] [--at-once 3]
//
// --rounds is how often each kind of node is ended.
import { parseArgs } from "node:util";
import { Postgres } from "../house/postgres.mjs";
import { root } from "../house/programs.mjs";
import { burst } from "./cases/burst.mjs";
import { ends } from "./cases/ends.mjs";
import { nodes } from "./cases/nodes.mjs";
import { transports } from "./cases/transports.mjs";
import { versions } from "./cases/versions.mjs";

const { values: flags } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    rounds: { type: "string", default: "5" },
    "at-once": { type: "string", default: "3" },
  },
});

let postgres;
const house = {
  rounds: Number(flags.rounds),
  /** An empty database of the PostgreSQL that all cases share. */
  postgres: async () => (await (postgres ??= Postgres.start())).database(),
};
const began = Date.now();
const cases = Object.entries({ ...nodes, ...ends, ...transports, ...versions, ...burst }).filter(([title]) => title.includes(flags.only));
const waiting = [...cases];
let failed = 0;

/** One case, which cleans up by what it registers. */
async function run([title, check]) {
  const start = Date.now();
  const last = [];
  const sites = [];
  const after = (end) => last.push(end);
  const watch = (site) => (sites.push(site), after(() => site.end()), site);
  try {
    const note = await check({ ...house, after, watch });
    console.log(`ok   ${title}${note ? `: ${note}` : ""} (${((Date.now() - start) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failed++;
    const said = `${error.stack}\n${sites.map((site) => site.output).join("\n")}`;
    console.log(`FAIL ${title}\n     ${said.replaceAll("\n", "\n     ")}`.replaceAll(root, "."));
  }
  for (const end of last.reverse()) await end();
}

await Promise.all(
  Array.from({ length: Number(flags["at-once"]) }, async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) await run(next);
  }),
);
if (postgres) await (await postgres).stop();
console.log(`${cases.length - failed} passed, ${failed} failed, ${((Date.now() - began) / 1000).toFixed(1)} s`);
process.exit(failed > 0 || cases.length === 0 ? 1 : 0);
