// Nodes that die, and connections to Redis that are cut. These cases start nodes of their own.
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "../../house/redis.mjs";
import { until } from "../../house/programs.mjs";
import { Cluster } from "../cluster.mjs";
import { Stage } from "../stage.mjs";

const cases = [];
const add = (name, run) => cases.push({ name: `faults: ${name}`, run, sets: ["faults"], alone: true, reference: false });
export default cases;

let serial = 0;

/** Runs a case on a cluster that is its own. */
async function alone(t, settings, run) {
  const cluster = await Cluster.start({ ...t.combination, prefix: `${t.combination.prefix}-${process.pid}-${++serial}`, ...settings });
  const stage = new Stage(cluster, t.combination);
  try {
    await stage.warm();
    await run(stage);
  } catch (err) {
    for (const node of cluster.nodes.filter(({ kind }) => kind === "sockeye")) {
      err.message += `\n----- ${node.name} -----\n${node.program.output.slice(-4_000)}`;
    }
    throw err;
  } finally {
    stage.end();
    await cluster.stop();
  }
}

const ids = (list) => list.map(({ id }) => id).sort();
const settled = (promise) =>
  promise.then(
    (value) => ({ value, at: performance.now() }),
    (error) => ({ error, at: performance.now() }),
  );

for (const victim of ["n2", "s2"]) {
  add(`${victim === "n2" ? "a Node.js" : "a Sockeye"} node that is killed is not waited for`, (t) =>
    // Nobody gives up by itself before the end of this case.
    alone(t, { requestsTimeout: 30_000 }, async (t) => {
      const { s1 } = t.cluster;
      const people = await t.everywhere();
      const survivors = people.filter((person) => person.node.name !== victim);
      // It stops where it stands, so that what is asked now is still open when it dies.
      t.cluster[victim].program.freeze();
      const asked = [
        t.do(s1, { op: "fetch" }),
        t.do(s1, { op: "ask", event: "ask", timeout: 30_000 }),
        t.do(s1, { op: "serverSideAsk", event: "note", args: [], timeout: 30_000 }),
      ].map(settled);
      await until("the others are asked", () => survivors.every((person) => person.heard("ask").length > 0));
      for (const other of t.cluster.nodes.filter(({ name }) => ![victim, "s1"].includes(name))) {
        await until(`${other.name} is asked`, async () => (await t.do(other, { op: "heard" })).length > 0);
      }
      const early = await Promise.race([...asked, pause(300, undefined)]);
      assert.equal(early, undefined, `a request ended before the node was killed: ${early?.error}`);

      const killed = performance.now();
      await t.cluster[victim].program.kill();
      const [fetched, answered, servers] = await Promise.all(asked);
      for (const result of [fetched, answered, servers]) {
        assert.equal(result.error, undefined);
        assert.ok(result.at - killed < 5_000, `a request ended ${Math.round(result.at - killed)} ms after the node was killed`);
      }
      assert.deepEqual(ids(fetched.value), ids(survivors));
      assert.deepEqual(answered.value.sort(), survivors.map(({ name }) => name).sort());
      const others = ["s2", "n1", "n2"].filter((name) => name !== victim);
      assert.deepEqual(servers.value.map(({ node }) => node).sort(), others.sort());

      // From now on nobody counts it.
      await t.assembled(t.nsp, 3, ["s1", ...others]);
      assert.deepEqual(ids(await t.do(s1, { op: "fetch" })), ids(survivors));
    }),
  );
}

add("a node that is there but silent: the time-out says how many and, where it can, who", (t) =>
  alone(t, { requestsTimeout: 1_000 }, async (t) => {
    const { s1, s2 } = t.cluster;
    const people = await t.everywhere();
    s2.program.freeze();
    try {
      const [fetched, answered, servers] = await Promise.all(
        [
          t.do(s1, { op: "fetch" }),
          t.do(s1, { op: "ask", event: "ask", timeout: 1_000 }),
          t.do(s1, { op: "serverSideAsk", event: "note" }),
        ].map(settled),
      );
      for (const { error, value } of [fetched, answered, servers]) assert.ok(error, `no error, but ${JSON.stringify(value)}`);
      for (const { error } of [fetched, answered, servers]) assert.match(error.message, /time/i);
      assert.equal(answered.error.missing, -1, "the number of clients cannot be known");
      assert.deepEqual(answered.error.answers.sort(), people.filter(({ node }) => node !== s2).map(({ name }) => name).sort());
    } finally {
      s2.program.thaw();
    }
    await until("it takes part again", async () => {
      const got = await settled(t.do(s1, { op: "fetch" }));
      return got.value?.length === 4;
    });
  }),
);

/** A user of Redis of its own for s1, so that its connections can be told from the others'. */
function userOfRedis(combination) {
  const redis = Object.assign(new Redis(), { port: combination.redisPort });
  const name = `s1-${process.pid}-${++serial}`;
  const run = (...words) => {
    const out = redis.cli(...words);
    if (!/^(OK|\d+)$/.test(out)) throw new Error(`redis-cli ${words.join(" ")}: ${out}`);
    return out;
  };
  run("ACL", "SETUSER", name, "on", ">secret", "~*", "&*", "+@all");
  return {
    url: `redis://${name}:secret@127.0.0.1:${combination.redisPort}`,
    /** Ends its connections, and with `lasting` refuses new ones until `allow`. */
    cut({ lasting }) {
      if (lasting) run("ACL", "SETUSER", name, "off");
      return Number(run("CLIENT", "KILL", "USER", name));
    },
    allow: () => run("ACL", "SETUSER", name, "on"),
  };
}

const states = (t, node) => node.do({ op: "states", nsp: t.nsp });

/** Whether a node said last that it reaches the others; undefined if it said nothing. */
async function up(t, node) {
  const [, last] = (await states(t, node)).findLast((line) => line.startsWith("adapter:state"))?.split(" ") ?? [];
  return last && last === "true";
}

add("a Sockeye node without Redis serves its own clients, and comes back", (t) => {
  const user = userOfRedis(t.combination);
  return alone(t, { requestsTimeout: 1_000, redisOf: (name) => (name === "s1" ? user.url : undefined) }, async (t) => {
    const { s1, s2, n1 } = t.cluster;
    const room = t.room();
    const people = await t.everywhere({ rooms: [room] });
    const here = [people[0], await t.join("s1", { rooms: [room] })];
    const elsewhere = people.slice(1);

    assert.ok(user.cut({ lasting: true }) > 0, "s1 had no connection to Redis");
    await until("s1 knows that it is alone", async () => (await up(t, s1)) === false);

    // An error says that the others did not hear of it. The own clients did.
    await settled(t.do(s1, { op: "emit", to: [room], event: "news", args: [1] }));
    await t.do(s1, { op: "emit", local: true, event: "news", args: [2] });
    await until("local traffic", () => here.every((person) => person.heard("news").length >= 2), 5_000);
    for (const person of here) assert.deepEqual(person.heard("news"), [1, 2]);
    assert.equal(await here[1].socket.timeout(5_000).emitWithAck("where"), "s1");
    assert.deepEqual(ids(await t.do(s1, { op: "fetch", local: true })), ids(here));
    // Requests to the others end, with what there is or with an error.
    await settled(t.do(s1, { op: "fetch" }));
    const newcomer = await t.join("s1", { rooms: [room] });
    here.push(newcomer);
    // The others go on without it.
    await t.do(n1, { op: "emit", to: [room], event: "meanwhile", args: [1] });
    await t.fence(n1, elsewhere);
    for (const person of elsewhere) assert.deepEqual(person.heard("meanwhile"), [1]);
    assert.deepEqual(here[0].heard("meanwhile"), []);

    user.allow();
    await until("s1 is back", () => up(t, s1));
    await t.assembled();
    if (t.combination.adapter === "redis") {
      // What was said meanwhile is lost, and the node says that something may be.
      await until("s1 tells of the gap", async () => (await states(t, s1)).some((line) => line.startsWith("adapter:gap")), 5_000);
    } else {
      await until("s1 reads what it missed", () => here[0].heard("meanwhile").length === 1, 10_000);
    }
    for (const publisher of [s1, s2, n1, t.cluster.emitter]) {
      await t.do(publisher, { op: "emit", to: [room], event: "back", args: [publisher.name] });
      await t.fence(publisher);
      for (const person of [...here, ...elsewhere]) {
        assert.deepEqual(person.heard("back").filter((name) => name === publisher.name), [publisher.name], `${person.name} by ${publisher.name}`);
      }
    }
    for (const node of [s1, n1]) {
      const answers = await t.do(node, { op: "ask", to: [room], event: "ask", timeout: 20_000 });
      assert.equal(answers.length, 6, `asked by ${node.name}`);
      assert.equal((await t.do(node, { op: "fetch", to: [room] })).length, 6);
      assert.equal((await t.do(node, { op: "serverSideAsk", event: "note" })).length, 3);
    }
  });
});

add("connections of a Sockeye node to Redis are cut again and again under traffic", (t) => {
  const user = userOfRedis(t.combination);
  return alone(t, { redisOf: (name) => (name === "s1" ? user.url : undefined) }, async (t) => {
    const { s1, n1, s2 } = t.cluster;
    const people = await t.everywhere();
    const numbers = 600;
    let cuts = 0;
    const publishing = [n1, s2].map(async (node) => {
      for (let i = 0; i < numbers; i += 10) {
        await t.do(node, { op: "emit", event: node.name, args: [i], times: 10 });
        await pause(15);
      }
    });
    const cutting = (async () => {
      for (let i = 0; i < 4; i++) {
        await pause(200);
        cuts += user.cut({ lasting: false });
      }
    })();
    await Promise.all([...publishing, cutting]);
    assert.ok(cuts > 3, `${cuts} connections were cut`);
    await t.assembled();
    await until("s1 hears n1 again", async () => {
      await t.do(n1, { op: "emit", event: "again" });
      return people[0].inbox.some(([event]) => event === "again");
    });
    for (const person of people) {
      for (const node of [n1, s2]) {
        const got = person.inbox.filter(([event]) => event === node.name).map(([, base, i]) => base + i);
        const all = Array.from({ length: numbers }, (_, i) => i);
        // Pub/Sub loses what is said while nobody listens; the streams keep it.
        const wanted = person.node === s1 && t.combination.adapter === "redis" ? all.filter((i) => got.includes(i)) : all;
        assert.deepEqual(got, wanted, `${person.name} from ${node.name}`);
      }
    }
  });
});
