// A site that has comments, people who write there, and moderators in front of their page.

import assert from "node:assert/strict";
import { Blog } from "./blog.mjs";

/** A blog with moderators. */
export class Site {
  /** Makes one whose comments are seen when moderation says so. */
  static async open(house, moderation) {
    const site = new Site();
    site.house = house;
    site.blogs = await Blog.open(house, `moderation=${moderation}`, "minTime=0");
    site.server = site.blogs.server;
    return site;
  }

  /** A one-time link, as the path of an address. */
  async invite() {
    const printed = await this.house.command(this.blogs.args, "comments", "invite", "blog");
    return new URL(/\S+\/comments\/setup\S+/.exec(printed)[0]).href.replace(/^https?:\/\/[^/]+/, "");
  }

  /** A moderator who sets a password by a link. */
  async moderator(name, options) {
    const link = await this.invite();
    const page = await this.house.page(await this.house.profile(options));
    await page.goto(this.server.url + link);
    await setUp(page, name, "a red fish in green water");
    await page.locator("#desk").waitFor();
    return Object.assign(new Moderator(page), { link });
  }

  /** A page of the blog, for people to write from. */
  async blog() {
    const page = await this.house.page(await this.house.profile());
    await page.goto(`${this.blogs.origin}/post-1?short=1`);
    return page;
  }

  /** Somebody writes on a page of the blog; returns what the server says. */
  write(page, name, ...texts) { return write(page, this.server.url, "blog", name, texts); }
}

/** Fills in the form of a one-time link. */
export async function setUp(page, name, password) {
  const form = page.locator("#setup");
  await form.getByLabel("Name", { exact: true }).fill(name);
  for (const label of ["Password", "Password, again"]) await form.getByLabel(label, { exact: true }).fill(password);
  await form.getByRole("button", { name: "Set the password" }).click();
}

/** A guest of a site writes; the page that it is in is of an origin of the site. Of what is refused the error is returned. */
export async function write(page, url, site, name, texts, key = "/post-1") {
  const auth = { site, guest: { secret: `the secret of ${name}, which is long enough`, name } };
  return await tell(page, url, auth, texts.map((text) => ["post", { page: key, text, key: crypto.randomUUID() }]));
}

/** Sends events in their order, each when the one before is answered; returns the answers. */
export function tell(page, url, auth, events) {
  return page.evaluate(async ([url, auth, events]) => {
    const { io } = await import(`${url}/socket.io/socket.io.esm.min.js`);
    const socket = io(`${url}/comments`, { forceNew: true, auth, transports: ["websocket"] });
    await new Promise((resolve, reject) => {
      socket.on("connect", resolve);
      socket.on("connect_error", reject);
    });
    const answers = [];
    for (const [event, argument] of events) answers.push(await socket.timeout(20_000).emitWithAck(event, argument));
    socket.disconnect();
    return answers;
  }, [url, auth, events]);
}

/** Somebody who reads along: seen() resolves to the texts that are published now. */
export async function reader(page, url, site) {
  await page.evaluate(async ([url, site]) => {
    const { io } = await import(`${url}/socket.io/socket.io.esm.min.js`);
    const socket = io(`${url}/comments`, { forceNew: true, auth: { site } });
    const known = globalThis.__known = new Map();
    const take = ({ comments }) => { for (const comment of comments) known.set(comment.id, comment); };
    socket.on("comments", take);
    await socket.timeout(20_000).emitWithAck("join", { page: "/post-1" });
    const snapshot = await fetch(`${url}/comments/v1/${site}/snapshot?page=/post-1`);
    take(await snapshot.json());
  }, [url, site]);
  return {
    sees: (text, on = true) => page.waitForFunction(([text, on]) => [...globalThis.__known.values()].some(({ html = "", state }) => state === "published" && html.includes(text)) === on, [text, on]),
  };
}

export class Moderator {
  constructor(page) { this.page = page; }

  card(text) { return this.page.locator(".entry:not(.folded)", { hasText: text }); }

  folded(text) { return this.page.locator(".entry.folded", { hasText: text }); }

  async sees(text) { await this.card(text).waitFor(); }

  async view(name) {
    await this.page.getByRole("navigation", { name: "Views" }).getByRole("link", { name }).click();
    await this.page.locator("#entries:not([aria-busy])").waitFor({ state: "attached" });
  }

  /** Waits for what the page says it has done. */
  async told(text) { await this.page.locator("#toast-text", { hasText: text }).waitFor(); }

  /** Goes to a card by keyboard: down to the last one, and up again. */
  async goTo(text) {
    await this.page.locator(".entry", { hasText: text }).first().waitFor();
    const at = () => this.page.evaluate(() => document.activeElement.closest(".entry")?.textContent ?? "");
    for (const key of ["j", "k"]) {
      for (let last = null, now = await at(); now !== last; now = await at()) {
        if (now.includes(text)) return;
        last = now;
        await this.page.keyboard.press(key);
      }
    }
    assert.fail(`the keyboard does not come to ${text}`);
  }
}
