import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { binary } from "../server.mjs";

const history = 'recovery: 2m\nhistory: {namespaces: {/: {"kept:*": {}}}}\n';

// A page of the server that gathers in `heard` what an EventSource of a query hears.
async function reader(house, url, query) {
  const page = await house.page(await house.profile());
  await page.goto(`${url}/playground`);
  await page.evaluate((address) => {
    window.heard = [];
    window.source = new EventSource(address);
    window.source.addEventListener("msg", (event) => window.heard.push(event.data));
    window.source.addEventListener("sockeye:gap", (event) => window.heard.push(`gap ${event.data}`));
    window.source.addEventListener("sockeye:ready", () => (window.ready = (window.ready ?? 0) + 1));
    window.source.addEventListener("error", () => (window.state = window.source.readyState));
  }, `/events?${query}`);
  return page;
}

// A Socket.IO client in a page of its own; `say` resolves when the server has it.
async function talker(house, url) {
  const page = await house.page(await house.profile());
  await page.goto(`${url}/playground`);
  await page.evaluate(async () => {
    const { io } = await import("/socket.io/socket.io.esm.min.js");
    window.other = io();
  });
  return (room, ...texts) =>
    page.evaluate(async ([room, texts]) => {
      for (const text of texts) await window.other.emitWithAck("say", room, text);
    }, [room, texts]);
}

const hears = async (page, ...texts) => {
  await page.waitForFunction((n) => window.heard.length >= n, texts.length);
  assert.deepEqual(await page.evaluate(() => window.heard), texts.map((text) => (text.startsWith("gap ") ? text : JSON.stringify(text))));
};

export default {
  "an EventSource hears what a Socket.IO client says, and misses nothing through a cut": async (house) => {
    house.forgiveLostConnections();
    const server = await house.server("--config", await house.file(history));
    const wire = await house.wire(server);
    const page = await reader(house, wire.url, "room=kept:a");
    await page.waitForFunction(() => window.ready === 1);
    const say = await talker(house, server.url);
    await say("kept:a", "one", "two");
    await hears(page, "one", "two");
    await wire.cut();
    await say("kept:a", "three", "four");
    await wire.mend();
    await hears(page, "one", "two", "three", "four");
    await say("kept:a", "five");
    await hears(page, "one", "two", "three", "four", "five");
  },

  "a refusal ends an EventSource at once, and the page can read why": async (house) => {
    house.forgiven = /status of 40[013]/;
    const server = await house.server();
    const page = await reader(house, server.url, "namespace=/telemetry&room=lobby");
    let requests = 0;
    page.on("request", (request) => (requests += request.url().includes("/events?") ? 1 : 0));
    await page.waitForFunction(() => window.state === EventSource.CLOSED);
    const told = await page.evaluate(async () => {
      const answer = await fetch("/events?namespace=/telemetry&room=lobby");
      return [answer.status, (await answer.json()).error.code];
    });
    assert.deepEqual(told, [403, "forbidden"]);
    // A third page loads and one more stream comes and goes meanwhile.
    const other = await reader(house, server.url, "room=a");
    await other.waitForFunction(() => window.ready === 1);
    assert.equal(await page.evaluate(() => window.source.readyState), 2, "the state of the one that was refused");
    assert.ok(requests <= 2, `${requests} requests`);
  },

  "a page goes on with new tickets, and stops where it may not be": async (house) => {
    house.forgiven = /status of 40[013]|net::ERR_/;
    const secret = "a secret of thirty-two bytes or more";
    const server = await house.server("--auth-secret", secret, "--auth-leeway", "0s", "--anonymous", "--config", await house.file(history));
    const token = execFileSync(binary, ["token", "--auth-secret", secret, "--sub", "ann", "--join", "kept:*"], { encoding: "utf8" }).trim();
    const page = await house.page(await house.profile({ bypassCSP: true }));
    await page.goto(`${server.url}/playground`);
    await page.evaluate(async ([code, token]) => {
      const { listen } = await import(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
      window.heard = [];
      window.tickets = 0;
      const ticket = async () => {
        window.tickets += 1;
        const answer = await fetch("/api/v1/tickets", {
          method: "POST",
          headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
          body: JSON.stringify({ ttl: 2 }),
        });
        return (await answer.json()).ticket;
      };
      const refused = (error) => (window.refusal = error.code);
      listen({ rooms: ["kept:a"], ticket, on: { msg: (text) => window.heard.push(text), "sockeye:gap": () => window.heard.push("gap") } });
      listen({ rooms: ["secret"], ticket, on: {}, refused });
    }, [await readFile(new URL("../../../docs/examples/events/listen.js", import.meta.url), "utf8"), token]);
    const say = await talker(house, server.url);
    const all = [];
    for (let i = 0; (await page.evaluate(() => window.tickets)) < 5; i++) {
      all.push(i);
      await say("kept:a", i);
    }
    await page.waitForFunction((n) => window.heard.length >= n, all.length);
    const heard = await page.evaluate(() => window.heard);
    assert.deepEqual(heard, all.slice(all.length - heard.length), "what came through all tickets");
    assert.equal(await page.evaluate(() => window.refusal), "forbidden");
  },
};
