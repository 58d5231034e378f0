// The page of moderators: the way in, the views, and what is heard.

import { byId, el } from "../dom.js";
import { connect, transportName, watch } from "../connection.js";
import { Deeds } from "./deeds.js";
import { Gate, knownSites, rememberSite } from "./gate.js";
import { Keys } from "./keys.js";
import { Bans, Log } from "./ledgers.js";
import { ask, sentence } from "./line.js";
import { People } from "./person.js";
import { Queue } from "./queue.js";
import { Settings } from "./settings.js";
import { count, number, views } from "./words.js";

const ANNOUNCE = 5000; // ms between two announcements
const states = { connecting: "Connecting…", offline: "Connection lost", refused: "Refused" };
const outcome = { approve: "published", restore: "published", reject: "rejected", delete: "deleted" };

let site = new URLSearchParams(location.search).get("site") ?? knownSites()[0] ?? "";
let about = { origins: [] };
let view = "";
let narrowed = {}; // {page?, user?, name?, text?}: what the queue shows alone
let pending = 0;
let flagged = 0;
let announced = 0;
const deciders = new Map(); // of other moderators, by comment: {name, state}

const desk = {
  socket: null,
  address, ban: (authors) => people.ban(authors),
  waiting(counts) {
    ({ pending = pending, flagged = flagged } = counts);
    for (const [id, n] of [["count-pending", pending], ["count-flagged", flagged]]) {
      byId(id).hidden = !n;
      byId(id).textContent = number.format(n);
    }
    entitle();
  },
  say(sentence) {
    byId("toast").hidden = false;
    byId("toast-text").textContent = sentence;
    byId("toast-failed").replaceChildren();
    byId("undo").hidden = true;
  },
  problem(error) { desk.say(error.message); },
  bansChanged() { if (view === "bans") bans.open(); },
  go(to) {
    narrowed = { page: to.page, user: to.user, name: to.name };
    if (view === to.view) openView();
    else location.hash = to.view;
  },
};

const queue = new Queue(desk, {
  deed: (card, name) => deeds.run([card], name),
  ban: (authors) => people.ban(authors),
  person: (author) => people.show(author),
  page: (page) => desk.go({ view, page }),
});
const deeds = new Deeds(desk, queue);
const people = new People(desk, deeds);
const bans = new Bans(desk, people);
const log = new Log(desk, people);
const settings = new Settings(desk);
const gate = new Gate(enter);

const inQueue = (act) => () => { if (!byId("queue").hidden) act(); };
new Keys({
  "j": inQueue(() => queue.step(1)),
  "k": inQueue(() => queue.step(-1)),
  "a": inQueue(() => deeds.run(queue.meant, queue.meant[0]?.comment.state === "rejected" ? "restore" : "approve")),
  "r": inQueue(() => deeds.run(queue.meant, "reject")),
  "d": inQueue(() => deeds.run(queue.meant, "delete")),
  "b": inQueue(() => people.ban(queue.meant.map(({ comment }) => comment.author))),
  "p": inQueue(() => people.show(queue.current?.comment.author)),
  "x": inQueue(() => queue.toggle(false)),
  "Shift+x": inQueue(() => queue.toggle(true)),
  "u": () => deeds.undo(),
  "n": inQueue(() => queue.showFresh()),
  "Escape": inQueue(() => queue.selectAll(false)),
  "/": inQueue(() => byId("search-text").focus()),
  "?": () => byId("keys").showModal(),
});

byId("search").addEventListener("submit", (event) => {
  event.preventDefault();
  narrowed.text = byId("search-text").value.trim();
  openView();
});
byId("search-text").addEventListener("search", (event) => {
  if (!event.target.value && narrowed.text) byId("search").requestSubmit();
});
byId("site").addEventListener("change", (event) => {
  location.assign(event.target.value ? `moderate?site=${encodeURIComponent(event.target.value)}` : "moderate?site=");
});
byId("sign-out").addEventListener("click", signOut);
addEventListener("hashchange", () => { if (!byId("desk").hidden) openView(); });

if (location.pathname.endsWith("/setup")) gate.showSetup(location.hash.slice(1), new URLSearchParams(location.search).get("site") ?? "");
else if (site) enter(site);
else gate.show("");

/** Connects to a site, for which there may be a session. */
async function enter(name) {
  site = name;
  if (new URLSearchParams(location.search).get("site") !== site) history.replaceState(null, "", `moderate?site=${encodeURIComponent(site)}${location.hash}`);
  byId("connection").hidden = false;
  if (desk.socket) { // with the cookie that the browser has now
    desk.socket.auth = { site, moderate: true };
    desk.socket.disconnect().connect();
    return;
  }
  try {
    desk.socket = await connect("/comments", { auth: { site, moderate: true }, forceNew: true });
  } catch (error) {
    showConnection({ state: "refused", reason: error.message });
    return;
  }
  watch(desk.socket, showConnection);
  desk.socket.on("connect", connected);
  desk.socket.on("connect_error", refused);
  desk.socket.on("queue", heard);
  desk.socket.on("decision", ({ decision }) => decidedBy(decision));
  desk.socket.on("signed-out", ({ message }) => leave(sentence(message)));
}

function showConnection({ state, transport, reason }) {
  byId("connection").dataset.state = state;
  byId("connection-text").textContent = state === "online" ? transportName(transport) : states[state];
  const lost = (state === "offline" || state === "refused") && !byId("desk").hidden;
  byId("banner").hidden = !lost;
  byId("banner").textContent = lost ? `${reason}${state === "offline" ? " Trying again; nothing is missed." : ""}` : "";
}

function refused({ data = {}, message }) {
  if (!data?.code) return; // not a word of the server's: it is tried again
  byId("connection").hidden = true;
  leave(data.code === "unauthorized" ? "" : sentence(data.message ?? message));
}

function leave(reason) {
  desk.socket.disconnect();
  byId("desk").hidden = byId("site-switch").hidden = byId("sign-out").hidden = byId("banner").hidden = true;
  document.title = "Moderate comments · Sockeye";
  gate.show(site, reason);
}

async function signOut() {
  await fetch(new URL(`v1/${encodeURIComponent(site)}/logout`, location.href), { method: "POST" }).catch(() => {});
  leave("");
}

async function connected() {
  rememberSite(site);
  const first = byId("desk").hidden;
  try {
    desk.waiting(await ask(desk.socket, "watch"));
    about = await ask(desk.socket, "site");
  } catch (error) {
    desk.problem(error);
  }
  byId("gate").hidden = true;
  byId("desk").hidden = byId("site-switch").hidden = byId("sign-out").hidden = false;
  const sites = [...new Set([site, ...knownSites()])];
  byId("site").replaceChildren(...sites.map((name) => el("option", { value: name, text: name, selected: name === site })), el("option", { value: "", text: "Another site…" }));
  if (first) openView();
  else if (!byId("queue").hidden) queue.refresh();
  else openView();
}

/** Shows what the address says. */
function openView() {
  const wanted = location.hash.slice(1);
  const next = views[wanted] ? wanted : "pending";
  if (view && next !== view && !("name" in narrowed)) narrowed = {};
  view = next;
  const inLine = Boolean(views[view].none);
  for (const id of ["queue", "bans", "log", "settings"]) byId(id).hidden = id !== (inLine ? "queue" : view);
  for (const link of byId("views").children) {
    if (link.dataset.view === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  byId("title").textContent = views[view].title;
  entitle();
  if (inLine) {
    showNarrowed();
    queue.open({ view, page: narrowed.page ?? "", user: narrowed.user ?? "", text: narrowed.text ?? "" });
  } else ({ bans, log, settings })[view].open();
}

function showNarrowed() {
  const chips = [];
  for (const [key, label] of [["page", `Page ${narrowed.page}`], ["user", `By ${narrowed.name || narrowed.user}`], ["text", `Like ${narrowed.text}`]]) {
    if (!narrowed[key]) continue;
    const button = el("button", { type: "button", class: "chip", text: label }, el("span", { "aria-hidden": "true", text: "×" }));
    button.append(el("span", { class: "unseen", text: ", show others too" }));
    button.addEventListener("click", () => {
      delete narrowed[key];
      openView();
      byId("title").focus();
    });
    chips.push(el("li", {}, button));
  }
  if (narrowed.page) chips.push(el("li", {}, lockOf(narrowed.page)));
  byId("narrowed").hidden = !chips.length;
  byId("narrowed").replaceChildren(...chips);
  byId("search-text").value = narrowed.text ?? "";
}

// A button that locks a page or unlocks it, once it is known which.
function lockOf(page) {
  const button = el("button", { type: "button", class: "button quiet small", hidden: true });
  const show = ({ locked }) => {
    button.hidden = false;
    button.textContent = locked ? "Unlock the page" : "Lock the page";
    button.onclick = async () => {
      try {
        show((await ask(desk.socket, "lock", { page, locked: !locked })).page);
        desk.say(locked ? `${page} takes comments again.` : `${page} takes no more comments.`);
      } catch (error) {
        desk.problem(error);
      }
    };
  };
  fetch(new URL(`v1/${encodeURIComponent(site)}/snapshot?page=${encodeURIComponent(page)}`, location.href))
    .then((answer) => answer.json()).then((snapshot) => show(snapshot.page), () => {});
  return button;
}

function entitle() {
  const waits = pending + flagged;
  document.title = `${waits ? `(${number.format(waits)}) ` : ""}${views[view || "pending"].title} · ${site} · Sockeye`;
  byId("subtitle").textContent = `${count(pending, "comment")} ${pending === 1 ? "waits" : "wait"}, ${number.format(flagged)} flagged`;
}

// What has changed anywhere on the site.
function heard({ comments, ...counts }) {
  const before = pending;
  desk.waiting(counts);
  queue.take(comments, ({ id, state }) => (deciders.get(id)?.state === state ? deciders.get(id).name : ""));
  if (pending > before && Date.now() - announced > ANNOUNCE) {
    announced = Date.now();
    byId("announcements").textContent = `${count(pending, "comment")} waiting.`;
  }
}

// Who decided is told beside what was decided, before it or after.
function decidedBy(decision) {
  log.take(decision);
  if (["ban", "unban"].includes(decision.action)) desk.bansChanged();
  const { comment: id, action, byName, by } = decision;
  const state = outcome[action];
  if (!id || !state) return;
  if (deciders.size > 500) deciders.clear();
  deciders.set(id, { state, name: byName || by });
  const card = queue.cards.get(id);
  if (card && !card.folded && card.comment.state === state) card.show(card.comment, byName || by);
}

/** Where a comment is on its page, or "". */
function address({ id, page }) {
  const base = about.origins.length ? about.origins.find((origin) => !origin.includes("*")) : location.origin;
  try {
    const url = new URL(page, base);
    url.hash = `comment-${id}`;
    return /^https?:$/.test(url.protocol) ? url.href : "";
  } catch {
    return "";
  }
}
