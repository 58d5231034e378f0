// Who is here, and what they share, among pages that talk through the relay alone: the
// server passes events on and knows nothing of people. Each page says that it is here,
// again and again, and a newcomer asks one of the others for what there is.

import { byId, el, hueOf } from "../dom.js";
import { connect, transportName, watch } from "../connection.js";
import { keepNick, nick, random } from "../visitor.js";

const BEAT = 3_000; // ms between two signs of life
const AWAY = 8_000; // ms without one, and a person is shown as away
const GONE = 75_000; // and is not here: a browser wakes a hidden page once a minute
const SOON = 800; // ms within which somebody who is here says so
const ANSWER = 1_500; // ms within which a page gives what it has

const fish = ["Coho", "Chinook", "Char", "Grayling", "Dace", "Perch", "Roach", "Tench", "Smelt", "Vendace", "Burbot", "Bream"];

/** The room that the address asks for, or "lobby". */
export const room = (new URLSearchParams(location.search).get("room") ?? "").slice(0, 64) || "lobby";

/**
 * Joins the room of a namespace. give() returns what this page has, as an array of parts;
 * take(part) merges one of another page; changed(people) is called when who is here changes.
 * Returns {me, people, socket, tell, hint}: tell sends an event to the room, hint does so
 * if there is time for it.
 */
export class Company {
  me = { id: random(9), name: nick() || fish[Math.floor(Math.random() * fish.length)], since: Date.now() };
  people = new Map(); // by id, without me: {id, name, sid, seen}
  socket = null;
  ready = false; // has what the others have
  #asked = new Set(); // ids of pages that were asked for it

  constructor({ namespace, give, take, changed }) {
    Object.assign(this, { namespace, give, take, changed });
  }

  get online() {
    return Boolean(this.socket?.connected);
  }

  /** Everybody who is here, this page first. */
  get everybody() {
    return [this.me, ...this.people.values()];
  }

  tell(event, ...args) {
    this.socket?.emit(event, room, ...args);
  }

  hint(event, ...args) {
    if (this.online) this.socket.volatile.emit(event, room, ...args);
  }

  rename(name) {
    this.me.name = name;
    keepNick(name);
    this.#beat();
    this.changed();
  }

  /** Connects. Throws an Error with a sentence for the visitor. */
  async enter() {
    const socket = this.socket = await connect(this.namespace);
    socket.on("connect", () => {
      if (socket.recovered) {
        this.#beat();
        return;
      }
      this.ready = false;
      this.#asked.clear();
      socket.emit("join", room);
      this.tell("hello", this.#card());
      setTimeout(() => { this.ready ||= !this.#asked.size; }, SOON); // nobody else is here
    });
    socket.on("hello", (who) => {
      this.#note(who);
      socket.emit("here", who.sid, this.#card());
    });
    socket.on("here", (who) => {
      this.#note(who);
      if (!this.#asked.size && who.ready && who.id !== this.me.id) this.#ask(who);
    });
    socket.on("bye", (id) => {
      if (this.people.delete(id)) this.changed();
    });
    socket.on("ask", (sid) => {
      const parts = this.give();
      parts.forEach((part, at) => socket.emit("have", sid, part, at === parts.length - 1));
    });
    socket.on("have", (part, last) => {
      this.take(part);
      if (last === true) this.ready = true;
    });
    setInterval(() => this.#beat(), BEAT);
    addEventListener("pagehide", () => this.tell("bye", this.me.id));
    return socket;
  }

  #card() {
    return { ...this.me, sid: this.socket.id, ready: this.ready };
  }

  #beat() {
    if (this.online) this.tell("here", this.#card());
    let changed = false;
    for (const who of this.people.values()) {
      const silent = Date.now() - who.seen;
      if (silent > GONE) this.people.delete(who.id);
      const away = silent > AWAY;
      changed ||= silent > GONE || away !== who.away;
      who.away = away;
    }
    if (changed) this.changed();
  }

  #note({ id, name, sid, since }) {
    if (typeof id !== "string" || id === this.me.id) return;
    const known = this.people.get(id);
    const who = { ...known, id, name: String(name).slice(0, 24), sid, since, seen: Date.now(), away: false };
    this.people.set(id, who);
    if (known?.name !== who.name || known.away) this.changed();
  }

  // Asks one page after the other, until one has answered.
  #ask(who) {
    this.#asked.add(who.id);
    this.socket.emit("ask", who.sid, this.socket.id);
    setTimeout(() => {
      if (this.ready) return;
      const next = [...this.people.values()].find(({ id }) => !this.#asked.has(id));
      if (next) this.#ask(next);
      else this.ready = true;
    }, ANSWER);
  }
}

/** Binds the parts that both pages have: the connection, the name, who is here, the rules. */
export async function furnish(company, list = (who) => who.name) {
  const words = { connecting: "Connecting…", offline: "Reconnecting…", refused: "Not connected" };
  const name = byId("name");
  name.value = company.me.name;
  name.addEventListener("change", () => {
    const wanted = name.value.trim().slice(0, 24);
    name.value = wanted || company.me.name;
    if (wanted) company.rename(wanted);
  });
  byId("share").addEventListener("click", async () => {
    const link = new URL(`?room=${encodeURIComponent(room)}`, location.href).href;
    const copied = await navigator.clipboard?.writeText(link).then(() => true, () => false);
    byId("share-state").textContent = copied ? "Copied." : link;
  });
  fetch(new URL("relay.yaml", location.href)).then((answer) => answer.text()).then((text) => { byId("rules").textContent = text; }, () => {});

  const tell = ({ state, transport, reason, recovered }) => {
    byId("connection").dataset.state = state;
    byId("connection").dataset.recovered = recovered;
    byId("connection-text").textContent = state === "online" ? transportName(transport) : words[state];
    const trouble = { offline: `${reason} Trying again…`, refused: reason }[state] ?? "";
    byId("trouble").textContent = trouble;
    byId("trouble").hidden = !trouble;
  };
  try {
    watch(await company.enter(), tell);
  } catch (error) {
    tell({ state: "refused", reason: error.message });
  }
  showPeople(company, list);
}

/** Shows who is here, in the list of the page. */
export function showPeople(company, list = (who) => who.name) {
  byId("people").replaceChildren(...company.everybody.map((who) => {
    const badge = el("span", { class: "badge", "aria-hidden": "true" });
    badge.style.setProperty("--hue", hueOf(who.id));
    const mine = who === company.me;
    return el("li", { data: { away: Boolean(who.away), me: mine } }, badge, el("span", { class: "who", text: list(who) }),
      mine ? el("span", { class: "hint", text: "you" }) : null, who.away ? el("span", { class: "hint", text: "away" }) : null);
  }));
}
