// Server disconnect, reconnect, recovery.
import assert from "node:assert/strict";

const cases = [];
const add = (feature, name, run, limits = {}) => cases.push({ feature, name, run, ...limits });
export default cases;

add("server disconnect", "the client is told and does not come back by itself", async (t) => {
  const tag = t.name("tag");
  const socket = await t.connect("/", { query: { tag }, reconnection: true });
  const gone = t.inbox(socket, "disconnect");
  socket.emit("kick", false);
  const [reason] = await gone.take();
  assert.equal(reason, "io server disconnect");
  assert.deepEqual(await t.reasonsOf(tag), [
    ["disconnecting", "server namespace disconnect"],
    ["disconnect", "server namespace disconnect"],
  ]);
  assert.equal(socket.connected, false);
  socket.connect();
  await t.connected(socket);
  assert.equal(await t.call(socket, "echo", "back"), "back");
});

add("server disconnect", "of one namespace leaves the others", async (t) => {
  const root = await t.connect();
  const plain = await t.connected(t.also(root, "/plain"));
  const gone = t.inbox(plain, "disconnect");
  plain.emit("kick", false);
  assert.equal((await gone.take())[0], "io server disconnect");
  assert.equal(await t.call(root, "echo", 1), 1);
});

add("server disconnect", "with the transport ends all namespaces for good", async (t) => {
  const root = await t.connect("/", { reconnection: true });
  const plain = await t.connected(t.also(root, "/plain"));
  const [goneRoot, gonePlain] = [t.inbox(root, "disconnect"), t.inbox(plain, "disconnect")];
  plain.emit("kick", true);
  assert.equal((await gonePlain.take())[0], "io server disconnect");
  assert.ok(["io server disconnect", "transport close", "forced close"].includes((await goneRoot.take())[0]));
});

add("server disconnect", "what was emitted before it arrives", async (t) => {
  const socket = t.open();
  const got = t.inbox(socket, "last words");
  const gone = t.inbox(socket, "disconnect");
  await t.connected(socket);
  socket.emit("emit-and-kick", "last words", 50);
  await gone.take();
  assert.deepEqual(got.items.map(([i]) => i), [...Array(50).keys()]);
});

add("server disconnect", "of all members of a room", async (t) => {
  const room = t.name();
  const [a, b, c] = await Promise.all([t.connect(), t.connect(), t.connect()]);
  const [goneA, goneB] = [t.inbox(a, "disconnect"), t.inbox(b, "disconnect")];
  await t.call(a, "join", room);
  await t.call(b, "join", room);
  c.emit("sockets-kick", room, false);
  assert.equal((await goneA.take())[0], "io server disconnect");
  assert.equal((await goneB.take())[0], "io server disconnect");
  assert.equal(await t.call(c, "echo", 1), 1);
});

add("server disconnect", "the client's own disconnect is named on both sides", async (t) => {
  const tag = t.name("tag");
  const socket = await t.connect("/", { query: { tag } });
  const gone = t.inbox(socket, "disconnect");
  socket.disconnect();
  assert.equal((await gone.take())[0], "io client disconnect");
  const [[, first], [, second]] = await t.reasonsOf(tag);
  assert.equal(first, second);
  assert.ok(["client namespace disconnect", "transport close"].includes(first), first);
});

add("reconnect", "after the server closed the transport", async (t) => {
  const tag = t.name("tag");
  const socket = await t.connect("/", { query: { tag }, reconnection: true });
  const before = socket.id;
  await t.upgraded(socket);
  const gone = t.inbox(socket, "disconnect");
  const back = t.inbox(socket, "connect");
  socket.emit("cut");
  const [reason] = await gone.take();
  assert.equal(reason, "transport close");
  await back.take();
  assert.notEqual(socket.id, before);
  assert.deepEqual((await t.reasonsOf(tag))[0], ["disconnecting", "forced close"]);
  assert.equal(await t.call(socket, "echo", "back"), "back");
});

add("reconnect", "after the network cut, with all namespaces and what was emitted meanwhile, in order", async (t) => {
  const proxy = await t.proxy();
  const tag = t.name("tag");
  const root = t.open("/", { url: proxy.url, reconnection: true, query: { tag } });
  const bounced = t.inbox(root, "bounce");
  await t.connected(root);
  const plain = await t.connected(t.also(root, "/plain"));
  await t.resting(root);
  const [goneRoot, gonePlain] = [t.inbox(root, "disconnect"), t.inbox(plain, "disconnect")];
  const [backRoot, backPlain] = [t.inbox(root, "connect"), t.inbox(plain, "connect")];
  proxy.cut();
  const [reason] = await goneRoot.take();
  assert.ok(["transport close", "transport error"].includes(reason), reason);
  await gonePlain.take();
  for (let i = 0; i < 30; i++) root.emit("bounce", i);
  // A cut between two polls shows by the heartbeat alone.
  const [[, server]] = await t.reasonsOf(tag);
  assert.ok(["transport close", "transport error", "ping timeout"].includes(server), server);
  proxy.mend();
  await Promise.all([backRoot.take(), backPlain.take()]);
  assert.deepEqual((await bounced.takeMany(30)).map(([i]) => i), [...Array(30).keys()]);
  assert.equal(await t.call(plain, "echo", 1), 1);
}, { server: "heartbeat" });

add("reconnect", "after a restart of the server, which is no disconnect on purpose", async (t) => {
  const [old, young] = [await t.startProgram(), await t.startProgram()];
  const proxy = await t.proxy(old.url);
  const socket = t.open("/", { url: proxy.url, reconnection: true });
  const gone = t.inbox(socket, "disconnect");
  await t.connected(socket);
  await t.resting(socket);
  const back = t.inbox(socket, "connect");
  proxy.target = young.url;
  await t.wait("the server's end", old.stop());
  const [reason] = await gone.take();
  assert.ok(["transport close", "transport error"].includes(reason), reason);
  await back.take();
  assert.deepEqual(await t.calls(socket, "echo", "back"), ["back"]);
}, { server: "program" });

add("reconnect", "is a new socket: its rooms are gone", async (t) => {
  const room = t.name();
  const socket = await t.connect("/", { reconnection: true });
  await t.call(socket, "join", room);
  const back = t.inbox(socket, "connect");
  socket.io.engine.close();
  await back.take();
  const { id, rooms, recovered } = await t.call(socket, "session");
  assert.deepEqual(rooms, [id]);
  assert.equal(recovered, false);
});

add("reconnect", "after a message over the size limit, which harms nobody else", async (t) => {
  const tag = t.name("tag");
  const [other, socket] = await Promise.all([t.connect(), t.connect("/", { query: { tag }, reconnection: true })]);
  await t.upgraded(socket);
  const gone = t.inbox(socket, "disconnect");
  const back = t.inbox(socket, "connect");
  socket.emit("echo", "x".repeat(2_000_000), () => {});
  await gone.take();
  await back.take();
  assert.equal(await t.call(socket, "echo", "small"), "small");
  assert.equal(await t.call(other, "echo", "unharmed"), "unharmed");
});

add("reconnect", "the client's engine closing is a transport close for the server", async (t) => {
  const tag = t.name("tag");
  const socket = await t.connect("/", { query: { tag } });
  await t.upgraded(socket);
  socket.io.engine.close();
  assert.deepEqual(await t.reasonsOf(tag), [
    ["disconnecting", "transport close"],
    ["disconnect", "transport close"],
  ]);
});

const recovery = { server: "recovery", since: "4.6.0" };

// guest is a socket behind a proxy, in a room, that has got one event of the
// room, without which the client has no offset to recover from.
async function guest(t, room, data) {
  const proxy = await t.proxy();
  const host = await t.connect();
  const socket = t.open("/", { url: proxy.url, reconnection: true });
  const news = t.inbox(socket, "news");
  const hello = t.inbox(socket, "hello");
  await t.connected(socket);
  await hello.take();
  await t.upgraded(socket);
  await t.call(socket, "join", room);
  if (data) await t.call(socket, "set-data", data);
  host.emit("in", room, "news", "first");
  assert.deepEqual((await news.take())[0], "first");
  return { proxy, host, socket, news, hello };
}

// away cuts the guest off until the server has noticed.
async function away(t, { proxy, host, socket }, room) {
  const gone = t.inbox(socket, "disconnect");
  await t.resting(socket);
  proxy.cut();
  await gone.take();
  await t.poll("the guest's leaving", () => t.call(host, "fetch", room), (got) => got.length === 0);
}

async function comeBack(t, { proxy, socket }) {
  const back = t.inbox(socket, "connect");
  proxy.mend();
  await back.take();
}

add("recovery", "brings what was missed, in order, once, with id, rooms and data", async (t) => {
  const room = t.name();
  const g = await guest(t, room, { nick: "zoë" });
  const id = g.socket.id;
  await away(t, g, room);
  for (let i = 0; i < 40; i++) g.host.emit("in", room, "news", i);
  g.host.emit("in", [room, t.name()], "news", Buffer.from("binary too"));
  await t.call(g.host, "echo", 0);
  await comeBack(t, g);
  assert.equal(g.socket.recovered, true);
  assert.equal(g.socket.id, id);
  const missed = (await g.news.takeMany(41)).map(([v]) => (Buffer.isBuffer(v) ? v.toString() : v));
  assert.deepEqual(missed, [...Array(40).keys(), "binary too"]);
  const session = await t.call(g.socket, "session");
  assert.equal(session.recovered, true);
  assert.deepEqual(session.rooms, [id, room].sort());
  assert.deepEqual(session.data, { nick: "zoë" });
  g.host.emit("in", room, "news", "live again");
  assert.equal((await g.news.take())[0], "live again");
  assert.equal(g.news.items.length, 0);
}, recovery);

add("recovery", "leaves out what went to others", async (t) => {
  const room = t.name();
  const g = await guest(t, room);
  const other = t.open();
  const elsewhere = t.inbox(other, "news");
  await t.connected(other);
  await t.call(other, "join", "x" + room);
  await away(t, g, room);
  g.host.emit("in", "x" + room, "news", "not yours");
  g.host.emit("except", room, room, "news", "nor this");
  g.host.emit("in", room, "news", "yours");
  await elsewhere.take();
  await comeBack(t, g);
  assert.equal(g.socket.recovered, true);
  assert.equal((await g.news.take())[0], "yours");
  await t.call(g.socket, "echo", 0);
  assert.equal(g.news.items.length, 0);
}, recovery);

add("recovery", "twice in a row", async (t) => {
  const room = t.name();
  const g = await guest(t, room);
  for (const round of [1, 2]) {
    await away(t, g, room);
    for (let i = 0; i < 5; i++) g.host.emit("in", room, "news", `${round}.${i}`);
    await t.call(g.host, "echo", 0);
    await comeBack(t, g);
    assert.equal(g.socket.recovered, true);
    assert.deepEqual((await g.news.takeMany(5)).map(([v]) => v), [0, 1, 2, 3, 4].map((i) => `${round}.${i}`));
  }
}, recovery);

add("recovery", "with nothing missed is still a recovery", async (t) => {
  const room = t.name();
  const g = await guest(t, room);
  await away(t, g, room);
  await comeBack(t, g);
  assert.equal(g.socket.recovered, true);
  assert.deepEqual(await g.hello.take().then(([, recovered]) => recovered), true);
  await t.call(g.socket, "echo", 0);
  assert.equal(g.news.items.length, 0);
}, recovery);

add("recovery", "after a cut in the middle of a stream nothing is lost or doubled", async (t) => {
  const room = t.name();
  const g = await guest(t, room);
  const back = t.inbox(g.socket, "connect");
  const gone = t.inbox(g.socket, "disconnect");
  for (let i = 0; i < 300; i++) {
    g.host.emit("in", room, "news", i);
    if (i === 100) g.proxy.cut();
    if (i === 200) await gone.take();
  }
  await t.call(g.host, "echo", 0);
  await t.poll("the guest's leaving", () => t.call(g.host, "fetch", room), (got) => got.length === 0);
  g.proxy.mend();
  await back.take();
  assert.equal(g.socket.recovered, true);
  const got = (await g.news.takeMany(300)).map(([v]) => v);
  assert.deepEqual(got, [...Array(300).keys()]);
}, recovery);

add("recovery", "not after a disconnect on purpose", async (t) => {
  const room = t.name();
  const g = await guest(t, room);
  const gone = t.inbox(g.socket, "disconnect");
  g.host.emit("sockets-kick", room, false);
  await gone.take();
  g.host.emit("in", room, "news", "missed");
  await t.call(g.host, "echo", 0);
  g.socket.connect();
  await t.connected(g.socket);
  assert.equal(g.socket.recovered, false);
  assert.equal((await t.call(g.socket, "session")).recovered, false);
  assert.equal(g.news.items.length, 0);
}, recovery);

add("ack", "with recovery on, offsets do not disturb acknowledgements or binary", async (t) => {
  const socket = t.open();
  const bounced = t.inbox(socket, "bounce");
  await t.connected(socket);
  socket.on("question", (v, ack) => ack(v));
  assert.deepEqual(await t.call(socket, "ask", 5000, "question", "q"), { ok: ["q"] });
  assert.deepEqual(await t.calls(socket, "echo", "a", "b"), ["a", "b"]);
  socket.emit("bounce", { b: Buffer.from([1]) }, 2);
  const [first, second] = await bounced.take();
  assert.equal(first.b[0], 1);
  assert.equal(second, 2);
}, { server: "recovery" });
