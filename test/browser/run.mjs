// Runs every case of cases/ against bin/sockeye in one browser, and says how many
// passed. An argument runs only the cases whose name contains it.

import { readdir } from "node:fs/promises";
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";
import { House } from "./house.mjs";

const PATIENCE = 120_000; // ms, on the slowest machine
const AT_ONCE = 3; // cases
const executablePath = process.env.CHROMIUM || "/usr/bin/chromium";
const wanted = process.argv[2] ?? "";

if (!existsSync(executablePath)) {
  console.error(`no browser at ${executablePath}; install Debian's chromium, or name one with CHROMIUM`);
  process.exit(1);
}

const cases = [];
for (const file of (await readdir(new URL("cases/", import.meta.url))).sort()) {
  const module = await import(new URL(`cases/${file}`, import.meta.url));
  for (const [name, run] of Object.entries(module.default)) {
    if (name.includes(wanted)) cases.push({ name, run });
  }
}

const browser = await chromium.launch({
  executablePath,
  args: [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
  ],
});

let passed = 0;
const failed = [];

async function runCase({ name, run }) {
  const house = new House(browser);
  const start = Date.now();
  let timer;
  try {
    await Promise.race([
      run(house).then(() => house.assertQuiet()),
      new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`not done after ${PATIENCE} ms`)), PATIENCE); }),
    ]);
    passed += 1;
    console.log(`ok    ${name} (${Date.now() - start} ms)`);
  } catch (error) {
    failed.push(name);
    const lines = [String(error.stack ?? error), ...await house.tell()].join("\n");
    console.log(`FAIL  ${name} (${Date.now() - start} ms)\n${lines.replace(/^/gm, "      ")}`);
  } finally {
    clearTimeout(timer);
    await house.close();
  }
}

// Cases mostly wait for the network and share nothing.
const queue = [...cases];
await Promise.all(Array.from({ length: AT_ONCE }, async () => {
  for (let next = queue.shift(); next; next = queue.shift()) await runCase(next);
}));
await browser.close();

for (const name of failed) console.log(`failed: ${name}`);
console.log(`${passed} passed, ${failed.length} failed`);
process.exitCode = failed.length || !passed ? 1 : 0;
