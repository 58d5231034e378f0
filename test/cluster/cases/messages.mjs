// What an event carries, and in which order it comes.
import assert from "node:assert/strict";
import { until } from "../../house/programs.mjs";
import { each, withoutOffset } from "../stage.mjs";

const cases = [];
const add = (name, run, more = {}) => cases.push({ name: `messages: ${name}`, run, ...more });
const all = { sets: ["all"] };
const short = { sets: ["all", "short"] };
export default cases;

const deep = (n) => (n === 0 ? "bottom" : { down: [deep(n - 1)] });

// Values that arrive as they are, whoever sends them.
const plain = [
  null, true, false, 0, -1, 1.5, 127, 128, 255, 256, 65535, 65536, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53 - 1, -(2 ** 53) + 1, 1e-7, 5e-324,
  "", "plain", "größe 家 🐟 \u2028 \" \\ \n \u0001", "x".repeat(70_000), [], {}, [[], [null]], { "": 0, a: { "größe": ["🐟"] } },
  Array.from({ length: 70 }, (_, i) => i), deep(40),
];

// Node's packages write whole numbers beyond 64 bits wrong into MessagePack; Sockeye writes them as they are.
const onlySockeye = [1e21, -1e300, 2 ** 63, 2 ** 64];

// Values of JavaScript that JSON changes: what is sent and what arrives.
const changed = [
  [new Date("2026-01-02T03:04:05.678Z"), "2026-01-02T03:04:05.678Z"],
  [new Date("1969-12-31T23:59:59.001Z"), "1969-12-31T23:59:59.001Z"],
  [{ at: [new Date(1)] }, { at: ["1970-01-01T00:00:00.001Z"] }],
  [new Date("2106-02-07T06:28:16.251Z"), "2106-02-07T06:28:16.251Z"],
];
const onlyNode = [
  [NaN, null],
  [[Infinity, undefined, 1], [null, null, 1]],
  [-0, 0],
  [new Date(0), "1970-01-01T00:00:00.000Z"], // Go leaves out the zeros
  [new Date("2106-02-07T06:28:16.000Z"), "2106-02-07T06:28:16.000Z"],
];

add("numbers, null, text of any script, deep nesting", async (t) => {
  const people = await t.everywhere();
  for (const p of t.publishers) {
    await t.do(p, { op: "emit", event: "values", args: plain });
    await t.got(p, each(people, ["values", ...plain]));
  }
  if (t.combination.reference) return;
  await t.do(t.cluster.s1, { op: "emit", event: "values", args: onlySockeye });
  await t.got(t.cluster.s1, each(people, ["values", ...onlySockeye]));
}, short);

add("no arguments, and one empty list", async (t) => {
  const people = await t.everywhere();
  for (const p of t.publishers) {
    await t.do(p, { op: "emit", event: "bare" });
    await t.do(p, { op: "emit", event: "größe 🐟", args: [[]] });
    await t.got(p, each(people, ["bare"], ["größe 🐟", []]));
  }
}, all);

add("dates arrive as the text that JavaScript makes of them", async (t) => {
  const people = await t.everywhere();
  for (const p of t.publishers) {
    await t.do(p, { op: "emit", event: "values", args: changed.map(([sent]) => sent) });
    await t.got(p, each(people, ["values", ...changed.map(([, got]) => got)]));
    // With binary beside them they take another way through the streams adapter.
    await t.do(p, { op: "emit", event: "values", args: [Buffer.from("x"), ...changed.map(([sent]) => sent)] });
    await t.got(p, each(people, ["values", Buffer.from("x"), ...changed.map(([, got]) => got)]));
  }
}, all);

add("what only JavaScript has arrives as JSON makes it", async (t) => {
  const people = await t.everywhere();
  for (const p of [t.cluster.n1, t.cluster.emitter]) {
    await t.do(p, { op: "emit", event: "values", args: onlyNode.map(([sent]) => sent) });
    await t.got(p, each(people, ["values", ...onlyNode.map(([, got]) => got)]));
  }
}, all);

const bytes = Buffer.from([0, 1, 2, 127, 128, 253, 254, 255]);
const binary = [bytes, { nested: [{ deeper: bytes }, bytes], text: "größe" }, Buffer.alloc(0), Buffer.alloc(40_000, 7), "text"];

add("binary, also nested and empty", async (t) => {
  const people = await t.everywhere();
  for (const p of t.publishers) {
    await t.do(p, { op: "emit", event: "bytes", args: binary });
    await t.do(p, { op: "emit", event: "text", args: ["after"] });
    await t.got(p, each(people, ["bytes", ...binary], ["text", "after"]));
  }
}, short);

add("binary and text to polling clients", async (t) => {
  const people = await t.everywhere({ transport: "polling" });
  for (const p of t.publishers) {
    await t.do(p, { op: "emit", event: "bytes", args: binary });
    await t.do(p, { op: "emit", event: "values", args: plain });
    await t.got(p, each(people, ["bytes", ...binary], ["values", ...plain]));
  }
}, all);

add("MessagePack clients of Sockeye among JSON clients", async (t) => {
  const { reference } = t.combination;
  const people = await t.everywhere();
  // A Node.js server speaks one of the two; Sockeye both.
  if (!reference) people.push(await t.join("s1", { parser: "msgpack" }), await t.join("s2", { parser: "msgpack" }));
  for (const p of t.publishers) {
    await t.do(p, { op: "emit", event: "bytes", args: binary });
    await t.do(p, { op: "emit", event: "values", args: plain });
    await t.do(p, { op: "emit", event: "values", args: [plain, bytes] });
    await t.got(p, each(people, ["bytes", ...binary], ["values", ...plain], ["values", plain, bytes]));
  }
}, all);

add("300 KiB in one event", async (t) => {
  const people = await t.everywhere();
  const large = { text: "🐟".repeat(30_000), bytes: Buffer.alloc(180_000, 9) };
  for (const p of t.publishers) {
    await t.do(p, { op: "emit", event: "large", args: [large] });
    await t.got(p, each(people, ["large", large]));
  }
}, all);

const numbers = 1000;

add(`${numbers} numbered events of each publisher arrive everywhere, once and in order`, async (t) => {
  const people = await t.everywhere();
  people.push(await t.join("s2", { transport: "polling" }), await t.join("n2", { transport: "polling" }));
  const publishers = [...t.cluster.nodes, t.cluster.emitter];
  // All publish at the same time, in portions, so that they mix.
  const portion = 50;
  await Promise.all(
    publishers.map(async (p) => {
      for (let done = 0; done < numbers; done += portion) await t.do(p, { op: "emit", event: p.name, args: [done], times: portion });
    }),
  );
  await until("all events", () => people.every((person) => person.inbox.length >= publishers.length * numbers), 20_000).catch(() => {});
  const wanted = Array.from({ length: numbers }, (_, i) => i);
  for (const person of people) {
    for (const p of publishers) {
      const got = person.inbox.filter(([event]) => event === p.name).map(([, base, i]) => base + i);
      assert.deepEqual(got, wanted, `${person.name} from ${p.name}`);
    }
  }
}, { sets: ["all"] });

add("events of one publisher to different rooms stay in order", async (t) => {
  const [a, b] = [t.room(), t.room()];
  const people = await t.everywhere({ rooms: [a, b] });
  for (const p of t.publishers) {
    const wanted = [];
    for (let i = 0; i < 60; i += 3) {
      await t.do(p, { op: "emit", to: [a], event: "n", args: [i] });
      await t.do(p, { op: "emit", to: [b], event: "n", args: [i + 1] });
      await t.do(p, { op: "emit", event: "n", args: [i + 2] });
      wanted.push(["n", i], ["n", i + 1], ["n", i + 2]);
    }
    await t.got(p, each(people, ...wanted));
  }
}, all);

add("volatile events arrive where the client is ready", async (t) => {
  const people = await t.everywhere();
  for (const p of t.publishers) {
    // Any of them may be dropped, so it is sent until each client has one.
    await until(
      "a volatile event everywhere",
      async () => {
        await t.do(p, { op: "emit", volatile: true, event: p.name, args: [1] });
        await t.fence(p);
        return people.every((person) => person.heard(p.name).length > 0);
      },
      10_000,
    );
  }
}, all);

add("volatile events are dropped where the client is not ready, on every node", async (t) => {
  const idle = await Promise.all(t.cluster.nodes.map((node) => Poller.open(node, t.nsp)));
  const watching = await t.everywhere();
  for (const p of t.publishers) {
    // No poll is waiting: a volatile event has nowhere to go, the next ones wait for the poll.
    await t.do(p, { op: "emit", volatile: true, event: "dropped", args: [1] });
    await t.do(p, { op: "emit", event: "kept", args: [p.name] });
    await t.fence(p, watching);
    for (const poller of idle) assert.deepEqual(await poller.event(), ["kept", p.name], `${poller.node.name}, emitted by ${p.name}`);
  }
}, all);

/** A polling client by hand, which asks for what there is only when it is told to. */
class Poller {
  static async open(node, nsp) {
    const poller = new Poller();
    poller.node = node;
    poller.nsp = nsp;
    poller.packets = [];
    poller.url = `${node.url}/socket.io/?EIO=4&transport=polling`;
    const opened = JSON.parse((await poller.poll())[0].slice(1));
    poller.url += `&sid=${opened.sid}`;
    await fetch(poller.url, { method: "POST", body: `40${nsp},` });
    await until("the namespace", async () => (await poller.poll()).some((packet) => packet.startsWith(`40${nsp},`)));
    return poller;
  }

  async poll() {
    return (await (await fetch(this.url, { signal: AbortSignal.timeout(15_000) })).text()).split("\x1e");
  }

  /** The next event. */
  async event() {
    for (;;) {
      while (this.packets.length > 0) {
        const packet = this.packets.shift();
        const head = `42${this.nsp},`;
        const event = packet.startsWith(head) && JSON.parse(packet.slice(head.length));
        if (event && event[0] !== "fence") return withoutOffset(event);
      }
      this.packets = await this.poll();
      if (this.packets[0] === "2") await fetch(this.url, { method: "POST", body: "3" });
    }
  }
}
