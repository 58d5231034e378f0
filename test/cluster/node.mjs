// A node of the cluster on Node's own socket.io, with an official adapter: what
// test/clusternode is for Sockeye. Both are told what to do with POST /control, a JSON
// object each; test/clusternode/doc.go lists what can be asked.
//
//   node node.mjs --name n1 --adapter redis|redis-streams --redis URL --prefix socket.io
//                 [--client redis|ioredis] [--requests-timeout 5000] [--specific-responses] [--recovery]
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { createAdapter as classic } from "@socket.io/redis-adapter";
import { createAdapter as streams } from "@socket.io/redis-streams-adapter";
import { Server } from "socket.io";
import { connect } from "./redisclients.mjs";
import { pack, unpack } from "./values.mjs";

const { values: flags } = parseArgs({
  options: {
    name: { type: "string" },
    adapter: { type: "string" },
    redis: { type: "string" },
    prefix: { type: "string" },
    client: { type: "string", default: "redis" },
    "requests-timeout": { type: "string", default: "5000" },
    "specific-responses": { type: "boolean", default: false },
    recovery: { type: "boolean", default: false },
  },
});

const heard = new Map(); // server side events by namespace

const http = createServer(control);
const io = new Server(http, {
  serveClient: false,
  adapter: await adapter(),
  ...(flags.recovery && { connectionStateRecovery: { skipMiddlewares: false } }),
});
io.of("/").on("new_namespace", (nsp) => hear(nsp));
hear(io.of("/"));
io.on("connection", welcome);
io.of(/^\/case-/).on("connection", welcome);
http.listen(0, "127.0.0.1", () => console.log(`listening addr=127.0.0.1:${http.address().port}`));
process.on("SIGTERM", () => process.exit(0));

async function adapter() {
  const client = await connect(flags.redis, flags.client);
  if (flags.adapter === "redis-streams") return streams(client, { streamName: flags.prefix, channelPrefix: flags.prefix });
  const sub = client.duplicate();
  if (flags.client === "redis") {
    sub.on("error", () => {}); // it connects again by itself
    await sub.connect();
  }
  return classic(client, sub, {
    key: flags.prefix,
    requestsTimeout: Number(flags["requests-timeout"]),
    publishOnSpecificResponseChannel: flags["specific-responses"],
  });
}

function welcome(socket) {
  const { rooms = [], data } = socket.handshake.auth;
  if (data !== undefined) socket.data = data;
  if (rooms.length > 0) socket.join(rooms);
  socket.on("where", (ack) => ack(flags.name));
}

function hear(nsp) {
  const events = [];
  heard.set(nsp.name, events);
  const note = (event) =>
    nsp.on(event, (...args) => {
      const ack = typeof args.at(-1) === "function" ? args.pop() : undefined;
      events.push({ event, args });
      if (event !== "mute") ack?.({ node: flags.name, args });
    });
  for (const event of ["note", "mute"]) note(event);
}

function control(req, res) {
  if (req.method !== "POST" || req.url !== "/control") return;
  let body = "";
  req.setEncoding("utf8");
  req.on("data", (chunk) => (body += chunk));
  req.on("end", async () => {
    let answer;
    try {
      answer = { value: pack((await perform(JSON.parse(body))) ?? null) };
    } catch (err) {
      answer = { error: err.message, answers: err.responses && pack(err.responses) };
    }
    res.setHeader("Content-Type", "application/json");
    res.end(JSON.stringify(answer));
  });
}

/** Whom an operation is for: a namespace, or a socket of this node where `from` names one. */
function audience(nsp, op) {
  let to = op.from ? nsp.sockets.get(op.from) : nsp;
  if (op.from && !to) throw new Error(`no socket ${op.from} here`);
  if (op.to?.length) to = to.to(op.to);
  else if (op.from) to = to.broadcast;
  if (op.except?.length) to = to.except(op.except);
  if (op.local) to = to.local;
  if (op.volatile) to = to.volatile;
  if (op.timeout) to = to.timeout(op.timeout);
  return to;
}

async function perform(op) {
  const nsp = io.of(op.nsp);
  const args = (op.args ?? []).map(unpack);
  switch (op.op) {
    case "emit":
      for (let i = 0; i < (op.times ?? 1); i++) audience(nsp, op).emit(op.event, ...args, ...(op.times ? [i] : []));
      return;
    case "ask":
      return audience(nsp, op).emitWithAck(op.event, ...args);
    case "fetch":
      return (await audience(nsp, op).fetchSockets()).map(({ id, handshake, rooms, data }) => ({ id, handshake, rooms, data }));
    case "socketsJoin":
      return void audience(nsp, op).socketsJoin(op.rooms);
    case "socketsLeave":
      return void audience(nsp, op).socketsLeave(op.rooms);
    case "disconnectSockets":
      return void audience(nsp, op).disconnectSockets(op.close);
    case "remote":
      return remote(nsp, op, args);
    case "serverSideEmit":
      return void nsp.serverSideEmit(op.event, ...args);
    case "serverSideAsk":
      return nsp.serverSideEmitWithAck(op.event, ...args);
    case "heard":
      return heard.get(op.nsp) ?? [];
    case "count":
      return nsp.adapter.serverCount();
    case "sockets":
      return [...nsp.sockets.keys()];
    default:
      throw new Error(`unknown operation ${op.op}`);
  }
}

/** Does something to one socket that fetchSockets finds. */
async function remote(nsp, op, args) {
  const [socket] = await nsp.in(op.to).fetchSockets();
  if (!socket) throw new Error(`no socket ${op.to}`);
  switch (op.event) {
    case "join":
      return void socket.join(op.rooms);
    case "leave":
      return void op.rooms.forEach((room) => socket.leave(room));
    case "disconnect":
      return void socket.disconnect(op.close);
    case "ask":
      return new Promise((resolve, reject) => {
        socket.timeout(op.timeout).emit("ask", ...args, (err, answer) => (err ? reject(err) : resolve(answer)));
      });
    default:
      return void socket.emit(op.event, ...args);
  }
}
