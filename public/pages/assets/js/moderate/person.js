// Who wrote something: what is known of them here, and the ban of them.

import { byId, el } from "../dom.js";
import { ask } from "./line.js";
import { count, excerpt, fromNow, fullTime, number, states } from "./words.js";

const LAST = 10; // comments that the drawer shows

export class People {
  #shown; // the author in the drawer
  #banning = []; // authors in the box

  constructor(desk, deeds) {
    Object.assign(this, { desk, deeds });
    byId("person-do-ban").addEventListener("click", () => this.ban([this.#shown]));
    byId("person-unban").addEventListener("click", () => this.unban(this.#shown));
    byId("person-all").addEventListener("click", () => {
      byId("person").close();
      desk.go({ view: "all", user: this.#shown.id, name: this.#shown.name });
    });
    byId("ban-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#sendBan();
    });
    for (const close of byId("ban").querySelectorAll("[data-close]")) close.addEventListener("click", () => byId("ban").close());
    for (const dialog of document.querySelectorAll("dialog")) { // a click beside it closes it
      dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    }
  }

  /** Opens the drawer. */
  async show(author) {
    if (!author?.id) return;
    this.#shown = author;
    byId("person-name").textContent = author.name || author.id;
    byId("person-about").textContent = "";
    byId("person-counts").replaceChildren();
    byId("person-last").replaceChildren();
    byId("person-ban").hidden = byId("person-unban").hidden = true;
    if (!byId("person").open) byId("person").showModal();
    try {
      const [person, { comments }] = await Promise.all([
        ask(this.desk.socket, "person", { user: author.id }),
        ask(this.desk.socket, "queue", { state: "all", user: author.id, limit: LAST }),
      ]);
      if (this.#shown === author) this.#fill(person, comments);
    } catch (error) {
      byId("person-about").textContent = error.message;
    }
  }

  #fill(person, comments) {
    if (person.user.name) byId("person-name").textContent = this.#shown.name = person.user.name;
    const kind = this.#shown.guest ? "A guest" : this.#shown.role ? `A ${this.#shown.role}` : "A reader of the site";
    byId("person-about").textContent = person.first ? `${kind}, first seen ${fromNow(person.first)} (${fullTime(person.first)}).` : `${kind}.`;
    const counts = { Comments: person.comments, Published: person.published, Rejected: person.rejected, Flagged: person.flagged };
    byId("person-counts").replaceChildren(...Object.entries(counts).map(([name, n]) => el("div", {}, el("dt", { text: name }), el("dd", { text: number.format(n ?? 0) }))));
    byId("person-ban").hidden = byId("person-unban").hidden = !person.ban;
    if (person.ban) byId("person-ban").textContent = banLine(person.ban);
    byId("person-last").replaceChildren(...comments.map((comment) => el("li", {},
      el("span", { class: "state", data: { state: comment.state }, text: states[comment.state] }),
      el("span", { text: excerpt(comment.text || "(deleted)", 140) }),
      el("span", { class: "hint", text: `${fromNow(comment.created)} on ${comment.page}` }))));
  }

  /** Asks for how long these authors are banned. */
  ban(authors) {
    const known = new Map(authors.filter((author) => author?.id).map((author) => [author.id, author]));
    if (!known.size) return;
    this.#banning = [...known.values()];
    byId("ban-title").textContent = known.size === 1 ? `Ban ${this.#banning[0].name || this.#banning[0].id}` : `Ban ${count(known.size, "person", "people")}`;
    byId("ban-who").textContent = known.size === 1 ? "They can read on, and not write." : this.#banning.map(({ name, id }) => name || id).join(", ");
    byId("ban-problem").textContent = "";
    byId("ban-reason").value = "";
    byId("ban-reject").checked = false;
    byId("ban").showModal();
  }

  async #sendBan() {
    const banned = [];
    try {
      for (const { id } of this.#banning) {
        await ask(this.desk.socket, "ban", { user: id, seconds: Number(byId("ban-for").value), reason: byId("ban-reason").value.trim(), reject: byId("ban-reject").checked });
        banned.push(id);
      }
    } catch (error) {
      byId("ban-problem").textContent = `${banned.length ? `${count(banned.length, "person", "people")} banned. ` : ""}${error.message}`;
      this.#banning = this.#banning.filter(({ id }) => !banned.includes(id));
      return;
    }
    byId("ban").close();
    const names = this.#banning.map(({ name, id }) => name || id).join(", ");
    this.deeds.undoable(`Banned ${excerpt(names, 60)}.`, () => Promise.all(banned.map((user) => ask(this.desk.socket, "unban", { user })))
      .then(() => this.desk.say(`${excerpt(names, 60)} may write again.`), (error) => this.desk.problem(error)));
    this.desk.bansChanged();
    if (byId("person").open) this.show(this.#shown);
  }

  async unban(author) {
    try {
      await ask(this.desk.socket, "unban", { user: author.id });
      this.desk.say(`${author.name || author.id} may write again.`);
    } catch (error) {
      this.desk.problem(error);
    }
    this.desk.bansChanged();
    if (byId("person").open) this.show(author);
  }
}

/** A ban in a sentence. */
export function banLine({ by, reason, created, expires }) {
  const until = expires ? `until ${fullTime(expires)} (${fromNow(expires)})` : "for good";
  return `Banned ${until}, by ${by || "somebody"} ${fromNow(created)}${reason ? `: ${reason}` : ""}.`;
}
