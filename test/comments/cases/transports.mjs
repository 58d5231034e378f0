// Readers on each transport whose connection is cut again and again.
import { CutProxy } from "../../clients/cutproxy.mjs";
import { until } from "../../house/programs.mjs";
import { Person, allKnow, allThere } from "../person.mjs";
import { Site } from "../site.mjs";

const comments = 200;
const cuts = 10;
const patience = 120_000;

/** A reader that can be cut off. */
class Cut extends Person {
  done = 0; // cuts, which it noticed

  static async come(site, name, node, options) {
    const proxy = await CutProxy.open(node.url);
    const reader = new Cut(site, name, { urls: [proxy.url], options });
    reader.proxy = proxy;
    return reader;
  }

  /** Loses the connection: the client closes its transport, or the network takes it away. */
  async cut() {
    const { losses } = this;
    const close = this.done % 2 === 0;
    if (!close) this.proxy.cut();
    await until(`${this.name} has lost the connection`, () => {
      if (this.losses === losses && close) this.socket.io.engine?.transport.close(); // again, where it has just upgraded
      return this.losses > losses;
    }, patience);
    this.proxy.mend();
    this.done++;
  }

  close() {
    super.close();
    this.proxy.close();
  }
}

async function cutAgainAndAgain({ watch, after }, options, settles) {
  const site = watch(await Site.make({ args: ["--allow-upgrades"] })); // auto: not where WebSockets die young
  const node = await site.start();
  const readers = await Promise.all([0, 1, 2].map((i) => Cut.come(site, `reader ${i}`, node, options)));
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
