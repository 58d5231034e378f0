import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { assertAccessible } from "../axe.mjs";
import { until } from "../until.mjs";

// A tab of the demo page, with its bell.
async function tab(house, context, url) {
  const page = await house.page(context);
  await page.goto(`${url}/notifications/`);
  await page.locator("sockeye-bell[data-state=online]").waitFor();
  return page;
}

const counts = (page, unread) => page.locator(`sockeye-bell[data-unread="${unread}"]`).waitFor();

async function notify(page, title) {
  await page.getByLabel("Title").fill(title);
  await page.getByRole("button", { name: "Notify all my tabs" }).click();
}

const titles = (page) => page.locator("sockeye-bell .title").allTextContents();

export default {
  "two tabs ring and agree, through a reload and a cut": async (house) => {
    house.forgiveLostConnections();
    const server = await house.server();
    const wire = await house.wire(server);
    const context = await house.profile();
    await context.addInitScript(() => localStorage.setItem("sockeye.chat.secret", "a secret of both origins"));
    const one = await tab(house, context, server.url);
    const two = await tab(house, context, wire.url);
    await notify(one, "first");
    await notify(one, "second");
    for (const page of [one, two]) await counts(page, 2);
    await two.getByRole("button", { name: "Notifications, 2 unread" }).click();
    await two.getByRole("button", { name: "Mark as read: first" }).click();
    for (const page of [one, two]) await counts(page, 1);
    await one.reload();
    await counts(one, 1);
    await until("what a reload shows", () => titles(one), ["second", "first"]);
    await one.locator("sockeye-bell[data-state=online]").waitFor();

    await wire.cut();
    await two.locator("sockeye-bell[data-state=offline]").waitFor();
    await notify(one, "third");
    await counts(one, 2);
    await one.evaluate(() => document.getElementById("bell").shadowRoot.getElementById("all").click());
    await counts(one, 0);
    await notify(one, "fourth");
    await counts(one, 1);
    await wire.mend();
    await two.locator("sockeye-bell[data-state=online]").waitFor();
    await counts(two, 1);
    assert.equal(await two.evaluate(async () => (await document.getElementById("bell").ready).recovered), true, "the tab was recovered");
    await until("what a tab that was cut off shows", () => titles(two), ["fourth", "third", "second", "first"]);
  },

  "the bell works by keyboard and without barriers": async (house) => {
    const server = await house.server();
    for (const options of [{ colorScheme: "light" }, { colorScheme: "dark", viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true }]) {
      const page = await tab(house, await house.profile(options), server.url);
      await page.emulateMedia({ reducedMotion: "reduce" });
      await notify(page, "Your parcel is here");
      await page.getByRole("status").getByText("New notification: Your parcel is here").waitFor();
      await page.getByLabel("Link").fill("/chat");
      await notify(page, "Come to the chat");
      await counts(page, 2);
      await assertAccessible(page, "the page");
      await page.getByRole("button", { name: "Notifications, 2 unread" }).focus();
      await page.keyboard.press("Enter");
      const dialog = page.getByRole("dialog", { name: "Notifications" });
      await dialog.waitFor();
      await assertAccessible(page, "the open bell");
      await until("the notifications", () => dialog.getByRole("listitem").count(), 2);
      await page.keyboard.press("Tab"); // mark all
      await page.keyboard.press("Tab"); // the list
      await page.keyboard.press("Tab"); // the link of the newest
      await until("what the keyboard reaches", () => page.evaluate(() => document.activeElement.shadowRoot?.activeElement?.href ?? ""), /\/chat$/);
      await page.keyboard.press("Tab"); // its mark
      await page.keyboard.press("Space");
      await counts(page, 1);
      await page.keyboard.press("Escape");
      await dialog.waitFor({ state: "hidden" });
      await page.waitForFunction(() => document.activeElement.shadowRoot?.activeElement?.id === "bell"); // the keyboard is back
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, "nothing is wider than the window");
    }
  },

  "an application notifies a user over HTTP, on another site with nothing but the script tag": async (house) => {
    const args = ["--auth-secret", "a secret of thirty-two bytes, or more", "--auth-file", `${await house.file("")}.json`];
    const key = (await house.command(args, "key", "create", "--scope", "publish", "--room", "user:*")).match(/sk\S+/)[0];
    const token = (await house.command(args, "token", "--sub", "ann")).trim().split("\n").at(-1);
    const server = await house.server(...args);
    const page = await house.page(await house.profile());
    const site = http.createServer((_, answer) => answer.writeHead(200, {
      "Content-Type": "text/html",
      "Content-Security-Policy": `default-src 'none'; img-src data:; script-src ${server.url}; connect-src ${server.url} ${server.url.replace("http", "ws")}; require-trusted-types-for 'script'`,
    }).end(`<!doctype html><html lang="en"><title>Own</title><link rel="icon" href="data:,"><body><p>Hello</p><script src="${server.url}/notifications/bell.js" data-token="${token}"></script>`));
    site.listen(0, "127.0.0.1");
    await once(site, "listening");
    house.owns({ close: () => site.close() });
    await page.goto(`http://127.0.0.1:${site.address().port}/`);
    await page.locator("sockeye-bell[data-state=online]").waitFor();
    for (let i = 0; i < 2; i += 1) {
      const answer = await fetch(`${server.url}/api/v1/notify`, {
        method: "POST",
        headers: { "Authorization": `Bearer ${key}`, "Content-Type": "application/json" },
        body: JSON.stringify({ user: "ann", title: "Order 7 has left", key: "order-7" }),
      });
      assert.deepEqual([answer.status, (await answer.json()).repeated ?? false], [200, i === 1]);
    }
    await page.getByRole("button", { name: "Notifications, 1 unread" }).click();
    await page.locator("sockeye-bell .title", { hasText: "Order 7 has left" }).waitFor();
  },
};
