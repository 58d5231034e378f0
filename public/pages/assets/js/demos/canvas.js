// The shared canvas: what is drawn on the page, and what the others draw.

import { byId, el, hueOf } from "../dom.js";
import { random } from "../visitor.js";
import { Company, furnish, showPeople } from "./company.js";
import { Picture } from "./picture.js";

const STEP = 16; // units of the picture that the pen moves by a key
const CURSOR = 50; // ms between two hints of where the pen is

const paper = byId("paper");
const picture = new Picture(paper);
const company = new Company({
  namespace: "/demo-canvas",
  give: () => picture.parts(),
  take: (part) => {
    picture.merge(part);
    note();
  },
  changed: () => {
    showPeople(company);
    showCursors();
  },
});

// Drawing

let stroke = null; // what is being drawn
const mine = []; // ids of own strokes, for undo

const choice = (name) => document.querySelector(`input[name="${name}"]:checked`).value;

function begin(x, y) {
  stroke = { id: random(9), color: choice("color"), width: Number(choice("width")), sent: 0 };
  mine.push(stroke.id);
  picture.begin(stroke);
  extend(x, y);
}

function extend(x, y) {
  picture.extend(stroke.id, picture.length(stroke.id), [x, y]);
}

function end() {
  send();
  stroke = null;
  note();
}

// What was drawn since the last frame goes out as one event.
function send() {
  if (!stroke) return;
  const points = picture.points(stroke.id, stroke.sent);
  if (!points.length) return;
  company.tell("draw", { s: stroke.id, c: stroke.color, w: stroke.width, e: picture.epoch, at: stroke.sent, p: points });
  stroke.sent += points.length;
}

let waiting = false;
function sendSoon() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    send();
  });
}

paper.addEventListener("pointerdown", (event) => {
  if (event.button !== 0 || stroke) return;
  paper.setPointerCapture(event.pointerId);
  begin(...picture.at(event));
  sendSoon();
});
paper.addEventListener("pointermove", (event) => {
  const [x, y] = picture.at(event);
  point(x, y);
  if (!stroke || !paper.hasPointerCapture(event.pointerId)) return;
  for (const part of event.getCoalescedEvents?.() ?? [event]) extend(...picture.at(part));
  sendSoon();
});
for (const over of ["pointerup", "pointercancel"]) paper.addEventListener(over, () => { if (stroke) end(); });

// By keyboard: arrows move the pen, the space bar puts it down and lifts it.

const pen = { x: picture.width / 2, y: picture.height / 2 };
const crosshair = byId("pen");
const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

paper.addEventListener("keydown", (event) => {
  const move = moves[event.key];
  if (event.key === " ") {
    if (stroke) end();
    else begin(pen.x, pen.y);
    sendSoon();
    byId("said").textContent = stroke ? "Pen down" : "Pen up";
  } else if (move) {
    const step = event.shiftKey ? 4 * STEP : STEP;
    pen.x = Math.min(picture.width, Math.max(0, pen.x + move[0] * step));
    pen.y = Math.min(picture.height, Math.max(0, pen.y + move[1] * step));
    if (stroke) {
      extend(pen.x, pen.y);
      sendSoon();
    }
    point(pen.x, pen.y);
  } else {
    return;
  }
  event.preventDefault();
  showPen();
});
paper.addEventListener("focus", showPen);
paper.addEventListener("blur", () => {
  if (stroke) end();
  crosshair.hidden = true;
});

function showPen() {
  crosshair.hidden = !paper.matches(":focus-visible");
  crosshair.dataset.down = Boolean(stroke);
  put(crosshair, pen.x, pen.y);
}

function put(node, x, y) {
  node.style.left = `${(100 * x) / picture.width}%`;
  node.style.top = `${(100 * y) / picture.height}%`;
}

// Taking back

byId("undo").addEventListener("click", () => {
  const id = mine.pop();
  if (!id) return;
  picture.remove(id);
  company.tell("undo", id);
  note();
});
byId("clear").addEventListener("click", () => {
  const epoch = Math.max(Date.now(), picture.epoch + 1);
  picture.clear(epoch);
  company.tell("clear", epoch);
  note();
});
byId("save").addEventListener("click", () => {
  el("a", { href: paper.toDataURL("image/png"), download: "canvas.png" }).click();
});

function note() {
  paper.dataset.strokes = picture.size; // for those who look from outside
  byId("undo").disabled = !mine.some((id) => picture.has(id));
  byId("clear").disabled = !picture.size;
}

// The others

let pointed = 0;
function point(x, y) {
  if (performance.now() - pointed < CURSOR) return;
  pointed = performance.now();
  company.hint("cursor", { id: company.me.id, x: Math.round(x), y: Math.round(y) });
}

const cursors = new Map(); // elements by id

function showCursors() {
  for (const [id, cursor] of cursors) {
    const who = company.people.get(id);
    if (!who) {
      cursor.remove();
      cursors.delete(id);
      continue;
    }
    cursor.dataset.away = who.away;
    cursor.querySelector("span").textContent = who.name;
  }
}

function moveCursor({ id, x, y }) {
  const who = company.people.get(id);
  if (!who || !Number.isFinite(x) || !Number.isFinite(y)) return;
  if (!cursors.has(id)) {
    const cursor = el("div", { class: "cursor", "aria-hidden": "true" }, el("span", { text: who.name }));
    cursor.style.setProperty("--hue", hueOf(id));
    cursors.set(id, cursor);
    byId("cursors").append(cursor);
  }
  put(cursors.get(id), x, y);
}

await furnish(company);
const { socket } = company;
if (socket) {
  socket.on("cursor", moveCursor);
  socket.on("draw", ({ s, c, w, e, at, p }) => {
    picture.merge({ epoch: e, strokes: [{ id: s, color: c, width: w, at, points: p }] });
    note();
  });
  socket.on("undo", (id) => {
    picture.remove(id);
    note();
  });
  socket.on("clear", (epoch) => {
    picture.clear(epoch);
    note();
  });
}
note();
