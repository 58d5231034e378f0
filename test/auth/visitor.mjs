// A page: one socket of an official client, whose token is given out anew for each connect.
import { createHmac } from "node:crypto";
import { until } from "../house/programs.mjs";

export const versions = ["2.5.0", "3.1.3", "4.8.4"];

const libraries = {};
for (const version of versions) {
  const library = await import(`client-${version}`);
  libraries[version] = library.io ?? library.default;
}

export const secret = "a secret of tests, of more than 32 bytes";

const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A token of a user that holds for so many milliseconds, with further claims. */
export function token(sub, ttl = 3_600_000, claims = {}) {
  const text = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub, exp: (Date.now() + ttl) / 1000, ...claims })}`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

export class Visitor {
  /** What happened, in order: connect, disconnect REASON, refused CODE. */
  story = [];
  attempts = 0;

  /**
   * Connects with the token that `give` returns. Client 2.5 has no auth in CONNECT of the main
   * namespace and shows it in the query of the handshake, as `--auth-query token` admits.
   */
  constructor(version, url, give, options = {}) {
    const old = version.startsWith("2");
    this.socket = libraries[version](url, {
      forceNew: true,
      transports: ["websocket"],
      reconnectionDelay: 50,
      reconnectionDelayMax: 50,
      ...(!give ? {} : old ? { query: { token: give() } } : { auth: (answer) => answer({ token: give() }) }),
      ...options,
    });
    const { socket } = this;
    const manager = socket.io;
    manager.on("reconnect_attempt", () => {
      this.attempts++;
      if (old) manager.opts.query = { token: give() };
    });
    socket.on("connect", () => this.story.push("connect"));
    socket.on("disconnect", (reason) => this.story.push(`disconnect ${reason}`));
    const refused = (error) => this.story.push(`refused ${error?.data?.code ?? error?.code ?? error?.message ?? error}`);
    socket.on(old ? "error" : "connect_error", refused);
  }

  /** Cuts the connection, as a lost network does: the client comes back by itself. */
  cut() {
    this.socket.io.engine.close();
  }

  tells(line) {
    return this.story.includes(line);
  }

  connected() {
    return until("connected", () => this.socket.connected && this.tells("connect"));
  }

  /** What an event is acknowledged with. */
  call(event, ...args) {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no acknowledgement of ${event}; ${this.story.join(", ")}`)), 10_000);
      this.socket.emit(event, ...args, (answer) => (clearTimeout(late), resolve(answer)));
    });
  }

  end() {
    this.socket.disconnect();
  }
}
