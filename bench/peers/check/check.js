// Checks with the official client that a server keeps the relay contract:
//
//   node check.js --url http://127.0.0.1:3000 --transport websocket --parser json [--deflate] [--needs-ack]
//
// Exit code 0 means that it does; otherwise it says what does not work. The transport is
// websocket, polling or upgrade, the parser json or msgpack. With --needs-ack an echo without
// an acknowledgement is not expected to be answered.
import assert from "node:assert/strict";
import { parseArgs } from "node:util";
import { io } from "socket.io-client";
import msgpack from "socket.io-msgpack-parser";

const text = { type: "string" };
const yes = { type: "boolean" };
const { values: flags } = parseArgs({
  options: { url: text, transport: { ...text, default: "websocket" }, parser: text, deflate: yes, "needs-ack": yes },
});

const patience = 10_000; // ms
const sockets = [];

// within is the promise, or an error that names what was waited for.
function within(what, promise) {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`no ${what}`)), patience)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function connect() {
  const upgrade = flags.transport === "upgrade";
  const socket = io(flags.url, {
    forceNew: true,
    reconnection: false,
    transports: upgrade ? ["polling", "websocket"] : [flags.transport],
    perMessageDeflate: flags.deflate ? {} : false,
    ...(flags.parser === "msgpack" && { parser: msgpack }),
  });
  sockets.push(socket);
  const heard = []; // what came as msg, until somebody takes it
  const waiting = [];
  socket.on("msg", (...args) => (waiting.length ? waiting.shift()(args) : heard.push(args)));
  const next = () => (heard.length ? heard.shift() : new Promise((resolve) => waiting.push(resolve)));
  const upgraded = upgrade && new Promise((resolve) => socket.io.on("open", () => socket.io.engine.on("upgrade", resolve)));
  await within("connection", new Promise((resolve, reject) => {
    socket.on("connect", resolve);
    socket.on("connect_error", reject);
  }));
  await within("upgrade", Promise.resolve(upgraded));
  return {
    socket,
    heard: (what) => within(`msg: ${what}`, Promise.resolve(next())),
    ask: (event, ...args) => within(`ack of ${event}`, new Promise((resolve) => socket.emit(event, ...args, (...answer) => resolve(answer)))),
  };
}

const values = {
  text: ["hello"],
  "several arguments": [1, -2.5, null, true, "zwei: ü, 漢字, 😀", { a: [{ b: "c" }] }],
  "quotes, brackets and backslashes": ['a "quoted" [text] \\ {"_placeholder":1}'],
  "no argument": [],
  binary: [Buffer.from([0, 1, 2, 253, 254, 255])],
  "binary of 16 KiB": [Buffer.alloc(16384, 7)],
  "two attachments within an object": [{ first: Buffer.from("one"), then: [Buffer.from("two")] }, "end"],
};

async function check() {
  const room = "room of the check";
  const a = await connect();
  const b = await connect();
  for (const one of [a, b]) assert.deepEqual(await one.ask("join", room), ["ok"], "ack of join");

  for (const [what, args] of Object.entries(values)) {
    assert.deepEqual(await a.ask("say", room, ...args), ["ok"], `ack of say: ${what}`);
    for (const one of [a, b]) assert.deepEqual(await one.heard(what), args, `msg: ${what}`);
    assert.deepEqual(await b.ask("echo", ...args), args, `ack of echo: ${what}`);
  }
  a.socket.emit("say", room, "without an ack");
  for (const one of [a, b]) assert.deepEqual(await one.heard("without an ack"), ["without an ack"]);

  if (!flags["needs-ack"]) {
    for (const args of [["hello", 2], values.binary]) {
      const back = within("echo without an ack", new Promise((resolve) => a.socket.once("echo", (...answer) => resolve(answer))));
      a.socket.emit("echo", ...args);
      assert.deepEqual(await back, args, "echo without an ack");
    }
  }

  // Whoever has left hears the next room's message first.
  assert.deepEqual(await b.ask("leave", room), ["ok"], "ack of leave");
  assert.deepEqual(await b.ask("join", "elsewhere"), ["ok"], "ack of join");
  await a.ask("say", room, "to those who stayed");
  await a.ask("say", "elsewhere", "to those elsewhere");
  assert.deepEqual(await b.heard("after leaving"), ["to those elsewhere"]);
  assert.deepEqual(await a.heard("having stayed"), ["to those who stayed"]);

  if (flags.transport === "websocket") await compression(a, room);
}

// A long text that compresses well comes as a fraction of that, or not.
async function compression({ socket, ask, heard }, room) {
  const { ws } = socket.io.engine.transport;
  const negotiated = Boolean(ws.extensions);
  assert.equal(negotiated, Boolean(flags.deflate), "permessage-deflate negotiated");
  const long = JSON.stringify(Array(64).fill({ temperature: 21.5, room: "kitchen", unit: "°C" }));
  const before = ws._socket.bytesRead;
  await ask("say", room, long);
  assert.deepEqual(await heard("a long text"), [long]);
  const bytes = ws._socket.bytesRead - before;
  assert.equal(bytes < long.length / 4, Boolean(flags.deflate), `msg: ${long.length} characters came as ${bytes} bytes`);
}

try {
  await check();
} catch (err) {
  process.stderr.write(`${err.message.split("\n")[0]}\n`);
  process.exitCode = 1;
} finally {
  for (const socket of sockets) socket.disconnect();
}
