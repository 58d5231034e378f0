import assert from "node:assert/strict";
import { assertAccessible } from "../axe.mjs";
import { assertContrast, assertFits, assertKeyboard, assertNames, assertOutline } from "../barriers.mjs";
import { pages } from "../pages.mjs";

// The policy that a page is sent with, and what it had to stop.
function assertPolicy(response, what) {
  const policy = response.headers()["content-security-policy"] ?? "";
  assert.ok(policy.includes("default-src 'none'") && policy.includes("require-trusted-types-for 'script'") && !/unsafe-(inline|eval|hashes)|\*/.test(policy), `policy of ${what}: ${policy}`);
}

// Pages may hear of another theme a frame later.
async function inTheme(page, colorScheme) {
  await page.emulateMedia({ colorScheme });
  await page.evaluate(() => new Promise((resolve) => { requestAnimationFrame(() => requestAnimationFrame(resolve)); }));
}

async function check(house, { name, path, status = 200, frame = false, before = async () => {}, ready }) {
  if (status === 404) house.forgiven = /status of 404/;
  const server = await house.server();
  const page = await house.page(await house.profile());
  await page.emulateMedia({ reducedMotion: "reduce" });
  await page.addInitScript(() => {
    globalThis.__stopped = [];
    document.addEventListener("securitypolicyviolation", ({ violatedDirective, sourceFile, sample }) => globalThis.__stopped.push(`${violatedDirective} ${sourceFile} ${sample}`));
  });
  await before(page);
  const response = await page.goto(server.url + path);
  assert.equal(response.status(), status);
  assertPolicy(response, name);
  await ready(page, server);
  await assertOutline(page, name, frame);
  await assertNames(page, name);
  await assertKeyboard(page, name);
  await assertFits(page, name);
  for (const colorScheme of ["dark", "light"]) {
    await inTheme(page, colorScheme);
    await assertContrast(page, `${name}, ${colorScheme}`);
  }
  await assertAccessible(page, name, ...(frame ? ["page-has-heading-one"] : []));
  await page.setViewportSize({ width: 360, height: 740 });
  await inTheme(page, "dark");
  await assertKeyboard(page, `${name} on a phone`);
  await assertContrast(page, `${name}, dark, on a phone`);
  const menu = page.getByRole("button", { name: "Pages", exact: true });
  if (await menu.isVisible() && !(await page.locator("dialog:modal").count())) {
    await menu.click();
    await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Chat" }).waitFor();
    await assertContrast(page, `the menu of ${name}`);
    await page.keyboard.press("Escape");
  }
  assert.deepEqual(await page.evaluate(() => globalThis.__stopped), [], `what the policy stopped: ${name}`);
}

export default Object.fromEntries(pages.map((one) => [`no barriers: ${one.name}`, (house) => check(house, one)]));
