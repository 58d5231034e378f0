// Events between servers.
import assert from "node:assert/strict";
import { until } from "../../house/programs.mjs";

const cases = [];
const add = (name, run, more = {}) => cases.push({ name: `servers: ${name}`, run, ...more });
const all = { sets: ["all"] };
const requests = { sets: ["requests"] };
const short = { sets: ["requests", "short"] };
export default cases;

// What is neither lost nor changed between servers.
const values = [null, true, 1.5, -7, "größe 🐟", { list: [1, { deep: ["x"] }], empty: {} }, []];

const byNode = (answers) => answers.sort((a, b) => (a.node < b.node ? -1 : 1));

/** Waits until every node has heard as many server side events as it should. */
async function heard(t, count) {
  const lists = () => Promise.all(t.cluster.nodes.map((node) => t.do(node, { op: "heard" })));
  await until("server side events", async () => (await lists()).every((list, i) => list.length >= count(t.cluster.nodes[i])), 5_000).catch(() => {});
  return lists();
}

add("serverSideEmit() is heard once by every other node", async (t) => {
  await t.everywhere();
  for (const node of t.cluster.nodes) await t.do(node, { op: "serverSideEmit", event: "note", args: [node.name, ...values] });
  await t.do(t.cluster.emitter, { op: "serverSideEmit", event: "note", args: ["emitter", ...values] });
  // Whatever would come twice has come by the time that a request to everybody is answered.
  const lists = await heard(t, () => t.cluster.nodes.length);
  await Promise.all(t.askers.map((node) => t.do(node, { op: "fetch" })));
  for (const [i, node] of t.cluster.nodes.entries()) {
    const from = [...t.cluster.nodes.filter((other) => other !== node), t.cluster.emitter].map(({ name }) => name).sort();
    assert.deepEqual(lists[i].map(({ args }) => args[0]).sort(), from, `heard by ${node.name}`);
    for (const { event, args } of lists[i]) assert.deepEqual([event, ...args.slice(1)], ["note", ...values], `heard by ${node.name} from ${args[0]}`);
  }
}, short);

add("serverSideEmit() in order", async (t) => {
  await t.everywhere();
  const n = 100;
  for (let i = 0; i < n; i++) {
    await Promise.all([t.cluster.s1, t.cluster.n1].map((node) => t.do(node, { op: "serverSideEmit", event: "note", args: [node.name, i] })));
  }
  const lists = await heard(t, (node) => (t.askers.includes(node) ? n : 2 * n));
  for (const [i, node] of t.cluster.nodes.entries()) {
    for (const from of t.askers.filter((other) => other !== node)) {
      const got = lists[i].filter(({ args }) => args[0] === from.name).map(({ args }) => args[1]);
      assert.deepEqual(got, Array.from({ length: n }, (_, k) => k), `heard by ${node.name} from ${from.name}`);
    }
  }
}, all);

add("serverSideEmit() with acknowledgements: one answer of every other node", async (t) => {
  await t.everywhere();
  for (const node of t.cluster.nodes) {
    const answers = await t.do(node, { op: "serverSideAsk", event: "note", args: values, timeout: 20_000 });
    const others = t.cluster.nodes.filter((other) => other !== node);
    assert.deepEqual(byNode(answers), others.map(({ name }) => ({ node: name, args: values })).sort((a, b) => (a.node < b.node ? -1 : 1)));
  }
}, short);

add("a server that does not answer: a time-out with the number of answers", async (t) => {
  await t.everywhere();
  await Promise.all(
    t.askers.map(async (node) => {
      const failure = await t.do(node, { op: "serverSideAsk", event: "mute", args: [], timeout: 1_000 }).then(
        () => assert.fail("there was no error"),
        (err) => err,
      );
      assert.match(failure.message, /time/i);
      assert.deepEqual(failure.answers ?? [], []);
      // Node says "only 0 responses received out of 3", Sockeye who is missing.
      assert.match(failure.message, node.kind === "node" ? /0 responses received out of 3/ : /3/);
    }),
  );
}, requests);

add("every node counts four", async (t) => {
  await t.everywhere();
  for (const node of t.cluster.nodes) assert.equal(await t.do(node, { op: "count" }), 4, node.name);
}, short);

add("an event of a client reaches the handlers of its own node only", async (t) => {
  const people = await t.everywhere();
  for (const person of people) assert.equal(await person.socket.timeout(5_000).emitWithAck("where"), person.node.name);
}, all);
