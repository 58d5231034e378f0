// One comment in the queue. A card is kept while it is shown, and changed in place.

import { avatar, el } from "../dom.js";
import { rebuild } from "../../lib/html.js";
import { count, excerpt, fromNow, fullTime, reasons, states } from "./words.js";

/** Which deeds are offered for a comment in a state. */
export function deedsOf({ state, pinned, flags }) {
  const deeds = [];
  if (state === "pending") deeds.push("approve");
  if (state === "published" && flags) deeds.push("unflag");
  if (state === "rejected") deeds.push("restore");
  if (state === "pending" || state === "published") deeds.push("reject");
  if (state !== "deleted") deeds.push("delete");
  if (state === "published") deeds.push(pinned ? "unpin" : "pin");
  return deeds;
}

const wanted = new Set(["approve", "unflag", "restore"]); // what stands out
const labels = { approve: "Approve", unflag: "Keep, dismiss flags", restore: "Publish", reject: "Reject", delete: "Delete", pin: "Pin", unpin: "Unpin" };

/** Whether a comment is one of those that a view shows. */
export function matches(comment, { view, page, user, text }) {
  const { state, flags, author } = comment;
  if (view === "flagged" ? state !== "published" || !flags : view !== "all" && state !== view) return false;
  if (page && comment.page !== page || user && author?.id !== user) return false;
  return !text || `${comment.text ?? ""} ${author?.name ?? ""}`.toLowerCase().includes(text.toLowerCase());
}

export class Card {
  /** on: {deed(card, name), ban, person, page, select(card, range), thread(card)} */
  constructor(comment, on) {
    Object.assign(this, { on, comment, selected: false });
    this.box = el("input", { type: "checkbox", "aria-label": "Select" });
    this.box.addEventListener("click", (event) => on.select(this, event.shiftKey));
    this.node = el("li", { class: "entry card", tabIndex: -1, data: { id: comment.id } });
    this.context = el("blockquote", { class: "context", hidden: true });
    this.show(comment);
  }

  get id() { return this.comment.id; }

  /** Shows what the comment is now; by is who has just decided, if it was another moderator. */
  show(comment, by = "") {
    const keyboard = this.node.contains(document.activeElement) && document.activeElement !== this.node;
    this.comment = comment;
    const { author, state } = comment;
    this.name = author?.name || "Somebody";
    this.node.dataset.state = state;
    this.node.setAttribute("aria-label", `Comment of ${this.name}, ${states[state]}`);
    this.node.replaceChildren(this.#head(by), ...this.#why(), this.context, this.#words(), this.#foot());
    if (keyboard) this.node.focus();
  }

  #head(by) {
    const { comment } = this;
    const who = el("button", { type: "button", class: "who", text: this.name, "aria-haspopup": "dialog" });
    who.addEventListener("click", () => this.on.person(comment.author));
    const where = el("button", { type: "button", class: "where", text: comment.page, title: "Show only this page" });
    where.addEventListener("click", () => this.on.page(comment.page));
    const tags = [];
    if (comment.author?.guest) tags.push(el("span", { class: "tag", text: "guest" }));
    if (comment.author?.role) tags.push(el("span", { class: "tag strong", text: comment.author.role }));
    if (comment.pinned) tags.push(el("span", { class: "tag", text: "pinned" }));
    const badge = by ? `${states[comment.state]} by ${by}` : states[comment.state];
    return el("div", { class: "entry-head" },
      el("label", { class: "pick" }, this.box),
      avatar({ nick: this.name, id: comment.author?.id ?? "" }),
      el("div", { class: "entry-by" },
        el("p", {}, who, ...tags),
        el("p", { class: "hint" }, el("time", { dateTime: new Date(comment.created).toISOString(), title: fullTime(comment.created), text: fromNow(comment.created) }), " on ", where, comment.edited ? ", edited" : null)),
      el("span", { class: "state", data: { state: comment.state }, text: badge }));
  }

  #why() {
    const { held = [], flags = 0 } = this.comment;
    const why = held.map((reason) => el("li", { text: reasons[reason] ?? reason }));
    if (flags) why.unshift(el("li", { class: "flags", text: count(flags, "flag") }));
    return why.length ? [el("ul", { class: "why", role: "list", "aria-label": "Why it is here" }, ...why)] : [];
  }

  #words() {
    const words = el("div", { class: "words" });
    if (this.comment.state === "deleted") words.append(el("p", { class: "hint", text: "The text is gone." }));
    else words.append(rebuild(this.comment.html ?? ""));
    for (const image of words.querySelectorAll("img")) { // of other sites: not loaded here
      image.replaceWith(el("a", { href: image.src, rel: "nofollow ugc noopener noreferrer", target: "_blank", text: image.alt || "Image" }));
    }
    return words;
  }

  #foot() {
    const foot = el("div", { class: "entry-foot" });
    for (const name of deedsOf(this.comment)) {
      const button = el("button", { type: "button", class: `button small ${wanted.has(name) ? "" : "quiet"}`, text: labels[name] });
      button.addEventListener("click", () => this.on.deed(this, name));
      foot.append(button);
    }
    const ban = el("button", { type: "button", class: "button quiet small", text: "Ban…", "aria-haspopup": "dialog" });
    ban.addEventListener("click", () => this.on.ban([this.comment.author]));
    foot.append(ban);
    if (this.on.address(this.comment)) foot.append(el("a", { class: "button quiet small", href: this.on.address(this.comment), target: "_blank", rel: "noopener", text: "On its page" }));
    return foot;
  }

  /** Shows what was answered. */
  answers(name, text) {
    this.context.hidden = !text;
    this.context.replaceChildren(el("strong", { text: name ? `In answer to ${name}: ` : "In answer to: " }), excerpt(text.replace(/^>.*$/gm, ""), 240)); // without what it quoted itself
  }

  /** Folds the card to a line, because it was decided here. */
  fold(sentence) {
    this.folded = true;
    const open = el("button", { type: "button", class: "button quiet small", text: "Open" });
    open.addEventListener("click", () => { this.unfold(); this.node.focus(); });
    this.node.classList.add("folded");
    this.node.replaceChildren(el("p", {}, el("span", { class: "state", data: { state: this.comment.state }, text: sentence }), ` ${this.name}: ${excerpt(this.comment.text ?? "", 70)}`), open);
  }

  unfold() {
    this.folded = false;
    this.node.classList.remove("folded");
    this.show(this.comment);
  }

  select(selected) {
    this.selected = this.box.checked = selected;
    this.node.classList.toggle("selected", selected);
  }
}
