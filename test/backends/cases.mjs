import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { io } from "socket.io-client";
import { until } from "../house/programs.mjs";
import { secret } from "./backends.mjs";

/** A page that says a name, and notes what it hears. */
class Page {
  heard = [];

  constructor(server, name) {
    this.socket = io(`${server.url}/app`, {
      forceNew: true,
      transports: server.transports ?? ["websocket"],
      reconnectionDelay: 50,
      reconnectionDelayMax: 50,
      auth: name ? { name } : {},
    });
    this.socket.onAny((...event) => this.heard.push(event));
    this.socket.on("connect_error", (error) => (this.refused = error));
  }

  async connected() {
    await until("connected", () => this.socket.connected);
    return this;
  }

  call(event, ...args) {
    return this.socket.timeout(12_000).emitWithAck(event, ...args);
  }

  /** Waits until an event was heard, with these arguments if there are any. */
  hears(...event) {
    const same = (other) => event.every((part, i) => other[i] === part);
    return until(`${this.socket.auth.name} hears ${event}`, () => this.heard.find(same));
  }

  end() {
    this.socket.disconnect();
  }
}

/** Runs with pages that go afterwards. */
const withPages = (run) => async (server, backend) => {
  const pages = [];
  try {
    await run((name) => pages[pages.push(new Page(server, name)) - 1], backend);
  } finally {
    for (const page of pages) page.end();
  }
};

/** What a frontend of the Flask-SocketIO app sees, before and after the move. */
export const frontend = {
  "the frontend of docs/moving-from-flask-socketio.md sees the same": withPages(async (page) => {
    const nobody = page("");
    await until("refused", () => nobody.refused);
    assert.equal(nobody.refused.message, "who are you?");
    const [ann, bob, cid] = await Promise.all(["ann", "bob", "cid"].map((name) => page(name).connected()));
    assert.equal(await ann.call("join room", "green"), "ok");
    assert.equal(await bob.call("join room", "green"), "ok");
    await ann.hears("joined", "bob");
    assert.equal(await ann.call("chat message", "green", "hot? ☕"), "ok");
    await bob.hears("chat message", "ann", "hot? ☕");
    assert.equal((await cid.call("chat message", "green", "me too")).error.code, "not_here");
    bob.end();
    await ann.hears("left", "bob");
    assert.deepEqual(ann.heard, [["joined", "bob"], ["chat message", "ann", "hot? ☕"], ["left", "bob"]]);
    assert.deepEqual(bob.heard, [["chat message", "ann", "hot? ☕"]]);
    assert.deepEqual(cid.heard, []);
  }),
};

export const cases = {
  ...frontend,

  "lets in who says a name, and refuses others with the backend's words": withPages(async (page) => {
    await page("ann").connected();
    const nobody = page("");
    await until("refused", () => nobody.refused);
    assert.equal(nobody.refused.message, "who are you?");
    assert.deepEqual(nobody.refused.data, { code: "refused", message: "who are you?" });
  }),

  "joins, emits and acknowledges as the backend says": withPages(async (page) => {
    const [ann, bob, cid] = await Promise.all(["ann", "bob", "cid"].map((name) => page(name).connected()));
    assert.equal(await ann.call("join room", "tea"), "ok");
    assert.equal(await bob.call("join room", "tea"), "ok");
    await ann.hears("joined", "bob");
    assert.equal(await ann.call("chat message", "tea", "hot? ☕"), "ok");
    await bob.hears("chat message", "ann", "hot? ☕");
    await ann.hears("chat message", "ann", "hot? ☕");
    assert.equal((await cid.call("chat message", "tea", "me too")).error.code, "not_here");
    assert.equal((await cid.call("dance")).error.code, "unknown_event");
    bob.end();
    await ann.hears("left", "bob");
    assert.deepEqual(bob.heard, [["chat message", "ann", "hot? ☕"]]);
    assert.deepEqual(cid.heard, []);
  }),

  "keeps 500 events of one page in order": withPages(async (page) => {
    const [ann, bob] = await Promise.all(["ann", "bob"].map((name) => page(name).connected()));
    for (const one of [ann, bob]) assert.equal(await one.call("join room", "order"), "ok");
    const numbers = [...Array(500).keys()];
    for (const n of numbers) ann.socket.emit("chat message", "order", n);
    await until("the last event", () => bob.heard.length >= numbers.length);
    assert.deepEqual(bob.heard.map(([, , n]) => n), numbers);
  }),

  "says so while the backend is away, and goes on when it is back": withPages(async (page, backend) => {
    const ann = await page("ann").connected();
    assert.equal(await ann.call("join room", "pub"), "ok");
    await backend.kill();
    assert.equal((await ann.call("chat message", "pub", "anybody?")).error.code, "backend_unavailable");
    const bob = page("bob"); // his connection is closed, so that he comes back by himself
    let attempts = 0;
    bob.socket.io.on("reconnect_attempt", () => attempts++);
    await until("bob has tried again", () => attempts >= 3);
    assert.equal(bob.refused, undefined);
    await backend.start();
    await bob.connected();
    assert.equal(await bob.call("join room", "pub"), "ok");
    await ann.hears("joined", "bob"); // who was connected still is
    assert.equal(await ann.call("chat message", "pub", "there you are"), "ok");
    await bob.hears("chat message", "ann", "there you are");
  }),

  "is believed only with a signature that holds": async (_server, backend) => {
    const body = JSON.stringify({ call: "connect", user: null, handshake: { auth: { name: "mallory" } } });
    const signed = (key, time, text = body) => `t=${time},v1=${createHmac("sha256", key).update(`${time}.${text}`).digest("hex")}`;
    const now = Math.floor(Date.now() / 1000);
    for (const [what, signature, status] of [
      ["its own", signed(secret, now), 200],
      ["two, of which one is its own", `${signed("the secret that comes next, in no hurry", now)},${signed(secret, now).split(",")[1]}`, 200],
      ["none", "", 403],
      ["another's", signed("a secret of somebody else's, of 32 bytes", now), 403],
      ["an old one", signed(secret, now - 600), 403],
      ["one of another body", signed(secret, now, body.replace("mallory", "ann")), 403],
    ]) {
      const headers = { "Content-Type": "application/json", "Sockeye-Signature": signature };
      const answer = await fetch(backend.url, { method: "POST", headers, body });
      assert.equal(answer.status, status, what);
    }
  },
};
