// Emit, ack, time-out, binary, volatile, retries.
import assert from "node:assert/strict";
import { plain } from "../visit.mjs";

const cases = [];
const add = (feature, name, run, limits = {}) => cases.push({ feature, name, run, ...limits });
export default cases;

const count = (n) => [...Array(n).keys()];

add("emit", "every kind of JSON value there and back", async (t) => {
  const socket = t.open();
  const bounced = t.inbox(socket, "bounce");
  await t.connected(socket);
  // The MessagePack parser of the clients writes whole numbers beyond 64 bits as 0.
  const values = [
    1, -2.5, 0, 1e-300, ...(t.client.parser ? [] : [1e300]), 9007199254740991, -9007199254740991, "", "text", "quotes \" \\ / \n\t\u0001", "✓ ü 漢 😀", "\u2028\u2029",
    true, false, null, [], {}, [[[]]], { a: { b: { c: [1, { d: null }] } } }, { "": 0, "key with space": 1, é: 2 },
  ];
  socket.emit("bounce", ...values);
  assert.deepEqual(await bounced.take(), values);
});

add("emit", "an event without arguments, and odd event names", async (t) => {
  const socket = t.open();
  const room = t.name();
  const names = ["a b", "ünïcode ✓", "quote\"d", "-", "[1,2]", "1"];
  const inboxes = names.map((n) => t.inbox(socket, n));
  const bounced = t.inbox(socket, "bounce");
  await t.connected(socket);
  await t.call(socket, "join", room);
  socket.emit("bounce");
  assert.deepEqual(await bounced.take(), []);
  for (const name of names) socket.emit("in", room, name, name);
  for (const inbox of inboxes) await inbox.take();
});

add("emit", "500 events up and down in order", async (t) => {
  const socket = t.open();
  const bounced = t.inbox(socket, "bounce");
  const ticks = t.inbox(socket, "tick");
  await t.connected(socket);
  for (const i of count(500)) socket.emit("bounce", i, "x".repeat(i));
  assert.deepEqual((await bounced.takeMany(500)).map(([i, s]) => [i, s.length]), count(500).map((i) => [i, i]));
  await t.call(socket, "burst", 500);
  assert.deepEqual((await ticks.takeMany(500)).map(([i]) => i), count(500));
});

add("emit", "a text of 600,000 bytes there and back", async (t) => {
  const socket = await t.connect();
  const text = "ü漢x".repeat(100_000);
  assert.equal(await t.call(socket, "echo", text), text);
});

add("emit", "the catch-all listeners of both sides see each event once", async (t) => {
  const socket = t.open();
  const seen = [];
  socket.onAny((event) => seen.push(event));
  const bounced = t.inbox(socket, "bounce");
  await t.connected(socket);
  socket.emit("bounce", 1);
  await bounced.take();
  assert.deepEqual(await t.call(socket, "heard"), ["bounce", "heard"]);
  assert.deepEqual(seen, ["hello", "bounce"]);
}, { since: "3.0.0" });

add("emit", "an event that the server's middleware refuses is unseen by the client", async (t) => {
  const tag = t.name("tag");
  const socket = await t.connect("/", { query: { tag } });
  socket.emit("forbidden", 1);
  assert.deepEqual(await t.call(socket, "errors", tag), ["event not allowed"]);
  assert.equal(socket.connected, true);
});

add("ack", "the server answers with any number of arguments", async (t) => {
  const socket = await t.connect();
  assert.deepEqual(await t.calls(socket, "echo"), []);
  assert.deepEqual(await t.calls(socket, "echo", null), [null]);
  assert.deepEqual(await t.calls(socket, "echo", 1, "two", { three: [3] }), [1, "two", { three: [3] }]);
});

add("ack", "200 at once, each with its own answer", async (t) => {
  const socket = await t.connect();
  const answers = await Promise.all(count(200).map((i) => t.call(socket, "echo", i)));
  assert.deepEqual(answers, count(200));
});

add("ack", "a later answer does not hold up others", async (t) => {
  const key = t.name("key");
  const socket = await t.connect();
  let held = true;
  const later = t.call(socket, "hold", key).then((answer) => {
    held = false;
    return answer;
  });
  assert.equal(await t.call(socket, "echo", "soon"), "soon");
  assert.equal(held, true);
  socket.emit("release", key, "late");
  assert.equal(await later, "late");
});

add("ack", "a second answer is not sent", async (t) => {
  const socket = t.open();
  let acks = 0;
  socket.io.on("packet", (packet) => {
    if (packet.type === 3) acks++;
  });
  await t.connected(socket);
  assert.equal(await t.call(socket, "ack-twice"), "first");
  assert.equal(await t.call(socket, "echo", "fence"), "fence");
  assert.equal(acks, 2);
});

add("ack", "the client answers the server", async (t) => {
  const socket = await t.connect();
  socket.on("question", (a, b, ack) => ack(a + b, { list: [a, b] }));
  assert.deepEqual(await t.call(socket, "ask", 5000, "question", 1, 2), { ok: [3, { list: [1, 2] }] });
});

add("ack", "the client answers the server with binary", async (t) => {
  const socket = await t.connect();
  socket.on("question", (a, ack) => ack({ got: a, more: [Buffer.from([9, 8])] }));
  const got = await t.call(socket, "ask", 5000, "question", Buffer.from([1, 2, 3]));
  assert.deepEqual(plain(got), { ok: [{ got: { hex: "010203" }, more: [{ hex: "0908" }] }] });
});

add("ack", "emitWithAck", async (t) => {
  const socket = await t.connect();
  assert.equal(await t.wait("emitWithAck", socket.emitWithAck("echo", "promise")), "promise");
}, { since: "4.6.0" });

add("ack", "of a broadcast, from every member", async (t) => {
  const room = t.name();
  const sockets = await Promise.all([t.connect(), t.connect(), t.connect()]);
  for (const [i, socket] of sockets.entries()) {
    socket.on("vote", (on, ack) => ack(`${on} ${i}`));
    await t.call(socket, "join", room);
  }
  const { timeout, answers } = await t.call(sockets[0], "ask-room", room, 5000, "vote", "lunch");
  assert.equal(timeout, false);
  assert.deepEqual(answers.sort(), ["lunch 0", "lunch 1", "lunch 2"]);
});

add("time-out", "of the server, when the client does not answer", async (t) => {
  const socket = await t.connect();
  assert.deepEqual(await t.call(socket, "ask", 50, "nobody listens"), { error: "timeout" });
});

add("time-out", "a late answer of the client is ignored", async (t) => {
  const socket = t.open();
  const asked = t.inbox(socket, "question");
  await t.connected(socket);
  assert.deepEqual(await t.call(socket, "ask", 30, "question"), { error: "timeout" });
  (await asked.take()).ack("too late");
  assert.equal(await t.call(socket, "echo", "fence"), "fence");
});

add("time-out", "of a broadcast, with the answers that came", async (t) => {
  const room = t.name();
  const [a, b] = await Promise.all([t.connect(), t.connect()]);
  a.on("vote", (ack) => ack("yes"));
  await t.call(a, "join", room);
  await t.call(b, "join", room);
  assert.deepEqual(await t.call(a, "ask-room", room, 1000, "vote"), { timeout: true, answers: ["yes"] });
});

add("time-out", "of the client, when the server does not answer", async (t) => {
  const socket = await t.connect();
  const err = await t.wait("time-out", new Promise((resolve) => socket.timeout(50).emit("silent", resolve)));
  assert.equal(err.message, "operation has timed out");
}, { since: "4.4.0" });

add("time-out", "of the client, not when the server answers", async (t) => {
  const socket = await t.connect();
  const got = await t.wait("ack", new Promise((resolve) => socket.timeout(5000).emit("echo", 5, (...a) => resolve(a))));
  assert.deepEqual(got, [null, 5]);
}, { since: "4.4.0" });

add("time-out", "ackTimeout holds for every event of the socket", async (t) => {
  const socket = await t.connect("/", { ackTimeout: 50 });
  await assert.rejects(t.wait("time-out", socket.emitWithAck("silent")), /operation has timed out/);
}, { since: "4.6.0" });

const bytes = (n, start = 0) => Buffer.from(count(n).map((i) => (i + start) & 255));

add("binary", "one buffer, all byte values", async (t) => {
  const socket = await t.connect();
  const all = bytes(256);
  assert.deepEqual(plain(await t.call(socket, "echo", all)), plain(all));
});

add("binary", "empty buffers and texts that look like binary", async (t) => {
  const socket = await t.connect();
  const values = [Buffer.alloc(0), "bAAEC", { _placeholder: false, num: 1 }, "\u001e", Buffer.from("\u001e")];
  assert.deepEqual(plain(await t.calls(socket, "echo", ...values)), plain(values));
});

add("binary", "nested in objects and lists, in order, there and back", async (t) => {
  const socket = t.open();
  const bounced = t.inbox(socket, "bounce");
  await t.connected(socket);
  const value = {
    title: "files",
    files: [{ name: "a", body: bytes(10) }, { name: "b", body: bytes(1000, 7) }, bytes(1)],
    deep: { er: { est: [bytes(3, 200), "between", bytes(4)] } },
  };
  socket.emit("bounce", bytes(2), value, "last");
  assert.deepEqual(plain(await bounced.take()), plain([bytes(2), value, "last"]));
});

add("binary", "typed arrays and ArrayBuffers", async (t) => {
  const socket = await t.connect();
  const a = Uint8Array.from([1, 2, 3]);
  const b = Uint8Array.from([4, 5, 6, 7]).buffer;
  assert.deepEqual(plain(await t.calls(socket, "echo", a, b)), [{ hex: "010203" }, { hex: "04050607" }]);
}, { since: "3.0.0" });

add("binary", "300,000 bytes", async (t) => {
  const socket = await t.connect();
  const big = bytes(300_000, 3);
  assert.deepEqual(plain(await t.call(socket, "echo", big)), plain(big));
});

add("binary", "the same buffer twice, and ten attachments", async (t) => {
  const socket = await t.connect();
  const same = bytes(5);
  const list = [same, same, ...count(8).map((i) => bytes(i + 1, i))];
  assert.deepEqual(plain(await t.call(socket, "echo", list)), plain(list));
});

add("binary", "mixed with texts keeps the order", async (t) => {
  const socket = t.open();
  const bounced = t.inbox(socket, "bounce");
  await t.connected(socket);
  const sent = count(100).map((i) => (i % 3 === 0 ? [i, bytes(i + 1)] : [i, "x".repeat(i)]));
  for (const args of sent) socket.emit("bounce", ...args);
  assert.deepEqual(plain(await bounced.takeMany(100)), plain(sent));
});

add("binary", "relayed to other clients", async (t) => {
  const room = t.name();
  const [a, b] = [t.open(), t.open()];
  const got = t.inbox(b, "file");
  await Promise.all([t.connected(a), t.connected(b)]);
  await t.call(b, "join", room);
  a.emit("to", room, "file", "name", { body: bytes(64) }, bytes(2));
  assert.deepEqual(plain(await got.take()), plain(["name", { body: bytes(64) }, bytes(2)]));
});

add("binary", "between a MessagePack and a JSON client of one room, both ways", async (t) => {
  const room = t.name();
  const [packed, json] = [t.open(), t.open("/", { parser: undefined })];
  const [toPacked, toJSON] = [t.inbox(packed, "file"), t.inbox(json, "file")];
  await Promise.all([t.connected(packed), t.connected(json)]);
  await Promise.all([t.call(packed, "join", room), t.call(json, "join", room)]);
  const value = [{ a: [1, -2.5, "ü", null, true, bytes(9)], b: { c: bytes(300) } }, "end", 123456789012];
  packed.emit("to", room, "file", ...value);
  json.emit("to", room, "file", ...value);
  assert.deepEqual(plain(await toJSON.take()), plain(value));
  assert.deepEqual(plain(await toPacked.take()), plain(value));
}, { parser: "msgpack", node: false });

add("volatile", "reaches a client that keeps up", async (t) => {
  const socket = t.open();
  const got = t.inbox(socket, "position");
  await t.connected(socket);
  await t.upgraded(socket);
  const first = await t.poll("a volatile event", async () => {
    await t.call(socket, "volatile", "position", 1);
    return got.items.length;
  }, (n) => n > 0);
  assert.ok(first > 0);
});

add("volatile", "what arrives of a burst is in order, and plain events are all there", async (t) => {
  const socket = t.open();
  const got = t.inbox(socket, "position");
  const ticks = t.inbox(socket, "tick");
  await t.connected(socket);
  await t.call(socket, "volatile", "position", 500);
  await t.call(socket, "burst", 50);
  assert.equal((await ticks.takeMany(50)).length, 50);
  const seen = got.items.map(([i]) => i);
  assert.deepEqual(seen, [...new Set(seen)].sort((a, b) => a - b));
});

add("volatile", "from the client: sent when connected, dropped when not", async (t) => {
  const socket = t.open();
  const bounced = t.inbox(socket, "bounce");
  socket.volatile.emit("bounce", "too early");
  await t.connected(socket);
  await t.upgraded(socket);
  await t.poll("a volatile event", async () => {
    socket.volatile.emit("bounce", "now");
    await t.call(socket, "echo", 0);
    return bounced.items.length;
  }, (n) => n > 0);
  assert.ok(bounced.items.every(([v]) => v === "now"));
}, { since: "3.0.0" });

add("volatile", "to a room", async (t) => {
  const room = t.name();
  const [a, b] = [t.open(), t.open()];
  const got = t.inbox(b, "position");
  await Promise.all([t.connected(a), t.connected(b)]);
  await t.upgraded(b);
  await t.call(b, "join", room);
  await t.poll("a volatile event", async () => {
    a.emit("in-volatile", room, "position", 1, 2);
    await t.call(a, "echo", 0);
    await t.call(b, "echo", 0);
    return got.items.length;
  }, (n) => n > 0);
  assert.deepEqual(got.items[0], [1, 2]);
});

add("retries", "an event is sent again until it is acknowledged", async (t) => {
  const key = t.name("key");
  const socket = await t.connect("/", { retries: 3, ackTimeout: 500 });
  const acked = await t.wait("ack", new Promise((resolve) => socket.emit("flaky", key, 2, (...a) => resolve(a))));
  assert.deepEqual(acked, [null, 3]);
  assert.equal((await t.wait("tries", socket.emitWithAck("tries", key))), 3);
}, { since: "4.6.0" });

add("retries", "events without a callback are acknowledged too and keep their order", async (t) => {
  const socket = t.open("/", { retries: 3, ackTimeout: 5000 });
  const answers = [];
  for (const i of count(20)) socket.emit("echo", i, (err, v) => answers.push(err ?? v));
  await t.poll("20 answers", async () => answers.length, (n) => n === 20);
  assert.deepEqual(answers, count(20));
}, { since: "4.6.0" });

add("retries", "give up after the last one", async (t) => {
  const key = t.name("key");
  const socket = await t.connect("/", { retries: 1, ackTimeout: 60 });
  const [err] = await t.wait("giving up", new Promise((resolve) => socket.emit("flaky", key, 100, (...a) => resolve(a))));
  assert.ok(err instanceof Error);
  assert.equal(await t.wait("tries", socket.emitWithAck("tries", key)), 2);
}, { since: "4.6.0" });

add("retries", "carry an event over a reconnect", async (t) => {
  const key = t.name("key");
  const socket = await t.connect("/", { retries: 5, ackTimeout: 200, reconnection: true });
  const acked = t.wait("ack", new Promise((resolve) => socket.emit("flaky", key, 1, (...a) => resolve(a))));
  await t.poll("first try", async () => socket.io.engine.writeBuffer.length, (n) => n === 0);
  socket.io.engine.close();
  const [err, tries] = await acked;
  assert.equal(err, null);
  assert.ok(tries >= 2, `tries ${tries}`);
}, { since: "4.6.0" });
