// Who the client is behind a proxy, and that nobody can lie about it.
import assert from "node:assert/strict";
import http from "node:http";
import net from "node:net";
import { io } from "socket.io-client";
import { sockeye, until } from "../house/programs.mjs";
import { haproxy, nginx, upgrades } from "./proxies.mjs";

const here = "127.0.0.7"; // where the client is
const lies = { "X-Forwarded-For": "198.51.100.66", Forwarded: "for=198.51.100.67", "X-Forwarded-Proto": "https" };
const trusted = ["--trusted-proxies", "127.0.0.1"];

export function addresses() {
  return [
    {
      proxy: "nginx",
      does: "X-Forwarded-For names the client",
      start: nginx({ location: `${upgrades} proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;` }),
      server: trusted,
    },
    {
      proxy: "nginx",
      does: "Forwarded names the client",
      start: nginx({ location: `${upgrades} proxy_set_header Forwarded "$http_forwarded, for=$remote_addr;proto=$scheme";` }),
      server: [...trusted, "--proxy-header", "forwarded"],
    },
    {
      proxy: "HAProxy",
      does: "X-Forwarded-For names the client, in a line of its own",
      start: haproxy({ defaults: "option forwardfor" }),
      server: trusted,
    },
    ...["send-proxy", "send-proxy-v2"].map((option) => ({
      proxy: "HAProxy",
      does: `the PROXY protocol (${option}) names the client`,
      start: haproxy({ defaults: "mode tcp", backend: `default-server ${option}` }),
      server: [...trusted, "--proxy-protocol", "required"],
      required: true,
    })),
    {
      proxy: "nginx",
      does: "X-Forwarded-For of a proxy that is not trusted is not believed",
      start: nginx({ location: `${upgrades} proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;` }),
      server: [],
      seen: "127.0.0.1",
    },
  ].map((it) => ({ ...it, run: () => seen(it) }));
}

/** A client that lies, by both transports: the server's log says who it is taken for. */
async function seen({ start, server: args, seen: want = here, required }) {
  const server = await sockeye(["--log-level", "debug", ...args]);
  const proxy = await start(server.port);
  const agent = new http.Agent({ localAddress: here });
  const sockets = ["polling", "websocket"].map((transport) => io(proxy.url, { transports: [transport], extraHeaders: lies, agent, forceNew: true }));
  try {
    await until("both are connected", () => sockets.every((s) => s.connected));
    const remotes = [...server.output.matchAll(/msg=request .*path=\/socket\.io\/ .*remote=(\S+):\d+/g)].map(([, ip]) => ip);
    assert.ok(remotes.length > 0, "no request in the log");
    assert.deepEqual([...new Set(remotes)], [want]);
    if (required) await direct(server.port);
    return { line: `${remotes.length} requests, all from ${want}` };
  } catch (error) {
    return { line: "not as expected", error: `${error.stack}\n--- server\n${server.output}\n--- proxy\n${proxy.output}` };
  } finally {
    for (const socket of sockets) socket.disconnect();
    agent.destroy();
    await Promise.all([proxy.stop(), server.stop()]);
  }
}

/** Who is no proxy and writes the header itself gets an error; a proxy that writes none is cut off. */
async function direct(port) {
  const say = (localAddress, text) =>
    new Promise((resolve) => {
      let answer = "";
      const socket = net.connect({ host: "127.0.0.1", port, localAddress }, () => socket.write(text));
      socket.on("data", (data) => (answer += data));
      socket.on("error", () => {});
      socket.on("close", () => resolve(answer));
    });
  const get = "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  assert.match(await say(here, `PROXY TCP4 198.51.100.66 127.0.0.1 1 2\r\n${get}`), /^HTTP\/1.1 400/);
  assert.match(await say(here, get), /^HTTP\/1.1 200/);
  assert.doesNotMatch(await say("127.0.0.1", get), /200/);
}
