// The comments that a moderator looks at, as they are now. What changes is changed in place; what is
// new waits behind a button, so that nothing moves under the hand.

import { byId, el } from "../dom.js";
import { Card, matches } from "./card.js";
import { ask } from "./line.js";
import { count, done, excerpt, number, views } from "./words.js";

const BATCH = 50; // comments that are asked for at once

export class Queue {
  filter = { view: "pending", page: "", user: "", text: "" };
  cards = new Map(); // by id, in the order that they are shown
  #fresh = new Map(); // what has come and is not shown
  #next = "";
  #turn = 0; // counts what was asked for: of answers the last holds
  #anchor; // the card that was selected last
  #current; // the card that the keyboard is at
  #answered = new Map(); // texts that were answered, by id
  #seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) if (isIntersecting) this.#tellParent(this.cards.get(target.dataset.id));
  });

  /** desk: {socket, changed()}; on is what cards call. */
  constructor(desk, on) {
    this.desk = desk;
    this.on = { ...on, select: (card, range) => this.select(card, range), address: desk.address };
    byId("fresh").addEventListener("click", () => this.showFresh());
    byId("more").addEventListener("click", () => this.load(this.#next));
    byId("select-all").addEventListener("change", (event) => this.selectAll(event.target.checked));
    byId("entries").addEventListener("focusin", (event) => this.#at(this.cards.get(event.target.closest(".entry")?.dataset.id)));
  }

  /** Shows others. */
  async open(filter) {
    this.filter = filter;
    this.cards.clear();
    this.#fresh.clear();
    this.#current = this.#anchor = null;
    byId("entries").replaceChildren();
    byId("nothing").hidden = byId("more").hidden = true;
    this.#tell();
    await this.load();
  }

  /** Asks for what is shown, or for more of it. */
  async load(before = "") {
    this.#turn += 1;
    const turn = this.#turn;
    const { view, page, user, text } = this.filter;
    byId("entries").setAttribute("aria-busy", "true");
    try {
      const answer = await ask(this.desk.socket, "queue", { state: view, limit: BATCH, ...(page && { page }), ...(user && { user }), ...(text && { text }), ...(before && { before }) });
      if (turn !== this.#turn) return;
      this.desk.waiting(answer);
      this.#next = answer.next ?? "";
      for (const comment of answer.comments) this.#add(comment);
    } catch (error) {
      if (turn === this.#turn) this.desk.problem(error);
    } finally {
      if (turn === this.#turn) byId("entries").removeAttribute("aria-busy");
      this.#tell(true);
    }
  }

  /** Finds out what was missed while the connection was away. */
  async refresh() {
    const { view, page, user, text } = this.filter;
    this.#turn += 1;
    const turn = this.#turn;
    try {
      const answer = await ask(this.desk.socket, "queue", { state: view, limit: BATCH, ...(page && { page }), ...(user && { user }), ...(text && { text }) });
      if (turn !== this.#turn) return;
      this.desk.waiting(answer);
      this.take(answer.comments);
      const here = new Set(answer.comments.map(({ id }) => id));
      const oldest = answer.next ? Math.min(...answer.comments.map(({ created }) => created)) : 0;
      for (const card of this.cards.values()) {
        if (!card.folded && !here.has(card.id) && card.comment.created >= oldest) this.#remove(card);
      }
    } catch (error) {
      if (turn === this.#turn) this.desk.problem(error);
    }
    this.#tell(true);
  }

  #add(comment, first = false) {
    if (this.cards.has(comment.id)) return;
    const card = new Card(comment, this.on);
    this.cards.set(comment.id, card);
    if (first) byId("entries").prepend(card.node);
    else byId("entries").append(card.node);
    if (comment.parent) this.#seen.observe(card.node);
  }

  #remove(card) {
    this.cards.delete(card.id);
    card.node.remove();
  }

  /** Takes comments as they are now; by is who decided, of those whom another moderator decided about. */
  take(comments, by = () => "") {
    for (const comment of comments) {
      const card = this.cards.get(comment.id);
      if (card) {
        if (comment.seq < card.comment.seq) continue;
        const fresh = comment.state !== card.comment.state || comment.html !== card.comment.html || comment.flags !== card.comment.flags || comment.pinned !== card.comment.pinned;
        if (card.folded) card.comment = comment;
        else if (fresh) card.show(comment, by(comment));
        continue;
      }
      if (matches(comment, this.filter)) this.#fresh.set(comment.id, comment);
      else this.#fresh.delete(comment.id);
    }
    if (!this.cards.size && this.#fresh.size) this.showFresh(false);
    else this.#tell();
  }

  /** Shows what is new, on top. */
  showFresh(move = true) {
    const fresh = [...this.#fresh.values()].sort((a, b) => a.created - b.created);
    this.#fresh.clear();
    for (const comment of fresh) this.#add(comment, true);
    this.#order();
    this.#tell(true);
    if (!move || !fresh.length) return;
    window.scrollTo({ top: 0 });
    this.#focus(this.cards.get(fresh.at(-1).id));
  }

  // The order of the map is that of the page.
  #order() {
    const cards = [...byId("entries").children].map((node) => this.cards.get(node.dataset.id));
    this.cards = new Map(cards.map((card) => [card.id, card]));
  }

  /** Notes what was decided here, before the server tells everybody. */
  decided(id, action) {
    const card = this.cards.get(id);
    if (!card) return;
    const state = { approve: "published", restore: "published", reject: "rejected", delete: "deleted" }[action];
    const change = state ? { state } : { pin: { pinned: true }, unpin: { pinned: false }, unflag: { flags: 0 } }[action];
    card.comment = { ...card.comment, ...change, ...(action === "approve" && { flags: 0 }), ...(action === "delete" && { html: "", text: "" }) };
    card.select(false);
    if (state || action === "unflag" && this.filter.view === "flagged") card.fold(action === "unflag" ? "Kept" : done[action]);
    else card.show(card.comment);
    this.#tell();
  }

  async #tellParent(card) {
    if (!card || card.asked || !this.desk.socket.connected) return;
    card.asked = true;
    this.#seen.unobserve(card.node);
    const { parent } = card.comment;
    if (!this.#answered.has(parent)) this.#answered.set(parent, ask(this.desk.socket, "source", { id: parent }).then(({ text }) => text, () => "a comment that is gone"));
    const text = await this.#answered.get(parent);
    card.answers(this.cards.get(parent)?.name ?? "", text);
  }

  /* What is selected, and where the keyboard is */

  get selected() { return [...this.cards.values()].filter((card) => card.selected); }

  /** What a key means: the selected ones, or the one that the keyboard is at. */
  get meant() {
    const { selected } = this;
    if (selected.length) return selected;
    return this.#current && !this.#current.folded ? [this.#current] : [];
  }

  get current() { return this.#current; }

  /** Follows a click on a box, or a key; range takes all from the last one on. */
  select(card, range = false, on = card.box.checked) {
    const all = [...this.cards.values()];
    const from = range && this.#anchor ? all.indexOf(this.#anchor) : -1;
    const to = all.indexOf(card);
    for (const one of from < 0 ? [card] : all.slice(Math.min(from, to), Math.max(from, to) + 1)) if (!one.folded) one.select(on);
    this.#anchor = card;
    this.#tell();
  }

  selectAll(on) {
    for (const card of this.cards.values()) if (!card.folded) card.select(on);
    this.#tell();
  }

  toggle(range) {
    if (this.#current && !this.#current.folded) this.select(this.#current, range, range || !this.#current.selected);
  }

  #at(card) {
    if (card) this.#current = card;
  }

  #focus(card) {
    if (!card) return;
    this.#at(card);
    card.node.focus({ preventScroll: true });
    card.node.scrollIntoView({ block: "nearest" });
  }

  /** Goes to the next card, or the one before; without: are those that are passed over. */
  step(by, without = new Set()) {
    const all = [...this.cards.values()];
    let at = this.#current ? all.indexOf(this.#current) : by > 0 ? -1 : all.length;
    do at += by; while (all[at] && (all[at].folded || without.has(all[at].id)));
    if (all[at]) this.#focus(all[at]);
    return Boolean(all[at]);
  }

  /** Goes on after a decision about these. */
  goOn(ids) {
    const gone = new Set(ids);
    if (this.#current && !gone.has(this.#current.id)) return;
    if (!this.step(1, gone) && !this.step(-1, gone)) byId("title").focus({ preventScroll: true });
  }

  focusOn(id) {
    const card = this.cards.get(id);
    if (card?.folded) card.unfold();
    this.#focus(card);
  }

  /** Says how many there are. */
  #tell(settled = false) {
    const open = [...this.cards.values()].filter((card) => !card.folded);
    const chosen = this.selected.length;
    byId("fresh").hidden = !this.#fresh.size;
    byId("fresh").textContent = `${count(this.#fresh.size, "new comment")} ↑`;
    byId("bulk").hidden = !this.cards.size;
    byId("bulk").inert = !open.length; // keeps its place, so that nothing jumps at the last decision
    byId("bulk-deeds").hidden = !chosen;
    byId("selected").textContent = chosen ? `${number.format(chosen)} selected` : "Select all";
    byId("select-all").checked = chosen > 0 && chosen === open.length;
    byId("select-all").indeterminate = chosen > 0 && chosen < open.length;
    byId("more").hidden = !this.#next;
    if (!settled && this.cards.size) byId("nothing").hidden = true;
    if (!settled) return;
    const { page, user, text, view } = this.filter;
    byId("nothing").hidden = this.cards.size > 0;
    byId("nothing-text").textContent = text || page || user ? `Nothing here is like that${text ? `: ${excerpt(text, 40)}` : ""}.` : views[view].none;
  }
}
