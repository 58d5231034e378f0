import assert from "node:assert/strict";

// A slow machine must not make a reload look like leaving.
const patient = async (house) => house.server("--config", await house.file("chat: {leave-grace: 1m}\n"));

export default {
  "a reload shows the history once and makes no notice": async (house) => {
    const server = await patient(house);
    const ann = await house.person(server, "Ann");
    const bea = await house.person(server, "Bea");
    for (const text of ["one", "two", "three"]) await ann.say(text);
    await bea.seesExactly("one", "two", "three");
    for (let i = 0; i < 2; i += 1) {
      await bea.page.reload();
      await bea.online();
      await bea.seesExactly("one", "two", "three");
    }
    await ann.say("four");
    await bea.seesExactly("one", "two", "three", "four");
    await ann.seesNotices("Bea joined");
  },

  "who comes later gets the last fifty messages": async (house) => {
    const server = await house.server();
    const ann = await house.person(server, "Ann");
    await ann.page.evaluate(() => {
      for (let i = 1; i <= 55; i += 1) {
        document.getElementById("text").value = `message ${i}`;
        document.getElementById("composer").requestSubmit();
      }
    });
    await ann.sees("message 55");
    const bea = await house.person(server, "Bea");
    await bea.seesExactly(...Array.from({ length: 50 }, (_, i) => `message ${i + 6}`));
  },

  "a lost connection heals: nothing is missed, nothing is doubled": async (house) => {
    house.forgiveLostConnections();
    const server = await patient(house);
    const wire = await house.wire(server);
    const ann = await house.person(wire, "Ann");
    const bea = await house.person(server, "Bea");
    await ann.onTransport("WebSocket");
    await bea.say("before");
    await ann.sees("before");
    await wire.cut();
    await ann.page.locator("#banner", { hasText: "Trying again" }).waitFor();
    await bea.say("you missed this");
    await ann.say("written in the tunnel");
    await ann.page.locator(".message.pending", { hasText: "Waiting for the connection" }).waitFor();
    await wire.mend();
    await ann.page.locator("#banner[data-kind=healed]").waitFor();
    await ann.sees("written in the tunnel");
    await bea.seesExactly("before", "you missed this", "written in the tunnel");
    await ann.until("the messages", async () => (await ann.messages()).sort(), ["before", "written in the tunnel", "you missed this"]);
    await ann.until("the connection's details", () => ann.page.locator("#detail-recovered").textContent(), "Recovered");
    assert.deepEqual(await bea.notices(), [], "notices that Ann left or joined");
    await ann.page.locator("#banner").waitFor({ state: "hidden" });
  },

  "a restart of the server heals": async (house) => {
    house.forgiveLostConnections();
    const server = await house.server();
    const ann = await house.person(server, "Ann");
    const bea = await house.person(server, "Bea", { query: "?transport=polling" });
    await ann.say("before");
    await bea.sees("before");
    assert.equal(await server.stop(), 0, "exit code");
    for (const person of [ann, bea]) await person.page.locator("#connection:not([data-state=online])").waitFor();
    await ann.say("while it was down");
    await server.startAgain();
    for (const person of [ann, bea]) await person.online();
    await bea.seesExactly("before", "while it was down");
    await bea.say("after");
    await ann.seesExactly("before", "while it was down", "after");
    await ann.seesPeople("Ann", "Bea");
  },
};
