import assert from "node:assert/strict";
import { assertAccessible } from "../axe.mjs";

const wide = { viewport: { width: 1280, height: 860 } };

// A page of a demo, with somebody in front of it.
async function guest(house, url, path, name, options = wide) {
  const page = await house.page(await house.profile(options));
  await page.addInitScript((nick) => localStorage.setItem("sockeye.chat.nick", nick), name);
  await page.goto(`${url}/demos/${path}?room=test`);
  await page.locator("#connection[data-state=online]").waitFor();
  return page;
}

const sees = (page, name) => page.locator("#people li", { hasText: name }).waitFor();
const strokes = (page, count) => page.locator(`#paper[data-strokes="${count}"]`).waitFor();
const fits = (page) => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);

async function draw(page, ...points) {
  const box = await page.locator("#paper").boundingBox();
  const [first, ...rest] = points.map(([x, y]) => [box.x + x * box.width, box.y + y * box.height]);
  await page.mouse.move(...first);
  await page.mouse.down();
  for (const point of rest) await page.mouse.move(...point, { steps: 4 });
  await page.mouse.up();
}

// Waits until the picture has a colour at a place.
const ink = (page, x, y, wanted) => page.waitForFunction(([px, py, color]) => {
  const paper = document.getElementById("paper");
  const found = paper.getContext("2d").getImageData(Math.round(px * paper.width), Math.round(py * paper.height), 1, 1).data;
  return [...found].slice(0, 3).join() === color;
}, [x, y, wanted]);

// Swims to the first fly with the pointer, and returns when it is caught; others may be on
// the way.
async function catchFly(page) {
  const river = page.locator("#river");
  const flies = await river.getAttribute("data-flies");
  const [x, y] = flies.split(" ")[0].split(",").map(Number);
  const box = await river.boundingBox();
  await page.mouse.move(box.x + (x / 1000) * box.width, box.y + (y / 640) * box.height);
  await page.mouse.down();
  await page.locator(`#river:not([data-flies^="${x},${y}"])`).waitFor();
  await page.mouse.up();
}

// What the score of each is on a page, once it is what it should be.
const scores = (page) => page.evaluate(() => [...document.querySelectorAll("#people li")].map((row) => `${row.querySelector(".who").textContent} ${row.querySelector(".score").textContent}`).sort());

async function agree(...pages) {
  const wanted = await scores(pages[0]);
  for (const page of pages) {
    await page.waitForFunction((want) => [...document.querySelectorAll("#people li")].map((row) => `${row.querySelector(".who").textContent} ${row.querySelector(".score").textContent}`).sort().join() === want, wanted.join());
  }
  return wanted;
}

export default {
  "two draw on one canvas, and who comes later or was cut off has all of it": async (house) => {
    house.forgiven = /net::ERR_|WebSocket connection to|willReadFrequently/; // the last is for this test's looking
    const server = await house.server();
    const wire = await house.wire(server);
    const ann = await guest(house, server.url, "canvas", "Ann");
    const bea = await guest(house, wire.url, "canvas", "Bea");
    await sees(ann, "Bea");
    await sees(bea, "Ann");
    await draw(ann, [0.2, 0.2], [0.4, 0.2]);
    await strokes(bea, 1);
    await bea.locator(".cursor span", { hasText: "Ann" }).waitFor();
    await bea.getByRole("radio", { name: "Red" }).check();
    await bea.locator("#paper").focus();
    for (const key of ["Space", "ArrowRight", "ArrowRight", "Space"]) await bea.keyboard.press(key);
    await strokes(ann, 2);
    await ink(ann, 0.505, 0.5, "182,58,41"); // what Bea drew by keyboard
    await wire.cut();
    await bea.locator("#connection:not([data-state=online])").waitFor();
    await draw(ann, [0.2, 0.8], [0.4, 0.8]);
    await draw(bea, [0.6, 0.8], [0.8, 0.8]);
    await wire.mend();
    for (const page of [ann, bea]) await strokes(page, 4);
    await bea.locator("#connection[data-state=online][data-recovered=true]").waitFor();
    const cleo = await guest(house, server.url, "canvas", "Cleo");
    await strokes(cleo, 4);
    await ink(cleo, 0.3, 0.2, "16,41,44");
    await ink(cleo, 0.7, 0.8, "182,58,41");
    await ann.getByRole("button", { name: "Undo" }).click();
    for (const page of [bea, cleo]) await strokes(page, 3);
    await cleo.getByRole("button", { name: "Clear" }).click();
    for (const page of [ann, bea]) await strokes(page, 0);
    await cleo.close();
    await ann.locator("#people li", { hasText: "Cleo" }).waitFor({ state: "detached" });
  },

  "two fish swim in one river, and one that was cut off goes on": async (house) => {
    house.forgiveLostConnections();
    const server = await house.server();
    const wire = await house.wire(server);
    const ann = await guest(house, server.url, "game", "Ann");
    const bea = await guest(house, wire.url, "game", "Bea");
    await sees(ann, "Bea");
    await sees(bea, "Ann");
    await catchFly(ann);
    await agree(ann, bea);
    const before = await ann.locator("#river").getAttribute("data-others");
    await bea.locator("#river").focus();
    await bea.keyboard.down("ArrowLeft");
    await ann.waitForFunction((was) => document.getElementById("river").dataset.others !== was, before);
    await bea.keyboard.up("ArrowLeft");
    const id = await bea.locator("#river").getAttribute("data-me");
    await wire.cut();
    await bea.locator("#connection:not([data-state=online])").waitFor();
    await catchFly(ann);
    await wire.mend();
    await bea.locator("#connection[data-state=online][data-recovered=true]").waitFor();
    await agree(ann, bea);
    assert.equal(await bea.locator("#river").getAttribute("data-me"), id, "the id of the fish");
    await catchFly(bea);
    const cleo = await guest(house, server.url, "game", "Cleo");
    for (const name of ["Ann", "Bea"]) await sees(cleo, name);
    await sees(ann, "Cleo");
    await sees(bea, "Cleo");
    const final = await agree(ann, bea, cleo);
    assert.ok(!final.some((line) => /^(Ann|Bea) 0/.test(line)), `what they caught: ${final}`);
  },

  "no barriers on the demos, and none of them where they are off": async (house) => {
    const server = await house.server();
    const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };
    for (const [path, options] of [["canvas", { ...wide, colorScheme: "dark" }], ["canvas", phone], ["game", { ...phone, colorScheme: "dark" }]]) {
      const page = await guest(house, server.url, path, "Ann", options);
      await page.getByText("The whole server side").click();
      await page.locator("#rules", { hasText: `/demo-${path}:` }).waitFor();
      await assertAccessible(page, `${path} ${JSON.stringify(options)}`);
      assert.equal(await fits(page), true, `${path} is wider than the window`);
    }
    house.forgiven = /closed before the connection is established/;
    const strict = await house.server("--auth-secret", "a secret of thirty-two bytes, or more");
    const refused = await house.page(await house.profile(phone));
    await refused.goto(`${strict.url}/demos/canvas`);
    await refused.locator("#trouble", { hasText: "log in first" }).waitFor();
    assert.equal(await fits(refused), true, "a canvas that is refused is wider than the window");
    const off = await house.server("--no-demos");
    assert.equal((await fetch(`${off.url}/demos/canvas`)).status, 404);
    assert.ok(!(await (await fetch(off.url)).text()).includes("demos/"), "the index leads to the demos");
  },
};
