// The messages of the conversation that is open.

import { avatar, byId, el, hueOf } from "../dom.js";

const box = byId("transcript");
const latest = byId("latest");
const together = 5 * 60_000; // ms within which messages of one author stand together
const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

let shown = null; // the conversation
let onRetry = () => {};
const nodes = new Map(); // by item

/** Sets what the "Try again" button of a message does. */
export function retryWith(callback) {
  onRetry = callback;
}

/** Shows a conversation from the beginning, without reading it all aloud. */
export function show(conversation) {
  shown = conversation;
  quietly(() => {
    nodes.clear();
    box.replaceChildren();
    let before = null;
    for (const item of conversation.items) {
      add(item, before);
      before = item;
    }
    if (conversation.items.length === 0) box.append(emptiness(conversation));
  });
  toEnd();
}

/** Shows an item that was appended to the conversation. */
export function append(conversation, item) {
  if (conversation !== shown) return;
  const follow = atEnd() || item.mine;
  box.querySelector(".quiet-room")?.remove();
  add(item, conversation.items.at(-2) ?? null);
  while (nodes.size > conversation.items.length) {
    const [oldest, node] = nodes.entries().next().value;
    node.remove();
    nodes.delete(oldest);
  }
  if (follow) toEnd();
  else if (item.type === "message") latest.hidden = false;
}

/** Shows an item anew whose state has changed. */
export function refresh(conversation, item) {
  const node = nodes.get(item);
  if (conversation !== shown || !node) return;
  quietly(() => {
    node.className = classOf(item, node.classList.contains("follows"));
    node.querySelector(".fate")?.remove();
    node.querySelector(".content").append(...fate(item));
    const time = node.querySelector("time");
    if (time && item.time) setTime(time, item.time);
  });
}

function add(item, before) {
  const dayBefore = before?.time ? new Date(before.time).toDateString() : null;
  if (item.time && dayBefore !== new Date(item.time).toDateString() && (dayBefore || !isToday(item.time))) {
    box.append(el("p", { class: "divider", text: isToday(item.time) ? "Today" : day.format(item.time) }));
  }
  const node = render(item, before);
  nodes.set(item, node);
  box.append(node);
}

function isToday(time) {
  return new Date(time).toDateString() === new Date().toDateString();
}

function render(item, before) {
  if (item.type === "notice") return el("p", { class: "notice", text: item.text });
  if (item.type === "gap") return el("p", { class: "divider", text: "Messages may be missing here" });
  const follows = before?.type === "message" && before.user.id === item.user.id
    && before.user.nick === item.user.nick && item.time - before.time < together;
  const by = el("div", { class: "by" }, el("strong", { text: item.user.nick }), setTime(el("time"), item.time));
  const content = el("div", { class: "content" }, by, el("div", { class: "words", dir: "auto" }, ...withLinks(item.text)), ...fate(item));
  const node = el("div", { class: classOf(item, follows), data: item.id ? { id: item.id } : {} }, avatar(item.user), content);
  by.style.setProperty("--hue", hueOf(item.user.id));
  return node;
}

function classOf(item, follows) {
  return ["message", item.state, follows ? "follows" : "", item.mine ? "mine" : ""].filter(Boolean).join(" ");
}

function setTime(node, time) {
  node.dateTime = new Date(time).toISOString();
  node.textContent = clock.format(time);
  return node;
}

function fate(item) {
  if (item.state === "pending" && item.late) return [el("div", { class: "fate", text: "Waiting for the connection…" })];
  if (item.state !== "failed") return [];
  const again = el("button", { type: "button", text: "Try again" });
  again.addEventListener("click", () => onRetry(item));
  return [el("div", { class: "fate" }, `Not sent: ${item.problem} `, again)];
}

// Addresses become links; everything else stays text.
function withLinks(text) {
  return text.split(/(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]'])/g).map((part, i) => (
    i % 2 === 0 ? part : el("a", { href: part, text: part, target: "_blank", rel: "noopener noreferrer nofollow" })
  ));
}

function emptiness(conversation) {
  const words = conversation.kind === "room"
    ? (conversation.joined ? `Nothing has been said in ${conversation.name} yet. Be the first.` : "")
    : `Only you and ${conversation.title} read this. The server does not keep private messages.`;
  return el("div", { class: "quiet-room" }, el("img", { src: "favicon.svg", alt: "" }), el("p", { text: words }));
}

// A log is read aloud as it grows; what is only drawn anew is not.
function quietly(draw) {
  box.setAttribute("aria-live", "off");
  draw();
  requestAnimationFrame(() => box.setAttribute("aria-live", "polite"));
}

function atEnd() {
  return box.scrollHeight - box.scrollTop - box.clientHeight < 80;
}

function toEnd() {
  box.scrollTop = box.scrollHeight;
  latest.hidden = true;
}

box.addEventListener("scroll", () => {
  if (atEnd()) latest.hidden = true;
}, { passive: true });
latest.addEventListener("click", () => {
  toEnd();
  box.focus();
});
new ResizeObserver(() => {
  if (latest.hidden) toEnd(); // a keyboard that opens must not hide the last message
}).observe(box);
