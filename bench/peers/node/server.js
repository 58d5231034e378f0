// The relay contract on Node's own socket.io, with its defaults.
import { createServer } from "node:http";
import { Server } from "socket.io";

const http = createServer();
const io = new Server(http, { serveClient: false });

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
