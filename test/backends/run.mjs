// Runs every case with every backend.
//
//   node run.mjs [--only TEXT]
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { folder, root, sockeye } from "../house/programs.mjs";
import { backends, secret } from "./backends.mjs";
import { cases } from "./cases.mjs";

const { values: flags } = parseArgs({ options: { only: { type: "string", default: "" } } });

/** One backend, with a Sockeye before it, and all cases one after the other. */
async function all(name, make) {
  const backend = make();
  await backend.start();
  const config = join(folder(), "sockeye.yaml");
  writeFileSync(config, `webhooks:\n  /app:\n    url: ${backend.url}\n    secret: ${secret}\n    timeout: 10s\n`);
  const server = await sockeye(["--config", config]);
  const lines = [];
  for (const [title, run] of Object.entries(cases)) {
    const line = `${name}: ${title}`;
    if (!line.includes(flags.only)) continue;
    try {
      await run(server, backend);
      lines.push(`ok   ${line}`);
    } catch (error) {
      const said = backend.program.output.slice(-2_000) + server.output.slice(-2_000);
      lines.push(`FAIL ${line}\n     ${`${error.stack}\n${said}`.replaceAll("\n", "\n     ")}`.replaceAll(root, "."));
    }
  }
  await server.stop();
  await backend.kill();
  return lines;
}

const lines = (await Promise.all(Object.entries(backends).map(([name, make]) => all(name, make)))).flat();
console.log(lines.join("\n"));
const failed = lines.filter((line) => line.startsWith("FAIL")).length;
console.log(`${lines.length - failed} passed, ${failed} failed`);
process.exit(failed > 0 || lines.length === 0 ? 1 : 0);
