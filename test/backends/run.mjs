// Runs every case with every backend, and the blocks of Python and for Node of the documents.
//
//   node run.mjs [--only TEXT]
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { folder, root, sockeye } from "../house/programs.mjs";
import { backends, flaskSocketIO, secret } from "./backends.mjs";
import { cases, frontend } from "./cases.mjs";
import { runSnippets } from "./snippets.mjs";

const { values: flags } = parseArgs({ options: { only: { type: "string", default: "" } } });

/** One backend, with a Sockeye before it, and all cases one after the other. */
async function all(name, make) {
  const backend = make();
  await backend.start();
  const config = join(folder(), "sockeye.yaml");
  writeFileSync(config, `webhooks:\n  /app:\n    url: ${backend.url}\n    secret: ${secret}\n    timeout: 10s\n`);
  const server = await sockeye(["--config", config]);
  const lines = await each(name, cases, server, backend);
  await server.stop();
  await backend.kill();
  return lines;
}

/** Flask-SocketIO alone, with what its frontend sees. */
async function before() {
  const server = flaskSocketIO();
  await server.start();
  const address = { url: new URL(server.url).origin, transports: ["polling"], output: "" }; // WebSockets take another package
  const lines = await each("flask-socketio", frontend, address, server);
  await server.kill();
  return lines;
}

/** Some cases, one after the other. */
async function each(name, cases, server, backend) {
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
  return lines;
}

const lines = (await Promise.all([
  ...Object.entries(backends).map(([name, make]) => all(name, make)),
  before(),
  runSnippets(flags.only),
])).flat();
console.log(lines.join("\n"));
const failed = lines.filter((line) => line.startsWith("FAIL")).length;
console.log(`${lines.length - failed} passed, ${failed} failed`);
process.exit(failed > 0 || lines.length === 0 ? 1 : 0);
