// Namespaces do not hear of each other.
import assert from "node:assert/strict";
import { until } from "../../house/programs.mjs";
import { each } from "../stage.mjs";

const cases = [];
const add = (name, run, more = {}) => cases.push({ name: `namespaces: ${name}`, run, ...more });
const all = { sets: ["all"] };
const requests = { sets: ["requests"] };
export default cases;

add("the same room in two of them, one the beginning of the other's name", async (t) => {
  const room = t.room();
  const [one, two] = [t.nsp, `${t.nsp}/more`];
  const here = await t.everywhere({ rooms: [room] });
  const there = await t.everywhere({ rooms: [room], nsp: two });
  for (const p of t.publishers) {
    for (const [nsp, people, others] of [[one, here, there], [two, there, here]]) {
      await p.do({ op: "emit", nsp, event: "news", args: [nsp] });
      await p.do({ op: "emit", nsp, to: [room], event: "news", args: [nsp, 1] });
      await p.do({ op: "socketsJoin", nsp, rooms: [`${room}-${nsp}`] });
      await t.fence(p, here, one);
      await t.fence(p, there, two);
      for (const person of people) assert.deepEqual(person.inbox, [["news", nsp], ["news", nsp, 1]], `${person.name} by ${p.name}`);
      for (const person of others) assert.deepEqual(person.inbox, [], `${person.name} by ${p.name}`);
      for (const person of [...here, ...there]) person.inbox = [];
    }
  }
  for (const node of t.askers) {
    const answers = await node.do({ op: "ask", nsp: two, event: "ask", timeout: 20_000 });
    assert.deepEqual(answers.sort(), there.map((p) => p.name).sort());
    assert.equal((await node.do({ op: "fetch", nsp: two })).length, 4);
    await node.do({ op: "serverSideEmit", nsp: two, event: "note", args: [1] });
    assert.equal((await node.do({ op: "serverSideAsk", nsp: two, event: "note", args: [2], timeout: 20_000 })).length, 3);
    for (const other of t.cluster.nodes) assert.deepEqual(await other.do({ op: "heard", nsp: one }), []);
  }
}, all);

add("one that only some nodes have: the others are not waited for", async (t) => {
  const people = await t.everywhere({}, ["s1", "n1"]);
  for (const node of t.askers) {
    assert.equal(await t.do(node, { op: "count" }), 2);
    const answers = await t.do(node, { op: "ask", event: "ask", timeout: 20_000 });
    assert.deepEqual(answers.sort(), people.map((p) => p.name).sort());
    assert.equal((await t.do(node, { op: "fetch" })).length, 2);
    assert.equal((await t.do(node, { op: "serverSideAsk", event: "note", timeout: 20_000 })).length, 1);
  }
}, requests);

add("the default namespace", async (t) => {
  const room = t.room();
  const people = await t.everywhere({ nsp: "/", rooms: [room] });
  for (const p of t.publishers) {
    await p.do({ op: "emit", nsp: "/", to: [room], event: "news", args: [p.name] });
    await t.fence(p, people, "/");
    await until("news", () => people.every((person) => person.inbox.length > 0), 3_000).catch(() => {});
    for (const person of people) assert.deepEqual(person.inbox, [["news", p.name]], `${person.name} by ${p.name}`);
    people.forEach((person) => (person.inbox = []));
  }
  for (const node of t.askers) {
    const answers = await node.do({ op: "ask", nsp: "/", to: [room], event: "ask", timeout: 20_000 });
    assert.deepEqual(answers.sort(), people.map((p) => p.name).sort());
    people.forEach((person) => (person.inbox = []));
  }
}, { sets: ["all", "short"] });

add("a client in several of them over one connection", async (t) => {
  const two = `${t.nsp}-two`;
  const people = await t.everywhere();
  const inTwo = people.map((person) => person.socket.io.socket(two, { auth: { rooms: ["r"] } }));
  const got = inTwo.map(() => []);
  inTwo.forEach((socket, i) => socket.on("news", (...args) => got[i].push(args)));
  await until("the second namespace", () => inTwo.every((s) => s.connected));
  await t.assembled(two);
  for (const p of t.publishers) {
    await p.do({ op: "emit", nsp: two, to: ["r"], event: "news", args: [p.name] });
    await until("news", () => got.every((list) => list.length > 0), 5_000);
    await t.got(p, each(people));
    assert.deepEqual(got, Array(4).fill([[p.name]]));
    got.forEach((list) => (list.length = 0));
  }
}, all);
