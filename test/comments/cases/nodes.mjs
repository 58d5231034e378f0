// Two nodes with PostgreSQL and Redis show the same, with and without Redis.
import { until } from "../../house/programs.mjs";
import { Redis } from "../../house/redis.mjs";
import { Person, allThere } from "../person.mjs";
import { Site } from "../site.mjs";

const patience = 60_000;

/** What somebody sees of a comment. */
const seen = ({ id, parent, state, html, pinned = false, up, down, reactions }) => JSON.stringify({ id, parent, state, html, pinned, up, down, reactions });

class Town {
  static async make({ watch, after, postgres }) {
    const town = new Town();
    town.redis = await Redis.start();
    after(() => town.redis.stop());
    const site = watch(await Site.make({ database: await postgres(), args: ["--redis-url", town.redis.url], settings: ["viewers=on", "reactions=👍,🎉"] }));
    town.site = site;
    town.nodes = await Promise.all([0, 1].map(() => site.start()));
    const each = (name, who) => town.nodes.map((node, i) => new Person(site, `${name} ${i}`, { urls: [node.url], who: who?.(`${name} ${i}`) }));
    town.readers = each("reader");
    town.guests = each("guest", (name) => site.guest(name));
    town.moderators = each("moderator", (name) => site.moderator(name));
    town.people = [...town.readers, ...town.guests, ...town.moderators];
    after(() => town.people.forEach((one) => one.close()));
    await allThere(town.people);
    return town;
  }

  /** Waits until both nodes count all people, which they do by what they tell each other. */
  counted() {
    return until("both nodes count everybody", () => this.people.every((one) => one.viewers === this.people.length), patience).catch((error) => {
      throw new Error(`${error.message}: ${this.people.map((one) => one.viewers)}, want ${this.people.length}`);
    });
  }

  /** Everything that changes a comment, said at one node about what was said at the other one. */
  async live(word) {
    const [one, two] = this.guests;
    const [here, there] = this.moderators;
    const first = await one.post(`${word}: first`);
    const answer = await two.post(`${word}: answer`, { parent: first.id });
    const bad = await here.post(`${word}: to be rejected`);
    await two.ask("vote", { id: first.id, value: 1 });
    await here.ask("vote", { id: answer.id, value: -1 });
    await two.ask("react", { id: first.id, reaction: "🎉", on: true });
    await one.ask("edit", { id: first.id, text: `${word}: first, edited` });
    await this.moderate(there, bad.id, "reject");
    await this.moderate(here, answer.id, "pin");
    const right = (get) => {
      const [now, reply] = [get(first.id), get(answer.id)];
      return now?.html.includes("edited") && now.up === 1 && now.reactions["🎉"] === 1 && reply?.pinned && reply.down === 1 &&
        get(bad.id)?.state !== "published";
    };
    await this.heard(`${word}: all of it`, right);
    // Both nodes have told everything. What now comes to one of them, the other one has to find out: nobody asks
    // it for anything.
    let alone;
    for (const i of [0, 1]) {
      alone = await this.moderators[i].post(`${word}: alone at node ${i}`);
      await this.heard(`${word}: a comment at node ${i} alone`, (get) => get(alone.id));
    }
    await one.ask("vote", { id: alone.id, value: 1 });
    await this.heard(`${word}: a vote at node 0 alone`, (get) => get(alone.id).up === 1);
    await this.same();
  }

  /** Waits until all have heard of something. */
  heard(what, right) {
    const deaf = () => this.people.filter((one) => !right((id) => one.known.get(id)));
    return until(`all hear ${what}`, () => deaf().length === 0, patience).catch((error) => {
      throw new Error(`${error.message}: not ${deaf().map((one) => one.name).join(", ")}`);
    });
  }

  async moderate(who, id, action) {
    const { done } = await who.ask("moderate", { ids: [id], action });
    if (done[0] !== id) throw new Error(`${action} of ${id} was not done`);
  }

  /** Waits until the page is the same at both nodes, and all who read know it so. */
  async same() {
    let problem;
    await until("all see the same", async () => {
      const [left, other] = await Promise.all(this.nodes.map((node) => this.site.snapshot(node.url)));
      const page = left.comments.map(seen);
      if (page.join() !== other.comments.map(seen).join()) return void (problem = "the nodes have different pages");
      const published = left.comments.filter((one) => one.state === "published").map(seen).sort().join("\n");
      for (const person of this.people) {
        const knows = [...person.known.values()].filter((one) => one.state === "published").map(seen).sort().join("\n");
        if (knows !== published) return void (problem = `${person.name} knows\n${knows}\nand there is\n${published}`);
      }
      return true;
    }, patience).catch((error) => {
      throw new Error(`${error.message}: ${problem}`);
    });
    const faults = this.people.flatMap((one) => one.faults.map((fault) => `${one.name} ${fault}`));
    if (faults.length > 0) throw new Error(faults.join("\n"));
  }
}

async function together(house) {
  const town = await Town.make(house);
  await town.counted();
  await town.live("with Redis");
  await town.redis.program.kill();
  await town.live("without Redis"); // by what each node asks the database
  await town.redis.startAgain();
  const late = new Person(town.site, "late reader", { urls: [town.nodes[0].url] });
  town.people.push(late);
  house.after(() => late.close());
  await allThere([late]);
  await town.counted();
  await town.live("with Redis again");
}

export const nodes = {
  "two nodes show the same, with Redis, without, and with it again": together,
};
