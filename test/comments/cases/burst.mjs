// Many write at once, and some of the readers read nothing.
import { until } from "../../house/programs.mjs";
import { Person, allKnow, allThere } from "../person.mjs";
import { Site } from "../site.mjs";

const guests = 200;
const each = 5; // what a guest may write at once
const readers = 50;
const stalled = 5;
const patience = 120_000;
const options = { transports: ["websocket"] };

async function thousand({ watch, after }) {
  const site = watch(await Site.make());
  const node = await site.start();
  const urls = [node.url];
  const listening = Array.from({ length: readers }, (_, i) => new Person(site, `reader ${i}`, { urls, options }));
  const writing = Array.from({ length: guests }, (_, i) => new Person(site, `guest ${i}`, { urls, options, reads: false, who: site.guest(`guest ${i}`) }));
  after(() => [...listening, ...writing].forEach((one) => one.close()));
  await allThere([...listening, ...writing]);
  const deaf = listening.slice(0, stalled);
  const tcp = deaf.map((one) => one.socket.io.engine.transport.ws._socket);
  tcp.forEach((one) => one.pause());
  const ids = new Set();
  await Promise.all(writing.map(async (guest) => {
    for (let n = 0; n < each; n++) ids.add((await guest.post(`${guest.name} says ${n}`)).id);
  }));
  if (ids.size !== guests * each) throw new Error(`${ids.size} comments were acknowledged, want ${guests * each}`);
  const comments = await allKnow(site, node.url, listening.slice(stalled), ids.size);
  const order = comments.map((one) => one.seq).sort((a, b) => a - b);
  for (const reader of listening.slice(stalled)) {
    if (reader.losses > 0) throw new Error(`${reader.name} was disconnected`);
    if (reader.resets === 0 && reader.order.join() !== order.join()) throw new Error(`${reader.name} heard of comments in another order than the store's`);
  }
  const knew = deaf.map((one) => one.known.size);
  if (knew.some((n) => n > 0)) throw new Error(`those who read nothing know ${knew} comments`);
  tcp.forEach((one) => one.resume());
  await until("those who read again know all", () => deaf.every((one) => one.judge(comments).length === 0), patience);
  return `${ids.size} comments to ${readers} readers`;
}

export const burst = {
  "a burst of 1,000 comments comes to all who read, whoever does not": thousand,
};
