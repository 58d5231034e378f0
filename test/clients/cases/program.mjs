// The program without any code of one's own: relay, relay by configuration, chat.
import assert from "node:assert/strict";
import { plain } from "../visit.mjs";

const cases = [];
const add = (feature, name, run, limits = {}) => cases.push({ feature, name, run, server: "program", ...limits });
export default cases;

add("relay", "join, say, leave", async (t) => {
  const room = t.name();
  const [a, b] = [t.open(), t.open()];
  const [gotA, gotB] = [t.inbox(a, "msg"), t.inbox(b, "msg")];
  await Promise.all([t.connected(a), t.connected(b)]);
  assert.deepEqual(await t.calls(a, "join", room), ["ok"]);
  assert.deepEqual(await t.calls(b, "join", room), ["ok"]);
  assert.deepEqual(await t.calls(a, "say", room, "hi", { n: 1 }), ["ok"]);
  assert.deepEqual(await gotA.take(), ["hi", { n: 1 }]);
  assert.deepEqual(await gotB.take(), ["hi", { n: 1 }]);
  assert.deepEqual(await t.calls(b, "leave", room), ["ok"]);
  assert.deepEqual(await t.calls(a, "say", room, "gone?"), ["ok"]);
  assert.deepEqual(await gotA.take(), ["gone?"]);
  await t.call(b, "echo", 0);
  assert.equal(gotB.items.length, 0);
});

add("relay", "events without an ack work too", async (t) => {
  const room = t.name();
  const socket = t.open();
  const got = t.inbox(socket, "msg");
  const echoed = t.inbox(socket, "echo");
  socket.emit("join", room);
  socket.emit("say", room);
  socket.emit("say", room, 1, [2], null);
  socket.emit("echo", "e", { x: 1 });
  assert.deepEqual(await got.take(), []);
  assert.deepEqual(await got.take(), [1, [2], null]);
  assert.deepEqual(await echoed.take(), ["e", { x: 1 }]);
});

add("relay", "echo answers with the same arguments, binary included", async (t) => {
  const socket = await t.connect();
  assert.deepEqual(await t.calls(socket, "echo"), []);
  const args = ["ü", 1.5, { file: Buffer.from([1, 2]), list: [Buffer.from([3])] }, null];
  assert.deepEqual(plain(await t.calls(socket, "echo", ...args)), plain(args));
});

add("relay", "say carries binary to others in order", async (t) => {
  const room = t.name();
  const [a, b] = [t.open(), t.open()];
  const got = t.inbox(b, "msg");
  await Promise.all([t.connected(a), t.connected(b)]);
  await t.call(b, "join", room);
  const sent = Array.from({ length: 60 }, (_, i) => [i, i % 2 ? Buffer.alloc(i, i) : "t".repeat(i)]);
  for (const args of sent) a.emit("say", room, ...args);
  assert.deepEqual(plain(await got.takeMany(60)), plain(sent));
});

add("relay", "a missing or wrong room is an error in the ack", async (t) => {
  const socket = await t.connect();
  for (const args of [[], [""], [null], [{}]]) {
    const answer = await t.call(socket, "join", ...args);
    assert.ok(answer?.error?.code, `join(${JSON.stringify(args)}) answered ${JSON.stringify(answer)}`);
  }
  assert.equal(socket.connected, true);
});

add("relay", "an event that nobody takes is answered unknown_event", async (t) => {
  const socket = await t.connect();
  const answer = await t.call(socket, t.name("nobody-takes-this"));
  assert.equal(answer.error.code, "unknown_event");
  socket.emit(t.name("nor-this"));
  assert.equal(await t.call(socket, "echo", "here"), "here");
});

add("relay by configuration", "the get-started chat: 'chat message' goes to all", async (t) => {
  const [a, b] = [t.open(), t.open()];
  const [gotA, gotB] = [t.inbox(a, "chat message"), t.inbox(b, "chat message")];
  await Promise.all([t.connected(a), t.connected(b)]);
  const text = t.name("hello");
  a.emit("chat message", text);
  for (const inbox of [gotA, gotB]) {
    await t.poll("the message", async () => inbox.items.filter(([m]) => m === text).length, (n) => n === 1);
  }
});

add("relay by configuration", "the whiteboard: 'drawing' goes to the others", async (t) => {
  const [a, b] = [t.open("/whiteboard"), t.open("/whiteboard")];
  const [gotA, gotB] = [t.inbox(a, "drawing"), t.inbox(b, "drawing")];
  await Promise.all([t.connected(a), t.connected(b)]);
  const color = t.name("black");
  const lines = Array.from({ length: 30 }, (_, i) => ({ x0: i / 30, y0: 0.25, x1: 0.5, y1: 1e-7, color }));
  for (const line of lines) a.emit("drawing", line);
  const mine = (inbox) => inbox.items.map(([line]) => line).filter((line) => line.color === color);
  await t.poll("30 lines", async () => mine(gotB).length, (n) => n >= 30);
  assert.deepEqual(mine(gotB), lines);
  assert.deepEqual(mine(gotA), []);
});

add("relay by configuration", "join tells what was said before, and nothing is missing or doubled", async (t) => {
  const room = t.name("kept");
  const by = await t.connect("/kept");
  for (let n = 0; n < 3; n++) await t.call(by, "say", room, n, Buffer.from([n]));
  const socket = t.open("/kept");
  const heard = t.inbox(socket, "msg");
  await t.connected(socket);
  const going = (async () => {
    for (let n = 3; n < 40; n++) await t.call(by, "say", room, n, Buffer.from([n]));
  })();
  const first = await t.call(socket, "join", room, { history: true, limit: 2 });
  const rest = await t.call(await t.connect("/kept"), "join", room, { since: first.messages[0].offset });
  await going;
  const told = first.messages.map(({ data }) => data[0]);
  await t.poll("everything", async () => told.length + heard.items.length, (n) => n >= 40 - told[0]);
  assert.deepEqual([...told, ...heard.items.map(([n]) => n)], Array.from({ length: 40 - told[0] }, (_, i) => told[0] + i));
  assert.equal(first.complete, false);
  assert.equal(rest.complete, true);
  assert.deepEqual(plain(rest.messages[0].data), plain([told[0] + 1, Buffer.from([told[0] + 1])]));
  assert.deepEqual([rest.messages[0].event, rest.messages[0].room], ["msg", room]);
}, { node: false });
