// What is broken in a run: three nodes behind HAProxy, and toxiproxy between each of
// them and Redis. Or one node alone, behind HAProxy.
import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { Program, folder, root, sockeye } from "../house/programs.mjs";
import { Redis } from "../house/redis.mjs";

const timing = ["--ping-interval", "2s", "--ping-timeout", "3s"];

/**
 * A port that is free, and stays so while nobody listens on it: the system gives the
 * ports above this range to outgoing connections.
 */
let nextPort = 10_000 + (process.pid % 1_000) * 20;
async function lastingPort() {
  for (;;) {
    const port = nextPort++;
    if (nextPort > 32_000) nextPort = 10_000;
    const server = net.createServer();
    const free = await new Promise((resolve) => {
      server.on("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!free) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

export class Cluster {
  nodes = [];

  /** `alone` is one node with the memory adapter. */
  static async start({ alone = false, recovery = "2m", args = [] } = {}) {
    const cluster = new Cluster();
    cluster.dir = folder();
    if (!alone) {
      cluster.redis = await Redis.start({ args: ["--appendonly", "yes", "--appendfsync", "no"], dir: folder(), port: await lastingPort() });
      cluster.toxi = await Toxiproxy.start(cluster.dir);
    }
    for (let i = 0; i < (alone ? 1 : 3); i++) {
      const node = new Node(`n${i + 1}`, ["--recovery", recovery, ...timing, ...args]);
      if (!alone) {
        node.link = await cluster.toxi.proxy(node.name, cluster.redis.port);
        node.args.push("--redis-url", `redis://127.0.0.1:${node.link.port}`, "--adapter", "redis-streams");
      }
      await node.start();
      cluster.nodes.push(node);
    }
    cluster.balancer = await Balancer.start(cluster.nodes, cluster.dir);
    cluster.url = cluster.balancer.url;
    return cluster;
  }

  /** The name of the node that a session is on: a session id begins with the id of a life of a node. */
  nodeOf(sid) {
    return this.nodes.find((node) => node.has(sid.slice(0, 8)))?.name ?? "";
  }

  /** The log of every life of every node around a time, for people. */
  linesAround(wall, before, after) {
    return this.nodes.flatMap((node) => node.linesAround(wall, before, after)).sort((a, b) => a.wall - b.wall);
  }

  async stop() {
    await this.balancer.program.stop("SIGKILL");
    await Promise.all(this.nodes.map((node) => node.program.stop("SIGTERM", 4_000)));
    await this.toxi?.program.stop();
    await this.redis?.stop();
  }
}

/** A node that keeps its port over its lives. */
export class Node {
  lives = [];
  /** Starts that failed. */
  failures = [];
  /** When it was killed last. */
  killed = 0;

  constructor(name, args) {
    this.name = name;
    this.args = args;
  }

  get program() {
    return this.lives.at(-1);
  }

  /** Starts it, once more after a kill, until it stays up, as a supervisor does. */
  start() {
    return (this.starting = this.#start());
  }

  async #start() {
    this.port ??= await lastingPort();
    const end = Date.now() + 20_000;
    for (;;) {
      try {
        return void this.lives.push(await sockeye(this.args, { port: this.port }));
      } catch (error) {
        if (Date.now() > end) throw error;
        this.failures.push({ wall: Date.now(), text: error.message });
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
  }

  /** Ends it at once. One that is still starting, from an earlier kill, is waited for. */
  async kill() {
    await this.starting;
    this.killed = Date.now();
    return this.program.kill();
  }

  /** Whether it has, or had in an earlier life, the id `id` among the nodes. */
  has(id) {
    return this.lives.some((life) => (life.id ??= /other nodes reach this one" node=(\S{8}) /.exec(life.output)?.[1]) === id);
  }

  linesAround(wall, before, after) {
    const found = this.failures.filter(({ wall: time }) => time >= wall - before && time <= wall + after).map((f) => ({ wall: f.wall, text: `${this.name} did not start: ${f.text}` }));
    for (const life of this.lives) {
      for (const line of life.output.split("\n")) {
        const time = Date.parse(/time=(\S+)/.exec(line)?.[1]);
        if (time >= wall - before && time <= wall + after) found.push({ wall: time, text: `${this.name} ${line}` });
      }
    }
    return found;
  }
}

/** Shopify's toxiproxy, driven through its API. */
class Toxiproxy {
  static async start(dir) {
    const toxi = new Toxiproxy();
    const binary = join(dir, "toxi");
    const built = spawnSync(process.env.GO ?? "go", ["build", "-o", binary, "./test/chaos/toxi"], { cwd: root, encoding: "utf8" });
    if (built.status !== 0) throw new Error(`go build ./test/chaos/toxi: ${built.error ?? built.stderr}`);
    const port = await lastingPort();
    toxi.url = `http://127.0.0.1:${port}`;
    toxi.program = await Program.start(binary, [`127.0.0.1:${port}`], { port });
    return toxi;
  }

  async call(method, path, body) {
    const answer = await fetch(this.url + path, { method, headers: { "User-Agent": "chaos" }, body: body && JSON.stringify(body) });
    if (!answer.ok) throw new Error(`toxiproxy: ${method} ${path}: ${answer.status} ${await answer.text()}`);
  }

  async proxy(name, target) {
    const port = await lastingPort();
    await this.call("POST", "/proxies", { name, listen: `127.0.0.1:${port}`, upstream: `127.0.0.1:${target}`, enabled: true });
    return new Link(this, name, port);
  }
}

/** The connections between one node and Redis. */
class Link {
  constructor(toxi, name, port) {
    Object.assign(this, { toxi, name, port });
  }

  /** Ends every connection and refuses new ones until mend. */
  cut() {
    return this.toxi.call("POST", `/proxies/${this.name}`, { enabled: false });
  }

  mend() {
    return this.toxi.call("POST", `/proxies/${this.name}`, { enabled: true });
  }

  /** Delays what runs in one direction (upstream is towards Redis) until `relieve`. */
  delay(stream, latency) {
    return this.toxi.call("POST", `/proxies/${this.name}/toxics`, { name: "fault", type: "latency", stream, attributes: { latency } });
  }

  /** Swallows what runs in one direction, connections staying open, until `relieve`, which ends them. */
  swallow(stream) {
    return this.toxi.call("POST", `/proxies/${this.name}/toxics`, { name: "fault", type: "timeout", stream, attributes: { timeout: 0 } });
  }

  relieve() {
    return this.toxi.call("DELETE", `/proxies/${this.name}/toxics/fault`);
  }
}

/** HAProxy: round-robin, no affinity. */
class Balancer {
  static async start(nodes, dir) {
    const balancer = new Balancer();
    balancer.port = await lastingPort();
    balancer.url = `http://127.0.0.1:${balancer.port}`;
    balancer.control = join(dir, "haproxy.sock");
    balancer.file = join(dir, "haproxy.cfg");
    writeFileSync(balancer.file, configuration(balancer, nodes));
    await balancer.startAgain();
    return balancer;
  }

  async startAgain() {
    rmSync(this.control, { force: true });
    this.program = await Program.start("haproxy", ["-f", this.file, "-db"], { port: this.port });
  }

  /** Ends it and every connection through it. */
  kill() {
    return this.program.kill();
  }

  /** Says something to its runtime socket and gives the answer. */
  say(command) {
    return new Promise((resolve, reject) => {
      const socket = net.connect(this.control, () => socket.end(`${command}\n`));
      let answer = "";
      socket.on("data", (chunk) => (answer += chunk));
      socket.on("end", () => resolve(answer));
      socket.on("error", reject);
    });
  }

  /** The connections of clients that are open now. */
  async sessions() {
    const answer = await this.say("show sess");
    return [...answer.matchAll(/^(0x[0-9a-f]+): proto=tcpv4 .*fe=clients/gm)].map((m) => m[1]);
  }

  /** Cuts the connection of one client. */
  shut(session) {
    return this.say(`shutdown session ${session}`);
  }

  /** Cuts every connection that is with one node now. */
  shutServer(name) {
    return this.say(`shutdown sessions server nodes/${name}`);
  }
}

const configuration = (balancer, nodes) => `global
  maxconn 4000
  stats socket ${balancer.control} level admin

defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  timeout tunnel 60s
  timeout http-keep-alive 30s
  retries 3
  option redispatch 1

frontend clients
  bind 127.0.0.1:${balancer.port}
  default_backend nodes

backend nodes
  balance roundrobin
  option httpchk GET /healthz
${nodes.map((node) => `  server ${node.name} 127.0.0.1:${node.port} check inter 500ms fall 2 rise 1`).join("\n")}
`;
