import { fileURLToPath } from "node:url";
import { devices } from "../devices.mjs";
import { tell } from "../moderators.mjs";

// docs/screenshots/*.png, of people with the same colours each time. Written only by
// make prove and make screenshots, because pictures change with every font.

const folder = fileURLToPath(new URL("../../../docs/screenshots/", import.meta.url));
const picture = (page, name) => page.screenshot({ path: `${folder}${name}.png`, animations: "disabled" });

const desk = { viewport: { width: 1280, height: 800 } };
const phone = { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

const looks = [["light", desk], ["dark", { ...desk, colorScheme: "dark" }], ["phone", phone]];

// The number is such that the colour of the user's id suits.
const withSecret = (text) => (page) => page.addInitScript((secret) => localStorage.setItem("sockeye.chat.secret", secret), text);
const maya = { prepare: withSecret("screenshot of Maya 90") };
const jon = { prepare: withSecret("screenshot of Jón 24") };
const ana = { prepare: withSecret("screenshot of Ana 107") };

async function chat(house) {
  const server = await house.server();
  const m = await house.person(server, "Maya", { ...desk, ...maya });
  const j = await house.person(server, "Jón", { ...desk, ...jon, colorScheme: "dark" });
  const script = [
    [m, "Morning! Is the river page live yet?"],
    [j, "Since ten minutes ago: https://example.org/river"],
    [j, "The counters move over WebSocket, and my phone on the train gets them over plain polling."],
    [m, "Lovely. And you are one person here, with both of your tabs."],
  ];
  for (const [who, text] of script) {
    await who.say(text);
    await m.sees(text);
    await j.sees(text);
  }
  const a = await house.person(server, "Ana Lúcia", { ...phone, ...ana });
  const more = [[a, "Reading along from the bus. All of this was there when I came in."], [m, "Then let us open the harbour room for the visitors."]];
  for (const [who, text] of more) {
    await who.say(text);
    for (const person of [m, j, a]) await person.sees(text);
  }
  await m.join("Harbour");
  await m.page.locator("#title", { hasText: "harbour" }).waitFor();
  await m.open("lobby");
  await a.page.getByLabel("Message", { exact: true }).blur();
  await j.writeTo("Maya");
  await j.say("Shall I moderate?");
  await j.sees("Shall I moderate?");
  await j.open("lobby");
  await m.page.getByRole("button", { name: "Jón 1 unread" }).waitFor();
  await j.write("I can take the first");
  await m.seesTyping("Jón is typing");
  await a.seesTyping("Jón is typing");
  await picture(m.page, "chat-light");
  await picture(j.page, "chat-dark");
  await picture(a.page, "chat-phone");
}

async function others(house) {
  const server = await house.server();
  for (const [name, options] of [["index-light", desk], ["index-dark", { ...desk, colorScheme: "dark" }], ["index-phone", phone]]) {
    const page = await house.page(await house.profile(options));
    await page.goto(server.url);
    await page.locator("#transport", { hasText: "WebSocket" }).waitFor();
    await page.locator("#uptime", { hasText: "2 s" }).waitFor();
    await picture(page, name);
  }
  for (const [name, options] of [["playground-light", desk], ["playground-dark", { ...desk, colorScheme: "dark" }]]) {
    const page = await house.page(await house.profile(options));
    await page.goto(`${server.url}/playground`);
    await page.locator("#connection-text", { hasText: "WebSocket" }).waitFor();
    for (const event of ["join", "say", "echo"]) {
      await page.getByRole("button", { name: event, exact: true }).click();
      await page.getByRole("button", { name: "Send" }).click();
      await page.getByText(event === "echo" ? "echo 1, [2,3], null" : `${event} "ok"`).first().waitFor();
    }
    await picture(page, name);
  }
}

async function still(house) {
  house.forgiven = /status of 404/;
  const server = await house.server();
  for (const [what, path] of [["api", "/api/"], ["not-found", "/no/such/page"]]) {
    for (const [look, options] of looks) {
      const page = await house.page(await house.profile(options));
      await page.goto(server.url + path);
      await page.locator("h1").waitFor();
      await picture(page, `${what}-${look}`);
    }
  }
}

// Comments below the article, and the desk of who moderates them.
async function comments(house) {
  house.forgiven = /closed before the connection is established/; // of pages that are left
  const server = await house.server();
  const page = await house.page(await house.profile(desk));
  await page.goto(`${server.url}/comments/moderate`);
  await page.getByRole("button", { name: "Try it as a moderator" }).click();
  await page.locator("#desk").waitFor();
  const moderate = (...events) => tell(page, server.url, { site: "demo", moderate: true }, events);
  const say = async (name, text, parent) => (await tell(page, server.url, guestOf(name), [["post", { page: "/demos/comments", title: "The smell of home", parent, text, key: crypto.randomUUID() }]]))[0].comment.id;
  const agree = (name, ...events) => tell(page, server.url, guestOf(name), events);

  const bridge = await say("Maya", "I stood on that bridge in 2018. Nobody spoke. You *hear* them before you see them.");
  const sea = await say("Jón", "Is there an equal to the second map in other fish? Eels must have one, they go the other way.");
  const answer = await say("Ana Lúcia", "> Eels must have one\n\nThey do. Young eels answer to a field that is turned around them, in a tank, as if they had been moved.", sea);
  await say("Jón", "Thank you! So the address is written down in both.", answer);
  await agree("Jón", ["vote", { id: bridge, value: 1 }], ["react", { id: bridge, reaction: "❤️", on: true }]);
  await agree("Ana Lúcia", ["vote", { id: bridge, value: 1 }], ["react", { id: bridge, reaction: "❤️", on: true }], ["react", { id: sea, reaction: "❤️", on: true }]);
  await agree("Maya", ["vote", { id: answer, value: 1 }], ["react", { id: answer, reaction: "❤️", on: true }]);
  await moderate(["moderate", { ids: [bridge], action: "pin" }]);
  for (const [look, options] of looks) {
    const article = await house.page(await house.profile(options));
    await article.goto(`${server.url}/demos/comments#conversation`);
    await article.getByText("You hear them before").waitFor();
    await article.locator("#conversation").evaluate((node) => scrollTo({ top: node.getBoundingClientRect().top + scrollY - 40, behavior: "instant" }));
    await article.locator("sockeye-comments[data-state=online]").waitFor();
    await picture(article, `comments-${look}`);
    await article.close();
  }

  await moderate(["settings", { settings: { moderation: "pre", holdWords: ["casino"] } }]);
  await say("Ben", "How does a fish know *which* of the two ways is open this year? The counts of the `northern` one look high.");
  await say("Best deals", "Better than any river: https://casino.example, where you win in every casino");
  await say("Cleo", "My grandfather counted at the ladder for eleven summers. He said the same about the culverts.", answer);
  await agree("Maya", ["flag", { id: sea, reason: "off topic" }]);
  for (const [look, options] of looks) {
    const one = look === "light" ? page : await house.page(await house.profile(options));
    if (look !== "light") {
      await one.goto(`${server.url}/comments/moderate`);
      await one.getByRole("button", { name: "Try it as a moderator" }).click();
      await one.locator("#connection[data-state=online]").waitFor();
    }
    await one.goto(`${server.url}/comments/moderate?site=demo`);
    await one.locator(".entry").nth(2).waitFor();
    await one.locator(".context:not([hidden])").waitFor();
    if (look !== "phone") for (const key of ["j", "j", "x"]) await one.keyboard.press(key);
    await one.evaluate(() => scrollTo(0, 0));
    await picture(one, `moderate-${look}`);
  }
}

const guestOf = (name) => ({ site: "demo", guest: { secret: `the secret of ${name}, which is long enough`, name } });

async function dashboard(house) {
  const server = await house.server();
  devices(house, server, "--interval", "1s");
  const pages = [];
  for (const [name, options] of [["dashboard-light", { viewport: { width: 1280, height: 1200 } }], ["dashboard-dark", { viewport: { width: 1280, height: 1200 }, colorScheme: "dark" }], ["dashboard-phone", phone]]) {
    const page = await house.page(await house.profile(options));
    await page.goto(`${server.url}/dashboard/`);
    await page.getByLabel("Show the last").selectOption("60");
    pages.push([page, name]);
  }
  await pages[0][0].waitForFunction(() => document.querySelectorAll("#alerts .alert").length >= 2 || performance.now() > 35_000, null, { timeout: 40_000 });
  for (const [page, name] of pages) await picture(page, name);
}

async function bell(house) {
  const server = await house.server();
  const news = [["Welcome aboard", "This is where news arrives.", ""], ["Your parcel is on its way", "It leaves the harbour at nine.", "/chat"], ["Jón answered you", "Since ten minutes ago, and my phone on the train gets it over plain polling.", "/chat"]];
  for (const [name, options] of [["bell-light", desk], ["bell-dark", { ...desk, colorScheme: "dark" }], ["bell-phone", phone]]) {
    const page = await house.page(await house.profile(options));
    await page.goto(`${server.url}/notifications/`);
    await page.locator("sockeye-bell[data-state=online]").waitFor();
    for (const [title, body, url] of news) {
      await page.getByLabel("Title").fill(title);
      await page.getByLabel("Text").fill(body);
      await page.getByLabel("Link").fill(url);
      await page.getByRole("button", { name: "Notify all my tabs" }).click();
      await page.locator("sockeye-bell .title", { hasText: title }).waitFor({ state: "attached" });
    }
    await page.locator("sockeye-bell").getByRole("button", { name: /^Notifications/ }).click();
    await page.getByRole("button", { name: "Mark as read: Welcome aboard" }).click();
    await page.locator('sockeye-bell[data-unread="2"]').waitFor();
    await picture(page, name);
  }
}

// Somebody on a demo page, whose id is the same each time, and so the colour.
async function guest(house, url, name, number, options) {
  const page = await house.page(await house.profile(options));
  await page.addInitScript(([nick, seed]) => {
    localStorage.setItem("sockeye.chat.nick", nick);
    let next = seed;
    crypto.getRandomValues = (bytes) => bytes.map((_, i) => { bytes[i] = next = (next * 73 + 41) % 251; return bytes[i]; });
  }, [name, number]);
  await page.goto(url);
  await page.locator("#connection[data-state=online]").waitFor();
  return page;
}

async function wave(page, ink, height, swing, length) {
  await page.getByRole("radio", { name: ink }).check();
  const box = await page.locator("#paper").boundingBox();
  const at = (i) => [box.x + (0.08 + 0.02 * i) * box.width, box.y + (height + swing * Math.sin(i / length)) * box.height];
  await page.mouse.move(...at(0));
  await page.mouse.down();
  for (let i = 1; i <= 40; i += 1) await page.mouse.move(...at(i));
  await page.mouse.up();
}

// Swims to the first fly.
async function catchFly(page) {
  const river = page.locator("#river");
  const [x, y] = (await river.getAttribute("data-flies")).split(" ")[0].split(",").map(Number);
  const box = await river.boundingBox();
  await page.mouse.move(box.x + (x / 1000) * box.width, box.y + (y / 640) * box.height);
  await page.mouse.down();
  await page.locator(`#river:not([data-flies^="${x},${y}"])`).waitFor();
  await page.mouse.up();
}

async function canvas(house) {
  const server = await house.server();
  for (const [look, options] of looks) {
    const [maya, jon] = await Promise.all([["Maya", 3, options], ["Jón", 8, desk]].map((who) => guest(house, `${server.url}/demos/canvas?room=${look}`, ...who)));
    for (const page of [maya, jon]) await page.locator("#people li").nth(1).waitFor();
    await wave(maya, "Blue", 0.75, 0.04, 2);
    await wave(maya, "Green", 0.85, 0.03, 2.5);
    await wave(jon, "Red", 0.35, 0.2, 6);
    await wave(jon, "Orange", 0.42, -0.16, 6);
    await maya.locator("#paper[data-strokes='4']").waitFor();
    await maya.locator(".cursor span").waitFor();
    await picture(maya, `canvas-${look}`);
    for (const page of [maya, jon]) await page.close();
  }
}

async function game(house) {
  const server = await house.server();
  for (const [look, options] of looks) {
    const [maya, jon] = await Promise.all([["Maya", 3, options], ["Jón", 8, desk]].map((who) => guest(house, `${server.url}/demos/game?room=${look}`, ...who)));
    for (const page of [maya, jon]) await page.locator("#people li").nth(1).waitFor();
    for (const page of [maya, maya, jon]) await catchFly(page);
    await maya.locator("#river[data-others]").waitFor();
    await picture(maya, `game-${look}`);
    for (const page of [maya, jon]) await page.close();
  }
}

export default process.env.PROVE ? {
  "screenshots of the chat": chat,
  "screenshots of the other pages": others,
  "screenshots of pages that stand still": still,
  "screenshots of the dashboard": dashboard,
  "screenshots of the bell": bell,
  "screenshots of the canvas": canvas,
  "screenshots of the game": game,
  "screenshots of comments and their moderators": comments,
} : {};
