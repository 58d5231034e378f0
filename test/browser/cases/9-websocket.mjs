import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

/** The example of docs/websocket.md, which tells `heard` instead of the console. */
function example(url) {
  const page = readFileSync(new URL("../../../docs/websocket.md", import.meta.url), "utf8");
  const [, code] = /```js\n([^]*?)```/.exec(page);
  for (const part of ["ws://127.0.0.1:3000", "console.log"]) assert.ok(code.includes(part), `the example has no ${part}`);
  return code.replace("ws://127.0.0.1:3000", url.replace("http", "ws")).replace("console.log", "heard.push");
}

export default {
  "a plain WebSocket is cut off and misses nothing": async (house) => {
    house.forgiveLostConnections();
    const history = "recovery: 2m\nhistory:\n  namespaces:\n    /: {lobby: {length: 100}}\n";
    const server = await house.server("--config", await house.file(history));
    const wire = await house.wire(server);
    const page = await house.page(await house.profile());
    await page.goto(`${wire.url}/playground`);
    await page.evaluate(`globalThis.heard = []; ${example(wire.url)}`);
    const talk = `
      globalThis.talker = new WebSocket(${JSON.stringify(`${server.url.replace("http", "ws")}/ws`)});
      globalThis.say = (n) => talker.send(JSON.stringify({ type: "say", room: "lobby", data: [n] }));
      new Promise((resolve) => (talker.onmessage = resolve));`;
    const speaker = await house.page(await house.profile());
    await speaker.goto(`${server.url}/playground`);
    await speaker.evaluate(talk);
    const hears = (n) => page.waitForFunction((n) => globalThis.heard.includes(n), n);
    await speaker.evaluate("say(1)");
    await hears(1);
    await wire.cut();
    await speaker.evaluate("say(2); say(3)");
    await wire.mend();
    await speaker.evaluate("say(4)");
    await hears(4);
    assert.deepEqual(await page.evaluate(() => globalThis.heard.filter((n) => typeof n === "number")), [1, 2, 3, 4]);
  },
};
