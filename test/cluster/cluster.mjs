// Four nodes and an emitter on one Redis.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Program, root } from "../house/programs.mjs";
import { openEmitter } from "./emitters.mjs";
import { pack, unpack } from "./values.mjs";

const here = dirname(fileURLToPath(import.meta.url));

/** Builds the Sockeye node once, before the workers start, and gives its path. CLUSTERNODE_BIN names another one. */
export function buildNode() {
  if (process.env.CLUSTERNODE_BIN) return process.env.CLUSTERNODE_BIN;
  const path = join(root, "bin", "clusternode");
  execFileSync("go", ["build", "-o", path, "./test/clusternode"], { cwd: root, stdio: "inherit" });
  return path;
}

/** One server of the cluster, and the way to tell it what to do. */
export class Node {
  /** `kind` is "sockeye" or "node". */
  static async start({ name, kind, ...settings }) {
    const node = new Node();
    node.name = name;
    node.kind = kind;
    node.program = await Program.start(...(kind === "node" ? nodeCommand(name, settings) : sockeyeCommand(name, settings)), {
      ready: (output) => /listening addr=127\.0\.0\.1:(\d+)/.exec(output)?.[1],
      within: 40_000,
    });
    node.url = `http://127.0.0.1:${node.program.ready}`;
    return node;
  }

  /**
   * Does an operation on this node and gives its result. One that fails throws; what was
   * answered until then is the error's `answers`, and its `missing` says how many clients were not heard.
   */
  async do(op) {
    const response = await fetch(`${this.url}/control`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ nsp: "/", ...op, args: pack(op.args ?? []) }),
    });
    const { value, error, answers, missing } = await response.json();
    if (error === undefined) return unpack(value);
    throw Object.assign(new Error(`${this.name}: ${op.op}: ${error}`), { answers: answers && unpack(answers), missing });
  }
}

function nodeCommand(name, { adapter, redis, prefix, client, requestsTimeout, specificResponses, recovery }) {
  const args = [join(here, "node.mjs"), "--name", name, "--adapter", adapter, "--redis", redis, "--prefix", prefix, "--client", client];
  if (requestsTimeout) args.push("--requests-timeout", String(requestsTimeout));
  if (specificResponses) args.push("--specific-responses");
  if (recovery) args.push("--recovery");
  return [process.execPath, args];
}

function sockeyeCommand(name, { adapter, redis, prefix, requestsTimeout, recovery }) {
  const path = process.env.CLUSTERNODE_BIN ?? join(root, "bin", "clusternode");
  if (!existsSync(path)) throw new Error(`${path} is missing`);
  const args = ["-name", name, "-adapter", adapter, "-redis", redis, "-prefix", prefix];
  if (requestsTimeout) args.push("-requests-timeout", `${requestsTimeout}ms`);
  if (recovery) args.push("-recovery", "2m");
  return [path, args];
}

/** The nodes and the emitter of one combination. */
export class Cluster {
  static async start({ reference, redisOf, ...settings }) {
    const cluster = new Cluster();
    cluster.settings = settings;
    const kinds = { s1: "sockeye", s2: "sockeye", n1: "node", n2: "node" };
    const nodes = await Promise.all(
      Object.entries(kinds).map(([name, kind], i) =>
        Node.start({
          ...settings,
          name,
          kind: reference ? "node" : kind,
          client: i % 2 === 0 ? "redis" : "ioredis",
          redis: redisOf?.(name) ?? settings.redis,
        }),
      ),
    );
    cluster.nodes = nodes;
    for (const node of nodes) cluster[node.name] = node;
    cluster.emitter = await openEmitter({ ...settings, client: "redis" });
    return cluster;
  }

  async stop() {
    this.emitter.close();
    return Promise.all(this.nodes.map((node) => node.program.stop()));
  }
}
