// Runs every example, one after the other.
//
//   node run.mjs [--only TEXT]
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { io } from "socket.io-client";
import { folder, root, sockeye, sockeyePath, until } from "../house/programs.mjs";

const { values: flags } = parseArgs({ options: { only: { type: "string", default: "" } } });
const examples = join(root, "docs", "examples", "api");

const authFile = join(folder(), "auth.json");
const key = execFileSync(sockeyePath(), ["key", "create", "--name", "test", "--scope", "admin", "--auth-file", authFile], {
  encoding: "utf8",
  stdio: ["ignore", "pipe", "ignore"],
}).match(/sk_\S+/)[0];
const server = await sockeye(["--auth-file", authFile]);
const env = { ...process.env, SOCKEYE_URL: server.url, SOCKEYE_KEY: key };

/** Runs an example and gives what it prints. It may take as long as go needs to build. */
function run(command, ...args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, cwd: root, stdio: ["ignore", "pipe", "pipe"], timeout: 120_000 });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve(output) : reject(new Error(`${command} ${args.join(" ")}: ${code}\n${output}`))));
  });
}

/** Asks for a ticket and connects with it, as a page does whose backend gave it one. */
async function visitor(id) {
  const response = await fetch(`${server.url}/api/v1/tickets`, {
    method: "POST",
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
    body: JSON.stringify({ user: { id } }),
  });
  const { ticket: token } = await response.json();
  const socket = io(server.url, { auth: { token }, transports: ["websocket"] });
  const heard = [];
  socket.onAny((event, ...args) => heard.push([event, ...args.filter((arg) => typeof arg !== "function")]));
  await until(`${id} is connected`, () => socket.connected);
  assert.equal(await socket.emitWithAck("join", "order:17"), "ok");
  return { socket, heard };
}

/** Expects that a client has heard exactly this, by the time an event sent after it has come. */
async function hears({ socket, heard }, expected) {
  await socket.emitWithAck("echo");
  await until(`${expected.length} events`, () => heard.length >= expected.length);
  assert.deepEqual(heard.splice(0), expected);
}

const alice = await visitor("alice");
const bob = await visitor("bob");

const cases = [
  ["curl: emit.sh", async () => {
    assert.deepEqual(JSON.parse(await run("sh", join(examples, "emit.sh"), "order:17", "shipped")), { accepted: 1 });
    await hears(alice, [["status", "shipped"]]);
    await hears(bob, [["status", "shipped"]]);
  }],
  ["Python: progress.py", async () => {
    await run(process.env.PYTHON ?? "python3", join(examples, "progress.py"), "alice");
    await hears(alice, [0, 25, 50, 75, 100].map((percent) => ["progress", { task: "export", percent }]));
    await hears(bob, []);
  }],
  ["Node: batch.mjs", async () => {
    assert.match(await run(process.execPath, join(examples, "batch.mjs"), "order:17"), /repeated: 3/);
    for (const one of [alice, bob]) await hears(one, ["picked", "packed", "shipped"].map((step) => ["step", step]));
  }],
  ["Go: ask", async () => {
    alice.socket.once("question", (question, ack) => ack(`alice: ${question}`));
    bob.socket.once("question", (question, ack) => ack("bob: no"));
    const lines = (await run(process.env.GO ?? "go", "run", "./docs/examples/api/ask", "order:17", "there?")).trim().split("\n");
    assert.deepEqual(lines.sort(), ["alice: there?", "bob: no"]);
    for (const one of [alice, bob]) await hears(one, [["question", "there?"]]);
  }],
  ["what is wrong is said", async () => {
    const wrong = await run("sh", "-c", `sh ${join(examples, "emit.sh")} sockeye:x y || echo failed`);
    assert.match(wrong, /"code":"room_reserved"/);
    assert.match(wrong, /failed/);
  }],
];

let passed = 0;
let failed = 0;
for (const [title, example] of cases) {
  if (!title.includes(flags.only)) continue;
  try {
    await example();
    passed++;
    console.log(`ok   ${title}`);
  } catch (error) {
    failed++;
    console.log(`FAIL ${title}\n     ${error.stack.replaceAll("\n", "\n     ")}`.replaceAll(root, "."));
  }
}
for (const { socket } of [alice, bob]) socket.disconnect();
await server.stop();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);
