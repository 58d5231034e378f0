// The lists at both sides: conversations on one, people on the other. On a narrow
// screen they are drawers.

import { avatar, byId, el } from "../dom.js";

const byNick = (a, b) => a.nick.localeCompare(b.nick, undefined, { sensitivity: "base", numeric: true });

/** Draws the lists of conversations. */
export function showConversations(conversations, open, onOpen) {
  const all = [...conversations.values()];
  keepFocus(byId("rooms-panel"), () => {
    byId("rooms").replaceChildren(...all.filter((c) => c.kind === "room").map((c) => entry(c, c === open, onOpen)));
    const privates = all.filter((c) => c.kind === "private");
    byId("privates").replaceChildren(...privates.map((c) => entry(c, c === open, onOpen)));
    byId("privates-title").hidden = byId("privates").hidden = privates.length === 0;
  });
  const unread = all.reduce((sum, c) => sum + c.unread, 0);
  byId("unread-elsewhere").hidden = unread === 0;
  byId("unread-elsewhere").textContent = unread > 99 ? "99+" : unread;
  byId("show-rooms-text").textContent = unread ? `Conversations, ${unread} unread` : "Conversations";
}

function entry(conversation, current, onOpen) {
  const sign = conversation.kind === "room" ? el("span", { class: "sign", "aria-hidden": "true", text: "#" }) : avatar(conversation.user);
  const badge = conversation.unread
    ? el("span", { class: "badge" }, String(conversation.unread), el("span", { class: "unseen", text: " unread" }))
    : null;
  const button = el("button", { type: "button", data: { key: conversation.key }, "aria-current": current ? "true" : null },
    sign, el("span", { class: "name", text: conversation.title }), badge);
  button.addEventListener("click", () => onOpen(conversation));
  return el("li", {}, button);
}

/** Draws who is here. */
export function showPeople(conversation, me, onPick) {
  const people = [...conversation.people.values()].sort(byNick);
  const count = people.length || conversation.crowd;
  byId("people-title").textContent = count ? `Here now · ${count}` : "Here now";
  byId("people-many").hidden = conversation.crowd === 0;
  keepFocus(byId("people-panel"), () => byId("people").replaceChildren(...people.map((user) => person(user, me, onPick))));
}

function person(user, me, onPick) {
  const mine = user.id === me?.id;
  const button = el("button", { type: "button", data: { user: user.id }, title: mine ? "Change your nickname" : `Write to ${user.nick}` },
    avatar(user), el("span", { class: "name", text: user.nick }), mine ? el("span", { class: "you", text: "you" }) : null);
  button.addEventListener("click", () => onPick(user));
  return el("li", {}, button);
}

// Drawing a list anew would throw the keyboard out of it.
function keepFocus(panel, draw) {
  const { key, user } = panel.contains(document.activeElement) ? document.activeElement.dataset : {};
  draw();
  if (key || user) [...panel.querySelectorAll("button")].find((b) => (key ? b.dataset.key === key : b.dataset.user === user))?.focus();
}

const drawers = [["show-rooms", "rooms-panel"], ["show-people", "people-panel"]];

/** Closes the drawers; the keyboard goes back to where it came from. */
export function closeDrawers() {
  for (const [buttonId, panelId] of drawers) {
    const inside = byId(panelId).contains(document.activeElement);
    byId(panelId).classList.remove("open");
    if (byId(buttonId).getAttribute("aria-expanded") === "true" && inside) byId(buttonId).focus();
    byId(buttonId).setAttribute("aria-expanded", "false");
  }
  byId("scrim").hidden = true;
}

for (const [buttonId, panelId] of drawers) {
  byId(buttonId).addEventListener("click", () => {
    const opening = !byId(panelId).classList.contains("open");
    closeDrawers();
    if (!opening) return;
    byId(panelId).classList.add("open");
    byId(buttonId).setAttribute("aria-expanded", "true");
    byId("scrim").hidden = false;
    byId(panelId).querySelector("[aria-current], button")?.focus();
  });
}
byId("scrim").addEventListener("click", closeDrawers);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") closeDrawers();
});
