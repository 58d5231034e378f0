import assert from "node:assert/strict";

export default {
  "the index shows the live connection": async (house) => {
    const server = await house.server();
    const page = await house.page(await house.profile());
    await page.goto(server.url);
    await page.locator("#state", { hasText: "Connected" }).waitFor();
    await page.locator("#transport", { hasText: "WebSocket" }).waitFor();
    await page.locator("#round-trip", { hasText: / ms$/ }).waitFor();
    await page.getByRole("link", { name: "Open the chat" }).click();
    await page.waitForURL(/\/chat$/);
  },

  "the playground joins, says and shows what came": async (house) => {
    // The refused connection may be ended while it is being upgraded and polls.
    house.forgiven = /closed before the connection is established|status of 400/;
    const server = await house.server();
    const page = await house.page(await house.profile());
    await page.goto(`${server.url}/playground`);
    await page.locator("#connection[data-state=online]").waitFor();
    const lines = page.getByRole("log", { name: "Events" });
    for (const event of ["join", "say"]) {
      await page.getByRole("button", { name: event, exact: true }).click();
      await page.getByRole("button", { name: "Send" }).click();
      await lines.getByText(`${event} "ok"`).waitFor();
    }
    await lines.getByText('msg {"text":"Hello"}').waitFor();
    await page.getByLabel("Event", { exact: true }).fill("dance");
    await page.getByRole("button", { name: "Send" }).click();
    await lines.getByText('"code":"unknown_event"').waitFor();
    await page.getByLabel("Arguments").fill("{");
    await page.getByRole("button", { name: "Send" }).click();
    await page.getByRole("alert").getByText("Not JSON").waitFor();
    await page.getByLabel("Name", { exact: true }).fill("/chat");
    await page.getByRole("button", { name: "Connect anew" }).click();
    await lines.getByText('"code":"bad_secret"').waitFor();
  },

  "a visitor whom the server refuses is told so, and what was written stays": async (house) => {
    house.forgiven = /closed before the connection is established/;
    const server = await house.server("--no-anonymous", "--auth-secret", "a secret of thirty-two bytes, or more");
    const page = await house.page(await house.profile());
    await page.goto(`${server.url}/chat`);
    await page.getByLabel("Nickname").fill("Ann");
    await page.getByRole("button", { name: "Start chatting" }).click();
    await page.locator("#banner", { hasText: "log in first" }).waitFor();
    await page.locator("#subtitle", { hasText: "Not connected" }).waitFor();
    await page.locator("#text").fill("Hello");
    await page.keyboard.press("Enter");
    await page.locator("#text-problem", { hasText: "you are not connected" }).waitFor();
    assert.equal(await page.locator("#text").inputValue(), "Hello");
  },

  "an unknown address is a page that says so": async (house) => {
    house.forgiven = /status of 404/;
    const server = await house.server();
    const page = await house.page(await house.profile());
    const response = await page.goto(`${server.url}/no/such/page`);
    assert.equal(response.status(), 404);
    await page.getByRole("link", { name: "To the start page" }).click();
    await page.waitForURL(`${server.url}/`);
  },

  "the pages' policy stops inline scripts": async (house) => {
    house.forgiven = /Content Security Policy|TrustedScript|Trusted/;
    const server = await house.server();
    const page = await house.page(await house.profile());
    for (const path of ["/", "/chat", "/playground", "/api/"]) {
      const response = await page.goto(server.url + path);
      const policy = response.headers()["content-security-policy"];
      assert.ok(policy.includes("default-src 'none'") && !policy.includes("unsafe"), `policy of ${path}: ${policy}`);
      const ran = await page.evaluate(() => {
        const script = document.createElement("script");
        try {
          script.textContent = "globalThis.ran = true";
          document.head.append(script);
        } catch {
          // refused earlier still
        }
        return globalThis.ran === true;
      });
      assert.equal(ran, false, `an inline script ran on ${path}`);
    }
  },

  "a refusal says why, and what the operator can do": async (house) => {
    house.forgiven = /status of 403/;
    const server = await house.server("--anonymous=off");
    const page = await house.page(await house.profile());
    await page.goto(server.url);
    await page.locator("#state-detail", { hasText: "--anonymous" }).waitFor();
    await page.goto(`${server.url}/chat`);
    await page.getByLabel("Nickname").fill("Ann");
    await page.getByRole("button", { name: "Start chatting" }).click();
    await page.locator("#banner", { hasText: "--anonymous" }).waitFor();
  },

  "a server built without the client says so": async (house) => {
    house.forgiven = /status of 404/;
    const server = await house.server();
    const page = await house.page(await house.profile());
    await page.route("**/socket.io.esm.min.js", (route) => route.fulfill({ status: 404, body: "not built in" }));
    await page.goto(server.url);
    await page.locator("#state-detail", { hasText: "built without the browser client" }).waitFor();
  },

  "another path for the server is found by the pages": async (house) => {
    const server = await house.server("--path", "/live");
    const ann = await house.person(server, "Ann");
    await ann.onTransport("WebSocket");
    await ann.say("here too");
    await ann.seesExactly("here too");
  },
};
