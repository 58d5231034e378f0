import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { assertAccessible } from "../axe.mjs";
import { binary } from "../server.mjs";
import { devices } from "../devices.mjs";

async function send(server, device, reading) {
  const answer = await fetch(`${server.url}/api/v1/ingest/${device}`, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(reading),
  });
  assert.equal(answer.status, 200, await answer.text());
}

/** The text of the value of a key in the table. */
const valueOf = (page, device, metric) => page.locator("#values tr", { hasText: device }).filter({ hasText: metric }).locator(".number");

const thresholds = `
telemetry:
  thresholds:
    - {name: too hot, devices: "boiler-*", metric: temperature, above: 90, clear: 85, severity: critical}
`;

export default {
  "the dashboard draws what the demo's devices send": async (house) => {
    const server = await house.server();
    const page = await house.page(await house.profile());
    await page.goto(`${server.url}/dashboard`);
    await page.locator("#empty", { hasText: `sockeye demo devices --url ${server.url}` }).waitFor();
    await page.locator(".tile canvas").nth(2).waitFor();
    devices(house, server);
    await page.locator("#summary", { hasText: "12 devices" }).waitFor();
    await page.locator("#empty").waitFor({ state: "hidden" });
    assert.equal(await page.locator("#charts .chart").count(), 4);
    await page.locator("#charts canvas").nth(3).waitFor();
    await page.locator("#map-scale", { hasText: "A square is" }).waitFor();
    const price = valueOf(page, "demo-price-PIKE", "price");
    const first = await price.textContent();
    await page.waitForFunction((text) => [...document.querySelectorAll("#values tr")].some((row) => row.textContent.includes("PIKE") && !row.textContent.includes(text)), first);
    // The same in numbers, for those who cannot see lines; and another line.
    await page.getByRole("button", { name: "Show price as a table" }).click();
    await page.getByRole("table", { name: /^price/ }).getByRole("rowheader", { name: "demo-price-PIKE" }).waitFor();
    await page.getByRole("searchbox").fill("price");
    await page.getByRole("button", { name: "Chart price of demo-price-PIKE" }).press("Enter");
    await page.locator(".chart", { hasText: "1 of 4" }).waitFor();
  },

  "an alert appears on the dashboard and goes, also around a cut connection": async (house) => {
    house.forgiveLostConnections();
    const server = await house.server("--config", await house.file(thresholds));
    const wire = await house.wire(server);
    const page = await house.page(await house.profile());
    await send(server, "boiler-1", { metric: "temperature", value: 80, unit: "°C" });
    await page.goto(`${wire.url}/dashboard/`);
    await page.locator("#calm").waitFor();
    await send(server, "boiler-1", { metric: "temperature", value: 91, unit: "°C" });
    await page.getByRole("list", { name: "Alerts" }).getByText("too hot").waitFor();
    await page.locator("#announcements", { hasText: "Critical: too hot, boiler-1, temperature 91" }).waitFor();
    await wire.cut();
    await page.locator("#connection[data-state=offline]").waitFor();
    await send(server, "boiler-1", { metric: "temperature", value: 70, unit: "°C" });
    await send(server, "boiler-2", { metric: "state", value: "open" });
    await wire.mend();
    await page.locator("#connection[data-state=online]").waitFor();
    await page.locator("#calm").waitFor();
    await valueOf(page, "boiler-1", "temperature").filter({ hasText: "70" }).waitFor();
    await valueOf(page, "boiler-2", "state").filter({ hasText: "open" }).waitFor();
  },

  "a dashboard that is refused can be given a token": async (house) => {
    house.forgiven = /closed before the connection is established/;
    const config = ["--auth-secret", "a secret of thirty-two bytes, or more"];
    const server = await house.server(...config);
    const page = await house.page(await house.profile());
    await page.goto(`${server.url}/dashboard/`);
    await page.locator("#banner", { hasText: "log in first" }).waitFor();
    assert.equal(await page.locator("#empty, #server").filter({ visible: true }).count(), 0, "who knows nothing says that there is nothing");
    const child = spawn(binary, ["token", "--sub", "ann", "--role", "admin", ...config], { stdio: ["ignore", "pipe", "inherit"] });
    let token = "";
    for await (const chunk of child.stdout) token += chunk;
    await page.getByLabel("Token or API key").fill(token.trim());
    await page.getByRole("button", { name: "Connect" }).click();
    await page.locator("#connection[data-state=online]").waitFor();
    await page.locator(".tile").first().waitFor();
  },

  "the dashboard is accessible in light and dark, on a phone too": async (house) => {
    const server = await house.server("--config", await house.file(thresholds));
    devices(house, server);
    await send(server, "boiler-1", { metric: "temperature", value: 91, unit: "°C" });
    for (const options of [{}, { colorScheme: "dark" }, { viewport: { width: 360, height: 740 } }]) {
      const page = await house.page(await house.profile({ ...options, bypassCSP: true }));
      await page.goto(`${server.url}/dashboard/`);
      await page.locator("#alerts .alert").first().waitFor();
      await page.locator("#charts canvas").nth(3).waitFor();
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `the page is ${wide} px too wide`);
      const hidden = await page.locator(".table-frame").evaluate((frame) => frame.scrollWidth - frame.clientWidth);
      assert.ok(hidden <= 0, `the table is ${hidden} px too wide for its values to be in sight`);
      await assertAccessible(page, JSON.stringify(options));
    }
  },
};
