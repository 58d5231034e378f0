// The guarantees, checked with the official client on anything that speaks the
// relay contract (join, leave, say, echo on "/").
//
//   node guarantees.mjs [--url http://host:port]  a running server; default: starts bin/sockeye
//                       [--reference]             starts Node's own server instead
//                       [--full]                  full size (also PROVE=1); default: a size for make test
//                       [--only REGEXP]           guarantees whose title matches
//                       [--report FILE]           writes FILE as JSON, and as markdown beside it
//                       [--name NAME]             what the report calls the server
//
// Bursts ask more of a reader than the slow-reader policy grants it: 20,000
// messages of 1 KB are 20 MB for each client, which may all be queued before a
// busy client has read the first. bin/sockeye is therefore started with
// --outbox-limit and --outbox-max 64MiB, and, for the same reason, with no limits on what a
// connection may send; against --url the server's own apply.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { call, client, connect, Sequence, settle } from "./load/socket.mjs";
import { here, programCommand, start } from "./servers.mjs";

const { values: flags } = parseArgs({
  options: {
    url: { type: "string" },
    reference: { type: "boolean", default: false },
    full: { type: "boolean", default: process.env.PROVE === "1" },
    only: { type: "string", default: "" },
    report: { type: "string" },
    name: { type: "string" },
  },
});
const deadline = flags.full ? 300_000 : 60_000; // of one guarantee

const size = flags.full
  ? { burst: 20_000, readers: 20, events: 20_000, upgrades: 500, at: 25, inFlight: 200, acks: 2_000, clients: 2_000, storms: 5 }
  : { burst: 20_000, readers: 20, events: 20_000, upgrades: 200, at: 25, inFlight: 200, acks: 400, clients: 2_000, storms: 1 };

const guarantees = [];
for (const bytes of [64, 1024]) {
  for (const mode of ["websocket", "polling", "upgrade"]) {
    guarantees.push({
      title: `${size.burst} broadcasts of ${bytes} B in a burst to ${size.readers} clients [${mode}]`,
      promise: "all received, in order",
      run: (url) => burst(url, mode, bytes),
    });
  }
}
for (const mode of ["websocket", "polling", "upgrade"]) {
  guarantees.push({
    title: `${size.events} events of one client [${mode}]`,
    promise: "handled and answered in order",
    run: (url) => events(url, mode),
  });
}
guarantees.push({
  title: `${size.upgrades} upgrades with ${size.inFlight} messages each way in flight`,
  promise: "nothing lost or reordered",
  run: upgrades,
});
for (const mode of ["websocket", "polling"]) {
  guarantees.push({
    title: `${50 * size.acks} acks of 50 clients, 32 in flight each, under broadcasts [${mode}]`,
    promise: "none lost, none doubled",
    run: (url) => acks(url, mode),
  });
}
for (const mode of flags.full ? ["websocket", "upgrade"] : ["websocket"]) {
  guarantees.push({
    title: `${size.clients} clients connecting at once, ${size.storms} times [${mode}]`,
    promise: "all succeed",
    run: (url) => storms(url, mode),
  });
}

let serial = 0;
const newRoom = () => `guarantee-${process.pid}-${++serial}`;

// thread runs load/NAME.mjs; next() gives its messages one by one.
function thread(name, workerData) {
  const worker = new Worker(join(here, "load", `${name}.mjs`), { workerData });
  const messages = [];
  const waiting = [];
  const put = (m) => (waiting.length > 0 ? waiting.shift()(m) : messages.push(m));
  worker.on("message", put);
  worker.on("error", (error) => put({ error }));
  const next = async () => {
    const m = messages.shift() ?? (await new Promise((resolve) => waiting.push(resolve)));
    if (m.error) throw m.error;
    return m;
  };
  return { next, end: () => worker.terminate() };
}

async function burst(url, mode, bytes) {
  const room = newRoom();
  const readers = thread("readers", { url, mode, room, clients: size.readers, messages: size.burst, size: bytes });
  try {
    await readers.next();
    const publisher = await connect(url, "websocket");
    const text = "x".repeat(bytes);
    const began = performance.now();
    for (let i = 0; i < size.burst; i++) publisher.emit("say", room, i, text);
    const got = await readers.next();
    const seconds = (performance.now() - began) / 1000;
    publisher.disconnect();
    const expected = size.burst * size.readers;
    return {
      ok: got.received === expected && got.disorder === 0 && got.wrongSize === 0 && got.closed.length === 0,
      expected,
      ...got,
      seconds: round(seconds),
      perSecond: Math.round(got.received / seconds),
    };
  } finally {
    await readers.end();
  }
}

async function events(url, mode) {
  const socket = await connect(url, mode);
  const echoes = new Sequence(0);
  const answers = new Sequence(0);
  socket.on("echo", (i) => echoes.take(i));
  const began = performance.now();
  for (let i = 0; i < size.events; i++) {
    if (i % 2 === 0) socket.emit("echo", i / 2);
    else socket.emit("echo", (i - 1) / 2, (got) => answers.take(got));
  }
  const received = () => echoes.received + answers.received;
  await settle(() => received() >= size.events, received);
  const seconds = (performance.now() - began) / 1000;
  const connectedStill = socket.connected;
  socket.disconnect();
  const disorder = echoes.disorder + answers.disorder;
  return {
    ok: received() === size.events && disorder === 0 && connectedStill,
    expected: size.events,
    received: received(),
    disorder,
    seconds: round(seconds),
  };
}

async function upgrades(url) {
  const room = newRoom();
  const publisher = await connect(url, "websocket");
  let said = 0;
  const stream = setInterval(() => {
    for (let i = 0; i < 4; i++) publisher.emit("say", room, said++);
  }, 4);
  const climbers = thread("upgrades", { url, room, upgrades: size.upgrades, at: size.at, messages: size.inFlight });
  try {
    const began = performance.now();
    const got = await climbers.next();
    const { sent, received, ...rest } = got;
    return {
      ok:
        rest.upgraded === size.upgrades &&
        rest.inFlight > 0.9 * size.upgrades &&
        rest.disorder === 0 &&
        received === sent &&
        Object.keys(rest.problems).length === 0,
      expected: sent,
      received,
      ...rest,
      seconds: round((performance.now() - began) / 1000),
    };
  } finally {
    clearInterval(stream);
    publisher.disconnect();
    await climbers.end();
  }
}

async function acks(url, mode) {
  const room = newRoom();
  const clients = await Promise.all(Array.from({ length: 50 }, () => connect(url, mode)));
  const expected = clients.length * size.acks;
  let answered = 0;
  let wrong = 0;
  let packets = 0; // acknowledgements on the wire; the client hides a second one
  let closed = 0;
  const began = performance.now();
  for (const socket of clients) {
    socket.emit("join", room);
    socket.on("disconnect", () => closed++);
    socket.io.on("packet", ({ type }) => (packets += type === 3 || type === 6));
    let next = 0;
    const more = () => {
      if (next === size.acks) return;
      const i = next++;
      socket.emit("echo", i, "payload", (got) => {
        answered++;
        if (got !== i) wrong++;
        more();
      });
      if (i % 50 === 0) socket.emit("say", room, i);
    };
    for (let n = 0; n < 32; n++) more();
  }
  await settle(() => answered >= expected, () => answered);
  // A doubled acknowledgement comes before the answer to one more event.
  await Promise.race([Promise.all(clients.map((s) => call(s, "echo", "fence"))), timeout(5_000)]);
  for (const socket of clients) socket.off("disconnect").disconnect();
  const doubled = packets - answered - clients.length;
  return {
    ok: answered === expected && wrong === 0 && doubled === 0 && closed === 0,
    expected,
    received: answered,
    wrong,
    doubled,
    closed,
    seconds: round((performance.now() - began) / 1000),
  };
}

async function storms(url, mode) {
  const expected = size.clients * size.storms;
  let received = 0;
  const errors = {};
  const seconds = [];
  for (let n = 0; n < size.storms; n++) {
    const began = performance.now();
    const halves = [0, 1].map(() => thread("storm", { url, mode, clients: size.clients / 2 }));
    for (const half of halves) {
      const got = await half.next();
      received += got.connected;
      for (const [text, count] of Object.entries(got.errors)) errors[text] = (errors[text] ?? 0) + count;
    }
    seconds.push(round((performance.now() - began) / 1000));
    await Promise.all(halves.map((half) => half.end()));
  }
  return { ok: received === expected, expected, received, errors, seconds };
}

const round = (n) => Math.round(n * 100) / 100;
const timeout = (ms) => new Promise((resolve) => setTimeout(resolve, ms).unref());

const bounds = ["--outbox-limit", "64MiB", "--outbox-max", "64MiB", "--event-rate", "off", "--byte-rate", "off", "--log-level", "info"];
const server = flags.url
  ? { url: flags.url, stop: async () => 0 }
  : flags.reference
    ? await start(process.execPath, [join(here, "reference.mjs"), "--relay"])
    : await start(...programCommand("", bounds));
const name = flags.name ?? (flags.url ? flags.url : flags.reference ? "Node 4.8.4" : "Sockeye");

const results = [];
for (const { title, promise, run } of guarantees) {
  if (!new RegExp(flags.only, "i").test(title)) continue;
  let result;
  try {
    result = await Promise.race([run(server.url), timeout(deadline).then(() => ({ ok: false, error: `not done after ${deadline} ms` }))]);
  } catch (err) {
    result = { ok: false, error: String(err?.message ?? err) };
  }
  results.push({ title, promise, ...result });
  console.log(`${result.ok ? "ok  " : "FAIL"} ${title}: ${promise}: ${figures(result)}`);
}
const code = await server.stop();
if (!flags.url && !flags.reference && code !== 0) {
  results.push({ title: "the server ends with exit code 0 after SIGTERM", promise: "", ok: false, error: `exit code ${code}` });
  console.log(`FAIL the server ended with exit code ${code} after SIGTERM`);
}

// figures prints what a result is about, on one line.
function figures({ ok, expected, received, seconds, perSecond, error, ...rest }) {
  const parts = error ? [error] : [`${received} of ${expected}`, `${[seconds].flat().join(", ")} s`];
  if (perSecond) parts.push(`${perSecond}/s`);
  if (!ok) parts.push(JSON.stringify(rest));
  return parts.join(", ");
}

if (flags.report) {
  writeFileSync(flags.report, JSON.stringify({ server: name, client: client.version, full: flags.full, results }, null, 2) + "\n");
  const rows = results.map((r) => `| ${r.title} | ${r.promise} | ${r.ok ? "✓" : "✗"} | ${figures(r)} |\n`);
  const head = `Guarantees on ${name}, socket.io-client ${client.version}\n\n| What | Promise | | Received |\n| --- | --- | :-: | --- |\n`;
  writeFileSync(flags.report.replace(/\.json$/, "") + ".md", head + rows.join(""));
}
const failed = results.filter((r) => !r.ok).length;
console.log(`${results.length - failed} passed, ${failed} failed`);
process.exit(failed > 0 || results.length === 0 ? 1 : 0);
