import assert from "node:assert/strict";
import { join } from "node:path";
import { io } from "socket.io-client";
import { CutProxy } from "../clients/cutproxy.mjs";
import { Program, root, until } from "../house/programs.mjs";
import { nginx, upgrades } from "../proxies/proxies.mjs";

const python = process.env.PYTHON ?? "/usr/bin/python3"; // Debian's own, which sees Debian's packages
const ws = (url) => `${url.replace("http", "ws")}/ws`;

/** The example of the documentation as a member of a room. */
function member(url, room, ...says) {
  const program = join(root, "docs", "examples", "websocket", "member.py");
  return Program.start(python, ["-B", program, ws(url), room, ...says], { ready: () => true });
}

/** What it has heard, as the first argument of each event. */
const heard = (program) =>
  program.output
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line).data[0]);

/** The official client in a room. */
async function person(server, room) {
  const socket = io(server.url, { transports: ["websocket"], forceNew: true });
  socket.heard = [];
  socket.on("msg", (what) => socket.heard.push(what));
  await until("connected", () => socket.connected);
  assert.equal(await socket.emitWithAck("join", room), "ok");
  return socket;
}

export const cases = {
  "Python says and hears everything there is, behind nginx": async (server) => {
    const proxy = await nginx({ location: upgrades })(server.port);
    const talk = await Program.start(python, ["-B", join(root, "test", "ways", "talk.py"), ws(proxy.url)], { ready: () => true });
    assert.equal(await talk.exited, 0, talk.output);
    await proxy.stop();
  },

  "Python and the official client hear each other": async (server) => {
    const ann = await person(server, "kept:both");
    const bob = await member(server.url, "kept:both", "hello", "it is me");
    await until("Ann hears Bob", () => ann.heard.length === 2);
    assert.deepEqual(ann.heard, ["hello", "it is me"]);
    assert.equal(await ann.emitWithAck("say", "kept:both", "welcome"), "ok");
    await until("Bob hears Ann", () => heard(bob).includes("welcome"));
    assert.deepEqual(heard(bob), ["hello", "it is me", "welcome"]);
    ann.disconnect();
    await bob.kill();
  },

  "Python is cut off again and again, and misses nothing": async (server) => {
    const wire = await CutProxy.open(server.url);
    const [ann, bob] = [await person(server, "kept:cuts"), await member(wire.url, "kept:cuts", "here")];
    await until("Bob is there", () => heard(bob).includes("here"));
    const all = ["here"];
    const say = async (upTo) => {
      while (all.length <= upTo) {
        all.push(all.length);
        assert.equal(await ann.emitWithAck("say", "kept:cuts", all.length - 1), "ok");
      }
    };
    for (const round of [1, 2, 3]) {
      await say(round * 100 - 50);
      wire.cut();
      await say(round * 100);
      wire.mend();
      await until("Bob has heard all", () => heard(bob).length >= all.length);
    }
    assert.deepEqual(heard(bob), all);
    ann.disconnect();
    await bob.kill();
    await wire.close();
  },
};
