// Stands for the log where there is none to read: with one node that keeps packets in
// its own memory, a client of its own connection hears them in their order.
import { io } from "socket.io-client";

export class Observer {
  static async open(url, rooms, ledger) {
    const observer = new Observer();
    observer.socket = io(url, { transports: ["websocket"], forceNew: true });
    observer.socket.on("msg", ({ p, r, n }, offset) => ledger.confirm(p, r, n, offset));
    observer.socket.on("disconnect", (reason) => ledger.strange.push(`the observer was disconnected: ${reason}`));
    await Promise.all(rooms.map((room) => observer.socket.emitWithAck("join", room)));
    return observer;
  }

  forget() {}

  stop() {
    this.socket.off("disconnect");
    this.socket.close();
  }
}
