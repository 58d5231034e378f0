// Programs that only emit: the official emitter of the classic adapter, and one of our own
// that writes what @socket.io/redis-streams-emitter 0.1.1 writes, which npm does not have.
// Both do the operations that a node does, as far as an emitter can.
import { encode } from "@msgpack/msgpack";
import { Emitter } from "@socket.io/redis-emitter";
import { connect } from "./redisclients.mjs";

/** Opens the emitter that belongs to an adapter. */
export async function openEmitter({ adapter, redis, prefix, client = "redis" }) {
  const connection = await connect(redis, client);
  const write = adapter === "redis-streams" ? streamsWriter(connection, client, prefix) : classicWriter(connection, prefix);
  return {
    name: "emitter",
    do: async (op) => write({ args: [], ...op }),
    close: () => connection.disconnect(),
  };
}

function classicWriter(connection, key) {
  const root = new Emitter(connection, { key });
  return (op) => {
    let to = op.nsp === "/" ? root : root.of(op.nsp);
    if (op.op === "serverSideEmit") return to.serverSideEmit(op.event, ...op.args);
    if (op.to?.length) to = to.to(op.to);
    if (op.except?.length) to = to.except(op.except);
    if (op.volatile) to = to.volatile;
    switch (op.op) {
      case "emit":
        for (let i = 0; i < (op.times ?? 1); i++) to.emit(op.event, ...op.args, ...(op.times ? [i] : []));
        return;
      case "socketsJoin":
        return to.socketsJoin(op.rooms);
      case "socketsLeave":
        return to.socketsLeave(op.rooms);
      case "disconnectSockets":
        return to.disconnectSockets(op.close);
      default:
        throw new Error(`an emitter has no ${op.op}`);
    }
  };
}

// The numbers of socket.io-adapter's MessageType.
const types = { emit: 3, socketsJoin: 4, socketsLeave: 5, disconnectSockets: 6, serverSideEmit: 9 };
const maxLen = 10_000; // the emitter's default

function streamsWriter(connection, kind, stream) {
  const append = (entry) =>
    kind === "ioredis"
      ? connection.xadd(stream, "MAXLEN", "~", maxLen, "*", ...Object.entries(entry).flat())
      : connection.xAdd(stream, "*", entry, { TRIM: { strategy: "MAXLEN", strategyModifier: "~", threshold: maxLen } });
  const write = (op, data) => {
    const binary = (op.op === "emit" || op.op === "serverSideEmit") && hasBinary(data);
    return append({
      uid: "emitter",
      nsp: op.nsp,
      type: String(types[op.op]),
      data: binary ? Buffer.from(encode(data)).toString("base64") : JSON.stringify(data),
    });
  };
  return async (op) => {
    const opts = { rooms: op.to ?? [], except: op.except ?? [], flags: {} };
    switch (op.op) {
      case "emit": {
        if (op.volatile) opts.flags.volatile = true;
        const written = [];
        for (let i = 0; i < (op.times ?? 1); i++) {
          const packet = { type: 2, data: [op.event, ...op.args, ...(op.times ? [i] : [])], nsp: op.nsp };
          written.push(write(op, { packet, opts: { rooms: opts.rooms, flags: opts.flags, except: opts.except } }));
        }
        return void (await Promise.all(written));
      }
      case "socketsJoin":
      case "socketsLeave":
        return void (await write(op, { opts, rooms: op.rooms }));
      case "disconnectSockets":
        return void (await write(op, { opts, close: op.close }));
      case "serverSideEmit":
        return void (await write(op, { packet: [op.event, ...op.args] }));
      default:
        throw new Error(`an emitter has no ${op.op}`);
    }
  };
}

function hasBinary(value) {
  if (value === null || typeof value !== "object") return false;
  return value instanceof ArrayBuffer || ArrayBuffer.isView(value) || Object.values(value).some(hasBinary);
}
