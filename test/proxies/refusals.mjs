// What cannot work, and what the client is told.
import assert from "node:assert/strict";
import { sockeye, until } from "../house/programs.mjs";
import { haproxy, nginx, squid } from "./proxies.mjs";
import { Visitor } from "./visitor.mjs";

export function refusals() {
  return [
    ...[
      ["nginx", nginx({ location: "client_max_body_size 1k;" })],
      [
        "HAProxy",
        haproxy({
          defaults: "option http-buffer-request",
          frontend: "http-request del-header Upgrade\n http-request deny status 413 if { req.body_size gt 1024 }",
        }),
      ],
      ["squid", squid("request_body_max_size 1 KB")],
    ].map(([proxy, start]) => ({ does: "bodies are limited to less than one message", proxy, run: () => tooLong(start) })),

    ...[
      ["nginx", nginx()],
      ["HAProxy", haproxy({ frontend: "http-request del-header Upgrade" })],
      ["squid", squid()],
    ].map(([proxy, start]) => ({ does: "WebSocket alone, without the Upgrade header", proxy, run: () => webSocketAlone(start) })),
  ];
}

async function behind(start, run, options, args) {
  const server = await sockeye(args);
  const proxy = await start(server.port);
  const visitor = new Visitor(proxy.url, options);
  try {
    return { line: await run(visitor) };
  } catch (error) {
    return { line: "not as expected", error: `${error.stack}\n--- server\n${server.output}\n--- proxy\n${proxy.output}` };
  } finally {
    visitor.end();
    await Promise.all([proxy.stop(), server.stop()]);
  }
}

/** One message that the proxy lets through, and one that it does not. */
const tooLong = (start) =>
  behind(
    start,
    async (visitor) => {
      await visitor.exchange(1, { within: 15_000 });
      visitor.socket.emit("echo", 2, "x".repeat(3000));
      await until("the client is told", () => visitor.cuts.length > 0);
      const [{ reason, error }] = visitor.cuts;
      assert.equal(reason, "transport error");
      assert.equal(error.message, "xhr post error");
      assert.equal(error.description, 413);
      await until("it is back", () => visitor.socket.connected);
      return `the client is told "${reason}: ${error.message}, status ${error.description}", and comes back`;
    },
    {},
    ["--max-payload", "1000"],
  );

const webSocketAlone = (start) =>
  behind(
    start,
    async (visitor) => {
      await until("the client is told", () => visitor.failures.length > 1);
      assert.equal(visitor.connectedAfter, undefined);
      const [error] = visitor.failures;
      assert.equal(error.message, "websocket error");
      assert.match(error.description.message, /Unexpected server response: 400/);
      return `the client is told "${error.message}: ${error.description.message}", and goes on trying`;
    },
    { transports: ["websocket"] },
  );
