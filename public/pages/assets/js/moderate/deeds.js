// What a moderator does: to one comment or to many, with progress, what failed, and a way back.

import { byId, el } from "../dom.js";
import { ask } from "./line.js";
import { count, done, excerpt } from "./words.js";

const AT_ONCE = 20; // comments in one question, so that progress can be seen

const back = { pin: "unpin", unpin: "pin" };

export class Deeds {
  #undo = []; // {ids, way}, the last deed last
  #busy = false;

  constructor(desk, queue) {
    Object.assign(this, { desk, queue });
    byId("undo").addEventListener("click", () => this.undo());
    byId("toast-close").addEventListener("click", () => { byId("toast").hidden = true; });
    for (const button of byId("bulk-deeds").querySelectorAll("[data-deed]")) {
      button.addEventListener("click", () => {
        if (button.dataset.deed === "ban") desk.ban(queue.selected.map(({ comment }) => comment.author));
        else this.run(queue.selected, button.dataset.deed);
      });
    }
    for (const close of byId("sure").querySelectorAll("[data-close]")) close.addEventListener("click", () => byId("sure").close());
  }

  /** Does something to cards, and goes on to the next. */
  async run(cards, action) {
    if (!cards.length || this.#busy) return;
    if (action === "delete" && !(await this.#sure(cards))) return;
    this.#busy = true;
    const before = new Map(cards.map(({ id, comment }) => [id, comment.state]));
    try {
      const { finished, failed } = await this.#moderate([...before.keys()], action);
      for (const id of finished) this.queue.decided(id, action);
      this.#remember(finished, action, before);
      this.#say(finished, failed, action);
      if (finished.length) this.queue.goOn(finished);
    } finally {
      this.#busy = false;
      byId("bulk-progress").hidden = true;
    }
  }

  // A part that fails leaves the parts after it undone, each of which says why.
  async #moderate(ids, action, note = "") {
    const finished = [];
    const failed = [];
    byId("bulk-bar").max = ids.length;
    for (let i = 0; i < ids.length; i += AT_ONCE) {
      byId("bulk-bar").value = i;
      byId("bulk-progress").hidden = ids.length <= AT_ONCE;
      byId("bulk-text").textContent = `${i} of ${ids.length}`;
      const part = ids.slice(i, i + AT_ONCE);
      try {
        const answer = await ask(this.desk.socket, "moderate", { ids: part, action, ...(note && { note }) });
        finished.push(...answer.done);
        failed.push(...answer.failed ?? []);
      } catch (error) {
        failed.push(...part.map((id) => ({ id, message: error.message })));
      }
    }
    return { finished, failed };
  }

  // Not everything can be as it was before: a comment that was decided cannot wait again.
  #remember(ids, action, before) {
    if (!ids.length) return;
    const way = back[action] ?? (action === "reject" && ids.every((id) => before.get(id) === "published") ? "restore" : action === "restore" ? "reject" : "");
    this.#undo.push({ ids, way: way && (() => this.#reverse(ids, way)) });
  }

  async #reverse(ids, action) {
    const { finished, failed } = await this.#moderate(ids, action, "undone");
    for (const id of finished) {
      this.queue.decided(id, action);
      this.queue.cards.get(id)?.unfold();
    }
    this.queue.focusOn(finished[0]);
    this.#say(finished, failed, action);
  }

  /** Takes the last deed back, or where that cannot be opens what it was about. */
  async undo() {
    if (!this.#undo.length || this.#busy) return;
    const { ids, way } = this.#undo.pop();
    if (way) {
      this.#busy = true;
      await way().finally(() => { this.#busy = false; });
    } else {
      this.queue.focusOn(ids[0]);
      this.desk.say("It is open again, and can be decided anew.");
    }
    byId("undo").hidden = true;
  }

  /** Notes how something else is taken back, such as a ban. */
  undoable(sentence, way) {
    this.#undo.push({ ids: [], way });
    this.desk.say(sentence);
    byId("undo").hidden = false;
    byId("undo").textContent = "Undo";
  }

  #say(finished, failed, action) {
    this.desk.say(finished.length ? `${done[action]} ${count(finished.length, "comment")}.` : "Nothing was done.");
    byId("undo").hidden = !finished.length || action === "delete";
    byId("undo").textContent = this.#undo.at(-1)?.way ? "Undo" : "Open again";
    byId("toast-failed").replaceChildren(...failed.map(({ id, message }) => {
      const card = this.queue.cards.get(id);
      return el("li", {}, el("strong", { text: card ? `${card.name}: ${excerpt(card.comment.text ?? "", 40)}` : id }), ` ${message}`);
    }));
  }

  #sure(cards) {
    const box = byId("sure");
    byId("sure-title").textContent = `Delete ${cards.length === 1 ? `the comment of ${cards[0].name}` : count(cards.length, "comment")}?`;
    byId("sure-text").textContent = "The text will be gone for good. To hide it and keep it, reject it instead.";
    box.returnValue = "";
    box.showModal();
    byId("sure-yes").focus();
    return new Promise((resolve) => {
      box.addEventListener("close", () => resolve(box.returnValue === "yes"), { once: true });
    });
  }
}
