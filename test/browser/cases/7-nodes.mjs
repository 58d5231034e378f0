import { Redis } from "../../house/redis.mjs";

// Two nodes over one Redis.
async function twoNodes(house, ...args) {
  return nodesOver(await redisOf(house), house, ...args);
}

async function redisOf(house, ...args) {
  const redis = await Redis.start({ args });
  house.owns({ close: () => redis.stop() });
  return redis;
}

async function nodesOver(redis, house, ...args) {
  const flags = ["--redis-url", redis.url, ...args];
  return [await house.server(...flags), await house.server(...flags)];
}

export default {
  "people on two nodes are in one room and write to each other": async (house) => {
    const [here, there] = await twoNodes(house, "--config", await house.file("chat: {leave-grace: 500ms}\n"));
    const ann = await house.person(here, "Ann");
    const bea = await house.person(there, "Bea");
    await ann.seesPeople("Ann", "Bea");
    await bea.seesPeople("Ann", "Bea");
    await ann.say("Hello Bea");
    await bea.sees("Hello Bea");
    await bea.writeUntilSeen("I am thinking", ann, "Bea is typing");
    await bea.say("Hello Ann");
    await ann.seesExactly("Hello Bea", "Hello Ann");
    await bea.seesExactly("Hello Bea", "Hello Ann");
    await bea.writeTo("Ann");
    await bea.say("between us");
    await ann.page.getByRole("button", { name: "Bea 1 unread" }).click();
    await ann.seesExactly("between us");
    const cleo = await house.person(there, "Cleo");
    await cleo.seesExactly("Hello Bea", "Hello Ann");
    await bea.page.close();
    await cleo.seesPeople("Ann", "Cleo");
    await ann.open("lobby");
    await ann.seesPeople("Ann", "Cleo");
    await ann.seesNotices("Bea joined", "Cleo joined", "Bea left");
  },

  "a page whose node is killed goes on at another and misses nothing": async (house) => {
    house.forgiveLostConnections();
    const [doomed, other] = await twoNodes(house);
    const wire = await house.wire(doomed);
    const ann = await house.person(wire, "Ann");
    const bea = await house.person(other, "Bea");
    await ann.seesPeople("Ann", "Bea");
    await ann.say("one");
    await bea.sees("one");
    await wire.cut();
    await doomed.kill();
    await bea.say("two");
    await ann.say("three");
    wire.server = other;
    await wire.mend();
    await ann.online();
    await ann.seesExactly("one", "two", "three");
    await bea.seesExactly("one", "two", "three");
    await bea.say("four");
    await ann.seesExactly("one", "two", "three", "four");
    await ann.seesPeople("Ann", "Bea");
  },

  "what was said while Redis was away is on every page when it is back": async (house) => {
    house.forgiveLostConnections();
    const redis = await redisOf(house, "--appendonly", "yes");
    const [here, there] = await nodesOver(redis, house);
    const ann = await house.person(here, "Ann");
    const bea = await house.person(there, "Bea");
    await ann.seesPeople("Ann", "Bea");
    await ann.say("one");
    await bea.sees("one");
    await redis.stop();
    await ann.say("two");
    await ann.sees("two");
    await bea.say("three");
    await bea.sees("three");
    await redis.startAgain();
    await ann.seesExactly("one", "two", "three");
    await bea.seesExactly("one", "two", "three");
    await ann.seesPeople("Ann", "Bea");
    await bea.say("four");
    await ann.sees("four");
  },

  "a room with more people than are listed shows how many they are": async (house) => {
    const server = await house.server("--config", await house.file("chat: {max-listed: 2, leave-grace: 500ms}\n"));
    const ann = await house.person(server, "Ann");
    await house.person(server, "Bea");
    await ann.seesPeople("Ann", "Bea");
    const cleo = await house.person(server, "Cleo");
    for (const one of [ann, cleo]) {
      await one.page.locator("#subtitle", { hasText: "3 people here" }).waitFor();
      await one.page.getByText("Too many to list").waitFor();
      await one.seesPeople();
    }
    await cleo.page.close();
  },
};
