// The relay contract on the server of socket.io, whatever runs it.
export function relay(io) {
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
}
