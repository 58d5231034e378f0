// A blog of another origin, whose pages have comments by the script tag and nothing else.

import { execFile } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import { promisify } from "node:util";
import { binary } from "./server.mjs";
import { until } from "./until.mjs";

const run = promisify(execFile);

const words = "<p>In late summer people stand on a bridge and look down at water that seems to have rusted.</p>".repeat(40);

export class Blog {
  /** Makes the site "blog" on a server of its own. settings are such as "votes=up". */
  static async open(house, ...settings) {
    const blog = new Blog();
    blog.house = house;
    blog.pages = http.createServer((request, answer) => blog.#answer(request, answer));
    blog.pages.listen(0, "127.0.0.1");
    await once(blog.pages, "listening");
    house.owns({ close: () => blog.pages.close() });
    blog.origin = `http://127.0.0.1:${blog.pages.address().port}`;
    blog.args = ["--comments-db", `${await house.file("")}.db`];
    await blog.#command("init", "--site", "blog", "--origin", blog.origin, "--guests");
    await blog.#command("site", "blog", ...["minTime=0", ...settings].flatMap((setting) => ["--set", setting])); // a test is fast
    blog.server = await house.server("--comments", ...blog.args);
    blog.via = blog.server; // or a wire to it
    return blog;
  }

  /** A token of a reader, or of a moderator. */
  async token(name, ...more) {
    return (await this.#command("token", "blog", "--sub", name.toLowerCase(), "--name", name, ...more)).trim().split("\n").at(-1);
  }

  // What sockeye comments says to a command.
  async #command(...args) {
    return (await run(binary, ["comments", ...args, ...this.args])).stdout;
  }

  // /PATH?attrs=...&short=1 is a page with the tag, and what the tag says besides.
  #answer(request, answer) {
    const { searchParams: query } = new URL(request.url, this.origin);
    const from = query.get("from") ?? this.via.url;
    const tag = `<script src="${from}/comments.js" data-site="blog" ${query.get("attrs") ?? ""} async></script>`;
    answer.writeHead(200, {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy": `default-src 'none'; img-src data:; script-src ${from}; connect-src ${from} ${from.replace("http", "ws")}; require-trusted-types-for 'script'; trusted-types 'none'`,
    }).end(`<!doctype html><html lang="${query.get("lang") ?? "en"}"><meta charset="utf-8"><title>A post</title><link rel="icon" href="data:,"><meta name="viewport" content="width=device-width, initial-scale=1">
      <body><main><h1>A post</h1><p>Said so far: <span data-sockeye-count="/post-1"></span></p>${query.has("short") ? "" : words}<div id="here"></div>${tag}</main><footer>The end</footer>`);
  }

  /** Somebody new on a page of the blog. With near, the comments are on the screen and connected. */
  async reader({ path = "/post-1", query = {}, near = true, prepare, ...options } = {}) {
    const page = await this.house.page(await this.house.profile(options));
    await prepare?.(page);
    await page.goto(`${this.origin}${path}?${new URLSearchParams({ attrs: `data-page="${path}"`, ...query })}`);
    const reader = new Reader(page);
    if (near) {
      await reader.come();
      await reader.online();
    }
    return reader;
  }
}

/** Somebody in front of a page with comments. */
export class Reader {
  constructor(page, area = page.locator("sockeye-comments").first()) {
    Object.assign(this, { page, area });
  }

  /** Scrolls to the comments, at the end of the page. */
  async come() {
    await this.area.waitFor({ state: "attached" });
    await this.page.evaluate(() => document.querySelector("sockeye-comments").scrollIntoView());
  }

  async online() {
    await this.page.locator("sockeye-comments[data-state=online]").first().waitFor();
    await this.area.getByRole("heading", { level: 2 }).waitFor();
  }

  button(name) {
    return this.area.getByRole("button", { name, exact: typeof name === "string" });
  }

  box(name) {
    return this.area.getByRole("textbox", { name });
  }

  /** The comment with this text. */
  comment(text) {
    return this.area.locator("article", { has: this.page.locator(".body", { hasText: text }) });
  }

  /** Writes a comment as a guest. */
  async say(text, name = "Ann") {
    await this.box("Write a comment").fill(text);
    if (!(await this.box("Your name").inputValue())) await this.box("Your name").fill(name);
    await this.button("Post comment").click();
    await this.sees(text);
  }

  async reply(to, text, name = "Ann") {
    await this.comment(to).getByRole("button", { name: "Reply", exact: true }).click();
    await this.box(/^Reply to/).fill(text);
    if (!(await this.box("Your name").last().inputValue())) await this.box("Your name").last().fill(name);
    await this.button("Post reply").click();
    await this.sees(text);
  }

  async sees(text) {
    await this.comment(text).waitFor();
  }

  /** The texts of the comments that are shown, from top to bottom. */
  texts() {
    return this.area.locator("article .body").allInnerTexts();
  }

  /** Waits until exactly these are shown. */
  async seesExactly(...texts) {
    await this.page.waitForFunction(([wanted]) => {
      const bodies = document.querySelector("sockeye-comments").shadowRoot.querySelectorAll("article .body");
      return JSON.stringify([...bodies].map((node) => node.innerText)) === JSON.stringify(wanted);
    }, [texts]);
  }

  /** Waits until that has the keyboard whose name, or whose text, is this. */
  async holds(name) {
    await until("what has the keyboard", () => this.page.evaluate(() => {
      const node = document.activeElement.shadowRoot?.activeElement ?? document.activeElement;
      return node.getAttribute("aria-label") ?? (node.labels?.[0] ?? node).textContent;
    }), name);
  }
}
