// Older official clients on a page, with what each of them can say when it connects.
import { createRequire } from "node:module";
import { until } from "../../house/programs.mjs";
import { Person, allKnow, allThere } from "../person.mjs";
import { Site } from "../site.mjs";

const require = createRequire(import.meta.url);
const patience = 60_000;

/** A client of version 2 sends no payload with CONNECT, but a query of the namespace. */
const clients = {
  "2.5.0": (url, site) => require("client-2.5.0")(`${url}/comments?site=${site.name}`, { forceNew: true }),
  "3.1.3": (url, site) => require("client-3.1.3").io(`${url}/comments`, { forceNew: true, auth: { site: site.name } }),
  "4.0.2": (url, site) => require("client-4.0.2").io(`${url}/comments`, { forceNew: true, auth: { site: site.name } }),
};

async function older({ watch, after }, version) {
  const site = watch(await Site.make());
  const node = await site.start();
  const socket = clients[version](node.url, site);
  after(() => socket.close());
  const heard = [];
  const faults = [];
  socket.on("connect_error", (error) => faults.push(`connect_error: ${error.message}`));
  socket.on("error", (error) => faults.push(`error: ${JSON.stringify(error)}`));
  socket.on("comments", (part) => heard.push(...part.comments));
  const ask = (event, argument) => new Promise((resolve, reject) => {
    socket.emit(event, argument, (answer) => (answer.error ? reject(new Error(`${event}: ${answer.error.code}`)) : resolve(answer)));
  });
  await until("it is connected", () => socket.connected || faults.length > 0, patience);
  if (faults.length > 0) throw new Error(faults.join("\n"));
  const { cursor } = await site.snapshot(node.url);
  await ask("join", { page: site.page, cursor });
  const other = new Person(site, "the other", { urls: [node.url], who: site.guest("the other") });
  after(() => other.close());
  await allThere([other]);
  await other.post("by the other");
  await ask("sign-in", site.guest("the older"));
  const { comment } = await ask("post", { page: site.page, text: "by the older", key: "1" });
  const comments = await allKnow(site, node.url, [other], 2);
  await until("it has heard of both", () => heard.length >= 2, patience);
  const ids = heard.map((one) => one.id);
  if (ids.join() !== comments.map((one) => one.id).join() || ids[1] !== comment.id) throw new Error(`it heard of ${JSON.stringify(heard)}`);
}

export const versions = Object.fromEntries(
  Object.keys(clients).map((version) => [`socket.io-client ${version} hears comments and writes them`, (house) => older(house, version)]),
);
