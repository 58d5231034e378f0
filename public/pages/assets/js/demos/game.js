// The game: fish in a river catch mayflies. There is no referee on the server: pages tell
// each other what they caught, and agree because of two of one fly the earlier catch counts.

import { byId, el, hueOf } from "../dom.js";
import { Company, furnish, showPeople } from "./company.js";
import { Round } from "./round.js";
import { HEIGHT, River, WIDTH } from "./river.js";

const SPEED = 380; // units of the river in a second
const REACH = 42; // units between a fish and the fly that it catches
const HINT = 80; // ms between two hints of where this fish is, while it swims
const STILL = 1_000; // and while it does not

const canvas = byId("river");
const river = new River(canvas);
const round = new Round();
const me = { x: WIDTH / 2, y: HEIGHT / 2, angle: 0, moving: false };
const others = new Map(); // fish by id: where one is, and where it was last said to be

const company = new Company({
  namespace: "/demo-game",
  give: () => [round.state()],
  take: (state) => settle(round.merge(state)),
  changed: show,
});

// Who is here, with what they have caught

function show() {
  const scores = round.scores();
  const ranked = company.everybody.sort((a, b) => (scores.get(b.id) ?? 0) - (scores.get(a.id) ?? 0));
  showPeople({ everybody: ranked, me: company.me });
  [...byId("people").children].forEach((row, at) => {
    const { id } = ranked[at];
    const wins = round.wins.get(id) ?? 0;
    row.append(el("span", { class: "score", "aria-label": `${scores.get(id) ?? 0} flies, ${wins} rounds won`, role: "img", text: `${scores.get(id) ?? 0}${wins ? ` · ${wins}★` : ""}` }));
  });
  byId("round").textContent = `Round ${round.number}: ${round.left} of 24 mayflies left. Who catches most wins.`;
  canvas.dataset.round = round.number; // for those who look from outside
  canvas.dataset.flies = round.flies().map(({ x, y }) => `${Math.round(x)},${Math.round(y)}`).join(" ");
}

const nameOf = (id) => company.everybody.find((who) => who.id === id)?.name ?? "Somebody who has left";

let quiet = 0; // timer
function settle(winner) {
  if (winner) {
    const text = winner === company.me.id ? "You win the round!" : `${nameOf(winner)} wins the round`;
    byId("said").textContent = byId("banner").textContent = text;
    byId("banner").hidden = false;
    clearTimeout(quiet);
    quiet = setTimeout(() => { byId("banner").hidden = true; }, 3_000);
  }
  show();
}

// Steering

const keys = new Set();
const ways = {
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
  KeyA: [-1, 0], KeyD: [1, 0], KeyW: [0, -1], KeyS: [0, 1],
};
let target = null; // where the pointer is held

canvas.addEventListener("keydown", (event) => {
  if (!ways[event.code] || event.ctrlKey || event.metaKey || event.altKey) return;
  keys.add(event.code);
  event.preventDefault();
});
canvas.addEventListener("keyup", (event) => keys.delete(event.code));
canvas.addEventListener("blur", () => keys.clear());
canvas.addEventListener("pointerdown", (event) => {
  canvas.setPointerCapture(event.pointerId);
  target = river.at(event);
});
canvas.addEventListener("pointermove", (event) => {
  if (target && canvas.hasPointerCapture(event.pointerId)) target = river.at(event);
});
for (const over of ["pointerup", "pointercancel"]) canvas.addEventListener(over, () => { target = null; });

function wanted() {
  let [x, y] = [0, 0];
  for (const key of keys) {
    x += ways[key][0];
    y += ways[key][1];
  }
  if (!x && !y && target) [x, y] = [target.x - me.x, target.y - me.y];
  const length = Math.hypot(x, y);
  const near = target && !keys.size && length < 6;
  return length && !near ? { x: x / length, y: y / length } : null;
}

function swim(seconds) {
  const way = wanted();
  me.moving = Boolean(way);
  if (!way) return;
  me.x = Math.min(WIDTH - 20, Math.max(20, me.x + way.x * SPEED * seconds));
  me.y = Math.min(HEIGHT - 20, Math.max(20, me.y + way.y * SPEED * seconds));
  me.angle = Math.atan2(way.y, way.x);
}

function bite() {
  if (!company.online || !company.ready) return; // a fish that nobody sees catches nothing
  for (const fly of round.flies()) {
    if (Math.hypot(fly.x - me.x, fly.y - me.y) > REACH) continue;
    const caught = { r: round.number, i: fly.index, id: company.me.id, t: Date.now() };
    company.tell("catch", caught);
    river.splash(fly);
    settle(round.take(caught));
    return;
  }
}

let hinted = 0;
function hint(now) {
  if (now - hinted < (me.moving ? HINT : STILL)) return;
  hinted = now;
  company.hint("swim", { id: company.me.id, x: Math.round(me.x), y: Math.round(me.y), a: Number(me.angle.toFixed(2)) });
}

// Others are drawn a little late, on the way to where they were last said to be.
function follow(seconds) {
  for (const [id, fish] of others) {
    if (!company.people.has(id)) others.delete(id);
    const part = 1 - Math.exp(-12 * seconds);
    fish.moving = Math.hypot(fish.to.x - fish.x, fish.to.y - fish.y) > 2;
    fish.x += (fish.to.x - fish.x) * part;
    fish.y += (fish.to.y - fish.y) * part;
  }
}

let last = performance.now();
function frame(now) {
  const seconds = Math.min(0.1, (now - last) / 1000);
  last = now;
  swim(seconds);
  bite();
  hint(now);
  follow(seconds);
  const school = [...others].map(([id, fish]) => ({ ...fish, hue: hueOf(id), name: nameOf(id), away: company.people.get(id)?.away }));
  school.push({ ...me, hue: hueOf(company.me.id), name: company.me.name, mine: true, away: !company.online });
  river.draw(now / 1000, round.flies(), school);
  requestAnimationFrame(frame);
}

await furnish(company);
const { socket } = company;
if (socket) {
  socket.on("swim", ({ id, x, y, a }) => {
    if (![x, y, a].every(Number.isFinite) || !company.people.has(id)) return;
    const fish = others.get(id) ?? { x, y };
    others.set(id, Object.assign(fish, { to: { x, y }, angle: a }));
    canvas.dataset.others = [...others.values()].map(({ to }) => `${to.x},${to.y}`).join(" ");
  });
  socket.on("catch", (caught) => {
    const fly = round.flies().find(({ index }) => index === caught.i && round.number === caught.r);
    if (fly) river.splash(fly);
    settle(round.take(caught));
  });
}
canvas.dataset.me = company.me.id;
show();
requestAnimationFrame(frame);
