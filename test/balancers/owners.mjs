// What becomes of a session's requests at another node when its owner is stopped, ends, or
// stops in order.
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
  const answers = await Promise.all([poll, timed(other.url + path + "a", { method: "POST", body: "3" })]);
  owner.thaw();
  const slack = 500; // a busy machine
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

/**
 * Clients behind a balancer while a node stops in order, and another is killed. A stop is
 * noticed by those only whose session is on the node; whoever loses a session comes back.
 */
export async function ending({ url, nodes }) {
  const faults = [];
  const clients = await Promise.all(
    Array.from({ length: 24 }, async (_, i) => {
      // Each request on a connection of its own: with a kept one, and a balancer that closes it
      // when a node dies, so that browsers ask again, the XMLHttpRequest of Node.js waits for good.
      const socket = io(url, { transports: ["polling"], forceNew: true, reconnectionDelay: 50, reconnectionDelayMax: 500 });
      await new Promise((resolve, reject) => {
        socket.once("connect", resolve);
        socket.once("connect_error", reject);
      });
      const client = { socket, owner: nodes.findIndex((n) => socket.io.engine.id.startsWith(n.id)), lost: 0, i };
      socket.on("disconnect", () => client.lost++);
      return client;
    }),
  );
  const echo = async (c, text) => {
    const answer = await c.socket.timeout(10_000).emitWithAck("echo", text).catch((error) => String(error));
    if (answer !== text) faults.push(`client ${c.i}: echo was answered ${answer}`);
  };
  await Promise.all(clients.map((c) => echo(c, "before")));
  const [stopping, dying] = [2, 1];
  await nodes[stopping].stop("SIGTERM");
  for (const c of clients) {
    if (c.owner !== stopping && c.lost > 0) faults.push(`client ${c.i} of another node noticed that a node stopped in order`);
  }
  await until("the clients of the stopped node are back", () => clients.every((c) => c.socket.connected));
  await Promise.all(clients.map((c) => echo(c, "one is gone")));
  await nodes[dying].kill();
  await until("the clients of the killed node have noticed", () => clients.every((c) => c.owner !== dying || c.lost > 0));
  await until("the clients of the killed node are back", () => clients.every((c) => c.socket.connected));
  await Promise.all(clients.map((c) => echo(c, "two are gone")));
  for (const c of clients) c.socket.disconnect();
  const owners = nodes.map((_, i) => clients.filter((c) => c.owner === i).length);
  if (owners.some((n) => n === 0)) faults.push(`the clients were not spread over the nodes: ${owners}`);
  return faults;
}
