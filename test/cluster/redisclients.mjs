// Connections to Redis for Node.js: a single server or a Redis Cluster, with either of the
// two client packages that the official adapters take.
import { Cluster, Redis } from "ioredis";
import { createClient, createCluster } from "redis";

/**
 * Opens a client that is connected. `url` is that of Sockeye: redis://… or
 * redis+cluster://host,host. `kind` is "redis" or "ioredis".
 */
export async function connect(url, kind) {
  const hosts = /^redis\+cluster:\/\/(.*)$/.exec(url)?.[1].split(",");
  if (kind === "ioredis") {
    const client = hosts ? new Cluster(hosts.map(hostAndPort)) : new Redis(url);
    client.on("error", () => {}); // it connects again by itself
    await new Promise((resolve) => client.once("ready", resolve));
    return client;
  }
  const client = hosts ? createCluster({ rootNodes: hosts.map((host) => ({ url: `redis://${host}` })) }) : createClient({ url });
  client.on("error", () => {}); // the same
  await client.connect();
  return client;
}

function hostAndPort(text) {
  const [host, port] = text.split(":");
  return { host, port: Number(port) };
}
