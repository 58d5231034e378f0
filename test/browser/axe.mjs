// What axe-core has against a page.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Fails with what axe-core has against the page; without are rules that are not for it. */
export async function assertAccessible(page, what, ...without) {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axe);
  const violations = await page.evaluate(async (without) => {
    const result = await globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], rules: Object.fromEntries(without.map((rule) => [rule, { enabled: false }])) });
    return result.violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => `${node.html.slice(0, 100)} ${node.any.map((check) => check.message).join("; ")}`).join(" | ")}`);
  }, without);
  assert.deepEqual(violations, [], what);
}
