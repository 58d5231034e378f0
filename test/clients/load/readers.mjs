// A thread of readers: joins a room with some clients and counts what arrives.
import { parentPort, workerData } from "node:worker_threads";
import { call, connect, Sequence, settle } from "./socket.mjs";

const { url, mode, room, clients, messages, size } = workerData;
let wrongSize = 0;
const closed = [];
const readers = await Promise.all(
  Array.from({ length: clients }, async () => {
    const socket = await connect(url, mode);
    const sequence = new Sequence(0);
    socket.on("msg", (i, text) => {
      sequence.take(i);
      if (text.length !== size) wrongSize++;
    });
    socket.on("disconnect", (reason) => closed.push(reason));
    await call(socket, "join", room);
    return { socket, sequence };
  }),
);
parentPort.postMessage({ ready: true });
const sum = (key) => readers.reduce((n, { sequence }) => n + sequence[key], 0);
await settle(() => readers.every(({ sequence }) => sequence.received >= messages), () => sum("received"));
parentPort.postMessage({ received: sum("received"), disorder: sum("disorder"), wrongSize, closed });
for (const { socket } of readers) socket.off("disconnect").disconnect();
