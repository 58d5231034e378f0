// One run of the chaos test.
//
//   node chaos.mjs [--seed N] [--faults nodes,proxies,redis] [--clients 60] [--seconds 20] ...
//
// It prints a report and ends with 1 if anything is wrong. --details FILE keeps what
// helps to understand it.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { details, report, story } from "./report.mjs";
import { defaults, run } from "./run.mjs";

const shape = { details: { type: "string" }, node: { type: "string", multiple: true } };
for (const [name, value] of Object.entries(defaults)) {
  if (["string", "number", "boolean"].includes(typeof value)) shape[name] = { type: typeof value === "boolean" ? "boolean" : "string" };
}
const { values } = parseArgs({ options: shape });
const options = { args: values.node ?? [] };
for (const [name, value] of Object.entries(values)) {
  if (!(name in defaults)) continue;
  options[name] = typeof defaults[name] === "number" ? Number(value) : value;
  if (Number.isNaN(options[name])) throw new Error(`--${name} ${value} is no number`);
}

try {
  const result = await run(options);
  const { lines, well } = report(result);
  console.log(lines.join("\n"));
  if (!well) console.log(details(result).slice(0, 200).join("\n"));
  if (values.details) writeFileSync(values.details, [...lines, ...details(result, 1000), ...story(result)].join("\n") + "\n");
  process.exit(well ? 0 : 1);
} catch (error) {
  console.log(`chaos: seed ${options.seed ?? defaults.seed} ended before its time: ${error.stack}`);
  process.exit(1);
}
