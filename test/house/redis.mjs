// Redis from Debian's package, one server or a cluster of three, in memory only unless asked.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { Program, folder, freePort, until } from "./programs.mjs";

/** A Redis server. `args` are options of its command line, such as ["--appendonly", "yes"]. */
export class Redis {
  static async start({ args = [], port, dir = folder() } = {}) {
    const redis = new Redis();
    redis.args = args;
    redis.dir = dir;
    redis.port = port ?? (await freePort());
    await redis.startAgain();
    return redis;
  }

  get url() {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it again on the same port and in the same folder, with what its files hold. */
  async startAgain() {
    this.program = await Program.start(
      "redis-server",
      ["--port", this.port, "--bind", "127.0.0.1", "--dir", this.dir, "--save", "", "--loglevel", "warning", ...this.args].map(String),
      { port: this.port },
    );
    await until("Redis answers", () => this.cli("ping") === "PONG");
  }

  /** Runs a command with redis-cli and gives what it printed. */
  cli(...words) {
    const { stdout, stderr } = spawnSync("redis-cli", ["-p", String(this.port), ...words.map(String)], { encoding: "utf8" });
    return (stdout + stderr).trim();
  }

  stop(signal) {
    return this.program.stop(signal);
  }
}

/** A Redis Cluster of three masters. */
export class RedisCluster {
  static async start() {
    const cluster = new RedisCluster();
    cluster.servers = [];
    for (let i = 0; i < 3; i++) {
      const dir = folder();
      const port = await freePort();
      const bus = await freePort();
      cluster.servers.push(
        await Redis.start({
          dir,
          port,
          args: ["--cluster-enabled", "yes", "--cluster-config-file", join(dir, "nodes.conf"), "--cluster-port", bus, "--cluster-node-timeout", "2000"],
        }),
      );
    }
    const hosts = cluster.servers.map((s) => `127.0.0.1:${s.port}`);
    const { stdout, stderr, status } = spawnSync("redis-cli", ["--cluster", "create", ...hosts, "--cluster-yes"], { encoding: "utf8" });
    if (status !== 0) throw new Error(`redis-cli --cluster create: ${stdout}${stderr}`);
    await until("the Redis Cluster is up", () => cluster.servers.every((s) => s.cli("cluster", "info").includes("cluster_state:ok")));
    cluster.url = `redis+cluster://${hosts.join(",")}`;
    return cluster;
  }

  stop() {
    return Promise.all(this.servers.map((s) => s.stop()));
  }
}
