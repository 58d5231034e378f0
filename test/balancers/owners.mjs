// What becomes of a session's requests at another node when its owner is stopped, ends, or
// stops in order.
import http from "node:http";
import { io } from "socket.io-client";
import { until } from "../house/programs.mjs";

/** A polling session at a node, by hand. */
async function open(node) {
  const answer = await fetch(`${node.url}/socket.io/?EIO=4&transport=polling`);
  const { sid } = JSON.parse((await answer.text()).slice(1));
  return `/socket.io/?EIO=4&transport=polling&sid=${sid}&t=`;
}

/** Makes a request and gives its status, its text and how long it took. */
async function timed(url, init) {
  const began = Date.now();
  const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(15_000) });
  return { status: answer.status, text: await answer.text(), took: Date.now() - began };
}

function unavailable(faults, what, answer, within) {
  const body = '{"code":1,"message":"Session unavailable: its node cannot be reached"}';
  if (answer.status !== 503 || answer.text !== body) faults.push(`${what}: ${answer.status} ${answer.text}`);
  if (answer.took > within) faults.push(`${what}: after ${answer.took} ms, not within ${within}`);
}

/** A process that was stopped keeps its connections, and the kernel takes new ones. */
export async function frozen([owner, other]) {
  const faults = [];
  const path = await open(owner);
  const warm = await timed(other.url + path + "warm", { method: "POST", body: "3" });
  if (warm.text !== "ok") faults.push(`before: ${warm.status} ${warm.text}`);
  const poll = timed(other.url + path + "poll"); // waits when the owner stops
  await until("the poll is carried", async () => (await metric(other, "carried_requests_total", 'kind="poll",role="sent"')) > 0);
  owner.freeze();
  await owner.standsStill();
  const answers = await Promise.all([poll, timed(other.url + path + "a", { method: "POST", body: "3" })]);
  owner.thaw();
  const slack = process.env.PROVE ? 500 : 4000; // a busy machine
  for (const answer of answers) unavailable(faults, "a request for a stopped owner", answer, 2000 + slack);
  await until("the owner is back", async () => (await fetch(`${owner.url}/healthz`)).ok);
  return faults;
}

/** The sum of a node's metric over the lines with these labels. */
export async function metric(node, name, labels = "") {
  const text = await (await fetch(`${node.url}/metrics`)).text();
  let sum = 0;
  for (const line of text.split("\n")) {
    if (line.startsWith(`sockeye_${name}{`) && line.includes(labels)) sum += Number(line.split(" ").at(-1));
  }
  return sum;
}

/** One of the clients that live through the end of nodes, with where its session is now. */
class Survivor {
  lost = []; // why it lost a connection, each time
  faults = [];

  constructor(url, nodes, i, transport) {
    this.i = `${i} by ${transport}`;
    this.nodes = nodes;
    const agent = new http.Agent({ keepAlive: true }); // as in browsers
    this.socket = io(url, { transports: [transport], agent, forceNew: true, reconnectionDelay: 50, reconnectionDelayMax: 500 });
    this.socket.on("disconnect", (why, details) => this.lost.push([why, details?.description, details?.context?.responseText?.replace(/\s+/g, " ")].filter(Boolean).join(" ")));
  }

  /** The number of the node that owns its session. */
  get owner() {
    return this.nodes.findIndex((node) => this.socket.io.engine.id?.startsWith(node.id));
  }

  /** Whether it has a session at one of these nodes. */
  livesAt(...numbers) {
    return this.socket.connected && numbers.includes(this.owner);
  }

  async echo(text) {
    const answer = await this.socket.timeout(10_000).emitWithAck("echo", text).catch((error) => String(error));
    if (answer !== text) this.faults.push(`client ${this.i}: echo was answered ${answer}, after ${this.lost.join("; ") || "no loss"}`);
  }
}

/**
 * Clients behind a balancer while a node stops in order, and another is killed. An end is
 * noticed by those only whose session is on the node; whoever loses a session comes back to a
 * node that lives.
 */
export async function ending({ url, nodes }) {
  const faults = [];
  const clients = Array.from({ length: 36 }, (_, i) => new Survivor(url, nodes, i, i % 3 === 0 ? "websocket" : "polling"));
  await until("all are connected", () => clients.every((c) => c.livesAt(0, 1, 2)));
  const owners = nodes.map((_, i) => clients.filter((c) => c.owner === i).length);
  if (owners.some((n) => n === 0)) faults.push(`the clients were not spread over the nodes: ${owners}`);
  await Promise.all(clients.map((c) => c.echo("before")));

  /** Lets a node end, and waits until its clients are at others; the rest must not notice. */
  const outlive = async (what, doomed, left, end) => {
    const ours = new Map(clients.map((c) => [c, { there: c.owner === doomed, lost: c.lost.length }]));
    await end();
    await until(`${what}: its clients are at other nodes`, () => clients.every((c) => c.livesAt(...left)));
    await Promise.all(clients.map((c) => c.echo(what)));
    for (const [c, { there, lost }] of ours) {
      if (!there && c.lost.length > lost) faults.push(`${what}: client ${c.i} of another node noticed: ${c.lost.slice(lost).join("; ")}`);
    }
  };
  await outlive("a node stopped in order", 2, [0, 1], () => nodes[2].stop("SIGTERM"));
  await outlive("a node was killed", 1, [0], () => nodes[1].kill());
  for (const c of clients) c.socket.disconnect();
  return [...faults, ...clients.flatMap((c) => c.faults)];
}
