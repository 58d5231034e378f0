// The fenced blocks of the documents, for the suites that run them.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "./programs.mjs";

/**
 * The blocks of README.md, of docs and of deploy in a language, as docs/pages_test.go reads them. A block of JavaScript is for
 * a browser unless docs/snippets.json says that it is for Node.
 */
export function snippets(language, { node = false } = {}) {
  const pages = ["README.md", "CHANGELOG.md", "SECURITY.md", "bench/README.md", "deploy/README.md", "deploy/proxies/README.md", ...readdirSync(join(root, "docs")).filter((file) => file.endsWith(".md")).map((file) => `docs/${file}`)];
  const { forNode } = JSON.parse(readFileSync(join(root, "docs", "snippets.json"), "utf8"));
  const isForNode = ({ page, text }) => forNode.some((one) => one.page === page && text.startsWith(one.begins));
  const all = pages.flatMap((page) => blocks(page, readFileSync(join(root, page), "utf8")).filter((block) => block.language === language));
  return language === "js" ? all.filter((block) => isForNode(block) === node) : all;
}

function blocks(page, text) {
  const found = [];
  let open;
  for (const [i, line] of text.split("\n").entries()) {
    const fence = /^\s*```(.*)$/.exec(line);
    if (fence && open) open = undefined;
    else if (fence) found.push((open = { page, line: i + 2, where: `${page}:${i + 2}`, language: fence[1].trim(), text: "" }));
    else if (open) open.text += `${line}\n`;
  }
  return found;
}
