import assert from "node:assert/strict";
import { assertAccessible } from "../axe.mjs";
import { until } from "../until.mjs";

const looks = {
  light: { colorScheme: "light" },
  dark: { colorScheme: "dark" },
  phone: { colorScheme: "light", viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true },
};

export default {
  ...Object.fromEntries(Object.entries(looks).map(([name, options]) => [`no barriers while people chat: ${name}`, async (house) => {
    const server = await house.server();
    const ann = await house.person(server, "Ann", options);
    await ann.page.emulateMedia({ reducedMotion: "reduce" });
    const bea = await house.person(server, "Bea", options);
    await ann.say("Something to look at: https://example.org");
    await bea.sees("Something");
    await bea.say("And an answer");
    await ann.sees("answer");
    await assertAccessible(ann.page, "the chat");
    await ann.page.locator("#connection").click();
    await assertAccessible(ann.page, "the connection's details");
    await ann.page.keyboard.press("Escape");
    if (name === "phone") {
      for (const button of ["#show-rooms", "#show-people"]) {
        await ann.page.locator(button).click();
        await assertAccessible(ann.page, `the drawer of ${button}`);
        await ann.page.keyboard.press("Escape");
      }
      const width = await ann.page.evaluate(() => document.documentElement.scrollWidth);
      assert.equal(width, 360, "width of the page on a phone");
    }
  }])),

  "the chat works by keyboard alone": async (house) => {
    const server = await house.server();
    const page = await house.page(await house.profile());
    await page.goto(`${server.url}/chat`);
    const { keyboard } = page;
    await page.locator("#profile[open]").waitFor();
    await keyboard.type("Ann");
    await keyboard.press("Enter");
    await page.locator("#connection[data-state=online]").waitFor();
    await page.evaluate(() => document.activeElement?.blur());
    await page.locator("body").press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.className), "skip", "what the first Tab reaches");
    await keyboard.press("Enter");
    await keyboard.type("by hand");
    await keyboard.press("Shift+Enter");
    await keyboard.type("and line");
    await keyboard.press("Enter");
    await page.locator(".message.sent .words").waitFor();
    await until("the messages", () => page.locator(".message .words").allTextContents(), ["by hand\nand line"]);
    await page.locator("#transcript[role=log][aria-live=polite]").waitFor(); // off for the frame that draws a message anew
  },

  "a drawer takes the keyboard and gives it back": async (house) => {
    const server = await house.server();
    const ann = await house.person(server, "Ann", looks.phone);
    const { page } = ann;
    await page.locator("#show-people").click();
    await page.locator("#people-panel.open").waitFor();
    await page.waitForFunction(() => document.activeElement.closest("#people-panel")); // the keyboard is in the drawer
    assert.equal(await page.locator("#show-people").getAttribute("aria-expanded"), "true");
    await page.keyboard.press("Escape");
    await until("what has the keyboard", () => page.evaluate(() => document.activeElement.id), "show-people");
    await page.locator("#people-panel").waitFor({ state: "hidden" });
  },
};
