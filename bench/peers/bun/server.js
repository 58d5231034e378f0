// socket.io on Bun, over the engine that its authors made for it, with the defaults of both.
import { parseArgs } from "node:util";
import { Server as Engine } from "@socket.io/bun-engine";
import { Server } from "socket.io";
import msgpack from "socket.io-msgpack-parser";
import { relay } from "../node/relay.js";

const { values: flags } = parseArgs({ options: { parser: { type: "string" } } });

const io = new Server(flags.parser === "msgpack" ? { parser: msgpack } : {});
const engine = new Engine({ path: "/socket.io/" });
io.bind(engine);
relay(io);

const { hostname, port } = Bun.serve({ hostname: "127.0.0.1", port: 0, ...engine.handler() });
process.stderr.write(`listening addr=${hostname}:${port}\n`);

process.on("SIGTERM", () => process.exit(0));
