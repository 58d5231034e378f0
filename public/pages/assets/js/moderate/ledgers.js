// Two lists beside the queue: who is banned, and who decided what.

import { byId, el } from "../dom.js";
import { ask } from "./line.js";
import { banLine } from "./person.js";
import { decided, fromNow, fullTime } from "./words.js";

const BATCH = 100;

export class Bans {
  constructor(desk, people) {
    Object.assign(this, { desk, people });
  }

  async open() {
    try {
      const { bans } = await ask(this.desk.socket, "bans");
      byId("no-bans").hidden = bans.length > 0;
      byId("ban-rows").replaceChildren(...bans.map((ban) => this.#row(ban)));
    } catch (error) {
      this.desk.problem(error);
    }
  }

  #row(ban) {
    const author = { id: ban.user, name: ban.name };
    const name = ban.name || ban.user;
    const who = el("button", { type: "button", class: "who", text: name, "aria-haspopup": "dialog" });
    who.addEventListener("click", () => this.people.show(author));
    const lift = el("button", { type: "button", class: "button quiet small", text: "Lift the ban", "aria-label": `Lift the ban of ${name}` });
    lift.addEventListener("click", () => this.people.unban(author));
    return el("li", { class: "row card" }, el("div", { class: "row-text" }, el("p", {}, who), el("p", { class: "hint", text: banLine(ban) })), lift);
  }
}

export class Log {
  #next;
  #known = new Set();

  constructor(desk, people) {
    Object.assign(this, { desk, people });
    byId("log-more").addEventListener("click", () => this.#load(this.#next));
  }

  async open() {
    this.#known.clear();
    byId("log-rows").replaceChildren();
    await this.#load();
  }

  async #load(before) {
    try {
      const { decisions, next } = await ask(this.desk.socket, "log", { limit: BATCH, ...(before && { before }) });
      this.#next = next;
      byId("log-rows").append(...decisions.filter(({ id }) => this.#isNew(id)).map((decision) => this.#row(decision)));
      byId("log-more").hidden = !next;
      byId("no-log").hidden = this.#known.size > 0;
    } catch (error) {
      this.desk.problem(error);
    }
  }

  /** Puts a decision that was just made on top. */
  take(decision) {
    if (!this.#isNew(decision.id)) return;
    byId("no-log").hidden = true;
    byId("log-rows").prepend(this.#row(decision));
  }

  #isNew(id) {
    if (this.#known.has(id)) return false;
    this.#known.add(id);
    return true;
  }

  #row({ time, by, byName, action, comment, page, user, note }) {
    const what = el("p", {}, el("strong", { text: by === "filter" ? "The filter" : byName || by }), ` ${decided[action] ?? action}`);
    if (user) {
      const who = el("button", { type: "button", class: "who", text: user, "aria-haspopup": "dialog" });
      who.addEventListener("click", () => this.people.show({ id: user, name: "" }));
      what.append(comment ? " of " : " ", who);
    }
    if (page) {
      const where = el("button", { type: "button", class: "where", text: page });
      where.addEventListener("click", () => this.desk.go({ view: "all", page }));
      what.append(comment ? " on " : " ", where);
    }
    return el("li", { class: "row card", data: { action } },
      el("div", { class: "row-text" }, what, note ? el("p", { class: "hint", text: note }) : null),
      el("time", { class: "hint", dateTime: new Date(time).toISOString(), title: fullTime(time), text: fromNow(time) }));
  }
}
