// A thread of clients that upgrade, several at a time, while each has messages
// in flight both ways and a stream of broadcasts runs to all of them.
//
// On one machine an upgrade is over before the first message: a proxy makes the
// WebSocket wait for 30 to 120 ms, and each client sends from its connect until
// after its upgrade.
import { parentPort, workerData } from "node:worker_threads";
import { CutProxy } from "../cutproxy.mjs";
import { open, Sequence, settle } from "./socket.mjs";

const { url, room, upgrades, at, messages } = workerData;
const proxy = await CutProxy.open(url, () => 30 + Math.random() * 90);
const total = { upgraded: 0, inFlight: 0, sent: 0, received: 0, streamed: 0, disorder: 0 };
const problems = new Map();
const note = (text) => problems.set(text, (problems.get(text) ?? 0) + 1);

async function one() {
  const socket = open(proxy.url, "upgrade");
  const echoes = new Sequence(0);
  const stream = new Sequence(); // begins wherever the stream is when the client joins
  let upgradedAt; // how much was sent and received by then
  let closed = false;
  let sent = 0;
  let finished = false; // nothing more is sent
  const end = (why) => {
    closed = true;
    note(why);
  };
  socket.on("connect_error", (err) => end(err.message));
  socket.on("disconnect", end);
  socket.on("echo", (i) => echoes.take(i));
  socket.on("msg", (i) => stream.take(i));
  socket.on("connect", () => {
    const { engine } = socket.io;
    if (engine.transport.name === "websocket") upgradedAt = { sent: 0, received: 0 };
    else engine.once("upgrade", () => (upgradedAt = { sent, received: echoes.received }));
    socket.emit("join", room);
    const more = setInterval(() => {
      for (let i = 0; i < 4; i++) socket.emit("echo", sent++);
      finished = closed || (upgradedAt && sent >= messages && sent >= upgradedAt.sent + messages / 4);
      if (finished) clearInterval(more);
    }, 1);
  });
  const done = () => finished && echoes.received === sent;
  await settle(() => closed || done(), () => echoes.received + Number(Boolean(upgradedAt)));
  await settle(() => closed || stream.received >= messages, () => stream.received);
  if (upgradedAt) total.upgraded++;
  if (upgradedAt && upgradedAt.sent > upgradedAt.received) total.inFlight++;
  total.sent += sent;
  total.received += echoes.received;
  total.streamed += stream.received;
  total.disorder += echoes.disorder + stream.disorder;
  if (stream.received < messages) note(`the stream gave ${stream.received} of at least ${messages}`);
  socket.off("disconnect").disconnect();
}

let left = upgrades;
await Promise.all(
  Array.from({ length: at }, async () => {
    while (left-- > 0) await one();
  }),
);
proxy.close();
parentPort.postMessage({ ...total, problems: Object.fromEntries(problems) });
