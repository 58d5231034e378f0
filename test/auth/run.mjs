// Runs every case, one after the other.
//
//   node run.mjs [--only TEXT]
import { parseArgs } from "node:util";
import { root } from "../house/programs.mjs";
import { cases } from "./cases.mjs";

const { values: flags } = parseArgs({ options: { only: { type: "string", default: "" } } });

let passed = 0;
let failed = 0;
for (const [title, run] of cases) {
  if (!title.includes(flags.only)) continue;
  try {
    await run();
    passed++;
    console.log(`ok   ${title}`);
  } catch (error) {
    failed++;
    console.log(`FAIL ${title}\n     ${error.stack.replaceAll("\n", "\n     ")}`.replaceAll(root, "."));
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);
