// Whom an event reaches.
import assert from "node:assert/strict";
import { each } from "../stage.mjs";

const cases = [];
const add = (name, run, more = {}) => cases.push({ name: `rooms: ${name}`, run, ...more });
const all = { sets: ["all"] };
const short = { sets: ["all", "short"] };
export default cases;

add("everyone in the namespace", async (t) => {
  const people = await t.everywhere();
  for (const p of t.publishers) {
    await t.do(p, { op: "emit", event: "news", args: [p.name] });
    await t.got(p, each(people, ["news", p.name]));
  }
}, short);

add("one room, several rooms, each client once", async (t) => {
  const [a, b, c] = [t.room(), t.room(), t.room()];
  const inA = await t.everywhere({ rooms: [a] });
  const inBoth = await t.everywhere({ rooms: [a, b] });
  await t.everywhere();
  for (const p of t.publishers) {
    await t.do(p, { op: "emit", to: [a], event: "one", args: [1] });
    await t.got(p, each([...inA, ...inBoth], ["one", 1]));
    await t.do(p, { op: "emit", to: [b], event: "one", args: [2] });
    await t.got(p, each(inBoth, ["one", 2]));
    await t.do(p, { op: "emit", to: [a, b, c], event: "several", args: [3] });
    await t.got(p, each([...inA, ...inBoth], ["several", 3]));
    await t.do(p, { op: "emit", to: [c], event: "nobody", args: [4] });
    await t.got(p, new Map());
  }
}, short);

add("except() leaves out who is in any of the rooms", async (t) => {
  const [a, b, c] = [t.room(), t.room(), t.room()];
  const inA = await t.everywhere({ rooms: [a] });
  const inB = await t.everywhere({ rooms: [a, b] });
  const inC = await t.everywhere({ rooms: [a, c] });
  const outside = await t.everywhere();
  for (const p of t.publishers) {
    await t.do(p, { op: "emit", to: [a], except: [b], event: "news", args: [1] });
    await t.got(p, each([...inA, ...inC], ["news", 1]));
    await t.do(p, { op: "emit", to: [a], except: [b, c], event: "news", args: [2] });
    await t.got(p, each(inA, ["news", 2]));
    await t.do(p, { op: "emit", except: [a], event: "news", args: [3] });
    await t.got(p, each(outside, ["news", 3]));
    await t.do(p, { op: "emit", to: [a], except: [b, inA[0].id, inC[3].id], event: "news", args: [4] });
    await t.got(p, each([...inA.slice(1), ...inC.slice(0, 3)], ["news", 4]));
  }
}, short);

add("the id of a socket is a room, on any node", async (t) => {
  const people = await t.everywhere();
  for (const p of t.publishers) {
    for (const person of people) {
      await t.do(p, { op: "emit", to: [person.id], event: "private", args: [person.name] });
      await t.got(p, each([person], ["private", person.name]));
    }
  }
}, all);

add("what a socket sends to others does not come back to it", async (t) => {
  const room = t.room();
  const members = await t.everywhere({ rooms: [room] });
  const others = await t.everywhere();
  for (const [i, node] of [[0, t.cluster.s1], [1, t.cluster.s2], [2, t.cluster.n1]]) {
    const rest = members.filter((p) => p !== members[i]);
    await t.do(node, { op: "emit", from: members[i].id, to: [room], event: "news", args: [1] });
    await t.got(node, each(rest, ["news", 1]));
    await t.do(node, { op: "emit", from: members[i].id, event: "news", args: [2] });
    await t.got(node, each([...rest, ...others], ["news", 2]));
  }
}, all);

add("numbers as names: Node's 7 is Sockeye's \"7\"", async (t) => {
  const { reference } = t.combination;
  // Node's clients join by number, and its nodes emit to numbers: it tells 7 from "7".
  const members = await t.everywhere({ rooms: [7, -1.5] });
  const others = await t.everywhere({ rooms: [8] });
  const both = [...members, ...others];
  await t.do(t.cluster.n1, { op: "emit", to: [7], event: "news", args: [1] });
  await t.got(t.cluster.n1, each(members, ["news", 1]));
  await t.do(t.cluster.n1, { op: "emit", to: [7, 8], event: "news", args: [2] });
  await t.got(t.cluster.n1, each(both, ["news", 2]));
  await t.do(t.cluster.n1, { op: "emit", to: [-1.5], event: "news", args: [3] });
  await t.got(t.cluster.n1, each(members, ["news", 3]));
  await t.do(t.cluster.n1, { op: "emit", except: [7], event: "news", args: [4] });
  await t.got(t.cluster.n1, each(others, ["news", 4]));
  await t.do(t.cluster.n1, { op: "emit", to: [7, 8], except: [8], event: "news", args: [5] });
  await t.got(t.cluster.n1, each(members, ["news", 5]));
  await t.do(t.cluster.emitter, { op: "emit", to: [7], event: "news", args: [6] });
  await t.got(t.cluster.emitter, each(members, ["news", 6]));
  await t.do(t.cluster.n1, { op: "socketsJoin", to: [8], rooms: [9] });
  await t.fence(t.cluster.n1);
  await t.do(t.cluster.n1, { op: "emit", to: [9], event: "news", args: [7] });
  await t.got(t.cluster.n1, each(others, ["news", 7]));
  if (reference) return;
  // Sockeye has only texts; its "7" is both to Node.
  const text = [await t.join("n2", { rooms: ["7"] }), await t.join("s2", { rooms: ["7"] })];
  await t.do(t.cluster.s1, { op: "emit", to: ["7"], event: "news", args: [8] });
  await t.got(t.cluster.s1, each([...members, ...text], ["news", 8]));
  await t.do(t.cluster.s1, { op: "emit", to: ["-1.5"], except: ["8"], event: "news", args: [9] });
  await t.got(t.cluster.s1, each(members, ["news", 9]));
  await t.do(t.cluster.s1, { op: "emit", except: ["7"], event: "news", args: [10] });
  await t.got(t.cluster.s1, each(others, ["news", 10]));
  const found = (await t.do(t.cluster.s1, { op: "fetch", to: ["7"] })).map(({ id }) => id);
  assert.deepEqual(found.sort(), [...members, ...text].map(({ id }) => id).sort());
  const answers = await t.do(t.cluster.s1, { op: "ask", to: ["7"], event: "ask", timeout: 20_000 });
  assert.deepEqual(answers.sort(), [...members, ...text].map(({ name }) => name).sort());
  for (const person of [...members, ...text]) person.inbox = [];
  await t.do(t.cluster.s1, { op: "socketsLeave", rooms: ["7"] });
  await t.fence(t.cluster.s1);
  for (const p of [t.cluster.s1, t.cluster.n1]) {
    await t.do(p, { op: "emit", to: [p.kind === "node" ? 7 : "7"], event: "news", args: [11] });
    await t.got(p, new Map());
  }
}, all);

add("names with characters that mean something to Redis, and of any script", async (t) => {
  const names = ["a#b", "#", "a*", "[x]?", "größe 家 🐟", " ", "a".repeat(300)];
  const people = [];
  for (const name of names) people.push({ name, members: [await t.join("s2", { rooms: [name] }), await t.join("n2", { rooms: [name] })] });
  await Promise.all([t.join("s1"), t.join("n1")]);
  await t.assembled();
  for (const p of t.publishers) {
    for (const { name, members } of people) {
      await t.do(p, { op: "emit", to: [name], event: "news", args: [name] });
      await t.got(p, each(members, ["news", name]));
    }
  }
}, all);

add("local() stays on its node", async (t) => {
  const room = t.room();
  const people = await t.everywhere({ rooms: [room] });
  for (const [i, node] of t.cluster.nodes.entries()) {
    await t.do(node, { op: "emit", local: true, event: "news", args: [1] });
    await t.do(node, { op: "emit", local: true, to: [room], event: "news", args: [2] });
    await t.got(node, each([people[i]], ["news", 1], ["news", 2]));
  }
}, short);
