// Every page of the server, and how it comes to show what it is for. What all pages promise is
// checked for each, and each is in docs/screenshots.

import { tell, write } from "./moderators.mjs";

const online = (page) => page.locator("[data-state=online]").first().waitFor();

/** Has something of everything at the site of the demo: what waits, was rejected and flagged, a ban, decisions. */
export async function fillDesk(page, server) {
  const links = "Look: " + [1, 2, 3, 4, 5, 6].map((n) => `https://example.org/${n}`).join(" ");
  const [one, two] = await write(page, server.url, "demo", "Cleo", ["Is the *harbour* open on Sundays?", "> It is.\n\nThank you!"]);
  const [held] = await write(page, server.url, "demo", "Eve", [links]);
  const reply = await tell(page, server.url, { site: "demo", guest: { secret: "the secret of Dan, which is long enough", name: "Dan" } }, [
    ["post", { page: "/post-1", parent: one.comment.id, text: "Only the northern gate.", key: "a reply" }],
    ["flag", { id: two.comment.id, reason: "off topic" }],
  ]);
  await tell(page, server.url, { site: "demo", moderate: true }, [
    ["moderate", { ids: [reply[0].comment.id], action: "reject" }],
    ["ban", { user: held.comment.author.id, seconds: 86_400, reason: "adverts" }],
  ]);
}

/** Each: {name, path, before?(page), ready(page, server)}. Of a page that is a 404, status; frame: it is shown in another page, and has no bar. */
export const pages = [
  { name: "index", path: "/", ready: async (page) => {
    await page.locator("#transport", { hasText: "WebSocket" }).waitFor();
    for (const id of ["connections", "events", "cpu", "memory"]) await page.locator(`#${id}`, { hasText: /\d/ }).waitFor();
  } },
  { name: "chat", path: "/chat", before: (page) => page.addInitScript(() => localStorage.setItem("sockeye.chat.nick", "Ann")), ready: async (page) => {
    await page.locator("#subtitle", { hasText: "here" }).waitFor();
    await page.getByLabel("Message", { exact: true }).fill("Look at https://example.org");
    await page.keyboard.press("Enter");
    await page.locator(".message.sent").waitFor();
  } },
  { name: "first visit of the chat", path: "/chat", ready: (page) => page.locator("#profile[open]").waitFor() },
  { name: "dashboard", path: "/dashboard/", ready: (page) => page.locator(".tile canvas").nth(3).waitFor() },
  { name: "notifications", path: "/notifications/", ready: online },
  { name: "canvas", path: "/demos/canvas", ready: online },
  { name: "game", path: "/demos/game", ready: online },
  { name: "playground", path: "/playground", ready: online },
  { name: "API", path: "/api/", ready: async (page) => {
    for (const errors of await page.getByText("Errors", { exact: true }).all()) await errors.click();
  } },
  { name: "page that is not there", path: "/no/such/page", status: 404, ready: async () => {} },
  { name: "demo of comments", path: "/demos/comments", ready: async (page, server) => {
    await write(page, server.url, "demo", "Ann", ["Does the *smell* fade in a dry year?", "I have read of `40` years of counts at https://example.org"], "/demos/comments");
    await page.locator("sockeye-comments").first().scrollIntoViewIfNeeded();
    await page.getByText("fade in a dry year").waitFor();
  } },
  { name: "comments in a frame", path: "/comments/frame/demo?page=/demos/comments", frame: true, ready: async (page, server) => {
    await write(page, server.url, "demo", "Ann", ["Does the *smell* fade in a dry year?"], "/demos/comments");
    const said = page.getByText("fade in a dry year");
    const button = page.getByRole("button", { name: /new comment/ }); // in front of what is new
    await said.or(button).first().waitFor();
    if (await button.isVisible()) await button.click();
    await said.waitFor();
  } },
  ...["all", "bans", "log", "settings"].map((view) => ({
    name: `moderators' desk, ${view}`, path: `/comments/moderate#${view}`, ready: async (page, server) => {
      await page.getByRole("button", { name: "Try it as a moderator" }).click();
      await page.locator("#desk").waitFor();
      await fillDesk(page, server);
      await page.locator({ bans: "#ban-rows li", log: "#log-rows li", settings: "#set-guests" }[view] ?? ".entry").first().waitFor();
      if (view === "all") await page.getByRole("button", { name: /new comment/ }).click();
    },
  })),
  { name: "moderators' sign-in", path: "/comments/moderate", ready: (page) => page.locator("#sign-in").waitFor() },
  { name: "moderators' set-up", path: "/comments/setup?site=demo#secret", ready: (page) => page.locator("#setup").waitFor() },
];
