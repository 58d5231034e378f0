// Namespaces and rooms.
import assert from "node:assert/strict";

const cases = [];
const add = (feature, name, run, limits = {}) => cases.push({ feature, name, run, ...limits });
export default cases;

add("namespaces", "several share one connection and do not leak into each other", async (t) => {
  const root = t.open();
  const fromRoot = t.inbox(root, "bounce");
  await t.connected(root);
  const plain = t.also(root, "/plain");
  const fromPlain = t.inbox(plain, "bounce");
  await t.connected(plain);
  assert.equal(plain.io, root.io);
  assert.notEqual(plain.id, root.id);
  root.emit("bounce", "root");
  plain.emit("bounce", "plain");
  assert.deepEqual(await fromRoot.take(), ["root"]);
  assert.deepEqual(await fromPlain.take(), ["plain"]);
  await Promise.all([t.call(root, "echo", 0), t.call(plain, "echo", 0)]);
  assert.equal(fromRoot.items.length + fromPlain.items.length, 0);
});

add("namespaces", "acknowledgements of two namespaces with the same id are told apart", async (t) => {
  const root = await t.connect();
  const plain = await t.connected(t.also(root, "/plain"));
  const answers = await Promise.all([t.call(root, "echo", "a"), t.call(plain, "echo", "b"), t.call(root, "echo", "c")]);
  assert.deepEqual(answers, ["a", "b", "c"]);
});

add("namespaces", "rooms of the same name are apart", async (t) => {
  const room = t.name();
  const root = t.open();
  const gotRoot = t.inbox(root, "news");
  await t.connected(root);
  const plain = t.also(root, "/plain");
  const gotPlain = t.inbox(plain, "news");
  await t.connected(plain);
  await t.call(root, "join", room);
  await t.call(plain, "join", room);
  root.emit("in", room, "news", 1);
  assert.deepEqual(await gotRoot.take(), [1]);
  await t.call(plain, "echo", 0);
  assert.equal(gotPlain.items.length, 0);
});

add("namespaces", "leaving one keeps the others, and it can be entered again", async (t) => {
  const tag = t.name("tag");
  const root = await t.connect("/", { query: { tag } });
  const plain = await t.connected(t.also(root, "/plain"));
  plain.disconnect();
  assert.deepEqual(await t.poll("reasons", () => t.call(root, "reasons", tag), (r) => r.length >= 2), [
    ["disconnecting", "client namespace disconnect"],
    ["disconnect", "client namespace disconnect"],
  ]);
  assert.equal(root.connected, true);
  plain.connect();
  await t.connected(plain);
  assert.equal(await t.call(plain, "echo", "again"), "again");
});

add("namespaces", "dynamic, by pattern", async (t) => {
  const n = Math.floor(Math.random() * 1e9);
  const [a, b, other] = [t.open(`/dynamic-${n}`), t.open(`/dynamic-${n}`), t.open(`/dynamic-${n}1`)];
  const [where, whereOther] = [t.inbox(a, "where"), t.inbox(other, "where")];
  const [news, newsOther] = [t.inbox(b, "news"), t.inbox(other, "news")];
  await Promise.all([a, b, other].map((s) => t.connected(s)));
  assert.deepEqual(await where.take(), [`/dynamic-${n}`]);
  assert.deepEqual(await whereOther.take(), [`/dynamic-${n}1`]);
  a.emit("broadcast", "news", 1);
  assert.deepEqual(await news.take(), [1]);
  await t.call(other, "echo", 0);
  assert.equal(newsOther.items.length, 0);
});

add("namespaces", "dynamic, by pattern: what does not match does not exist", async (t) => {
  const socket = t.open("/dynamic-x");
  const [err] = await t.inbox(socket, t.client.legacy ? "error" : "connect_error").take();
  assert.equal(err.message ?? err, "Invalid namespace");
});

add("namespaces", "dynamic, by a function of name and auth", async (t) => {
  const path = `/fn/${t.name()}`;
  const socket = t.open(path);
  const where = t.inbox(socket, "where");
  await t.connected(socket);
  assert.deepEqual(await where.take(), [path]);
});

add("namespaces", "dynamic, refused by the function", async (t) => {
  const socket = t.open(...t.identified({ open: "no" }, `/fn/${t.name()}`));
  const [err] = await t.inbox(socket, t.client.legacy ? "error" : "connect_error").take();
  assert.equal(err.message ?? err, "Invalid namespace");
});

// party opens n sockets with an inbox for "news".
async function party(t, n) {
  const sockets = Array.from({ length: n }, () => t.open());
  const news = sockets.map((s) => t.inbox(s, "news"));
  await Promise.all(sockets.map((s) => t.connected(s)));
  return { sockets, news };
}

// settled makes sure that everything sent to the sockets has arrived.
const settled = (t, sockets) => Promise.all(sockets.map((s) => t.call(s, "echo", 0)));
const values = (news) => news.map((inbox) => inbox.items.map(([v]) => v));

add("rooms", "to() reaches the others in the room only", async (t) => {
  const { sockets, news } = await party(t, 4);
  const room = t.name();
  for (const socket of sockets.slice(0, 3)) await t.call(socket, "join", room);
  sockets[0].emit("to", room, "news", 1);
  await t.call(sockets[0], "echo", 0);
  await settled(t, sockets);
  assert.deepEqual(values(news), [[], [1], [1], []]);
});

add("rooms", "in() of the namespace reaches the sender too, each once though in several rooms", async (t) => {
  const { sockets, news } = await party(t, 3);
  const [x, y] = [t.name(), t.name()];
  await t.call(sockets[0], "join", [x, y]);
  await t.call(sockets[1], "join", y);
  sockets[0].emit("in", [x, y], "news", 1);
  await t.call(sockets[0], "echo", 0);
  await settled(t, sockets);
  assert.deepEqual(values(news), [[1], [1], []]);
});

add("rooms", "except() leaves a room out", async (t) => {
  const { sockets, news } = await party(t, 3);
  const [x, y] = [t.name(), t.name()];
  for (const socket of sockets) await t.call(socket, "join", x);
  await t.call(sockets[1], "join", y);
  sockets[0].emit("except", x, y, "news", 1);
  await t.call(sockets[0], "echo", 0);
  await settled(t, sockets);
  assert.deepEqual(values(news), [[1], [], [1]]);
});

add("rooms", "broadcast reaches everybody else in the namespace", async (t) => {
  const path = `/fn/${t.name()}`;
  const sockets = [t.open(path), t.open(path), t.open(path)];
  const news = sockets.map((s) => t.inbox(s, "news"));
  await Promise.all(sockets.map((s) => t.connected(s)));
  sockets[0].emit("broadcast", "news", 1);
  await t.call(sockets[0], "echo", 0);
  await settled(t, sockets);
  assert.deepEqual(values(news), [[], [1], [1]]);
});

add("rooms", "the socket's own id is a room, and leaving a room is final", async (t) => {
  const { sockets, news } = await party(t, 2);
  const room = t.name();
  await t.call(sockets[1], "join", room);
  const { id, rooms } = await t.call(sockets[1], "session");
  assert.deepEqual(rooms, [id, room].sort());
  sockets[0].emit("to", id, "news", "private");
  assert.deepEqual(await news[1].take(), ["private"]);
  await t.call(sockets[1], "leave", room);
  sockets[0].emit("to", room, "news", "missed");
  await t.call(sockets[0], "echo", 0);
  await settled(t, sockets);
  assert.deepEqual(values(news), [[], []]);
});

add("rooms", "100 broadcasts arrive at all members in order", async (t) => {
  const { sockets, news } = await party(t, 5);
  const room = t.name();
  for (const socket of sockets) await t.call(socket, "join", room);
  for (let i = 0; i < 100; i++) sockets[0].emit("in", room, "news", i);
  for (const inbox of news) {
    assert.deepEqual((await inbox.takeMany(100)).map(([i]) => i), [...Array(100).keys()]);
  }
});

add("rooms", "members are listed with id, rooms and data, and vanish when they go", async (t) => {
  const { sockets } = await party(t, 2);
  const room = t.name();
  const ids = [];
  for (const [i, socket] of sockets.entries()) {
    await t.call(socket, "join", room);
    await t.call(socket, "set-data", { nick: `n${i}` });
    ids.push((await t.call(socket, "session")).id);
  }
  const want = ids
    .map((id, i) => ({ id, data: { nick: `n${i}` }, rooms: [id, room].sort() }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  assert.deepEqual(await t.call(sockets[0], "fetch", room), want);
  sockets[1].disconnect();
  const left = await t.poll("one member", () => t.call(sockets[0], "fetch", room), (got) => got.length === 1);
  assert.equal(left[0].id, ids[0]);
});

add("rooms", "the server moves the members of a room", async (t) => {
  const { sockets, news } = await party(t, 3);
  const [x, y] = [t.name(), t.name()];
  await t.call(sockets[1], "join", x);
  await t.call(sockets[2], "join", x);
  await t.call(sockets[0], "sockets-join", x, y);
  sockets[0].emit("in", y, "news", 1);
  assert.deepEqual(await news[1].take(), [1]);
  assert.deepEqual(await news[2].take(), [1]);
  await t.call(sockets[0], "sockets-leave", x, y);
  sockets[0].emit("in", y, "news", 2);
  await t.call(sockets[0], "echo", 0);
  await settled(t, sockets);
  assert.deepEqual(values(news), [[], [], []]);
});
