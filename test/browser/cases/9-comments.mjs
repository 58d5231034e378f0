import assert from "node:assert/strict";
import { assertAccessible } from "../axe.mjs";
import { Blog } from "../blog.mjs";

const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };
const fits = (page) => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
const live = "**/socket.io/**"; // what polling asks for

// WebSockets that never open, as behind some proxies.
const withoutSockets = (page) => page.addInitScript(() => {
  window.WebSocket = class {
    constructor() {
      setTimeout(() => this.onerror?.(new Event("error")));
    }

    close() {}
  };
});

export default {
  "comments are written, answered and edited by keyboard alone, on another origin with a strict policy": async (house) => {
    const blog = await Blog.open(house, "reactions=👍,🎉", "viewers=on", "editWindow=600");
    const ann = await blog.reader({ query: { attrs: 'data-page="/post-1" data-sort="oldest"' } });
    const ben = await blog.reader({ colorScheme: "dark" });
    const { page } = ann;
    const { keyboard } = page;
    await ann.box("Write a comment").focus();
    await keyboard.type("The *first* one");
    await keyboard.press("Tab");
    await ann.holds("Your name");
    await keyboard.type("Ann");
    await keyboard.press("Enter");
    await ann.sees("The first one");
    await ann.holds(/^Ann, /); // the keyboard is where it went
    await ann.comment("The first one").locator("em", { hasText: /^first$/ }).waitFor();
    await ben.button("1 new comment").click();
    await ben.sees("The first one");
    await ben.holds(/^Ann, /);

    await ben.reply("The first one", "An answer", "Ben");
    await ann.button("1 new reply").focus();
    await keyboard.press("Enter");
    await ann.sees("An answer");
    await ann.holds(/^Ben in reply to Ann, /);
    await ann.comment("The first one").getByRole("button", { name: "More actions" }).focus();
    await keyboard.press("Enter");
    await ann.holds("Edit");
    await keyboard.press("Escape");
    await ann.holds("More actions"); // the keyboard is back
    await keyboard.press("Enter");
    await keyboard.press("Enter");
    await ann.box("Edit").waitFor();
    await page.waitForFunction(() => document.activeElement.shadowRoot?.activeElement?.value === "The *first* one");
    await keyboard.type(", changed");
    await keyboard.press("Control+Enter");
    for (const one of [ann, ben]) await one.sees("The first one, changed");
    await ann.holds("More actions");

    await ann.comment("An answer").getByRole("button", { name: "Vote up" }).press("Enter");
    await ben.comment("An answer").getByRole("group", { name: "1 vote" }).waitFor();
    await ben.comment("changed").getByRole("button", { name: "Add a reaction" }).click();
    await ben.button("🎉").click();
    await ann.comment("changed").getByRole("button", { name: "🎉 1" }).waitFor();
    await ben.area.getByText("2 reading").waitFor();
    for (const [one, name] of [[ann, "light"], [ben, "dark"]]) {
      await one.page.emulateMedia({ reducedMotion: "reduce", colorScheme: name });
      await assertAccessible(one.page, name);
    }
    await ben.comment("An answer").getByRole("button", { name: "More actions" }).click();
    await ben.button("Delete").click();
    await ben.button("Really delete?").click();
    for (const one of [ann, ben]) await one.area.getByText("This comment was deleted.").waitFor();
    assert.equal(await page.evaluate(() => document.cookie), "", "cookies");
    await page.reload();
    await ann.come();
    await ann.seesExactly("The first one, changed");
    await page.locator("[data-sockeye-count]", { hasText: "1 comment" }).waitFor();
  },

  "comments over polling alone, and only to be read where every transport is blocked": async (house) => {
    house.forgiven = /net::ERR_|WebSocket connection to|Failed to load resource/;
    const blog = await Blog.open(house);
    const ann = await blog.reader({ prepare: withoutSockets });
    const ben = await blog.reader({ near: false, query: { attrs: 'data-page="/post-1" data-poll="300"' }, prepare: async (page) => {
      await withoutSockets(page);
      await page.route(live, (route) => route.abort());
    } });
    await ben.come();
    await ben.area.getByText("You can read, but not write.").waitFor();
    await ann.say("over polling");
    await ben.button("1 new comment").click();
    await ben.seesExactly("over polling");
    assert.equal(await ben.area.getByRole("textbox").count(), 0, "fields to write in");
    await ben.page.unroute(live);
    await ben.online();
    await ben.reply("over polling", "read and written", "Ben");
    await ann.button("1 new reply").click();
    await ann.sees("read and written");
  },

  "what comes before the answer to a join, which is lost, hides nothing that was missed": async (house) => {
    house.forgiven = /net::ERR_|WebSocket connection to|Failed to load resource/;
    const blog = await Blog.open(house);
    const ann = await blog.reader({ query: { from: blog.server.url } });
    const wire = blog.via = await house.wire(blog.server);
    const ben = await blog.reader({ prepare: withoutSockets });
    const { page } = ben;
    await ann.say("before");
    await ben.button("1 new comment").click();
    await wire.cut();
    await ben.area.getByText("Connection lost, trying again").waitFor();
    await ann.say("missed");
    let lost = false;
    await page.route(live, async (route) => {
      try {
        const response = await route.fetch();
        const packets = (await response.text()).split("\x1e");
        const kept = packets.filter((packet) => !/^43\/comments,\d+\[\{"page":/.test(packet));
        lost ||= kept.length < packets.length;
        await route.fulfill({ response, body: kept.join("\x1e") || "6" }); // a payload has something in it
      } catch {
        await route.abort().catch(() => {}); // the page has gone on
      }
    });
    await wire.mend();
    while (!lost) await page.waitForTimeout(50);
    await ann.say("later");
    await ben.button("1 new comment").waitFor();
    await wire.cut();
    await ben.area.getByText("Connection lost, trying again").waitFor();
    await page.unroute(live);
    await wire.mend();
    await ben.button("2 new comments").waitFor();
  },

  "who was cut off misses nothing, and what was written meanwhile is sent once": async (house) => {
    house.forgiven = /net::ERR_|WebSocket connection to|Failed to load resource/;
    const blog = await Blog.open(house);
    const ann = await blog.reader({ query: { from: blog.server.url } });
    const wire = blog.via = await house.wire(blog.server);
    const ben = await blog.reader();
    await ben.say("before", "Ben");
    await ann.button("1 new comment").click();
    await wire.cut();
    await ben.area.getByText("Connection lost, trying again").waitFor();
    await ann.reply("before", "meanwhile");
    await ann.say("afterwards");
    await ann.comment("before").getByRole("button", { name: "Vote up" }).click();
    await ben.box("Write a comment").fill("in the dark");
    await ben.button("Post comment").click();
    await ben.area.getByText("It will be sent when there is one.").waitFor();
    await wire.mend();
    await ben.sees("in the dark");
    await ben.button("1 new comment").click();
    await ben.button("1 new reply").click();
    await ben.seesExactly("in the dark", "afterwards", "before", "meanwhile");
    await ben.comment("before").getByRole("group", { name: "1 vote" }).waitFor();
    await ann.button("1 new comment").click();
    await ann.seesExactly("in the dark", "afterwards", "before", "meanwhile");
    await ben.area.getByText("Connection lost").waitFor({ state: "detached" });
  },

  "two on one page share a connection, and a page without reloads shows others": async (house) => {
    const blog = await Blog.open(house);
    const ann = await blog.reader({ query: { short: "1" } });
    const { page } = ann;
    let sockets = 0;
    page.on("websocket", () => { sockets += 1; });
    await ann.say("on the first page");
    await page.evaluate(() => { window.second = SockeyeComments.mount("#here", { site: "blog", page: "/post-2", sort: "oldest" }); });
    const second = page.locator("#here sockeye-comments");
    await second.getByPlaceholder("Write a comment").fill("on the second page");
    await second.getByRole("button", { name: "Post comment" }).click();
    await second.locator("article", { hasText: "on the second page" }).waitFor();
    assert.equal(await page.locator("article", { hasText: "on the second page" }).count(), 1, "where it is seen");
    assert.equal(sockets, 0, "other connections");
    await page.evaluate(() => window.second.page("/post-1"));
    await second.locator("article", { hasText: "on the first page" }).waitFor();
    await page.evaluate(() => window.second.theme("dark"));
    await second.locator(".area[data-theme=dark]").waitFor();
    await page.evaluate(() => window.second.destroy());
    assert.equal(await page.locator("sockeye-comments").count(), 1);
    await page.evaluate(() => SockeyeComments.counts());
    await page.locator("[data-sockeye-count]", { hasText: "1 comment" }).waitFor();
    const tokens = [await blog.token("Cleo", "--ttl", "1h"), await blog.token("Cleo", "--ttl", "2s")];
    await page.evaluate((list) => document.querySelector("sockeye-comments").token(async () => {
      window.left = list.length - 1;
      return list.pop();
    }), tokens); // one that ends, and the next
    await page.waitForFunction(() => window.left === 0);
    await ann.area.getByText("Writing as Cleo").waitFor({ state: "attached" });
    await page.evaluate(() => document.querySelector("sockeye-comments").token(null));
    await ann.area.getByText("Writing as Cleo").waitFor({ state: "detached" });
  },

  "nothing is asked for before the comments are near, and nothing moves when they come; in German": async (house) => {
    const blog = await Blog.open(house);
    const first = await blog.reader({ query: { short: "1" } });
    for (const text of ["one", "two", "three"]) await first.say(text);
    const asked = [];
    const ann = await blog.reader({ near: false, ...phone, query: { lang: "de-AT", attrs: "" }, prepare: async (page) => {
      page.on("request", (request) => asked.push(new URL(request.url()).pathname));
      await page.addInitScript(() => {
        window.shifts = [];
        new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map(({ value }) => value))).observe({ type: "layout-shift", buffered: true });
      });
    } });
    const { page } = ann;
    await page.locator("[data-sockeye-count]", { hasText: "3 Kommentare" }).waitFor();
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    assert.deepEqual(asked.filter((path) => path.endsWith("/snapshot")), []);
    await ann.come();
    await ann.online();
    await ann.seesExactly("three", "two", "one");
    assert.deepEqual(asked.filter((path) => path.endsWith("/snapshot")).length, 1);
    await ann.box("Kommentar schreiben").waitFor();
    assert.deepEqual(await page.evaluate(() => window.shifts), [], "layout shifts");
    await page.emulateMedia({ reducedMotion: "reduce" });
    await assertAccessible(page, "a phone");
    assert.equal(await fits(page), true, "wider than the window");
  },

  "a server that lies runs nothing, and a burst moves nothing": async (house) => {
    const blog = await Blog.open(house);
    const first = await blog.reader({ query: { short: "1" } });
    await first.say("harmless");
    let socket;
    const html = '<p id="x" onclick="pwned()">read <a href="javascript:pwned()">me</a><script>pwned()</script><iframe src="javascript:pwned()"></iframe></p><sockeye-comments page="/x"></sockeye-comments><a href="https://example.org/" onclick="pwned()">and me</a>';
    const ann = await blog.reader({ near: false, prepare: async (page) => {
      await page.route("**/snapshot?*", async (route) => {
        const answer = await route.fetch();
        const body = await answer.json();
        Object.assign(body.comments.at(-1), { html, author: { id: "u_x", name: "<b>Ann</b>", avatar: "javascript:pwned()" } });
        await route.fulfill({ response: answer, json: body });
      });
      await page.routeWebSocket(/socket\.io/, (near) => {
        const far = near.connectToServer();
        far.onMessage((message) => near.send(message));
        near.onMessage((message) => {
          far.send(message);
          if (message === "5") socket = near; // polling has ended
        });
      });
    } });
    const { page } = ann;
    await ann.come();
    await ann.online();
    await ann.sees("read me");
    const found = await page.evaluate(() => {
      const { shadowRoot } = document.querySelector("sockeye-comments");
      const nodes = [...shadowRoot.querySelectorAll(".body *")];
      return [nodes.map((node) => node.localName), nodes.flatMap((node) => [...node.attributes].map(({ name, value }) => `${name}=${value}`)), shadowRoot.querySelector(".author").textContent];
    });
    assert.deepEqual(found, [["p", "a", "a"], ["href=https://example.org/", "rel=nofollow ugc noopener noreferrer", "target=_blank"], "<b>Ann</b>"]);

    const [id] = await page.evaluate(() => [document.querySelector("sockeye-comments").shadowRoot.querySelector("article").id.slice("comment-".length)]);
    const one = (n) => ({ id: `z${String(n).padStart(19, "0")}`, page: "/post-1", parent: n % 3 ? undefined : id, depth: n % 3 ? 0 : 1, author: { id: "u_ben", name: "Ben" }, html: `<p>burst ${n}</p>`, state: "published", created: Date.now(), up: 0, down: 0, reactions: {}, seq: 1000 + n });
    for (let end = Date.now() + 20_000; !socket && Date.now() < end;) await page.evaluate(() => new Promise(requestAnimationFrame));
    const at = () => page.evaluate(() => Math.round(document.querySelector("sockeye-comments").shadowRoot.querySelector("article").getBoundingClientRect().top));
    const before = await at();
    for (let n = 0; n < 300; n += 1) socket.send(`42/comments,${JSON.stringify(["comments", { page: "/post-1", seq: 1000 + n, comments: [one(n)] }])}`);
    await ann.button("200 new comments").waitFor();
    await ann.button("100 new replies").waitFor();
    assert.equal(await at(), before, "where the first comment is");
    assert.equal(await ann.area.locator("article").count(), 1, "comments that nobody asked for");
    await ann.button("200 new comments").click();
    await page.waitForFunction(() => document.querySelector("sockeye-comments").shadowRoot.querySelectorAll("article").length === 201);
    await ann.button("100 new replies").click();
    await page.waitForFunction(() => document.querySelector("sockeye-comments").shadowRoot.querySelectorAll("article").length === 301);
    assert.equal((await ann.texts())[0], "burst 299");
    await first.say("written meanwhile");
    const again = page.waitForResponse("**/snapshot?*");
    socket.send(`42/comments,${JSON.stringify(["reset", { page: "/post-1" }])}`);
    await again;
    await ann.button("1 new comment").click();
    await ann.sees("written meanwhile");
    assert.equal(await ann.area.locator("article").count(), 302, "comments after a reset");
    assert.equal(await page.evaluate(() => typeof window.pwned), "undefined");
  },

  "a comment waits for its moderator, who decides on the page": async (house) => {
    const blog = await Blog.open(house, "moderation=pre");
    const ann = await blog.reader({ query: { short: "1" } });
    const mod = await blog.reader({ query: { short: "1", attrs: `data-page="/post-1" data-token="${await blog.token("Mo", "--role", "moderator")}"` } });
    await mod.area.getByText("Writing as Mo").waitFor({ state: "attached" });
    await ann.say("is this fine?");
    await ann.area.getByText("Only you can see this").first().waitFor();
    await mod.button("1 new comment").click();
    const held = mod.comment("is this fine?");
    await held.getByText("Waits for a moderator").waitFor();
    await held.getByRole("button", { name: "More actions" }).click();
    await mod.button("Approve").click();
    await ann.comment("is this fine?").getByText("Only you can see this").waitFor({ state: "hidden" });
    await held.getByRole("button", { name: "More actions" }).click();
    await mod.button("Pin").click();
    await ann.comment("is this fine?").getByText("Pinned").waitFor();
    const id = await ann.comment("is this fine?").getAttribute("id");
    await mod.button("Lock this page").click();
    await ann.area.getByText("This conversation is locked.").waitFor();
    const linked = await blog.reader({ near: false, query: { attrs: 'data-page="/post-1"#' }, prepare: (page) => page.addInitScript((hash) => { location.hash = hash; }, id) });
    await linked.online();
    await linked.page.waitForFunction((wanted) => document.activeElement.shadowRoot?.activeElement?.id === wanted, id); // a permalink leads to it
    await linked.area.getByText("This conversation is locked.").waitFor();
  },

  "who puts the tag into a page is told on its console what is wrong": async (house) => {
    house.forgiven = /Failed to load resource|Sockeye comments: |WebSocket connection to/;
    const blog = await Blog.open(house);
    let told;
    const heard = (name) => new Promise((resolve) => { told = { name, resolve }; });
    const prepare = (page) => page.on("console", (message) => message.text().includes(told.name) && told.resolve());
    const short = { short: "1" };

    const origin = heard("--add-origin http://localhost:");
    blog.origin = blog.origin.replace("127.0.0.1", "localhost"); // another one, of the same pages
    const far = await blog.reader({ near: false, query: short, prepare });
    await origin;
    await far.area.getByText("This page does not belong to the site").waitFor();

    blog.origin = blog.origin.replace("localhost", "127.0.0.1");
    const signature = heard("the token's signature does not hold");
    const token = `${(await blog.token("Ann")).slice(0, -8)}AAAAAAAA`;
    const ann = await blog.reader({ query: { ...short, attrs: `data-page="/post-1" data-token="${token}"` }, prepare });
    await signature;
    await ann.say("as a guest");
  },
};
