import assert from "node:assert/strict";

// Two people chat, each way once; each sees both messages once, in order.
async function talk(house, place, transport, options = {}) {
  const ann = await house.person(place, "Ann", options);
  const bea = await house.person(place, "Bea", options);
  await ann.onTransport(transport);
  await bea.onTransport(transport);
  await ann.say("Hello Bea");
  await bea.sees("Hello Bea");
  await bea.say("Hello Ann");
  await ann.seesExactly("Hello Bea", "Hello Ann");
  await bea.seesExactly("Hello Bea", "Hello Ann");
  return [ann, bea];
}

export default {
  "chat over the default way, polling first and then WebSocket": async (house) => {
    const server = await house.server();
    const seen = new Set();
    const prepare = async (page) => {
      page.on("websocket", (socket) => seen.add(new URL(socket.url()).searchParams.get("transport")));
      page.on("request", (request) => seen.add(new URL(request.url()).searchParams.get("transport")));
    };
    await talk(house, server, "WebSocket", { prepare });
    assert.ok(seen.has("polling") && seen.has("websocket"), `transports used: ${[...seen]}`);
  },

  "chat over WebSocket alone": async (house) => {
    const server = await house.server();
    const [ann] = await talk(house, server, "WebSocket", { query: "?transport=websocket" });
    const used = await ann.page.evaluate(() => performance.getEntriesByType("resource").filter((r) => r.name.includes("transport=polling")).length);
    assert.equal(used, 0, "polling requests");
  },

  "chat over polling where the browser has no WebSocket": async (house) => {
    const server = await house.server();
    const prepare = (page) => page.addInitScript(() => { delete globalThis.WebSocket; });
    await talk(house, server, "Long-polling", { prepare });
  },

  "chat over polling where something on the way breaks WebSockets": async (house) => {
    const server = await house.server();
    let broken = 0;
    const prepare = (page) => page.routeWebSocket(/transport=websocket/, (socket) => {
      broken += 1;
      socket.close();
    });
    await talk(house, server, "Long-polling", { prepare });
    assert.ok(broken > 0, "no WebSocket was tried");
  },

  "chat over polling where the server has no WebSocket": async (house) => {
    const server = await house.server("--transports", "polling");
    await talk(house, server, "Long-polling");
  },

  "chat where the server has nothing but WebSocket": async (house) => {
    house.forgiveLostConnections();
    house.forgiven = /status of 400/; // the first polling request is refused, as it should be
    const server = await house.server("--transports", "websocket");
    await talk(house, server, "WebSocket");
  },

  "chat over HTTPS: polling by HTTP/2, then WebSocket": async (house) => {
    const server = await house.server(...(await house.certificate()));
    const [ann] = await talk(house, server, "WebSocket", { ignoreHTTPSErrors: true });
    const protocols = await ann.page.evaluate(() =>
      performance.getEntriesByType("resource").filter((r) => r.name.includes("transport=polling")).map((r) => r.nextHopProtocol));
    assert.deepEqual([...new Set(protocols)], ["h2"], "protocols of polling requests");
  },

  "chat over HTTPS and polling alone, by HTTP/2": async (house) => {
    const server = await house.server(...(await house.certificate()), "--transports", "polling");
    await talk(house, server, "Long-polling", { ignoreHTTPSErrors: true });
  },

  "the visitor chooses the transport": async (house) => {
    const server = await house.server();
    const ann = await house.person(server, "Ann");
    await ann.onTransport("WebSocket");
    await ann.page.locator("#connection").click();
    await ann.page.getByLabel("Transport to use").selectOption("Long-polling only");
    await ann.page.waitForURL(/transport=polling/);
    await ann.online();
    await ann.onTransport("Long-polling");
    await ann.say("still me");
    await ann.seesExactly("still me");
  },
};
