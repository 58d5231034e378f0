// One comment on the page, with what can be done to it and the replies below it.

import { focused, h, icon, set } from "./dom.js";
import { Editor } from "./editor.js";
import { rebuild, safe } from "./html.js";

export class View {
  #html; // what is built
  #chips = new Map(); // buttons by reaction
  #editor = null;
  #menu = null;

  constructor(area, item) {
    const { t } = area;
    const { c } = item;
    Object.assign(this, { area, item });
    const part = (name) => h(`span.${name}`, { part: name });
    this.avatar = h("span.avatar", { "aria-hidden": "true", part: "avatar" });
    this.name = part("author");
    this.badge = part("badge");
    this.time = h("time", { dateTime: new Date(c.created).toISOString(), title: t.date(c.created) });
    this.pinned = h("span.pinned", { hidden: true }, icon("pin"), t.say("pinned"));
    this.edited = h("span.hint");
    this.note = h("p.note", { hidden: true });
    this.body = h("div.body", { part: "body" });
    this.up = this.#vote(1, "up");
    this.score = h("span.score");
    this.down = this.#vote(-1, "down");
    this.votes = h("span.votes", { role: "group" }, this.up, this.score, this.down);
    this.chips = h("span.chips");
    this.add = this.#opener("react", "smile", () => this.#reactions());
    this.reply = h("button.act", { onclick: () => this.#reply() }, t.say("reply"));
    this.more = this.#opener("actions", "more", () => this.#actions());
    this.fresh = h("button.fresh", { hidden: true, onclick: () => area.reveal(c.id) });
    this.acts = h("div.acts", {}, this.votes, this.reply, this.add, this.chips, this.more, this.fresh);
    const link = h("a.time", { href: `${location.href.split("#")[0]}#comment-${c.id}` }, this.time);
    this.head = h("div.head", {}, this.name, this.badge, link, this.edited, this.pinned);
    this.article = h("article", { id: `comment-${c.id}`, tabindex: -1, part: "comment" }, this.avatar, h("div.main", {}, this.head, this.note, this.body, this.acts));
    this.replies = h("ul.replies", { role: "list" });
    this.node = h("li", {}, this.article, this.replies);
    this.article.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.#menu) this.#close(true);
    });
    this.article.addEventListener("focusout", ({ relatedTarget }) => {
      if (this.#menu && !this.#menu.parentNode.contains(relatedTarget)) this.#close();
    });
  }

  get mine() {
    const { user } = this.area.live;
    return Boolean(user && this.item.c.author?.id === user.id);
  }

  /** Shows the comment as it is now, where it stands. */
  dress() {
    const { area, item: { c } } = this;
    const { t, settings, live: { user } } = area;
    const there = Boolean(c.author);
    const name = c.author?.name || t.say("guest");
    const parent = c.parent && area.model.items.get(c.parent)?.c.author?.name;
    this.when();
    set(this.node, { className: [c.state, c.pinned && "pinned", this.mine && "mine"].filter(Boolean).join(" ") });
    set(this.replies, { "aria-label": t.say("repliesTo", { name }) });
    this.label = (when) => (there ? t.say(parent ? "byReply" : "by", { name, to: parent, when }) : t.say("gone"));
    this.article.setAttribute("aria-label", this.label(t.span(c.created)));
    this.name.textContent = there ? name : "";
    this.badge.textContent = c.author?.role === "moderator" ? t.say("moderator") : c.author?.guest ? t.say("guest") : "";
    this.badge.classList.toggle("strong", c.author?.role === "moderator");
    this.pinned.hidden = !c.pinned;
    this.edited.textContent = c.edited && there ? t.say("edited") : "";
    this.#face(name);
    const note = !there ? (c.state === "deleted" ? "gone" : "removed") : c.state === "pending" ? (this.mine ? "pending" : "waits") : c.state === "rejected" ? "rejected" : "";
    const flags = user?.moderator && c.flags > 0;
    this.note.hidden = !note && !flags;
    this.note.textContent = [note && t.say(note), flags && t.say("flags", { n: c.flags }), user?.moderator && c.held?.join(", ")].filter(Boolean).join(" · ");
    if (c.html !== this.#html) this.body.replaceChildren(rebuild(c.html ?? ""));
    this.#html = c.html;
    this.acts.hidden = !there;
    if (there) this.#counts(c);
    this.reply.hidden = !area.writable || c.state !== "published";
    this.more.hidden = !this.#choices().length;
    if (settings.votes === "off") this.votes.hidden = true;
  }

  /** How old it is, which changes by itself. */
  when() {
    const { area: { t }, item: { c } } = this;
    const when = t.span(c.created);
    if (this.time.textContent === when) return;
    this.time.textContent = when;
    if (this.label) this.article.setAttribute("aria-label", this.label(when));
  }

  #face(name) {
    const { author } = this.item.c;
    const first = author ? [...name][0].toUpperCase() : "";
    const src = safe(author?.avatar, ["https:"]);
    if (this.face === first + src) return;
    this.face = first + src;
    let hue = 0;
    for (const letter of author?.id ?? "") hue = (hue * 31 + letter.codePointAt()) % 360;
    this.avatar.style.setProperty("--hue", hue);
    this.avatar.replaceChildren(first);
    if (src) this.avatar.append(h("img", { alt: "", loading: "lazy", referrerPolicy: "no-referrer", onerror: ({ target }) => target.remove(), src }));
  }

  #counts(c) {
    const { t, settings, model } = this.area;
    const vote = model.votes[c.id] ?? 0;
    this.score.textContent = t.numbers.format(c.up - c.down);
    this.votes.setAttribute("aria-label", t.say("score", { n: c.up - c.down }));
    this.up.setAttribute("aria-pressed", vote > 0);
    this.down.setAttribute("aria-pressed", vote < 0);
    this.down.hidden = settings.votes === "up";
    const off = !this.area.online || this.mine || c.state !== "published";
    for (const button of [this.up, this.down]) button.setAttribute("aria-disabled", off);
    this.add.hidden = !settings.reactions?.length || c.state !== "published";
    const own = model.reactions[c.id] ?? [];
    for (const reaction of Object.keys({ ...c.reactions, ...Object.fromEntries(this.#chips) })) {
      const n = c.reactions?.[reaction] ?? 0;
      let chip = this.#chips.get(reaction);
      if (!chip && !n) continue;
      if (!chip) {
        chip = h("button.chip", { onclick: () => this.#react(reaction) });
        this.#chips.set(reaction, chip);
        this.chips.append(chip);
      }
      chip.hidden = !n && focused(chip) !== chip;
      chip.textContent = `${reaction} ${t.numbers.format(n)}`;
      chip.setAttribute("aria-pressed", own.includes(reaction));
    }
  }

  #vote(value, name) {
    return h("button.act.vote", { "aria-label": this.area.t.say(name), title: this.area.t.say(name), onclick: ({ currentTarget }) => {
      if (currentTarget.getAttribute("aria-disabled") === "true") return;
      const { model } = this.area;
      const { id } = this.item.c;
      this.area.act(this, "vote", { id, value: model.votes[id] === value ? 0 : value });
    } }, icon(name));
  }

  #react(reaction) {
    const { id } = this.item.c;
    const on = !this.area.model.reactions[id]?.includes(reaction);
    this.area.act(this, "react", { id, reaction, on });
  }

  // A button that opens a small menu beside itself.
  #opener(label, drawing, choices) {
    const button = h("button.act", { "aria-label": this.area.t.say(label), title: this.area.t.say(label), "aria-expanded": "false", onclick: () => {
      const open = button.getAttribute("aria-expanded") === "true";
      this.#close();
      if (open) return;
      this.#menu = h("div.menu", { role: "group", "aria-label": this.area.t.say(label) }, ...choices());
      button.after(this.#menu);
      const room = this.acts.offsetWidth - this.#menu.offsetWidth;
      this.#menu.style.left = `${Math.max(0, Math.min(button.offsetLeft, room))}px`;
      button.setAttribute("aria-expanded", "true");
      this.#menu.firstChild.focus();
    } }, icon(drawing));
    return h("span.opener", {}, button);
  }

  #close(back) {
    const menu = this.#menu;
    if (!menu) return;
    this.#menu = null; // before the keyboard leaves it, which closes it too
    const button = menu.previousSibling;
    const inside = menu.contains(focused(menu));
    menu.remove();
    button.setAttribute("aria-expanded", "false");
    if (back || inside) button.focus();
  }

  #reactions() {
    const own = this.area.model.reactions[this.item.c.id] ?? [];
    return this.area.settings.reactions.map((reaction) => h("button.face", { "aria-pressed": own.includes(reaction), onclick: () => {
      this.#close(true);
      this.#react(reaction);
    } }, reaction));
  }

  // What this user may do, as [text key, what it does].
  #choices() {
    const { area, item: { c } } = this;
    const { user } = area.live;
    if (!user || !area.online || !c.author) return [];
    const choices = [];
    const send = (event, message) => () => area.act(this, event, { id: c.id, ...message });
    const decide = (action) => choices.push([action, () => area.act(this, "moderate", { ids: [c.id], action })]);
    if (this.mine && c.state !== "rejected") {
      if (Date.now() < c.created + area.settings.editWindow * 1000) choices.push(["edit", () => this.#edit()]);
      choices.push(["delete", send("delete"), true]);
    } else if (c.state === "published" && !user.moderator) choices.push(["flag", send("flag")]);
    if (!user.moderator) return choices;
    if (c.state === "pending") decide("approve");
    if (c.state === "rejected") decide("restore");
    else decide("reject");
    if (c.flags > 0) decide("unflag");
    if (c.state === "published" && !c.parent) decide(c.pinned ? "unpin" : "pin");
    if (!this.mine) choices.push(["delete", () => area.act(this, "moderate", { ids: [c.id], action: "delete" }), true]);
    return choices;
  }

  #actions() {
    const { t } = this.area;
    return this.#choices().map(([key, run, asks]) => {
      const button = h("button.choice", { onclick: () => {
        if (asks) { // asked once more
          asks = false;
          button.textContent = t.say("sure");
          button.classList.add("danger");
          return;
        }
        this.#close(true);
        run();
      } }, t.say(key));
      return button;
    });
  }

  #reply() {
    const { area, item: { c } } = this;
    if (this.#editor) return this.#editor.focus();
    // As deep as the site has it; below that, beside what is answered.
    const parent = c.depth < area.settings.maxDepth || !c.parent ? c.id : c.parent;
    this.#open({ parent, label: area.t.say("replyTo", { name: c.author.name || area.t.say("guest") }) }, this.reply, this.acts);
  }

  async #edit() {
    const { area, item: { c } } = this;
    try {
      const { text } = await area.live.ask("source", { id: c.id });
      if (this.#editor) this.#shut();
      this.body.hidden = this.acts.hidden = true;
      this.#open({ edit: c.id, text, label: area.t.say("edit") }, this.more.firstChild, this.body);
    } catch (error) {
      area.tell(area.explain(error));
    }
  }

  #open(what, opener, after) {
    const back = (comment) => {
      this.#shut();
      if (comment) this.area.own(comment, what.edit);
      else opener.focus();
      if (what.edit && comment) opener.focus();
    };
    this.#editor = new Editor(this.area, { ...what, done: back, close: () => back() });
    after.after(this.#editor.node);
    this.#editor.focus();
  }

  #shut() {
    this.#editor.node.remove();
    this.#editor = null;
    this.body.hidden = this.acts.hidden = false;
  }

  /** Whether somebody writes here. */
  get busy() {
    return Boolean(this.#editor);
  }

  /** Says how many replies wait below. */
  waits(n) {
    this.fresh.hidden = !n;
    if (n) this.fresh.textContent = this.area.t.say("newReplies", { n });
  }

  /** Brings it before the reader's eyes. */
  light() {
    const { article } = this;
    article.classList.remove("lit");
    article.scrollIntoView({ block: "center", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    article.focus({ preventScroll: true });
    article.classList.add("lit");
  }
}
