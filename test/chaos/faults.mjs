// What fails, and when. The plan of a run is drawn up before it from the seed alone.
import { rmSync } from "node:fs";
import { join } from "node:path";

/** How a family of faults divides into kinds, by weight. */
const families = {
  nodes: { kill: 10 },
  pauses: { pause: 4 },
  proxies: { cutSome: 10, cutServer: 4, killBalancer: 1 },
  redis: { cutLink: 5, delayLink: 5, swallowLink: 3 },
};
export const allFamilies = Object.keys(families).filter((family) => family !== "pauses");

/** What a kind of fault strikes. Two faults never hold the same thing at once. */
const strikes = { kill: "node", pause: "node", cutServer: "node", cutSome: "", killBalancer: "balancer", cutLink: "link", delayLink: "link", swallowLink: "link" };

/** How long (ms) after the end of a fault of the family redis a node may still be finding back. */
const recovering = { restartRedis: 3_000, emptyRedis: 3_000, cutLink: 3_000, delayLink: 1_000, swallowLink: 3_000 };

/**
 * The faults between two times (ms): { at, until, kind, node, ... }. With the family
 * redis, Redis is restarted once with its file and once empty.
 */
export function plan(random, { from, to, nodes, chosen, pace = 700 }) {
  const faults = [];
  const held = []; // { thing, from, until }
  const free = (thing, at, until) => !held.some((h) => h.thing === thing && h.from < until && at < h.until);
  const add = (fault, thing) => {
    if (fault.until > to || (thing && !free(thing, fault.at, fault.until + 300))) return;
    if (thing) held.push({ thing, from: fault.at, until: fault.until + 300 });
    faults.push(fault);
  };
  if (chosen.includes("redis")) {
    const span = to - from;
    const at = [from + Math.round(span * (0.15 + 0.2 * random.next())), from + Math.round(span * (0.55 + 0.2 * random.next()))];
    for (const kind of random.some(["restartRedis", "emptyRedis"], 2)) {
      const start = at.shift();
      add({ at: start, until: start + random.whole(200, 1_500), kind }, "redis");
    }
  }
  const weights = Object.assign({}, ...chosen.map((family) => families[family]));
  for (let at = from; at < to && chosen.length > 0; at += random.whole(pace / 4, pace * 1.75)) {
    const kind = random.weighted(weights);
    const node = random.whole(0, nodes - 1);
    const fault = { at: Math.round(at), kind, node, ...particulars(kind, random) };
    fault.until = fault.at + (fault.lasts ?? 0);
    add(fault, { node: `node ${node}`, link: `link ${node}`, balancer: "balancer" }[strikes[kind]]);
  }
  return faults.sort((a, b) => a.at - b.at);
}

function particulars(kind, random) {
  const stream = random.one(["upstream", "downstream"]);
  switch (kind) {
    case "kill":
      return { lasts: random.whole(100, 2_500) };
    case "pause":
      return { lasts: random.whole(500, 9_000) };
    case "cutSome":
      return { share: 0.05 + 0.3 * random.next() };
    case "killBalancer":
      return { lasts: random.whole(50, 800) };
    case "cutLink":
      return { lasts: random.whole(50, 3_000) };
    case "delayLink":
      return { lasts: random.whole(500, 4_000), stream, latency: random.whole(20, 600) };
    case "swallowLink":
      return { lasts: random.whole(300, 4_000), stream };
    default:
      return {};
  }
}

/** Carries a plan out on a cluster, and keeps what was done. */
export class Faults {
  counts = { kills: 0, pauses: 0, cuts: 0, balancerKills: 0, linkCuts: 0, linkDelays: 0, linkStalls: 0, redisRestarts: 0, redisEmptied: 0 };
  /** What was done: { wall, endWall, text, kind, node }. */
  done = [];

  constructor(cluster, log, random) {
    Object.assign(this, { cluster, log, random });
  }

  /** Runs the whole plan; times count from now. */
  async run(faults) {
    const start = Date.now();
    await Promise.all(
      faults.map(async (fault) => {
        await until(start + fault.at);
        const note = { wall: Date.now(), kind: fault.kind, node: this.cluster.nodes[fault.node]?.name, text: JSON.stringify(fault) };
        this.done.push(note);
        await this[fault.kind](fault, () => until(start + fault.until));
        note.endWall = Date.now();
      }),
    );
  }

  /** What was done of these kinds between two times, on a node if it is named, with the time to find back. */
  overlapping(kinds, from, to, node = "") {
    return this.done.filter(
      (note) => kinds.includes(note.kind) && (!node || note.node === node) && note.wall <= to && (note.endWall ?? Infinity) + recovering[note.kind] >= from,
    );
  }

  /** Whether something kept a node from the log at any time between two. */
  logWasAway(from, to) {
    return this.overlapping(Object.keys(recovering), from, to).length > 0;
  }

  async kill({ node }, over) {
    this.counts.kills++;
    await this.cluster.nodes[node].kill();
    await over();
    await this.cluster.nodes[node].start();
  }

  async pause({ node }, over) {
    this.counts.pauses++;
    const { program } = this.cluster.nodes[node];
    program.freeze();
    await over();
    program.thaw();
  }

  async cutSome({ share }) {
    const open = await this.sessions();
    const chosen = this.random.some(open, Math.ceil(open.length * share));
    this.counts.cuts += chosen.length;
    for (const session of chosen) await this.balancer(() => this.cluster.balancer.shut(session));
  }

  async cutServer({ node }) {
    const before = (await this.sessions()).length;
    await this.balancer(() => this.cluster.balancer.shutServer(this.cluster.nodes[node].name));
    this.counts.cuts += Math.max(0, before - (await this.sessions()).length);
  }

  async killBalancer(_, over) {
    this.counts.balancerKills++;
    this.counts.cuts += (await this.sessions()).length;
    await this.cluster.balancer.kill();
    await over();
    await this.cluster.balancer.startAgain();
  }

  async sessions() {
    return (await this.balancer(() => this.cluster.balancer.sessions())) ?? [];
  }

  /** A balancer that is itself killed just now has nothing to cut. */
  async balancer(talk) {
    try {
      return await talk();
    } catch (error) {
      if (!["ECONNREFUSED", "ECONNRESET", "ENOENT", "EPIPE"].includes(error.code)) throw error;
    }
  }

  async cutLink({ node }, over) {
    this.counts.linkCuts++;
    const { link } = this.cluster.nodes[node];
    await link.cut();
    await over();
    await link.mend();
  }

  async delayLink({ node, stream, latency }, over) {
    this.counts.linkDelays++;
    const { link } = this.cluster.nodes[node];
    await link.delay(stream, latency);
    await over();
    // Toxiproxy takes 5 s for each piece that is still on its way to a node that is dead.
    await until(this.cluster.nodes[node].killed + latency + 300);
    await link.relieve();
  }

  async swallowLink({ node, stream }, over) {
    this.counts.linkStalls++;
    const { link } = this.cluster.nodes[node];
    await link.swallow(stream);
    await over();
    await link.relieve();
  }

  /** An orderly restart: Redis writes its file and comes back with all it had. */
  async restartRedis(_, over) {
    this.counts.redisRestarts++;
    await this.cluster.redis.stop("SIGTERM");
    await over();
    await this.cluster.redis.startAgain();
  }

  /** Redis dies and comes back with nothing. */
  async emptyRedis(_, over) {
    const { redis } = this.cluster;
    this.counts.redisEmptied++;
    await redis.stop("SIGKILL");
    await over();
    this.log.forget();
    rmSync(join(redis.dir, "appendonlydir"), { recursive: true, force: true });
    await redis.startAgain();
  }
}

function until(time) {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, time - Date.now())));
}
