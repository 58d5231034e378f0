// The blocks of Python in the documents, and those of JavaScript for Node: each is run as it stands, with
// what its page speaks of around it. A block that is not named here is run with nothing around it.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Program, folder, freePort, root, sockeye, sockeyePath, until } from "../house/programs.mjs";
import { snippets } from "../house/snippets.mjs";

const run = promisify(execFile);
const python = process.env.PYTHON ?? "/usr/bin/python3"; // Debian's own, which sees Debian's packages
const secret = "a secret of documents, of more than 32 bytes";
const signed = () => {
  const body = '{"call":"connect"}';
  const time = Math.floor(Date.now() / 1000);
  const v1 = createHmac("sha256", secret).update(`${time}.${body}`).digest("hex");
  return { header: `t=${time},v1=${v1}`, body };
};

/** A folder with a program in it that finds what is installed here. */
function program(name, text) {
  const cwd = folder();
  symlinkSync(join(root, "test", "backends", "node_modules"), join(cwd, "node_modules"));
  writeFileSync(join(cwd, name), text);
  return cwd;
}

/** Runs a text to its end and gives what it printed. */
async function output(language, text, env = {}) {
  const name = language === "python" ? "block.py" : text.includes("require(") ? "block.cjs" : "block.mjs";
  const command = language === "python" ? [python, "-B", name] : ["node", name];
  const { stdout } = await run(command[0], command.slice(1), { cwd: program(name, text), env: { ...process.env, ...env }, timeout: 60_000 });
  return stdout.trim();
}

/** Whether a token is one of this user, signed with the secret. */
async function isToken(token) {
  const { default: jwt } = await import("jsonwebtoken");
  const { sub, exp } = jwt.verify(token, secret, { algorithms: ["HS256"] });
  assert.equal(sub, "7");
  assert.ok(exp > Date.now() / 1000, "it ends later");
}

const holds = {
  js: (text) => `${text}
const { header, body } = ${JSON.stringify(signed())};
console.log(holds(header, Buffer.from(body), "${secret}"), holds(header, Buffer.from("{}"), "${secret}"));`,
  python: (text) => `${text}
it = ${JSON.stringify(signed())}
print(holds(it["header"], it["body"].encode(), b"${secret}"), holds(it["header"], b"{}", b"${secret}"))`,
};

/** The names of an object and of those in it. */
const names = (value) => (value && typeof value === "object" ? Object.entries(value).map(([name, inner]) => [name, names(inner)]).sort() : "");

/** The receiver of the hook is told of a comment, in the form that the page shows. */
async function hook({ page, text }) {
  const port = await freePort();
  const cwd = folder();
  const file = ["--comments-db", join(cwd, "comments.db")];
  const origin = "https://www.example.com";
  const { stdout } = await run(sockeyePath(), ["comments", "init", "--site", "blog", "--origin", origin, "--guests", ...file]);
  const [COMMENTS_SECRET] = /^ {5}[\w-]{43}$/m.exec(stdout)[0].trim().split(" ");
  await run(sockeyePath(), ["comments", "site", "blog", "--set", `hookURL=http://127.0.0.1:${port}/new-comment`, "--set", "minTime=0", ...file]);
  writeFileSync(join(cwd, "app.py"), `${text}\n@app.before_request\ndef show():\n    print("body", request.get_data().decode(), flush=True)\n`);
  const receiver = await Program.start(python, ["-B", "-m", "flask", "run", "--port", port], { port, cwd, env: { COMMENTS_SECRET } });
  const server = await sockeye(file);
  const { io } = await import("socket.io-client");
  const reader = io(`${server.url}/comments`, {
    auth: { site: "blog", guest: { secret: "a secret of this reader", name: "Ann" } },
    extraHeaders: { Origin: origin }, forceNew: true,
  });
  await until("connected", () => reader.connected);
  await reader.emitWithAck("join", { page: "/post-1" });
  const title = "The first post";
  const answer = await reader.emitWithAck("post", { page: "/post-1", text: "Hello", key: "1", title, url: `${origin}/post-1` });
  assert.ok(answer.comment, JSON.stringify(answer));
  await until("the receiver is told", () => receiver.output.includes("Ann wrote on /post-1: Hello"));
  const [, body] = /^body (.*)$/m.exec(receiver.output);
  const shown = JSON.parse(snippets("json").find((one) => one.page === page && one.text.includes('"comment"')).text);
  const told = JSON.parse(body);
  delete told.comment.author.guest; // the page shows a user of the site
  assert.deepEqual(names(told), names(shown));
  reader.disconnect();
  await Promise.all([server.stop(), receiver.kill()]);
}

/** What is done with a block, by its page and what it begins with. */
const known = [
  ["docs/identity.md", "const jwt = require", async ({ text }) =>
    isToken(await output("js", `const user = { id: 7, name: "Ann" };\n${text}console.log(token);`, { SOCKEYE_AUTH_SECRET: secret }))],
  ["docs/identity.md", "import jwt", async ({ text }) =>
    isToken(await output("python", `import types\nuser = types.SimpleNamespace(id=7)\n${text}print(token)`, { SOCKEYE_AUTH_SECRET: secret }))],
  ["docs/comments.md", "import { createHmac }", async ({ text }) =>
    isToken(await output("js", `${text}console.log(commentsToken({ id: 7, name: "Ann ☕" }, "${secret}"));`))],
  ["docs/comments.md", "import base64", async ({ text }) =>
    isToken(await output("python", `import types\n${text}print(comments_token(types.SimpleNamespace(id=7, name="Ann ☕"), "${secret}"))`))],
  ["docs/comments.md", "import hashlib", hook],
  ["docs/webhooks.md", "import { createHmac", async ({ text }) => assert.equal(await output("js", holds.js(text)), "true false")],
  ["docs/webhooks.md", "import hashlib", async ({ text }) => assert.equal(await output("python", holds.python(text)), "True False")],
  ["docs/identity.md", "app.get(", async ({ text }) => {
    const port = await freePort();
    const cwd = program("block.mjs", `import express from "express";
const app = express();
app.use((req, _res, next) => { req.session = req.get("cookie") ? { user: { id: 7, name: "Ann" } } : {}; next(); });
${text}app.listen(${port}, "127.0.0.1");`);
    const app = await Program.start("node", ["block.mjs"], { cwd, port });
    const asked = async (headers) => (await fetch(`http://127.0.0.1:${port}/realtime/me`, { headers })).status;
    assert.deepEqual([await asked({}), await asked({ Cookie: "session=1" })], [401, 200]);
    await app.kill();
  }],
  ["docs/moving-from-node.md", "import { createServer }", async ({ text }) => {
    const port = await freePort();
    const app = await Program.start("node", ["block.mjs"], { cwd: program("block.mjs", text.replace("3000", port)), port });
    const { io } = await import("socket.io-client");
    const page = io(`http://127.0.0.1:${port}`, { auth: { token: "secret" }, forceNew: true });
    assert.equal(await page.timeout(10_000).emitWithAck("say", "hello"), "ok");
    page.disconnect();
    await app.kill();
  }],
  ["docs/clients.md", "import socketio", async ({ text }, server) =>
    assert.equal(await output("python", text.replace("http://127.0.0.1:3000", server.url).replace("…", server.key)), "heard hello from Python")],
  ["docs/moving-from-flask-socketio.md", "from flask import Flask", async ({ text }) =>
    assert.equal(text, readFileSync(join(root, "docs/examples/flask-socketio/app.py"), "utf8"), "run.mjs runs this file")],
  ["docs/moving-from-flask-socketio.md", "import hashlib", async ({ text }) =>
    assert.equal(text, readFileSync(join(root, "docs/examples/flask/app.py"), "utf8"), "run.mjs runs this file")],
  ["docs/moving-from-flask-socketio.md", "import json, os", async ({ text }, server) => {
    const { io } = await import("socket.io-client");
    const page = io(`${server.url}/app`, { auth: { token: server.token }, forceNew: true });
    const heard = new Promise((resolve) => page.on("news", resolve));
    await until("connected", () => page.connected);
    await output("python", text, { SOCKEYE_URL: server.url, SOCKEYE_KEY: server.key });
    assert.equal(await heard, "the shop is open");
    page.disconnect();
  }],
];

/** Runs the blocks whose place contains `only`, and says how it went, a line for each. */
export async function runSnippets(only) {
  const keys = join(folder(), "auth.json");
  const config = join(folder(), "sockeye.yaml");
  writeFileSync(config, "relay:\n  namespaces:\n    /app:\n      hello: {to: all}\n");
  const { stdout } = await run(sockeyePath(), ["key", "create", "--name", "docs", "--scope", "admin", "--auth-file", keys]);
  const server = await sockeye(["--config", config, "--auth-file", keys, "--anonymous"]);
  server.key = /sk_\S+/.exec(stdout)[0];
  const all = [...snippets("python"), ...snippets("js", { node: true })];
  assert.ok(all.length >= 10, `only ${all.length} blocks were found`);
  const lines = await Promise.all(all.filter(({ where }) => where.includes(only)).map(async (block) => {
    const [, , check] = known.find(([page, begins]) => page === block.page && block.text.startsWith(begins)) ?? [];
    try {
      await (check ? check(block, server) : output(block.language, block.text));
      return `ok   ${block.where}`;
    } catch (error) {
      return `FAIL ${block.where}\n     ${error.stack.replaceAll("\n", "\n     ")}`;
    }
  }));
  await server.stop();
  return lines;
}
