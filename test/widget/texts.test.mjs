import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { test } from "node:test";

const folder = new URL("../../public/comments/", import.meta.url);
const read = (name) => readFile(new URL(name, folder), "utf8");
const names = (await readdir(new URL("texts/", folder))).sort();
const texts = Object.fromEntries(await Promise.all(names.map(async (name) => [name.slice(0, -5), JSON.parse(await read(`texts/${name}`))])));
const holes = (text) => [...new Set(Object.values(typeof text === "object" ? text : { text }).join(" ").match(/\{\w+\}/g) ?? [])].sort();

test("every language has the texts of English, with the same holes in them", () => {
  for (const [language, words] of Object.entries(texts)) {
    assert.deepEqual(Object.keys(words), Object.keys(texts.en), language);
    for (const key in words) {
      assert.deepEqual(holes(words[key]), holes(texts.en[key]), `${language}: ${key}`);
      assert.equal(typeof words[key], typeof texts.en[key], `${language}: ${key}`);
      if (typeof words[key] === "object") assert.ok(words[key].other, `${language}: ${key} has no other`);
    }
  }
});

test("the script knows the languages that there are", async () => {
  const [, list] = /LANGUAGES = (\[.*?\])/.exec(await read("texts.js"));
  assert.deepEqual(JSON.parse(list), Object.keys(texts).filter((language) => language !== "en"));
});

test("each text is used, and what is used is there", async () => {
  const codes = "unauthorized forbidden banned not_found too_long too_late duplicate too_fast rate_limited unknown_site origin_refused invalid_token token_expired guests_refused".split(" ");
  const source = (await Promise.all((await readdir(folder)).filter((name) => name.endsWith(".js")).map(read))).join("\n");
  for (const key in texts.en) assert.ok(codes.includes(key) || new RegExp(`["' ]${key}["':]|\\b${key}: \\d`).test(source), `"${key}" is not used`);
  for (const [, key] of source.matchAll(/\bsay\("(\w+)"/g)) assert.ok(key in texts.en, `"${key}" is not there`);
});
