// Connect, auth, refusal, heartbeat.
import assert from "node:assert/strict";

const cases = [];
const add = (feature, name, run, limits = {}) => cases.push({ feature, name, run, ...limits });
export default cases;

// A client of protocol 3 takes the session's id, which is a secret, for the
// socket's. Node's server does so too; Sockeye keeps the two apart.
add("connect", "the server's greeting follows the connect, and both sides agree on the id", async (t) => {
  const socket = t.open();
  const hello = t.inbox(socket, "hello");
  await t.connected(socket);
  const [id, recovered] = await hello.take();
  if (t.client.legacy && !t.reference) assert.notEqual(id, socket.id);
  else assert.equal(id, socket.id);
  assert.equal(recovered, false);
  assert.equal(hello.items.length, 0);
});

add("connect", "the socket's id is 20 characters and is not the session's id", async (t) => {
  const socket = await t.connect();
  assert.match(socket.id, /^[A-Za-z0-9_-]{20}$/);
  assert.notEqual(socket.id, socket.io.engine.id);
}, { since: "3.0.0" });

add("connect", "the transport is the one asked for", async (t) => {
  const socket = await t.connect();
  await t.upgraded(socket);
  const want = t.mode === "polling" ? "polling" : "websocket";
  assert.equal(socket.io.engine.transport.name, want);
  const { transport } = await t.poll("the server's transport", () => t.call(socket, "handshake"), (h) => h.transport === want);
  assert.equal(transport, want);
});

add("connect", "messages in flight both ways during the upgrade keep their order", async (t) => {
  const socket = t.open();
  const bounced = t.inbox(socket, "bounce");
  await t.connected(socket);
  let sent = 0;
  while (sent < 20) socket.emit("bounce", sent++);
  await t.wait("turns of the loop", new Promise((resolve) => {
    const more = () => {
      for (let i = 0; i < 5; i++) socket.emit("bounce", sent++);
      if (sent < 200) setTimeout(more, 1);
      else resolve();
    };
    more();
  }));
  const got = await bounced.takeMany(sent);
  assert.deepEqual(got.map(([i]) => i), [...Array(sent).keys()]);
  await t.upgraded(socket);
});

add("connect", "what was emitted before the connect arrives after it, in order", async (t) => {
  const socket = t.open();
  const bounced = t.inbox(socket, "bounce");
  for (let i = 0; i < 100; i++) socket.emit("bounce", i);
  const got = await bounced.takeMany(100);
  assert.deepEqual(got.map(([i]) => i), [...Array(100).keys()]);
});

add("connect", "the handshake shows query, headers, address, time and protocol", async (t) => {
  const socket = await t.connect("/", {
    query: { room: "käse & brot", n: "1" },
    extraHeaders: { "x-test": "a header" },
  });
  const h = await t.call(socket, "handshake");
  assert.equal(h.query.room, "käse & brot");
  assert.equal(h.query.n, "1");
  assert.equal(h.query.EIO, t.client.legacy ? "3" : "4");
  assert.equal(h.query.transport, t.mode === "websocket" ? "websocket" : "polling");
  assert.equal(h.protocol, t.client.legacy ? 3 : 4);
  assert.equal(h.header, "a header");
  assert.equal(h.secure, false);
  assert.equal(h.xdomain, false);
  assert.equal(h.time, true);
  assert.match(h.address, /127\.0\.0\.1$/);
  assert.ok(Math.abs(h.issued - Date.now()) < 60_000, `issued ${h.issued}`);
  assert.ok(h.url.startsWith("/socket.io/?"), h.url);
});

add("connect", "a client that closed and opens again gets a new session", async (t) => {
  const socket = await t.connect();
  const before = socket.id;
  await t.reopen(socket);
  assert.notEqual(socket.id, before);
  assert.equal(await t.call(socket, "echo", 1), 1);
});

add("connect", "a client without permission to upgrade stays on polling", async (t) => {
  const socket = await t.connect("/", { upgrade: false });
  for (let i = 0; i < 20; i++) assert.equal(await t.call(socket, "echo", i), i);
  assert.equal(socket.io.engine.transport.name, "polling");
}, { modes: ["upgrade"] });

add("auth", "an object", async (t) => {
  const auth = { token: "a ✓ token", user: "zoë" };
  const socket = await t.connect(...t.identified(auth, "/plain"));
  assert.deepEqual((await t.call(socket, "handshake")).auth, auth);
});

add("auth", "nested values and numbers", async (t) => {
  const auth = { list: [1, 2.5, null, { deep: [true] }], text: "", big: 9007199254740991 };
  const socket = await t.connect("/", { auth });
  assert.deepEqual((await t.call(socket, "handshake")).auth, auth);
}, { since: "3.0.0" });

add("auth", "a function, asked again for every connect", async (t) => {
  let n = 0;
  const socket = await t.connect("/", { auth: (give) => give({ n: ++n }) });
  assert.deepEqual((await t.call(socket, "handshake")).auth, { n: 1 });
  await t.reopen(socket);
  assert.deepEqual((await t.call(socket, "handshake")).auth, { n: 2 });
}, { since: "3.0.0" });

add("auth", "none is an empty object", async (t) => {
  const socket = await t.connect("/plain");
  assert.deepEqual((await t.call(socket, "handshake")).auth, {});
});

add("auth", "each namespace of a connection has its own", async (t) => {
  const root = await t.connect("/", { auth: { who: "root" } });
  const plain = await t.connected(t.also(root, "/plain", { auth: { who: "plain" } }));
  assert.deepEqual((await t.call(root, "handshake")).auth, { who: "root" });
  assert.deepEqual((await t.call(plain, "handshake")).auth, { who: "plain" });
}, { since: "4.0.0" });

add("refusal", "the middleware's error arrives with message and data", async (t) => {
  const socket = t.open(...t.identified({ token: "wrong" }, "/admin"));
  if (t.client.legacy) {
    const [err] = await t.inbox(socket, "error").take();
    assert.deepEqual(err, { code: "E_TOKEN", missing: false });
  } else {
    const [err] = await t.inbox(socket, "connect_error").take();
    assert.ok(err instanceof Error);
    assert.equal(err.message, "not allowed");
    assert.deepEqual(err.data, { code: "E_TOKEN", missing: false });
  }
  assert.equal(socket.connected, false);
});

add("refusal", "after it the same socket may try again with other credentials", async (t) => {
  const auth = {};
  const socket = t.open("/admin", { auth: (give) => give(auth) });
  const [err] = await t.inbox(socket, "connect_error").take();
  assert.deepEqual(err.data, { code: "E_TOKEN", missing: true });
  auth.token = "secret";
  socket.connect();
  await t.connected(socket);
  assert.equal(await t.call(socket, "echo", "in"), "in");
}, { since: "3.0.0" });

add("refusal", "of one namespace leaves the others of the connection alone", async (t) => {
  const root = await t.connect();
  const admin = t.also(root, "/admin");
  await t.inbox(admin, t.client.legacy ? "error" : "connect_error").take();
  assert.equal(root.connected, true);
  assert.equal(await t.call(root, "echo", "still here"), "still here");
});

add("refusal", "of a namespace that does not exist", async (t) => {
  const socket = t.open("/nowhere");
  const [err] = await t.inbox(socket, t.client.legacy ? "error" : "connect_error").take();
  assert.equal(err.message ?? err, "Invalid namespace");
});

add("refusal", "the right token is let in", async (t) => {
  const socket = await t.connect(...t.identified({ token: "secret" }, "/admin"));
  assert.equal(await t.call(socket, "echo", 7), 7);
});

add("heartbeat", "an idle connection outlives several pings", async (t) => {
  const socket = await t.connect();
  const gone = t.inbox(socket, "disconnect");
  let pings = 0;
  socket.io.engine.on("packet", ({ type }) => (pings += type === "ping"));
  await t.poll("five pings", async () => pings, (n) => n >= 5);
  assert.equal(gone.items.length, 0);
  assert.equal(await t.call(socket, "echo", "alive"), "alive");
}, { server: "heartbeat", since: "3.0.0" });

add("heartbeat", "a client of protocol 3 pings by itself and is answered", async (t) => {
  const socket = await t.connect();
  let pongs = 0;
  socket.on("pong", () => pongs++);
  await t.poll("three pongs", async () => pongs, (n) => n >= 3);
  assert.equal(socket.connected, true);
  assert.equal(await t.call(socket, "echo", "alive"), "alive");
}, { server: "heartbeat", until: "3.0.0" });

add("heartbeat", "a frozen network ends the connection on both sides", async (t) => {
  const proxy = await t.proxy();
  const tag = t.name("frozen");
  const socket = await t.connect("/", { url: proxy.url, query: { tag } });
  await t.upgraded(socket);
  const gone = t.inbox(socket, "disconnect");
  proxy.freeze();
  const [reason] = await gone.take();
  assert.equal(reason, "ping timeout");
  const [, [stage, server]] = await t.reasonsOf(tag);
  assert.equal(stage, "disconnect");
  assert.equal(server, "ping timeout");
}, { server: "heartbeat" });
