// Reads the log itself, past the nodes: what is in it is confirmed.
import { createClient } from "@redis/client";

/** The type of a broadcast in Node's streams adapter. */
const broadcast = "3";

export class LogReader {
  entries = 0;
  #stopped = false;

  constructor(url, ledger, { stream = "socket.io" } = {}) {
    Object.assign(this, { url, ledger, stream, from: "0-0" });
    this.reading = this.#read();
  }

  /** The log will begin anew: what is in it now has been read, as far as it could be. */
  forget() {
    this.from = "0-0";
  }

  async #read() {
    while (!this.#stopped) {
      const client = createClient({ url: this.url, socket: { reconnectStrategy: false, connectTimeout: 2_000 } });
      client.on("error", () => {}); // Redis is away, as it should be now and then: the loop tries again
      this.client = client;
      try {
        await client.connect();
        while (!this.#stopped) {
          const found = await client.xRead({ key: this.stream, id: this.from }, { BLOCK: 500, COUNT: 500 });
          for (const { id, message } of found?.[0]?.messages ?? []) {
            this.from = id;
            this.entries++;
            this.#entry(id, message);
          }
        }
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 20));
      } finally {
        if (client.isOpen) client.destroy();
      }
    }
  }

  #entry(id, { nsp, type, data }) {
    if (type !== broadcast || nsp !== "/") return;
    try {
      const { packet, opts } = JSON.parse(data);
      const [event, said] = packet.data;
      if (event !== "msg") return;
      if (opts.rooms.length !== 1 || opts.rooms[0] !== said.r) throw new Error("another room in the options than in the message");
      this.ledger.confirm(said.p, said.r, said.n, id);
    } catch (error) {
      this.ledger.strange.push(`${id}: ${error.message}: ${data}`);
    }
  }

  async stop() {
    this.#stopped = true;
    await this.reading;
  }
}
