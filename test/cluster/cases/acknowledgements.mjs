// Broadcasts that every client answers.
import assert from "node:assert/strict";
import { each } from "../stage.mjs";

const cases = [];
const add = (name, run, more = {}) => cases.push({ name: `acknowledgements: ${name}`, run, ...more });
const all = { sets: ["all"] };
const requests = { sets: ["requests"] };
const short = { sets: ["requests", "short"] };
export default cases;

const names = (people) => people.map((p) => p.name).sort();
const timeout = 20_000;

add("each client of each node is counted and heard once", async (t) => {
  const people = [...(await t.everywhere()), ...(await t.everywhere())];
  const polling = [await t.join("s2", { transport: "polling" }), await t.join("n2", { transport: "polling" })];
  people.push(...polling);
  for (const node of t.cluster.nodes) {
    const answers = await t.do(node, { op: "ask", event: "ask", args: [node.name], timeout });
    assert.deepEqual(answers.sort(), names(people), `asked by ${node.name}`);
    await t.got(node, each(people, ["ask", node.name]));
  }
}, short);

add("many at once do not mix", async (t) => {
  const people = await t.everywhere();
  for (const person of people) person.answer = ([key]) => [`${person.name} ${key}`];
  await Promise.all(
    t.cluster.nodes.flatMap((node) =>
      Array.from({ length: 15 }, async (_, i) => {
        const key = `${node.name}/${i}`;
        const answers = await t.do(node, { op: "ask", event: "ask", args: [key], timeout });
        assert.deepEqual(answers.sort(), names(people).map((name) => `${name} ${key}`));
      }),
    ),
  );
}, requests);

add("to rooms and except rooms; nobody there is an empty list", async (t) => {
  const [a, b] = [t.room(), t.room()];
  const inA = await t.everywhere({ rooms: [a] });
  const inBoth = await t.everywhere({ rooms: [a, b] });
  await t.everywhere();
  for (const node of t.askers) {
    const ask = async (op) => (await t.do(node, { op: "ask", event: "ask", timeout, ...op })).sort();
    assert.deepEqual(await ask({ to: [a] }), names([...inA, ...inBoth]));
    assert.deepEqual(await ask({ to: [a, b] }), names([...inA, ...inBoth]));
    assert.deepEqual(await ask({ to: [a], except: [b] }), names(inA));
    assert.deepEqual(await ask({ to: [inA[2].id] }), [inA[2].name]);
    assert.deepEqual(await ask({ to: [inA[1].id] }), [inA[1].name]);
    assert.deepEqual(await ask({ to: [t.room("empty")] }), []);
  }
}, requests);

add("local() asks the clients of one node", async (t) => {
  const people = await t.everywhere();
  for (const [i, node] of t.cluster.nodes.entries()) {
    // Node waits for as many counts as there are nodes, and a local event brings only its own.
    if (node.kind === "node") continue;
    assert.deepEqual(await t.do(node, { op: "ask", event: "ask", local: true, timeout }), [people[i].name]);
  }
}, { sets: ["requests"], reference: false });

add("answers with binary, nothing, null, objects", async (t) => {
  const people = await t.everywhere();
  const bytes = Buffer.from([0, 128, 255]);
  const given = [{ bytes, list: [1, null, "größe 🐟"] }, bytes, null, undefined];
  people.forEach((person, i) => (person.answer = () => (given[i] === undefined ? [] : [given[i]])));
  const key = (value) => JSON.stringify(value ?? null);
  for (const node of t.cluster.nodes) {
    const answers = await t.do(node, { op: "ask", event: "ask", timeout });
    assert.deepEqual(answers.map(key).sort(), given.map(key).sort(), `asked by ${node.name}`);
  }
}, short);

add("a missing answer: a time-out with the answers there are", async (t) => {
  const people = await t.everywhere();
  const mute = [await t.join("s2", { mute: true }), await t.join("n2", { mute: true })];
  await Promise.all(
    t.askers.map(async (node) => {
      const began = performance.now();
      const failure = await t.do(node, { op: "ask", event: "ask", timeout: 1_500 }).then(
        () => assert.fail(`${node.name} did not miss the answers of ${names(mute)}`),
        (err) => err,
      );
      assert.ok(performance.now() - began >= 1_400, "it ended before its time-out");
      assert.deepEqual(failure.answers?.sort(), names(people), failure.message);
      if (node.kind === "sockeye") assert.equal(failure.missing, 2, failure.message);
    }),
  );
}, short);

add("a client that asks by its own node: answers reach the emitter of the event", async (t) => {
  const people = await t.everywhere();
  for (const [i, node] of [[0, t.cluster.s1], [2, t.cluster.n1]]) {
    const answers = await t.do(node, { op: "ask", from: people[i].id, event: "ask", timeout });
    assert.deepEqual(answers.sort(), names(people.filter((p) => p !== people[i])));
  }
}, all);
