// Readers on each transport whose connection is cut again and again.
import { Agent } from "node:http";
import { until } from "../../house/programs.mjs";
import { Person, allKnow, allThere } from "../person.mjs";
import { Site } from "../site.mjs";

const comments = 200;
const cuts = 10;
const patience = 120_000;

/** A reader that can be cut off. */
class Cut extends Person {
  done = 0; // cuts, which it noticed

  constructor(site, name, { options, ...more }) {
    const agent = new Agent({ keepAlive: true });
    super(site, name, { ...more, options: { ...options, agent } });
    this.agent = agent;
  }

  /** Loses the connection: the client closes its transport, or the network takes it away. */
  async cut() {
    const { losses } = this;
    // Between two polls there is nothing to take away: the next one is.
    await until(`${this.name} has lost the connection`, () => this.losses > losses || void this.#once(), patience);
    this.done++;
  }

  #once() {
    const transport = this.socket.io.engine?.transport;
    if (this.done % 2 === 0) transport?.close();
    else if (transport?.name === "websocket") transport.ws.terminate();
    else this.agent.destroy();
  }
}

async function cutAgainAndAgain({ watch, after }, options, settles) {
  const site = watch(await Site.make({ args: ["--allow-upgrades"] })); // auto: not where WebSockets die young
  const node = await site.start();
  const readers = [0, 1, 2].map((i) => new Cut(site, `reader ${i}`, { urls: [node.url], options }));
  const writer = new Person(site, "writer", { urls: [node.url], reads: false, who: site.moderator("w") });
  after(() => [...readers, writer].forEach((one) => one.close()));
  await allThere([...readers, writer]);
  let posted = 0;
  const step = comments / cuts;
  const cutting = readers.map(async (reader, r) => {
    for (let i = 0; i < cuts; i++) {
      // One is cut as soon as it is connected, before it knows what it missed or while it upgrades; one when
      // it has heard of something new; one where it should end up.
      await until(`${reader.name} has come back`, () => posted >= i * step && reader.socket.connected && (r === 0 || reader.there), patience);
      const known = reader.known.size;
      if (r === 1) await until("it has heard of a comment", () => reader.known.size > known || posted >= (i + 1) * step, patience);
      if (r === 2 && settles) await until(`it is on ${settles}`, () => reader.transport === settles, patience);
      await reader.cut();
    }
  });
  const writing = (async () => {
    for (; posted < comments; posted++) {
      await until("the readers were cut as often as they should", () => readers.every((one) => posted < (one.done + 1) * step), patience);
      await writer.post(`comment ${posted}`);
    }
  })();
  await Promise.all([...cutting, writing]);
  const page = await allKnow(site, node.url, readers, comments);
  const wrong = page.filter((one, i) => one.html.trim() !== `<p>comment ${i}</p>`);
  if (wrong.length > 0) throw new Error(`the page is not in order: ${wrong[0].html}`);
  return `${readers.reduce((sum, one) => sum + one.losses, 0)} cuts`;
}

export const transports = {
  "readers by polling alone that are cut ten times miss nothing": (house) => cutAgainAndAgain(house, { transports: ["polling"] }, "polling"),
  "readers by WebSocket alone that are cut ten times miss nothing": (house) => cutAgainAndAgain(house, { transports: ["websocket"] }, "websocket"),
  "readers that upgrade and are cut ten times miss nothing": (house) => cutAgainAndAgain(house, {}, "websocket"),
};
