// The relay contract on Node's own socket.io, with its defaults. With --redis URL and
// --adapter redis or redis-streams it is one of several nodes, with an official adapter
// and its defaults.
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { createAdapter as classic } from "@socket.io/redis-adapter";
import { createAdapter as streams } from "@socket.io/redis-streams-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

const { values: flags } = parseArgs({ options: { adapter: { type: "string" }, redis: { type: "string" } } });

const http = createServer();
const io = new Server(http, { serveClient: false, ...(flags.redis && { adapter: await adapter() }) });

async function adapter() {
  const connect = async () => {
    const client = createClient({ url: flags.redis });
    client.on("error", (err) => process.stderr.write(`redis: ${err.message}\n`));
    return client.connect();
  };
  if (flags.adapter === "redis-streams") return streams(await connect());
  return classic(await connect(), await connect());
}

io.on("connection", (socket) => {
  socket.on("join", (room, ack) => {
    socket.join(room);
    ack?.("ok");
  });
  socket.on("leave", (room, ack) => {
    socket.leave(room);
    ack?.("ok");
  });
  socket.on("say", (room, ...args) => {
    const ack = typeof args.at(-1) === "function" ? args.pop() : undefined;
    io.to(room).emit("msg", ...args);
    ack?.("ok");
  });
  socket.on("echo", (...args) => {
    const ack = typeof args.at(-1) === "function" ? args.pop() : undefined;
    if (ack) ack(...args);
    else socket.emit("echo", ...args);
  });
});

http.listen(0, "127.0.0.1", () => {
  const { address, port } = http.address();
  process.stderr.write(`listening addr=${address}:${port}\n`);
});

process.on("SIGTERM", () => process.exit(0));
