// What becomes of an official client that comes to a node while it drains, as one does whose
// balancer has not noticed yet: it is refused with 503, and tries again by itself.
import { io } from "socket.io-client";
import { freePort, sockeye, until } from "../house/programs.mjs";

const origin = "http://page.example.com";
const ways = { polling: { transports: ["polling"] }, default: {}, websocket: { transports: ["websocket"] } };

/** Gives the faults. */
export async function refused() {
  const faults = [];
  const port = await freePort();
  const args = ["--drain", "8s", "--origins", origin];
  let node = await sockeye(args, { port });
  const open = (way) => io(node.url, { ...way, forceNew: true, reconnectionDelay: 200, reconnectionDelayMax: 500 });
  const stayers = Array.from({ length: 4 }, () => open(ways.websocket)); // for whom the drain goes on
  for (const socket of stayers) socket.io.reconnection(false);
  await until("they are connected", () => stayers.every((socket) => socket.connected));
  node.child.kill("SIGTERM");
  const answer = await until("handshakes are refused", async () => {
    const answer = await fetch(`${node.url}/socket.io/?EIO=4&transport=polling`, { headers: { origin } });
    return answer.status === 503 && answer;
  });
  for (const [name, want] of [["retry-after", "2"], ["access-control-allow-origin", origin]]) {
    if (answer.headers.get(name) !== want) faults.push(`${name} is ${answer.headers.get(name)}`);
  }
  const comers = Object.entries(ways).map(([name, way]) => {
    const socket = open(way);
    const comer = { name, socket, errors: 0 };
    socket.on("connect_error", () => {
      comer.errors++;
      if (!socket.active) faults.push(`${name}: gave up`);
    });
    return comer;
  });
  await until("they are refused", () => comers.every((comer) => comer.errors > 0));
  for (const { name, socket } of comers) if (socket.connected) faults.push(`${name}: is connected to a node that drains`);
  const code = await node.exited;
  if (code !== 0) faults.push(`the node ended with ${code}`);
  node = await sockeye(args, { port });
  await until("they have connected by themselves", () => comers.every(({ socket }) => socket.connected)).catch((error) => faults.push(error.message));
  for (const socket of [...stayers, ...comers.map((comer) => comer.socket)]) socket.close();
  await node.kill();
  return faults;
}
