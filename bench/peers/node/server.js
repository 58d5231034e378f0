// Node's own socket.io, with its defaults. With --redis URL and --adapter redis or
// redis-streams it is one of several nodes, with an official adapter and its defaults.
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { createAdapter as classic } from "@socket.io/redis-adapter";
import { createAdapter as streams } from "@socket.io/redis-streams-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";
import msgpack from "socket.io-msgpack-parser";
import { relay } from "./relay.js";

const text = { type: "string" };
const { values: flags } = parseArgs({ options: { adapter: text, deflate: { type: "boolean" }, parser: text, redis: text } });

const http = createServer();
const io = new Server(http, {
  serveClient: false,
  ...(flags.deflate && { perMessageDeflate: true }), // above 1 KiB
  ...(flags.parser === "msgpack" && { parser: msgpack }),
  ...(flags.redis && { adapter: await adapter() }),
});
relay(io);

async function adapter() {
  const connect = async () => {
    const client = createClient({ url: flags.redis });
    client.on("error", (err) => process.stderr.write(`redis: ${err.message}\n`));
    return client.connect();
  };
  if (flags.adapter === "redis-streams") return streams(await connect());
  return classic(await connect(), await connect());
}

http.listen(0, "127.0.0.1", () => {
  const { address, port } = http.address();
  process.stderr.write(`listening addr=${address}:${port}\n`);
});

process.on("SIGTERM", () => process.exit(0));
