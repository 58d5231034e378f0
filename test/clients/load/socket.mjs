// Opens sockets for the guarantees, in the main thread and in workers alike.
import { loadClient, modes } from "../visit.mjs";

export const client = await loadClient(process.env.GUARANTEES_CLIENT ?? "4.8.4");

export function open(url, mode) {
  return client.io(url, { ...modes[mode], forceNew: true, reconnection: false, timeout: 60_000 });
}

// connected waits for the connect and, on the mode "upgrade", for the upgrade.
export async function connected(socket, mode) {
  if (!socket.connected) {
    await new Promise((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("connect_error", reject);
    });
  }
  const { engine } = socket.io;
  if (mode === "upgrade" && engine.transport.name !== "websocket") {
    await new Promise((resolve, reject) => {
      engine.once("upgrade", resolve);
      engine.once("close", () => reject(new Error("closed before the upgrade")));
    });
  }
}

export async function connect(url, mode) {
  const socket = open(url, mode);
  await connected(socket, mode);
  return socket;
}

export const call = (socket, event, ...args) => new Promise((resolve) => socket.emit(event, ...args, resolve));

// Sequence checks that numbers arrive as from, from+1, ...; without from, the
// first one decides.
export class Sequence {
  received = 0;
  disorder = 0;
  #next;

  constructor(from) {
    this.#next = from;
  }

  take(i) {
    this.received++;
    if (this.#next !== undefined && i !== this.#next) this.disorder++;
    this.#next = i + 1;
  }
}

// settle waits until done() is true, or until nothing has moved for patience ms.
export async function settle(done, progress, patience = 10_000) {
  let last = progress();
  let since = performance.now();
  while (!done()) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    const now = progress();
    if (now !== last) {
      last = now;
      since = performance.now();
    } else if (performance.now() - since > patience) {
      return false;
    }
  }
  return true;
}
