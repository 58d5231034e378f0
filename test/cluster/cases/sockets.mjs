// Sockets of other nodes: finding them, moving them, ending them.
import assert from "node:assert/strict";
import { until } from "../../house/programs.mjs";
import { each } from "../stage.mjs";

const cases = [];
const add = (name, run, more = {}) => cases.push({ name: `sockets: ${name}`, run, ...more });
const all = { sets: ["all"] };
const requests = { sets: ["requests"] };
const short = { sets: ["requests", "short"] };
export default cases;

const ids = (list) => list.map(({ id }) => id).sort();

add("fetchSockets() gives id, rooms, data and handshake", async (t) => {
  const room = t.room();
  const data = { nick: "größe 🐟", list: [1, null, { deep: true }] };
  const people = await t.everywhere({ rooms: [room, "x"], data, query: { lang: "de&en" } });
  for (const node of t.askers) {
    const found = await t.do(node, { op: "fetch" });
    assert.deepEqual(ids(found), ids(people), `fetched by ${node.name}`);
    for (const person of people) {
      const socket = found.find(({ id }) => id === person.id);
      const at = `${person.name}, fetched by ${node.name}`;
      assert.deepEqual([...socket.rooms].sort(), [person.id, room, "x"].sort(), at);
      assert.deepEqual(socket.data, data, at);
      const { auth, query, headers, address, secure, xdomain, url, issued, time } = socket.handshake;
      assert.deepEqual(auth, { rooms: [room, "x"], data, who: person.name }, at);
      assert.deepEqual({ person: query.person, lang: query.lang, EIO: query.EIO }, { person: person.name, lang: "de&en", EIO: "4" }, at);
      assert.equal(headers["x-test"], person.name, at);
      assert.equal(address.replace("::ffff:", ""), "127.0.0.1", at);
      assert.deepEqual([secure, xdomain], [false, false], at);
      assert.match(url, /^\/socket\.io\/\?/, at);
      assert.ok(Math.abs(Date.now() - issued) < 120_000, at);
      assert.ok(Math.abs(Date.now() - Date.parse(time)) < 120_000, `${at}: ${time}`);
    }
  }
}, short);

add("fetchSockets() of rooms, except rooms, and local()", async (t) => {
  const [a, b] = [t.room(), t.room()];
  const inA = await t.everywhere({ rooms: [a] });
  const inBoth = await t.everywhere({ rooms: [a, b] });
  const outside = await t.everywhere();
  for (const node of t.askers) {
    const fetched = async (op) => ids(await t.do(node, { op: "fetch", ...op }));
    assert.deepEqual(await fetched({ to: [a] }), ids([...inA, ...inBoth]));
    assert.deepEqual(await fetched({ to: [a, b] }), ids([...inA, ...inBoth]));
    assert.deepEqual(await fetched({ to: [a], except: [b] }), ids(inA));
    assert.deepEqual(await fetched({ except: [a] }), ids(outside));
    assert.deepEqual(await fetched({ to: [t.room()] }), []);
    const here = t.cluster.nodes.indexOf(node);
    assert.deepEqual(await fetched({ local: true }), ids([inA[here], inBoth[here], outside[here]]));
  }
}, requests);

add("fetchSockets() with rooms that are numbers", async (t) => {
  const people = await t.everywhere({ rooms: [42] });
  await t.everywhere({ rooms: [43] });
  const found = await t.do(t.cluster.n1, { op: "fetch", to: [42] });
  assert.deepEqual(ids(found), ids(people));
  assert.deepEqual(ids(await t.do(t.cluster.n1, { op: "fetch", except: [43] })), ids(people));
  const everyone = await t.do(t.cluster.s1, { op: "fetch" });
  assert.equal(everyone.length, 8);
  for (const socket of everyone.filter(({ id }) => ids(people).includes(id))) {
    assert.deepEqual(socket.rooms.map(String).sort(), [socket.id, "42"].sort());
  }
}, requests);

add("fetchSockets() twice at once, of 40 sockets with 2 KB of data each", async (t) => {
  const people = [];
  for (let i = 0; i < 10; i++) people.push(...(await t.everywhere({ data: "x".repeat(2_000) })));
  for (const node of t.askers) {
    const [first, second] = await Promise.all([t.do(node, { op: "fetch" }), t.do(node, { op: "fetch" })]);
    assert.deepEqual(ids(first), ids(people));
    assert.deepEqual(ids(second), ids(people));
  }
}, all);

add("socketsJoin() and socketsLeave()", async (t) => {
  const [a, b, c] = [t.room(), t.room(), t.room()];
  const members = await t.everywhere({ rooms: [a] });
  const others = await t.everywhere();
  for (const p of t.publishers) {
    await t.do(p, { op: "socketsJoin", to: [a], rooms: [b, c] });
    await t.fence(p);
    await t.do(p, { op: "emit", to: [b], event: "news", args: [1] });
    await t.do(p, { op: "emit", to: [b, c], event: "news", args: [2] });
    await t.got(p, each(members, ["news", 1], ["news", 2]));
    await t.do(p, { op: "socketsLeave", to: [b], except: [members[0].id, members[3].id], rooms: [c] });
    await t.fence(p);
    await t.do(p, { op: "emit", to: [c], event: "news", args: [3] });
    await t.got(p, each([members[0], members[3]], ["news", 3]));
    await t.do(p, { op: "socketsLeave", rooms: [b, c] });
    await t.fence(p);
    await t.do(p, { op: "emit", to: [b, c], event: "news", args: [4] });
    await t.got(p, new Map());
    await t.do(p, { op: "socketsJoin", except: [a], rooms: [c] });
    await t.fence(p);
    await t.do(p, { op: "emit", to: [c], event: "news", args: [5] });
    await t.got(p, each(others, ["news", 5]));
    await t.do(p, { op: "socketsLeave", rooms: [c] });
    await t.fence(p);
  }
}, short);

add("sockets moved by one node are found there by another", async (t) => {
  const room = t.room();
  const people = await t.everywhere();
  for (const [mover, asker] of [[t.cluster.s1, t.cluster.n1], [t.cluster.n1, t.cluster.s1], [t.cluster.emitter, t.cluster.s2]]) {
    const target = t.room();
    await t.do(mover, { op: "socketsJoin", rooms: [target, room] });
    await t.fence(mover);
    await until("all members", async () => (await t.do(asker, { op: "fetch", to: [target] })).length === people.length, 5_000);
    assert.deepEqual(ids(await t.do(asker, { op: "fetch", to: [target] })), ids(people));
  }
}, all);

add("local() moves and ends sockets of its node only", async (t) => {
  const people = await t.everywhere();
  const room = t.room();
  for (const node of t.askers) {
    const person = people[t.cluster.nodes.indexOf(node)];
    await t.do(node, { op: "socketsJoin", local: true, rooms: [room] });
    await t.fence(node);
    await t.do(node, { op: "emit", to: [room], event: "news", args: [node.name] });
    await t.got(node, each([person], ["news", node.name]));
    await t.do(node, { op: "socketsLeave", local: true, rooms: [room] });
  }
  for (const node of t.askers) {
    const person = people[t.cluster.nodes.indexOf(node)];
    await t.do(node, { op: "disconnectSockets", local: true, close: false });
    await until(`${person.name} is ended`, () => person.ended !== undefined);
    await t.fence(node, people);
  }
  assert.deepEqual(people.map((p) => p.ended), ["io server disconnect", undefined, "io server disconnect", undefined]);
}, all);

add("disconnectSockets() ends the namespace and keeps the connection", async (t) => {
  for (const p of t.publishers) {
    const room = t.room();
    const leaving = await t.everywhere({ rooms: [room] });
    const staying = await t.everywhere();
    const other = leaving.map((person) => person.socket.io.socket("/", { auth: {} }));
    await until("the other namespace", () => other.every((s) => s.connected));
    await t.do(p, { op: "disconnectSockets", to: [room], close: false });
    await until("all are ended", () => leaving.every((person) => person.ended), 5_000).catch(() => {});
    assert.deepEqual(leaving.map((person) => person.ended), Array(4).fill("io server disconnect"), `by ${p.name}`);
    for (const socket of other) assert.equal(typeof (await socket.timeout(5_000).emitWithAck("where")), "string");
    assert.ok(staying.every((person) => person.socket.connected));
    other.forEach((s) => s.disconnect());
    staying.forEach((person) => person.socket.disconnect());
  }
}, short);

add("disconnectSockets(true) ends the connection", async (t) => {
  for (const p of t.publishers) {
    const leaving = await t.everywhere();
    const except = t.room();
    const staying = await t.everywhere({ rooms: [except] });
    const closed = leaving.map((person) => new Promise((resolve) => person.socket.io.engine.once("close", resolve)));
    const other = leaving.map((person) => person.socket.io.socket("/", { auth: {} }));
    await until("the other namespace", () => other.every((s) => s.connected));
    await t.do(p, { op: "disconnectSockets", except: [except], close: true });
    await until("all are ended", () => leaving.every((person) => person.ended), 5_000).catch(() => {});
    assert.deepEqual(leaving.map((person) => person.ended), Array(4).fill("io server disconnect"), `by ${p.name}`);
    await Promise.all(closed);
    await until("the other namespace ends too", () => other.every((s) => !s.connected));
    assert.ok(staying.every((person) => person.socket.connected));
    staying.forEach((person) => person.socket.disconnect());
    await t.assembled();
  }
}, all);

add("a socket that was fetched can be emitted to, asked, moved and ended", async (t) => {
  const people = await t.everywhere();
  const room = t.room();
  for (const node of t.askers) {
    const target = people[t.cluster.nodes.indexOf(node) === 0 ? 3 : 1]; // Sockeye takes one of Node's, Node one of Sockeye's
    const at = { op: "remote", to: [target.id] };
    await t.do(node, { ...at, event: "news", args: [1] });
    await t.got(node, each([target], ["news", 1]));
    assert.equal(await t.do(node, { ...at, event: "ask", args: [2], timeout: 20_000 }), target.name);
    await t.got(node, each([target], ["ask", 2]));
    await t.do(node, { ...at, event: "join", rooms: [room] });
    await t.fence(node);
    await t.do(node, { op: "emit", to: [room], event: "news", args: [3] });
    await t.got(node, each([target], ["news", 3]));
    await t.do(node, { ...at, event: "leave", rooms: [room] });
    await t.fence(node);
    await t.do(node, { op: "emit", to: [room], event: "news", args: [4] });
    await t.got(node, new Map());
    await t.do(node, { ...at, event: "disconnect", close: false });
    await until("it is ended", () => target.ended === "io server disconnect");
  }
}, requests);

add("a client that left is found no more", async (t) => {
  const people = await t.everywhere();
  await t.everywhere();
  people.forEach((person) => person.socket.disconnect());
  for (const node of t.askers) {
    await until("they are gone", async () => (await t.do(node, { op: "fetch" })).length === 4, 5_000);
  }
}, all);
