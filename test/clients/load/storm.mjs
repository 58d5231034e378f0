// A thread that opens many clients at once and counts those that succeed.
import { parentPort, workerData } from "node:worker_threads";
import { open } from "./socket.mjs";

const { url, mode, clients } = workerData;
const errors = new Map();
const sockets = Array.from({ length: clients }, () => open(url, mode));
const outcomes = await Promise.all(
  sockets.map(
    (socket) =>
      new Promise((resolve) => {
        // Connected is who has had an answer.
        socket.once("connect", () => socket.emit("echo", socket.id, (got) => resolve(got === socket.id)));
        const failed = (err) => {
          const text = String(err.message ?? err);
          errors.set(text, (errors.get(text) ?? 0) + 1);
          resolve(false);
        };
        socket.once("connect_error", failed);
        socket.once("disconnect", failed);
      }),
  ),
);
parentPort.postMessage({ connected: outcomes.filter(Boolean).length, errors: Object.fromEntries(errors) });
for (const socket of sockets) socket.off("disconnect").disconnect();
