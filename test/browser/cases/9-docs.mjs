import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import http from "node:http";
import { snippets } from "../../house/snippets.mjs";

const THIRDS = 3; // cases, as one has to be done in its time on a busy machine too
const SECRET = "a secret of thirty-two bytes, or more";

/** What the blocks use that a reader has, in a page that has the official client. */
const stubs = (url, token) => `
  globalThis.socket = io(${JSON.stringify(url)}, { auth: { token: ${JSON.stringify(token)} } });
  globalThis.mySecret = "a secret of this page";
  for (const name of ["currentToken", "newToken", "fetchToken"]) globalThis[name] = () => ${JSON.stringify(token)};
  for (const name of ["show", "showEverythingAnew"]) globalThis[name] = () => {};
  globalThis.source = new EventSource(${JSON.stringify(`${url}/events`)});
  await new Promise((resolve) => socket.on("connect", resolve));`;

/** A web server of a reader's own: pages by path, and what the documents bring along. */
async function site(house, pages) {
  const server = http.createServer((request, response) => {
    const page = pages[request.url];
    const type = request.url.endsWith(".js") ? "text/javascript" : "text/html; charset=utf-8";
    response.writeHead(page === undefined ? 404 : 200, { "Content-Type": type, ...(request.url === "/strict" && { "Content-Security-Policy": pages.policy }) });
    response.end(page ?? "");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  house.owns({ close: () => (server.closeAllConnections(), server.close()) });
  return `http://127.0.0.1:${server.address().port}`;
}

/** A text of the documents with the addresses of this case. */
const here = (text, url) => text
  .replaceAll("http://127.0.0.1:3000", url)
  .replaceAll("https://rt.example.com", url)
  .replaceAll("wss://rt.example.com", url.replace("http", "ws"))
  .replaceAll("ws://127.0.0.1:3000", url.replace("http", "ws"))
  .replaceAll('io("/', `io("${url}/`)
  .replaceAll("io({", `io("${url}", {`)
  .replaceAll('EventSource("/', `EventSource("${url}/`);

async function open(house, ...args) {
  house.forgiven = /WebSocket is closed before|net::ERR_ABORTED/; // of clients that the page of a block leaves behind
  const server = await house.server("--auth-secret", SECRET, "--anonymous", "--recovery", "2m", "--allow-eio3", ...args);
  return { server, page: await house.page(await house.profile()) };
}

/** A token of somebody, and a ticket for the same. */
async function shown(house, server) {
  const token = (await house.command(["--auth-secret", SECRET], "token", "--sub", "alice")).trim();
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const answer = await fetch(`${server.url}/api/v1/tickets`, { method: "POST", headers, body: "{}" });
  assert.equal(answer.status, 200);
  return { token, ticket: (await answer.json()).ticket };
}

/** Opens a page for each third block of JavaScript, in two tabs. */
async function runBlocks(house, third) {
  const { server, page } = await open(house);
  const { server: elsewhere } = await open(house, "--path", "/realtime/socket.io/"); // for the block that says so
  const { token, ticket } = await shown(house, server);
  const blocks = snippets("js");
  assert.ok(blocks.length > 15, `only ${blocks.length} blocks were found`);
  const pages = {
    "/favicon.ico": "",
    "/listen.js": readFileSync(new URL("../../../docs/examples/events/listen.js", import.meta.url), "utf8").replace('"/events"', JSON.stringify(`${server.url}/events`)),
    "/my/ticket": JSON.stringify({ ticket }),
    "/stubs.js": stubs(server.url, token),
  };
  for (const [i, block] of blocks.entries()) {
    const url = block.text.includes("/realtime/") ? elsewhere.url : server.url;
    pages[`/${i}.js`] = `import "/stubs.js";\n${here(block.text, url)}\nglobalThis.ran = true;`; // modules wait for their imports
    pages[`/${i}`] = `<!doctype html><title>${block.where}</title><script src="${server.url}/socket.io/socket.io.js"></script><script type="module" src="/${i}.js"></script>`;
  }
  const url = await site(house, pages);
  const left = [...blocks.entries()].filter(([i]) => i % THIRDS === third);
  const tabs = [page, await house.page(page.context())];
  await Promise.all(tabs.map(async (tab) => {
    for (let next = left.shift(); next; next = left.shift()) {
      const [i, block] = next;
      await tab.goto(`${url}/${i}`);
      await tab.waitForFunction("globalThis.ran").catch((error) => assert.fail(`${block.where} does not run to its end: ${error.message}`));
    }
  }));
}

/** What is there when a page of docs/comments.md has been opened. */
const shows = {
  tag: (page) => page.getByRole("heading", { name: "Comments" }).waitFor(),
  iframe: (page) => page.frameLocator("iframe").getByRole("heading", { name: "Comments" }).waitFor(),
  destroy: (page) => page.waitForFunction(() => window.SockeyeComments && !document.querySelector("sockeye-comments")),
  "comments-token": (page) => page.getByText("Writing as Ann").waitFor({ state: "attached" }), // shown to who begins to write
  "data-sockeye-count": (page) => page.locator("[data-sockeye-count]", { hasText: /comments/ }).waitFor(),
};

/** Opens each page of HTML that is, or is not, about comments. */
async function openPages(house, aboutComments) {
  const blocks = snippets("html").filter(({ page }) => (page === "docs/comments.md") === aboutComments);
  assert.ok(blocks.length > 3, `only ${blocks.length} blocks were found`);
  const pages = { "/favicon.ico": "", "/realtime-token": "" };
  const url = await site(house, pages);
  const comments = ["--comments-db", `${await house.file("")}.db`];
  await house.command(comments, "comments", "init", "--site", "blog", "--origin", url, "--guests");
  pages["/comments-token"] = (await house.command(comments, "comments", "token", "blog", "--sub", "7", "--name", "Ann")).trim();
  const { server, page } = await open(house, ...comments);
  for (const [i, block] of blocks.entries()) pages[`/${i}`] = `<!doctype html><meta charset="utf-8">${here(block.text, server.url)}`;
  for (const [i, block] of blocks.entries()) {
    const missing = [];
    const look = (response) => response.status() >= 400 && missing.push(`${response.status()} ${response.url()}`);
    page.on("response", look);
    await page.goto(`${url}/${i}`, { waitUntil: "load" });
    if (block.page === "docs/comments.md") await shows[block.text.match(/iframe|destroy|data-sockeye-count|comments-token/)?.[0] ?? "tag"](page);
    page.off("response", look);
    assert.deepEqual(missing, [], block.where);
  }
}

export default {
  ...Object.fromEntries([...Array(THIRDS).keys()].map((third) =>
    [`every block of JavaScript in the documents runs, part ${third + 1}`, (house) => runBlocks(house, third)])),

  "every page of HTML in the documents opens": (house) => openPages(house, false),
  "every page of HTML about comments opens, in the documents": (house) => openPages(house, true),

  "comments need no more than the policy that the documents give": async (house) => {
    const [tag] = snippets("html").filter((one) => one.page === "docs/comments.md");
    const [, given] = /^ {4}(script-src https:.*)$/m.exec(readFileSync(new URL("../../../docs/comments.md", import.meta.url), "utf8"));
    const pages = { "/favicon.ico": "" };
    const url = await site(house, pages);
    const comments = ["--comments-db", `${await house.file("")}.db`];
    await house.command(comments, "comments", "init", "--site", "blog", "--origin", url, "--guests");
    await house.command(comments, "comments", "site", "blog", "--set", "minTime=0");
    const { server, page } = await open(house, ...comments);
    pages["/strict"] = `<!doctype html><meta charset="utf-8">${here(tag.text, server.url)}`;
    pages.policy = `default-src 'none'; ${here(given, server.url)}; require-trusted-types-for 'script'`;
    await page.goto(`${url}/strict`);
    await page.getByRole("textbox").fill("Allowed");
    await page.getByLabel("Name").fill("Ann");
    await page.getByRole("button", { name: "Post" }).click();
    await page.getByText("Allowed", { exact: true }).waitFor();
  },

  "the page of docs/start.md talks to another window": async (house) => {
    const { server } = await open(house);
    const [block] = snippets("html").filter((one) => one.page === "docs/start.md");
    const url = await site(house, { "/favicon.ico": "", "/page.html": here(block.text, server.url) });
    const windows = [];
    for (let i = 0; i < 2; i++) windows.push(await house.page(await house.profile()));
    for (const window of windows) {
      const joined = window.waitForEvent("websocket").then((socket) => socket.waitForEvent("framereceived", (frame) => String(frame.payload).startsWith("3")));
      await window.goto(`${url}/page.html`);
      await joined;
    }
    await windows[0].getByLabel("Text").fill("hello");
    await windows[0].getByRole("button", { name: "Say" }).click();
    for (const window of windows) await window.getByRole("listitem").getByText("hello").waitFor();
  },
};
