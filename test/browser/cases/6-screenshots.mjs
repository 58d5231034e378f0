import { fileURLToPath } from "node:url";
import { devices } from "../devices.mjs";

// docs/screenshots/*.png, of people with the same colours each time. Written only by
// make prove, because pictures change with every font.

const folder = fileURLToPath(new URL("../../../docs/screenshots/", import.meta.url));
const picture = (page, name) => page.screenshot({ path: `${folder}${name}.png`, animations: "disabled" });

const desk = { viewport: { width: 1280, height: 800 } };
const phone = { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

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
  const page = await house.page(await house.profile(desk));
  await page.goto(`${server.url}/playground`);
  await page.locator("#connection-text", { hasText: "WebSocket" }).waitFor();
  for (const event of ["join", "say", "echo"]) {
    await page.getByRole("button", { name: event, exact: true }).click();
    await page.getByRole("button", { name: "Send" }).click();
    await page.getByText(event === "echo" ? "echo 1, [2,3], null" : `${event} "ok"`).first().waitFor();
  }
  await picture(page, "playground-light");
}

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

export default process.env.PROVE ? { "screenshots of the chat": chat, "screenshots of the other pages": others, "screenshots of the dashboard": dashboard } : {};
