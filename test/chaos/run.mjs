// One run: a cluster, its clients, its faults, and what is found out at the end.
import { until } from "../house/programs.mjs";
import { Cluster } from "./cluster.mjs";
import { Faults, plan } from "./faults.mjs";
import { complete, judge } from "./judge.mjs";
import { Ledger } from "./ledger.mjs";
import { LogReader } from "./logreader.mjs";
import { Observer } from "./observer.mjs";
import { Listener, Publisher, kinds } from "./people.mjs";
import { Random } from "./random.mjs";

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** What a run may be told. */
export const defaults = {
  seed: 1,
  faults: "nodes,proxies,redis", // families of faults.mjs; empty for none
  alone: false, // one node with the memory adapter
  clients: 60,
  kinds: kinds.join(), // of clients, by their transports
  rooms: 20,
  publishers: 4,
  rate: 24, // numbers per second, all publishers together
  seconds: 20, // how long things fail
  pace: 700, // ms between two faults, on average
  settle: 30, // seconds that clients may take at the end
  recovery: 120, // seconds
  args: [], // more options of the nodes
  doubles: {}, // classes that stand in for a client, by its number, to test the test
};

/** Runs and gives all there is to know: { options, ledger, witnesses, faults, cluster, wrongs, ... }. */
export async function run(options) {
  options = { ...defaults, ...options };
  const random = (name) => new Random(options.seed, name);
  const library = random("library"); // the client library draws its delays from Math.random
  Math.random = () => library.next();

  const started = Date.now();
  const ledger = new Ledger();
  const rooms = Array.from({ length: options.rooms }, (_, i) => `room-${i + 1}`);
  const mix = options.kinds.split(",");
  const chosen = options.faults.split(",").filter(Boolean);
  const cluster = await Cluster.start({ alone: options.alone, recovery: `${options.recovery}s`, args: options.args });
  const log = options.alone
    ? await Observer.open(cluster.nodes[0].program.url, rooms, ledger)
    : new LogReader(cluster.redis.url, ledger);

  const listeners = [];
  for (let i = 0; i < options.clients; i++) {
    const own = random(`client ${i}`);
    const Class = options.doubles[i] ?? Listener;
    const kind = mix[i % mix.length];
    const mine = own.some(rooms, own.whole(3, 6));
    listeners.push(new Class(`client ${i}`, { url: cluster.url, kind, rooms: mine, ledger, keep: own.next() < 0.5, nodeOf: (sid) => cluster.nodeOf(sid) }));
    if (i % 20 === 19) await pause(50);
  }
  const publishers = Array.from({ length: options.publishers }, (_, i) => {
    const kind = mix[i % mix.length];
    return new Publisher(`p${i}`, { url: cluster.url, kind, rooms, ledger, every: (1000 * options.publishers) / options.rate, random: random(`publisher ${i}`) });
  });
  await until("every client is in its rooms", () => listeners.every((l) => l.settled) && publishers.every((p) => p.socket.connected), 30_000);
  for (const publisher of publishers) publisher.start();

  const faults = new Faults(cluster, log, random("cuts"));
  const wandering = wander(listeners.filter((_, i) => i % 4 === 3), rooms, random("wanderers"));
  const steps = plan(random("faults"), { from: 500, to: options.seconds * 1000, nodes: cluster.nodes.length, chosen, pace: options.pace });
  await Promise.all([faults.run(steps), pause(options.seconds * 1000)]);
  wandering.stop();
  const mended = Date.now();
  await pause(1_000);
  for (const publisher of publishers) publisher.stop();
  await until("every number was answered or given up", () => publishers.every((p) => p.waiting === 0), 15_000);

  let settled = await settle(listeners, ledger, options.settle * 1000);
  await pause(500); // what comes twice may come late
  await log.stop();
  settled &&= await settle(listeners, ledger, 5_000); // somebody may just have been cut off
  const witnesses = listeners.map((l) => l.witness);
  for (const { witness, settled } of listeners) {
    if (!settled) witness.faults.push({ kind: "absent", text: "is not connected and in its rooms at the end", wall: Date.now() });
  }
  const result = { options, ledger, listeners, witnesses, publishers, faults, cluster, settled, settling: Date.now() - mended, seconds: (Date.now() - started) / 1000 };
  result.wrongs = wrongs(result);
  for (const one of [...listeners, ...publishers]) one.close();
  await cluster.stop();
  return result;
}

/** Waits until every client has what it is owed, and says whether it came to that. */
async function settle(listeners, ledger, patience) {
  const end = Date.now() + patience;
  const waiting = new Set(listeners);
  while (waiting.size > 0 && Date.now() < end) {
    for (const listener of waiting) {
      if (listener.settled && complete(listener.witness, ledger)) waiting.delete(listener);
    }
    await pause(200);
  }
  return waiting.size === 0;
}

/** Some clients leave a room and enter another now and then. */
function wander(listeners, rooms, random) {
  const timer = setInterval(() => {
    const listener = random.one(listeners);
    if (!listener?.socket.connected) return;
    const inside = [...listener.rooms].filter((room) => listener.witness.stay(room)?.acked);
    const outside = rooms.filter((room) => !listener.witness.stay(room));
    if (inside.length < 2 || outside.length === 0) return;
    listener.leave(random.one(inside));
    listener.join(random.one(outside));
  }, 250);
  return { stop: () => clearInterval(timer) };
}

/** Everything that is wrong in a run: { kind, text, wall, who, number }. */
function wrongs({ ledger, listeners, publishers, faults }) {
  const found = listeners.flatMap(({ witness }) => judge(witness, ledger).map((wrong) => ({ who: witness, ...wrong })));
  found.push(...publishers.flatMap((publisher) => publisher.faults));
  for (const text of ledger.strange) found.push({ kind: "strange", text });
  for (const { before, number } of ledger.disorder()) {
    found.push({ kind: "disordered", text: `${number.key} is in the log (${number.id}) after ${before.key} (${before.id})`, wall: number.seen, number });
  }
  for (const number of ledger.withoutEntry()) {
    if (faults.logWasAway(number.wall, number.answeredWall)) continue;
    found.push({ kind: "unkept", text: `${number.key} was answered ok and is not in the log, which could be reached`, wall: number.wall, number });
  }
  return found;
}
