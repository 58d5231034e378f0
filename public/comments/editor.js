// Where comments are written: a new one, a reply, or a change of an old one. What was
// written is kept in the session until it is sent.

import { h, set } from "./dom.js";
import { keep, kept, random } from "./kept.js";
import { rebuild } from "./html.js";

const TYPING = 3000; // ms between hints
let number = 0; // of editors, for ids

export class Editor {
  #kind; // "post", "reply" or "edit"
  #sending = false;
  #typed = 0;

  /** done is called with the comment when it is stored, close when there is nothing to do any more. */
  constructor(area, { parent, edit, text = "", label, done, close }) {
    Object.assign(this, { area, parent, edit, done, close });
    this.#kind = edit ? "edit" : parent ? "reply" : "post";
    const id = `e${number += 1}`;
    const { t } = area;
    const say = (key) => t.say(key);
    this.draft = `sockeye.comments ${area.site} ${area.page} ${edit ?? parent ?? ""}`;
    const draft = kept("sessionStorage", this.draft);
    this.key = draft?.key;
    this.text = h("textarea", { id, rows: 3, value: draft?.text ?? text, placeholder: label, "aria-describedby": `${id}p`, oninput: () => this.#input(), part: "textarea" });
    this.text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.#send();
      if (event.key === "Escape" && close && !event.isComposing) this.cancel();
    });
    this.name = h("input.name", { id: `${id}n`, maxLength: 60, autocomplete: "nickname", placeholder: say("name"), value: area.live.guest?.name ?? "" });
    // What fills in forms by itself is asked to leave it out: who it fills it in for would be taken for a program.
    this.website = h("input", { name: "website", tabindex: -1, autocomplete: "off", id: `${id}w`, "data-1p-ignore": "", "data-bwignore": "", "data-lpignore": "true", "data-form-type": "other" });
    this.problem = h("p.problem", { id: `${id}p`, role: "alert" });
    this.shown = h("div.preview.body", { hidden: true, tabindex: -1, "aria-label": say("preview"), role: "region" });
    this.left = h("span.hint");
    this.as = h("span.hint");
    this.preview = h("button.quiet", { onclick: () => this.#preview() }, say("preview"));
    this.submit = h("button.solid", { type: "submit", part: "button" }, say({ post: "post", reply: "postReply", edit: "save" }[this.#kind]));
    this.who = h("span.who", {}, h("label.unseen", { htmlFor: this.name.id }, say("name")), this.name);
    this.node = h("form.editor", { noValidate: true, part: "editor" },
      h("label.unseen", { htmlFor: id }, label), this.text, this.shown,
      h("div.trap", { "aria-hidden": "true" }, h("label", { htmlFor: this.website.id }, say("honeypot")), this.website),
      h("div.foot", {}, this.who, this.as, this.left, h("span.push"), this.preview,
        close && h("button.quiet", { onclick: () => this.cancel() }, say("cancel")), this.submit),
      h("p.hint.help", {}, say("markdown")),
      this.problem);
    this.node.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    if (draft?.text || close) this.open();
    this.node.addEventListener("focusin", () => this.open());
    this.dress();
  }

  /** Unfolds: the first one is a line until somebody wants to write. */
  open() {
    this.node.classList.add("open");
  }

  /** Says who writes, as that changes. */
  dress() {
    const { live, t, settings } = this.area;
    const { user } = live;
    this.who.hidden = this.#kind === "edit" || Boolean(user && !user.guest) || !settings.guests;
    set(this.as, { textContent: user && !user.guest && this.#kind !== "edit" ? t.say("as", { name: user.name }) : "" });
  }

  focus() {
    this.text.focus();
    this.text.setSelectionRange(this.text.value.length, this.text.value.length);
  }

  /** Takes the draft away and closes. */
  cancel() {
    keep("sessionStorage", this.draft);
    this.close();
  }

  #input() {
    const { area } = this;
    const text = this.text.value;
    this.key ??= random();
    keep("sessionStorage", this.draft, text.trim() ? { text, key: this.key } : undefined);
    this.#count();
    this.#fail("");
    if (area.settings.typing && area.live.user && text && Date.now() > this.#typed + TYPING) {
      this.#typed = Date.now();
      area.live.hint("typing", { page: area.page });
    }
  }

  #count() {
    const left = this.area.settings.maxLength - [...this.text.value].length;
    this.left.textContent = left < 0 ? this.area.t.say("tooMuch", { n: -left }) : left < 200 ? this.area.t.say("left", { n: left }) : "";
    this.left.classList.toggle("problem", left < 0);
    return left;
  }

  #fail(text, field = this.text) {
    this.problem.textContent = text;
    for (const input of [this.text, this.name]) set(input, { "aria-invalid": text && input === field ? "true" : null });
    if (text) field.focus();
  }

  async #preview() {
    const { area, shown, text } = this;
    if (shown.hidden) {
      try {
        await area.identify(this.name.value.trim());
        const { html } = await area.live.ask("preview", { text: text.value });
        shown.replaceChildren(rebuild(html));
      } catch (error) {
        this.#fail(area.explain(error));
        return;
      }
    }
    shown.hidden = !shown.hidden;
    text.hidden = !shown.hidden;
    this.preview.textContent = area.t.say(shown.hidden ? "preview" : "keepWriting");
    (shown.hidden ? text : shown).focus();
  }

  async #send() {
    const { area, text } = this;
    const { live, t } = area;
    if (this.#sending) return;
    if (!text.value.trim()) return this.#fail(t.say("empty"));
    if (this.#count() < 0) return this.#fail(t.say("too_long"));
    const name = this.name.value.trim();
    if (!this.who.hidden && !name) return this.#fail(t.say("nameless"), this.name);
    if (this.who.hidden && !live.user) return this.#fail(t.say("unauthorized"));
    this.#busy(true);
    try {
      await area.identify(name);
      const { comment } = await live.ask(...this.#what(), true, () => this.#wait());
      keep("sessionStorage", this.draft);
      this.key = undefined;
      this.text.value = "";
      if (text.hidden) this.#preview();
      this.#busy(false);
      this.node.classList.remove("open");
      this.#count();
      this.done(comment);
    } catch (error) {
      this.#busy(false);
      this.#fail(area.explain(error), error.field === "name" ? this.name : text);
    }
  }

  #what() {
    const { area, edit, parent } = this;
    const text = this.text.value;
    if (edit) return ["edit", { id: edit, text }];
    this.key ??= random();
    return ["post", { page: area.page, parent, text, key: this.key, title: area.title, url: area.url, website: this.website.value, stamp: area.stamp }];
  }

  #wait() {
    this.problem.textContent = this.area.t.say("sendingLater");
  }

  #busy(busy) {
    this.#sending = busy;
    this.problem.textContent = "";
    this.text.readOnly = busy;
    this.submit.setAttribute("aria-disabled", busy);
    this.node.setAttribute("aria-busy", busy);
  }
}
