import assert from "node:assert/strict";

export default {
  "typing shows to the others and ends with the message": async (house) => {
    const server = await house.server();
    const ann = await house.person(server, "Ann");
    const bea = await house.person(server, "Bea");
    await ann.writeUntilSeen("I am thinking", bea, "Ann is typing");
    assert.equal(await ann.page.locator("#typing").textContent(), "", "Ann sees herself typing");
    await ann.say("Done");
    await bea.sees("Done");
    await bea.seesNobodyTyping();
    await ann.writeUntilSeen("again", bea, "Ann is typing");
    await ann.write("");
    await bea.seesNobodyTyping();
  },

  "who is here is counted by user and not by tab": async (house) => {
    const server = await house.server("--config", await house.file("chat: {leave-grace: 500ms}\n"));
    const ann = await house.person(server, "Ann");
    const bea = await house.person(server, "Bea");
    await ann.seesPeople("Ann", "Bea");
    const second = await bea.tab(server.url);
    await second.seesPeople("Ann", "Bea");
    await second.say("from my second tab");
    await ann.sees("from my second tab");
    await bea.sees("from my second tab");
    await ann.seesPeople("Ann", "Bea");
    await bea.page.close();
    await second.say("one tab is left");
    await ann.sees("one tab is left");
    await ann.seesPeople("Ann", "Bea");
    await second.page.close();
    await ann.seesPeople("Ann");
    await ann.seesNotices("Bea joined", "Bea left");
  },

  "a private message is seen by the two alone": async (house) => {
    const server = await house.server();
    const ann = await house.person(server, "Ann");
    const bea = await house.person(server, "Bea");
    const cleo = await house.person(server, "Cleo");
    await ann.seesPeople("Ann", "Bea", "Cleo");
    await ann.writeTo("Bea");
    await ann.say("between us");
    await bea.page.getByRole("button", { name: "Ann 1 unread" }).click();
    await bea.sees("between us");
    await bea.say("of course");
    await ann.seesExactly("between us", "of course");
    await cleo.say("what are they up to?");
    await ann.open("lobby");
    await ann.seesExactly("what are they up to?");
    await cleo.seesExactly("what are they up to?");
    assert.equal(await cleo.page.locator("#privates li").count(), 0, "private conversations of Cleo");
    await bea.page.reload();
    await bea.online();
    await bea.open("Ann");
    await bea.seesExactly("between us", "of course");
  },

  "a nickname belongs to one user at a time": async (house) => {
    const server = await house.server();
    const ann = await house.person(server, "Ann");
    const other = await house.person(server, "ann");
    await other.page.locator("#me-nick", { hasText: "ann 2" }).waitFor();
    await ann.seesPeople("Ann", "ann 2");
    await other.page.locator("#me").click();
    const field = other.page.getByLabel("Nickname");
    await field.fill("ANN");
    await other.page.getByRole("button", { name: "Save" }).click();
    await other.page.locator("#nick-problem", { hasText: "called Ann already" }).waitFor();
    await field.fill("Dora");
    await other.page.getByRole("button", { name: "Save" }).click();
    await ann.seesPeople("Ann", "Dora");
    await ann.page.locator(".notice", { hasText: "ann 2 is now Dora" }).waitFor();
  },

  "rooms are apart, and the list shows what was missed": async (house) => {
    const server = await house.server();
    const ann = await house.person(server, "Ann");
    const bea = await house.person(server, "Bea", { query: "?room=Harbour" });
    await ann.join(" harbour ");
    await ann.seesPeople("Ann", "Bea");
    await bea.say("ships");
    await ann.sees("ships");
    await ann.open("lobby");
    await ann.seesExactly();
    await bea.say("more ships");
    await ann.page.getByRole("button", { name: "harbour 1 unread" }).waitFor();
    await ann.until("the title", () => ann.page.title(), /^\(1\) /);
    await ann.open("harbour");
    await ann.seesExactly("ships", "more ships");
    await ann.page.getByRole("button", { name: "Leave" }).click();
    await bea.seesPeople("Bea");
    await ann.join("LOBBY");
    await ann.page.locator("#title", { hasText: "lobby" }).waitFor();
    await ann.until("the rooms", () => ann.page.locator("#rooms .name").allTextContents(), ["lobby"]);
    await ann.join("\u202ebad");
    await ann.page.locator("#join-problem", { hasText: "Cannot join" }).waitFor();
  },

  "text is text, links are links, and what is too long is not sent": async (house) => {
    const server = await house.server();
    const ann = await house.person(server, "<b>Ann</b>");
    const bea = await house.person(server, "Bea");
    const words = "<img src=x onerror=alert(1)> & https://example.org/a?b=1&c=2. And\nmore";
    await ann.page.getByLabel("Message", { exact: true }).fill(words);
    await ann.page.getByRole("button", { name: "Send" }).click();
    await bea.seesExactly(words);
    assert.equal(await bea.page.locator(".words img, .by b").count(), 0, "elements made of text");
    assert.equal(await bea.page.locator(".words a").getAttribute("href"), "https://example.org/a?b=1&c=2");
    await bea.say("é".repeat(2001));
    await bea.page.locator("#text-problem", { hasText: "1 character too long" }).waitFor();
    await bea.say("é".repeat(2000));
    await ann.sees("é".repeat(2000));
  },
};
