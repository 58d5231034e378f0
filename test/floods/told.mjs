// What the official client sees of a limit.
import assert from "node:assert/strict";
import http from "node:http";
import { io } from "socket.io-client";
import { sockeye, until } from "../house/programs.mjs";

// It comes from an address of its own.
const from = (localAddress) => ({ agent: new http.Agent({ localAddress, keepAlive: true }), forceNew: true });

const cases = {
  "an event above the rate is answered with when to come again, and the connection stays": async (url) => {
    const socket = io(url, from("127.0.0.9"));
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) => new Promise((resolve) => socket.emit("echo", i, resolve))),
    );
    const refused = answers.filter((a) => a?.error?.code === "rate_limited");
    assert.ok(refused.length > 0 && refused.length < 60, `${refused.length} of 100 were refused`);
    assert.match(refused[0].error.message, /slow down/);
    assert.ok(refused[0].error.retryAfter > 0 && refused[0].error.retryAfter <= 1_000, JSON.stringify(refused[0]));
    let told;
    socket.once("limit", (limit) => (told = limit));
    for (let i = 0; i < 50; i++) socket.emit("echo", i);
    await until("it is told without an acknowledgement", () => told);
    assert.equal(told.limit, "events");
    await new Promise((resolve) => setTimeout(resolve, refused[0].error.retryAfter + 100));
    assert.equal(await new Promise((resolve) => socket.emit("echo", "again", resolve)), "again");
    return socket;
  },

  "who sends ten times as much is told why, and does not come back by itself": async (url) => {
    for (const transports of [["websocket"], ["polling"]]) {
      const socket = io(url, { ...from("127.0.0.9"), transports });
      const end = new Promise((resolve) => socket.once("sockeye:end", resolve));
      const gone = new Promise((resolve) => socket.once("disconnect", resolve));
      let back = 0;
      await until("it is connected", () => socket.connected);
      socket.on("connect", () => back++);
      for (let i = 0; i < 1_000; i++) socket.emit("echo", i);
      assert.equal((await end).code, "rate_limited");
      assert.equal(await gone, "io server disconnect");
      await new Promise((resolve) => setTimeout(resolve, 1_500)); // longer than it waits to reconnect
      assert.equal(back, 0);
      socket.disconnect();
    }
  },

  "who comes too often is refused, tries again by itself, and gets in": async (url) => {
    const errors = [];
    const sockets = Array.from({ length: 30 }, () => {
      const socket = io(url, { ...from("127.0.0.8"), transports: ["polling"] });
      socket.on("connect_error", ({ context }) => errors.push({ status: context.status, text: context.responseText }));
      return socket;
    });
    await until("some are refused", () => errors.length > 0);
    assert.equal(errors[0].status, 429);
    assert.match(errors[0].text, /too many new connections from your address/);
    await until("all are in", () => sockets.every((s) => s.connected), 30_000);
    for (const socket of sockets) socket.disconnect();
  },
};

/** A line for each case. */
export async function told() {
  const lines = [];
  for (const [name, run] of Object.entries(cases)) {
    const server = await sockeye(["--limits-except", "127.0.0.1", "--event-rate", "20/s burst 50", "--ip-handshakes", "10/s burst 20"]);
    try {
      (await run(server.url))?.disconnect();
      lines.push(`ok     ${name}`);
    } catch (error) {
      lines.push(`FAIL   ${name}: ${error.stack}\n${server.output.slice(-2_000)}`);
    } finally {
      await server.stop();
    }
  }
  return lines;
}
