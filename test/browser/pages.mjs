// Every page of the server, and how it comes to show what it is for. What all pages promise is
// checked for each, and each is in docs/screenshots.

const online = (page) => page.locator("[data-state=online]").first().waitFor();

/** Each: {name, path, flags?, before?(page), ready(page, server)}. Of a page that is a 404, status. */
export const pages = [
  { name: "index", path: "/", ready: async (page) => {
    await page.locator("#transport", { hasText: "WebSocket" }).waitFor();
    await page.locator("#connections", { hasText: /\d/ }).waitFor();
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
  { name: "moderators' sign-in", path: "/comments/moderate", ready: (page) => page.locator("#sign-in").waitFor() },
  { name: "moderators' set-up", path: "/comments/setup?site=demo#secret", ready: (page) => page.locator("#setup").waitFor() },
];
