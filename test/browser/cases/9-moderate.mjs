import assert from "node:assert/strict";
import { reader, setUp, Site } from "../moderators.mjs";

export default {
  "a moderator comes in by a link that works once, then by name and password": async (house) => {
    house.forgiven = /status of 403|closed before the connection is established/; // what is refused here on purpose, and who signs out
    const site = await Site.open(house, "pre");
    const ann = await site.moderator("Ann");
    assert.match(ann.page.url(), /\/comments\/moderate\?site=blog$/, "the used link is not in the address");
    await ann.page.getByText("Nothing waits for a decision.").waitFor();
    await ann.page.getByRole("button", { name: "Sign out" }).click();
    await ann.page.getByRole("heading", { name: "Moderate comments" }).waitFor();
    await ann.page.reload();
    const form = ann.page.locator("#sign-in");
    await form.getByLabel("Name", { exact: true }).fill("Ann");
    await form.getByLabel("Password").fill("not this one");
    await form.getByRole("button", { name: "Sign in" }).click();
    await ann.page.getByRole("alert").getByText("Name or password is wrong.").waitFor();
    await form.getByLabel("Password").fill("a red fish in green water");
    await form.getByRole("button", { name: "Sign in" }).click();
    await ann.page.locator("#desk").waitFor();
    await ann.page.goto(site.server.url + ann.link);
    await setUp(ann.page, "Eve", "a second use of the link");
    await ann.page.getByRole("alert").getByText("This link does not hold").waitFor();
  },

  "a comment appears to moderators as it is written, and what one decides to all": async (house) => {
    const site = await Site.open(house, "pre");
    const ann = await site.moderator("Ann");
    const ben = await site.moderator("Ben");
    const blog = await site.blog();
    const visitor = await reader(await site.blog(), site.server.url, "blog");
    await site.write(blog, "Cleo", "Is the *harbour* open?");
    for (const moderator of [ann, ben]) await moderator.sees("Is the harbour open?");
    assert.equal(await ann.card("harbour").locator("em").textContent(), "harbour", "what is marked up");
    await ann.page.waitForFunction(() => document.title.startsWith("(1) Waiting"));
    await site.write(blog, "Dan", "And the museum?");
    await ann.page.getByRole("button", { name: "1 new comment" }).waitFor(); // nothing moves by itself
    assert.equal(await ann.page.locator(".entry").count(), 1);
    await ann.page.keyboard.press("n");
    await ann.sees("And the museum?");
    await ann.goTo("harbour");
    await ann.page.keyboard.press("a");
    await ann.told("Approved 1 comment.");
    await visitor.sees("harbour");
    await visitor.sees("museum", false);
    await ben.page.getByText("Published by Ann").waitFor();
    await ben.page.keyboard.press("n");
    await ben.goTo("museum");
    await ben.page.keyboard.press("r");
    await ben.told("Rejected 1 comment.");
    await ann.page.getByText("Rejected by Ben").waitFor();
    await ann.view("Log");
    const log = ann.page.getByRole("list", { name: "Log of decisions" }).getByRole("listitem");
    await log.filter({ hasText: "Ben rejected a comment" }).waitFor();
    await log.filter({ hasText: "Ann approved a comment" }).waitFor();
    await ben.view("Rejected");
    await ben.goTo("museum");
    await ben.page.keyboard.press("a");
    await ben.told("Published 1 comment.");
    await visitor.sees("museum");
    await log.filter({ hasText: "Ben published a rejected comment" }).waitFor(); // live
    await ben.page.keyboard.press("u");
    await visitor.sees("museum", false);
  },

  "many are rejected at once, their author is banned, and the ban is lifted": async (house) => {
    house.forgiveLostConnections();
    const site = await Site.open(house, "post");
    const wire = await house.wire(site.server);
    const ann = await site.moderator("Ann");
    const blog = await site.blog();
    await site.write(blog, "Eve", "Buy one", "Buy two", "Buy three");
    await site.write(blog, "Cleo", "Buy nothing");
    await ann.view("Published");
    await ann.goTo("Buy one");
    await ann.page.keyboard.press("x");
    await ann.page.keyboard.press("k");
    await ann.page.keyboard.press("k");
    await ann.page.keyboard.press("Shift+X");
    await ann.page.getByText("3 selected").waitFor();
    await ann.page.getByRole("group", { name: "Selected comments" }).getByRole("button", { name: "Reject" }).click();
    await ann.told("Rejected 3 comments.");
    assert.equal(await ann.page.locator(".entry.folded").count(), 3);
    await ann.page.keyboard.press("u"); // they were published, so this can be taken back
    await ann.told("Published 3 comments.");
    await ann.goTo("Buy three");
    await ann.page.keyboard.press("b");
    const box = ann.page.getByRole("dialog", { name: "Ban Eve" });
    await box.getByLabel("How long").selectOption("1 week");
    await box.getByLabel("Reason").fill("adverts");
    await box.getByLabel("Also reject what they have published").check();
    await box.getByRole("button", { name: "Ban", exact: true }).click();
    await ann.told("Banned Eve.");
    const [{ error }] = await site.write(blog, "Eve", "Buy four");
    assert.equal(error.code, "banned");
    await ann.view("Rejected");
    await ann.sees("Buy two");
    await ann.page.keyboard.press("j");
    await ann.page.keyboard.press("p");
    const drawer = ann.page.getByRole("dialog", { name: "Eve" });
    await drawer.getByText(/^Banned until .*: adverts\.$/).waitFor();
    await drawer.getByRole("button", { name: "Close" }).click();
    await ann.view("Bans");
    await ann.page.getByRole("list", { name: "Bans" }).getByText("adverts").waitFor();
    await ann.page.getByRole("button", { name: "Lift the ban of Eve" }).click();
    await ann.page.getByText("Nobody is banned.").waitFor();
    const [{ comment }] = await site.write(blog, "Eve", "I am sorry");
    assert.equal(comment.state, "published");

    // What came while the connection was away is there when it is back.
    const far = await house.page(ann.page.context());
    await far.goto(`${wire.url}/comments/moderate?site=blog#published`);
    const away = { page: far, sees: (text) => far.locator(".entry", { hasText: text }).waitFor() };
    await away.sees("I am sorry");
    await wire.cut();
    await far.locator("#connection[data-state=offline]").waitFor();
    await site.write(blog, "Dan", "Said meanwhile");
    await wire.mend();
    await far.getByRole("button", { name: "1 new comment" }).click();
    await away.sees("Said meanwhile");
  },

  "settings are checked field by field and hold at once, and a page can be locked": async (house) => {
    const site = await Site.open(house, "post");
    const ann = await site.moderator("Ann");
    const { page } = ann;
    await ann.view("Settings");
    await page.getByRole("list", { name: "Origins" }).getByText(site.blogs.origin).waitFor();
    await page.getByLabel("Patterns that hold").fill("fine\n(");
    await page.getByRole("button", { name: "Save" }).click();
    await page.locator("#set-holdPatterns[aria-invalid=true]").waitFor();
    assert.match(await page.locator("#set-holdPatterns-problem").textContent(), /^Line 2: Missing closing \)/);
    await page.getByLabel("Patterns that hold").fill("");
    await page.getByLabel("Words that hold").fill("casino\nwatches");
    await page.getByLabel("Links at most").fill("many");
    await page.getByRole("button", { name: "Save" }).click();
    await page.locator("#set-maxLinks-problem", { hasText: "A whole number" }).waitFor();
    await page.getByLabel("Links at most").fill("2");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved.").waitFor();
    await page.reload();
    await page.waitForFunction(() => document.getElementById("set-holdWords")?.value === "casino\nwatches");
    const blog = await site.blog();
    const [{ comment }] = await site.write(blog, "Eve", "Come to my casino");
    assert.equal(comment.state, "pending");
    await ann.view("Waiting");
    await ann.card("Come to my casino").getByRole("list", { name: "Why it is here" }).getByText("casino").waitFor();
    await page.getByRole("searchbox").fill("nothing like it");
    await page.getByRole("button", { name: "Search" }).click();
    await page.getByText("Nothing here is like that").waitFor();
    await page.getByRole("button", { name: "Like nothing like it" }).click();
    await ann.sees("Come to my casino");
    await ann.card("casino").getByRole("button", { name: "/post-1" }).click();
    await page.getByRole("button", { name: "Lock the page" }).click();
    await ann.told("/post-1 takes no more comments.");
    const [locked] = await site.write(blog, "Dan", "One more");
    assert.equal(locked.error?.code, "locked");
    await page.getByRole("button", { name: "Unlock the page" }).click();
    await ann.told("/post-1 takes comments again.");
    await ann.goTo("casino");
    await page.keyboard.press("d");
    await page.getByRole("dialog", { name: "Delete the comment of Eve?" }).getByRole("button", { name: "Delete" }).click();
    await ann.told("Deleted 1 comment.");
  },
};
