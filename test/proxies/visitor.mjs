// One official client, as it comes: it exchanges numbered messages and notes when it was cut off.
import { io } from "socket.io-client";
import { until } from "../house/programs.mjs";

export class Visitor {
  cuts = []; // of the connection: {at, reason, error}
  failures = []; // to connect
  disorder = []; // numbers that came when another was due
  story = []; // what happened to its connections, for a failure's report
  #next = 1; // the number that is due
  #sent = 0;
  #target = 0;
  #resent = 0;

  constructor(url, options) {
    this.begun = Date.now();
    this.socket = io(url, options);
    for (const event of ["open", "error", "close", "reconnect_attempt"]) {
      this.socket.io.on(event, (what, more) => {
        this.story.push([new Date().toISOString(), event, what?.message ?? what, what?.description ?? "", more?.message, more?.description].join(" "));
      });
    }
    this.socket.on("connect", () => (this.connectedAfter ??= Date.now() - this.begun));
    this.socket.on("connect_error", (error) => this.failures.push(error));
    this.socket.on("disconnect", (reason, error) => {
      this.cuts.push({ at: Date.now() - this.begun, reason, error });
      this.#resent += this.#sent - this.#next + 1;
      this.#sent = this.#next - 1; // what was under way is lost
    });
    this.socket.on("echo", (n) => {
      if (n !== this.#next) this.disorder.push(`${n} instead of ${this.#next}`);
      this.#next = n + 1;
    });
  }

  get transport() {
    return this.socket.connected ? this.socket.io.engine.transport.name : "none";
  }

  /** How many messages went there and came back, and how many were sent again after a cut. */
  get messages() {
    return { exchanged: this.#next - 1, resent: this.#resent };
  }

  /**
   * Sends as many numbers more, so many at once, and waits until the server has sent all of
   * them back. After a cut it goes on with the first that did not come back.
   */
  async exchange(count, { atOnce = count, within }) {
    this.#target += count;
    const pace = setInterval(() => this.#send(atOnce), 100);
    this.#send(atOnce);
    try {
      await until(`${this.#target} messages there and back, had ${this.#next - 1}`, () => this.#next > this.#target, within);
    } finally {
      clearInterval(pace);
    }
  }

  #send(count) {
    for (; count > 0 && this.socket.connected && this.#sent < this.#target; count--) {
      this.socket.emit("echo", ++this.#sent);
    }
  }

  end() {
    this.socket.disconnect();
  }
}
