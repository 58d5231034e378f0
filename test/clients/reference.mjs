// The reference server: what test/fixture does, done with Node's own socket.io.
// Every case of the suite has to pass here first, so that a case that fails on
// Sockeye is Sockeye's fault and not the suite's. The events are listed in
// test/fixture/doc.go.
//
//   node reference.mjs [--recovery 2m] [--ping-interval 25s] [--ping-timeout 20s]
//                      [--parser json|msgpack] [--relay]
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { createRequire } from "node:module";
import { Server } from "socket.io";

const { values: flags } = parseArgs({
  options: {
    recovery: { type: "string" },
    "ping-interval": { type: "string", default: "25s" },
    "ping-timeout": { type: "string", default: "20s" },
    parser: { type: "string", default: "json" },
    relay: { type: "boolean", default: false },
  },
});

const http = createServer();
const io = new Server(http, {
  allowEIO3: true,
  pingInterval: milliseconds(flags["ping-interval"]),
  pingTimeout: milliseconds(flags["ping-timeout"]),
  cors: { origin: true, credentials: true },
  ...(flags.recovery && {
    connectionStateRecovery: { maxDisconnectionDuration: milliseconds(flags.recovery), skipMiddlewares: false },
  }),
  ...(flags.parser === "msgpack" && { parser: createRequire(import.meta.url)("socket.io-msgpack-parser") }),
});

if (flags.relay) {
  mountRelay(io);
} else {
  mountFixture(io);
}
http.listen(0, "127.0.0.1", () => {
  console.log(`listening addr=127.0.0.1:${http.address().port}`);
});

function milliseconds(text) {
  const [, n, unit] = /^(\d+)(ms|s|m)$/.exec(text);
  return Number(n) * { ms: 1, s: 1000, m: 60000 }[unit];
}

// mountRelay is the relay contract on "/", and the two public examples that the
// suite also runs through relay by configuration.
function mountRelay(io) {
  io.on("connection", (socket) => {
    const answer = (ack, work) => {
      try {
        work();
        ack?.("ok");
      } catch (err) {
        ack?.({ error: { code: "bad_request", message: err.message } });
      }
    };
    const room = (name) => {
      if (typeof name !== "string" || name === "") throw new Error("a room is a non-empty string");
      return name;
    };
    const on = (event, work) =>
      socket.on(event, (...args) => {
        const ack = typeof args.at(-1) === "function" ? args.pop() : undefined;
        answer(ack, () => work(...args));
      });
    on("join", (name) => socket.join(room(name)));
    on("leave", (name) => socket.leave(room(name)));
    on("say", (name, ...args) => io.to(room(name)).emit("msg", ...args));
    socket.on("echo", (...args) => {
      if (typeof args.at(-1) === "function") args.pop()(...args);
      else socket.emit("echo", ...args);
    });
    socket.on("chat message", (text) => io.emit("chat message", text));
    const known = new Set(["join", "leave", "say", "echo", "chat message"]);
    socket.onAny((event, ...args) => {
      if (known.has(event)) return;
      if (typeof args.at(-1) === "function") args.at(-1)({ error: { code: "unknown_event" } });
    });
  });
  io.of("/whiteboard").on("connection", (socket) => {
    socket.on("drawing", (line) => socket.broadcast.emit("drawing", line));
  });
}

function mountFixture(io) {
  const reasons = new Map(); // tag → [[stage, reason], ...]
  const tries = new Map(); // key → how often it came
  const held = new Map(); // key → acknowledgement
  const errors = new Map(); // tag → messages of refused events

  const root = io.of("/");
  root.on("connection", (socket) => {
    serve(root, socket);
    socket.emit("hello", socket.id, socket.recovered === true);
  });

  const admin = io.of("/admin");
  admin.use((socket, next) => {
    if (socket.handshake.auth.token === "secret") return next();
    const err = new Error("not allowed");
    err.data = { code: "E_TOKEN", missing: socket.handshake.auth.token === undefined };
    next(err);
  });
  admin.on("connection", (socket) => serve(admin, socket));
  io.of("/plain").on("connection", (socket) => serve(io.of("/plain"), socket));

  io.of(/^\/dynamic-\d+$/).on("connection", (socket) => {
    serve(socket.nsp, socket);
    socket.emit("where", socket.nsp.name);
  });
  io.of((name, auth, next) => next(null, name.startsWith("/fn/") && auth.open !== "no")).on("connection", (socket) => {
    serve(socket.nsp, socket);
    socket.emit("where", socket.nsp.name);
  });

  function serve(nsp, socket) {
    const tag = socket.handshake.auth.tag ?? socket.handshake.query.tag;
    const note = (stage, reason) => {
      if (tag === undefined) return;
      if (!reasons.has(tag)) reasons.set(tag, []);
      reasons.get(tag).push([stage, reason]);
    };
    const heard = [];
    socket.use(([event], next) => next(event === "forbidden" ? new Error("event not allowed") : undefined));
    socket.on("error", (err) => {
      if (!errors.has(tag)) errors.set(tag, []);
      errors.get(tag).push(err.message);
    });
    socket.onAny((event) => heard.push(event));
    socket.on("disconnecting", (reason) => note("disconnecting", reason));
    socket.on("disconnect", (reason) => note("disconnect", reason));

    on("handshake", (ack) => {
      const h = socket.handshake;
      ack({
        auth: h.auth,
        query: h.query,
        header: h.headers["x-test"] ?? null,
        url: h.url,
        secure: h.secure,
        xdomain: h.xdomain,
        address: h.address,
        issued: h.issued,
        time: typeof h.time === "string" && h.time.length > 0,
        protocol: socket.conn.protocol,
        transport: socket.conn.transport.name,
      });
    });
    on("session", (ack) =>
      ack({ id: socket.id, recovered: socket.recovered === true, rooms: [...socket.rooms].sort(), data: socket.data }),
    );
    on("heard", (ack) => ack(heard));

    on("echo", (...args) => args.pop()(...args));
    on("bounce", (...args) => socket.emit("bounce", ...args));
    on("burst", (n, ack) => {
      for (let i = 0; i < n; i++) socket.emit("tick", i);
      ack();
    });
    on("silent", () => {});
    on("hold", (key, ack) => held.set(key, ack));
    on("release", (key, answer) => held.get(key)(answer));
    on("ack-twice", (ack) => {
      ack("first");
      ack("second");
    });
    on("flaky", (key, failures, ack) => {
      tries.set(key, (tries.get(key) ?? 0) + 1);
      if (tries.get(key) > failures) ack(tries.get(key));
    });
    on("tries", (key, ack) => ack(tries.get(key) ?? 0));

    on("ask", (ms, event, ...args) => {
      const ack = args.pop();
      socket.timeout(ms).emit(event, ...args, (err, ...answers) => ack(err ? { error: "timeout" } : { ok: answers }));
    });
    on("ask-room", (room, ms, event, ...args) => {
      const ack = args.pop();
      nsp.to(room).timeout(ms).emit(event, ...args, (err, answers) => ack({ timeout: Boolean(err), answers }));
    });

    on("join", (rooms, ack) => {
      socket.join(rooms);
      ack();
    });
    on("leave", (room, ack) => {
      socket.leave(room);
      ack();
    });
    on("to", (rooms, event, ...args) => socket.to(rooms).emit(event, ...args));
    on("in", (rooms, event, ...args) => nsp.in(rooms).emit(event, ...args));
    on("except", (rooms, not, event, ...args) => nsp.to(rooms).except(not).emit(event, ...args));
    on("broadcast", (event, ...args) => socket.broadcast.emit(event, ...args));
    on("in-volatile", (rooms, event, ...args) => nsp.to(rooms).volatile.emit(event, ...args));
    on("fetch", async (room, ack) => {
      const found = await nsp.in(room).fetchSockets();
      ack(found.map((s) => ({ id: s.id, data: s.data, rooms: [...s.rooms].sort() })).sort((a, b) => (a.id < b.id ? -1 : 1)));
    });
    on("set-data", (value, ack) => {
      socket.data = value;
      ack();
    });
    on("sockets-join", (room, other, ack) => {
      nsp.in(room).socketsJoin(other);
      ack();
    });
    on("sockets-leave", (room, other, ack) => {
      nsp.in(room).socketsLeave(other);
      ack();
    });
    on("sockets-kick", (room, close) => nsp.in(room).disconnectSockets(close));

    on("volatile", (event, n, ack) => {
      for (let i = 0; i < n; i++) socket.volatile.emit(event, i);
      ack();
    });

    on("kick", (close) => socket.disconnect(close));
    on("emit-and-kick", (event, n) => {
      for (let i = 0; i < n; i++) socket.emit(event, i);
      socket.disconnect();
    });
    on("cut", () => socket.conn.close());
    on("reasons", (of, ack) => ack(reasons.get(of) ?? []));
    on("errors", (of, ack) => ack(errors.get(of) ?? []));

    function on(event, handler) {
      socket.on(event, handler);
    }
  }
}
