// The connection: one for all areas of a site on a page. It tells areas what it hears, lets
// them ask, and connects again for as long as there is somebody to tell.

import { Manager } from "socket.io-client";
import { keep, kept, random } from "./kept.js";

const PATH = "/socket.io/"; // the server fills in its own
const PATIENCE = 10_000; // ms for an answer
const BLOCKED = 2; // attempts without success after which no transport works
const REFRESH = 30_000; // ms before a token ends

const lives = new Map();

/** The connection of a site at a server. */
export function liveOf(server, site) {
  const key = `${server} ${site}`;
  if (!lives.has(key)) lives.set(key, new Live(server, site));
  return lives.get(key);
}

/** An error with a code of the server, or one of this script. */
export class Problem extends Error {
  constructor({ code = "error", message = "", ...more } = {}) {
    super(message);
    Object.assign(this, more, { code });
  }
}

export class Live {
  areas = new Set(); // {page, asks(), joined(answer), hears(event, message), state(state, code)}
  state = "new"; // connecting, online, offline, blocked, refused
  code = ""; // why it is refused
  user = null;
  token = null; // or a function that returns one, or a promise of one
  guests = false; // whether the site takes them
  #fails = 0;
  #was = false; // it was online
  #bare = false; // go on as a reader
  #again = 0; // timer
  #refresh = 0; // timer
  #online = []; // who waits for the connection

  constructor(server, site) {
    this.server = server;
    this.site = site;
    this.key = `sockeye.comments ${server} ${site}`;
  }

  get guest() {
    return kept("localStorage", this.key);
  }

  add(area) {
    this.areas.add(area);
    if (!this.socket) return this.#connect();
    area.state(this.state, this.code);
    if (this.state === "online") this.join(area);
  }

  remove(area) {
    this.areas.delete(area);
    if (this.state === "online" && area.page && ![...this.areas].some(({ page }) => page === area.page)) this.socket.emit("leave", { page: area.page });
    if (this.areas.size) return;
    clearTimeout(this.#again);
    clearTimeout(this.#refresh);
    this.socket?.disconnect();
    this.socket = null;
    this.state = "new";
  }

  #connect() {
    const server = new URL(this.server);
    const socket = this.socket = new Manager(server.origin, {
      path: new URL(PATH.slice(1), server).pathname,
      transports: ["polling", "websocket"],
      tryAllTransports: true,
      timeout: PATIENCE,
      reconnectionDelay: 800,
      reconnectionDelayMax: 15_000,
    }).socket("/comments", {
      auth: (give) => this.#credentials().then(give, () => give({ site: this.site })),
    });
    this.#set("connecting");
    socket.on("connect", () => {
      this.#fails = 0;
      this.#was = true;
      this.#set("online");
      for (const area of this.areas) this.join(area);
      for (const go of this.#online.splice(0)) go();
    });
    socket.on("disconnect", () => {
      this.#set("offline");
      this.#later(2000);
    });
    socket.on("connect_error", (error) => this.#failed(error.data?.code, error.message));
    socket.onAny((event, message) => {
      if (event === "signed-out") this.#signedOut(message);
      for (const area of this.areas) {
        if (!message?.page || (message.page.key ?? message.page) === area.page) area.hears(event, message);
      }
    });
  }

  async #credentials() {
    const { site } = this;
    const token = this.#bare ? "" : await this.#fresh();
    if (token) return { site, token };
    return this.guests && !this.#bare && this.guest ? { site, guest: this.guest } : { site };
  }

  // The token as it is now; one that a function gave is asked for again before it ends.
  async #fresh() {
    if (typeof this.token !== "function") return this.token;
    const token = await this.token();
    clearTimeout(this.#refresh);
    try {
      const { exp } = JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
      const wait = Math.max(5000, exp * 1000 - Date.now() - REFRESH);
      if (wait < 2 ** 31) this.#refresh = setTimeout(() => this.#signInAgain(), wait);
    } catch {
      // it says no end
    }
    return token;
  }

  #signInAgain() {
    return this.#fresh().then((token) => this.signIn({ token })).catch(() => {});
  }

  #signedOut() {
    this.#know(null);
    if (typeof this.token === "function") this.#signInAgain();
    else this.token = null;
  }

  #failed(code, why) {
    this.#fails += 1;
    if (code === "invalid_token") console.error(`Sockeye comments: ${why}`); // for who makes tokens; readers go on as guests
    if (this.socket.active) { // it tries again by itself
      if (this.state !== "refused") this.#set(this.#fails >= BLOCKED && !this.#was ? "blocked" : this.state);
    } else if (["invalid_token", "token_expired", "guests_refused", "bad_secret"].includes(code)) {
      this.#bare = typeof this.token !== "function" || this.#fails > 1;
      this.code = code;
      this.#later(0);
    } else {
      this.#set("refused", code);
      this.#later(PATIENCE);
    }
  }

  // Connects where the client does not do so by itself.
  #later(wait) {
    clearTimeout(this.#again);
    this.#again = setTimeout(() => {
      if (this.socket && !this.socket.active) this.socket.connect();
    }, wait);
  }

  #set(state, code = "") {
    this.state = state;
    if (state === "refused") this.code = code;
    for (const area of this.areas) area.state(state, this.code);
  }

  async join(area) {
    const { page } = area;
    if (!page) return area.joined();
    try {
      const answer = await this.ask("join", area.asks());
      if (area.page !== page || !this.areas.has(area)) return;
      this.#know(answer.mine?.user ?? null);
      area.joined(answer);
    } catch (error) {
      if (!["lost", "timeout", "failed"].includes(error.code)) area.state("refused", error.code);
      else if (this.state === "online") this.#again = setTimeout(() => this.state === "online" && this.join(area), 3000);
    }
  }

  #know(user) {
    const changed = JSON.stringify(user) !== JSON.stringify(this.user);
    this.user = user;
    if (changed) for (const area of this.areas) area.knows?.();
  }

  /**
   * Sends an event and returns its answer, or throws a Problem. With patient, it is sent
   * again after a lost connection until there is an answer; waits is called when it has to wait.
   */
  async ask(event, message, patient, waits) {
    for (;;) {
      if (this.state !== "online") {
        if (!patient) throw new Problem({ code: "lost" });
        waits?.();
        await new Promise((go) => this.#online.push(go));
      }
      let answer;
      try {
        answer = await this.socket.timeout(PATIENCE).emitWithAck(event, message);
      } catch {
        if (patient) continue;
        throw new Problem({ code: "timeout" });
      }
      if (answer?.error) throw new Problem(answer.error);
      return answer ?? {};
    }
  }

  /** Sends what needs no answer, if there is a connection. */
  hint(event, message) {
    if (this.state === "online") this.socket.volatile.emit(event, message);
  }

  /** Signs in with {token} or {guest: {secret, name}}; all areas learn what is theirs. */
  async signIn(who) {
    this.code = "";
    const { user } = await this.ask("sign-in", who, true);
    this.#bare = false;
    this.#know(user);
    for (const area of this.areas) this.join(area);
  }

  /** Makes somebody of a reader: a guest of this name, or of the name before, or of none. */
  async beGuest(name) {
    const guest = { secret: this.guest?.secret ?? random(), name: name || this.guest?.name };
    if (!guest.name) delete guest.name;
    keep("localStorage", this.key, guest);
    await this.signIn({ guest });
  }

  /** Sets the token, or a function; null signs out. */
  async setToken(token) {
    this.token = token;
    this.#bare = false;
    if (this.state !== "online") return;
    if (token) await this.signIn({ token: await this.#fresh() });
    else {
      await this.ask("sign-out", {});
      this.#know(null);
    }
  }
}
