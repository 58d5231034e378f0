// Nodes that are killed, or stopped in order, while people write without a pause.
import { randomInt } from "node:crypto";
import { until } from "../../house/programs.mjs";
import { Redis } from "../../house/redis.mjs";
import { Person, allKnow, allThere } from "../person.mjs";
import { Site } from "../site.mjs";

const patience = 120_000;
const ways = [{ transports: ["polling"] }, { transports: ["websocket"] }, {}];

/** The people of a site: writers, each on a thread of its own, and readers by each transport. */
class Crowd {
  acknowledged = new Map(); // keys by id of the comment
  faults = [];

  constructor(site, urls) {
    const of = (i) => [...urls.slice(i % urls.length), ...urls.slice(0, i % urls.length)]; // the first one of each differs
    this.readers = ways.flatMap((options, i) => urls.map((_, j) => new Person(site, `reader ${i}.${j}`, { urls: of(j), options })));
    this.writers = ways.map((options, i) => new Person(site, `writer ${i}`, { urls: of(i), options, reads: false, who: site.moderator(`w${i}`) }));
    Object.assign(this, { site, urls });
  }

  write() {
    this.writing = Promise.all(this.writers.map(async (writer) => {
      for (let n = 0; !this.enough; n++) await this.say(writer, `${writer.name} says ${n}`);
    }));
    this.writing.catch((error) => (this.failure = error));
  }

  async say(person, key) {
    const { id } = await person.post(key);
    const before = this.acknowledged.get(id);
    if (before !== undefined) this.faults.push(`${key} was acknowledged with the id of ${before}`);
    this.acknowledged.set(id, key);
    return id;
  }

  /** Waits until so many more are acknowledged. */
  more(count) {
    const from = this.acknowledged.size;
    return until(`${count} more comments are acknowledged`, () => {
      if (this.failure) throw this.failure;
      return this.acknowledged.size >= from + count;
    }, patience);
  }

  /** A guest, who may write a few comments only, and says one again when its node is back. */
  async guest(round, end) {
    const person = new Person(this.site, `guest ${round}`, { urls: this.urls, reads: false, who: this.site.guest(`guest ${round}`) });
    await allThere([person]);
    const [first] = await Promise.all([this.say(person, `guest ${round} says it`), end()]);
    const again = await person.post(`guest ${round} says it`);
    if (again.id !== first) this.faults.push(`guest ${round} said the same again, and there are two comments`);
    person.close();
  }

  /** Ends the writing and gives what is wrong. */
  async judge(url) {
    this.enough = true;
    await this.writing;
    const comments = await allKnow(this.site, url, this.readers, this.acknowledged.size);
    const stored = await this.site.stored();
    if (stored.length !== comments.length) this.faults.push(`the export has ${stored.length} comments, and the page ${comments.length}`);
    const texts = new Map(stored.map((one) => [one.id, one.text]));
    for (const [id, key] of this.acknowledged) {
      if (texts.get(id) !== key) this.faults.push(`${key} was acknowledged, and what is stored is ${texts.get(id)}`);
    }
    if (this.faults.length > 0) throw new Error(this.faults.slice(0, 10).join("\n"));
    return comments.length;
  }

  close() {
    [...this.readers, ...this.writers].forEach((one) => one.close());
  }
}

/** One node, which is ended and started again on its file. */
async function alone({ watch, after, rounds }, signal, args = []) {
  const site = watch(await Site.make({ args }));
  let node = await site.start();
  const crowd = new Crowd(site, [node.url]);
  after(() => crowd.close());
  await allThere([...crowd.readers, ...crowd.writers]);
  crowd.write();
  for (let round = 0; round < rounds; round++) {
    await crowd.more(randomInt(20, 60));
    await crowd.guest(round, async () => {
      const code = await node.stop(signal, 60_000);
      if (signal === "SIGTERM" && code !== 0) crowd.faults.push(`a node ended with ${code}`);
      node = await site.start(node.port);
    });
    await allThere(crowd.readers);
  }
  return `${await crowd.judge(node.url)} comments in ${rounds} rounds`;
}

/** Two nodes, of which one serves on while the other one is away. */
async function inTurns({ watch, after, rounds, postgres }, signal, args = []) {
  const redis = await Redis.start();
  after(() => redis.stop());
  const site = watch(await Site.make({ database: await postgres(), args: ["--redis-url", redis.url, ...args] }));
  const nodes = await Promise.all([0, 1].map(() => site.start()));
  const crowd = new Crowd(site, nodes.map((node) => node.url));
  after(() => crowd.close());
  await allThere([...crowd.readers, ...crowd.writers]);
  crowd.write();
  for (let round = 0; round < rounds; round++) {
    const i = round % 2;
    await crowd.more(randomInt(20, 60));
    await crowd.guest(round, async () => {
      const code = await nodes[i].stop(signal, 60_000);
      if (signal === "SIGTERM" && code !== 0) crowd.faults.push(`a node ended with ${code}`);
    });
    await crowd.more(20); // at the other node
    await allThere(crowd.readers);
    nodes[i] = await site.start(nodes[i].port);
  }
  return `${await crowd.judge(nodes[0].url)} comments in ${rounds} rounds`;
}

const few = (house) => ({ ...house, rounds: Math.ceil(house.rounds / 3) });

export const ends = {
  "SIGKILL of a node with SQLite loses nothing that was acknowledged": (house) => alone(house, "SIGKILL"),
  "SIGKILL of one of two nodes with PostgreSQL loses nothing, and readers go on at the other": (house) => inTurns(house, "SIGKILL"),
  "SIGTERM of a node with SQLite loses nothing that was acknowledged": (house) => alone(few(house), "SIGTERM", ["--drain", "1s"]),
  "SIGTERM of one of two nodes with PostgreSQL loses nothing": (house) => inTurns(few(house), "SIGTERM", ["--drain", "1s"]),
};
