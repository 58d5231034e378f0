// What stands around the comments: heading, order, where one writes, and what is going on.

import { h, set } from "./dom.js";
import { safe, WEB } from "./html.js";

export class Frame {
  constructor(area) {
    const { t } = area;
    this.area = area;
    const say = (key) => t.say(key);
    this.heading = h("h2", { id: "title", part: "heading" }, say("title"));
    this.reading = h("span");
    this.state = h("span.status", { role: "status" });
    this.order = h("select", { id: "sort", onchange: () => area.load({ sort: this.order.value }) },
      ...["newest", "oldest", "top"].map((value) => h("option", { value, selected: value === area.model.sort }, say(value))));
    this.place = h("div.place");
    this.pill = h("button.solid.pill", { hidden: true, onclick: () => area.reveal(""), part: "new" });
    this.list = h("ul.list", { role: "list", "aria-labelledby": "title" });
    this.none = h("p.none", { hidden: true });
    this.again = h("button.quiet", { hidden: true, onclick: () => area.load() }, say("again"));
    this.more = h("button.quiet.next", { hidden: true, onclick: () => area.loadMore() }, say("more"));
    this.writing = h("span.typing");
    this.spoken = h("p.unseen", { role: "status", "aria-live": "polite" });
    this.bread = h("p.toast", { role: "status" });
    this.node = h("section.area", { "aria-labelledby": "title", lang: t.language, part: "area" },
      h("div.top", {}, this.heading, h("label.unseen", { htmlFor: "sort" }, say("sort")), this.order),
      this.place, h("p.hint.now", {}, this.state, this.reading, this.writing), h("div.float", {}, this.pill), this.list, this.none, this.again, this.more,
      h("div.float.low", {}, this.bread), this.spoken);
  }

  /** Says that there is nothing yet. */
  loading(first) {
    this.again.hidden = this.none.hidden = true;
    this.node.setAttribute("aria-busy", first);
    if (first && !this.editor) this.place.replaceChildren(h("p.none", {}, this.area.t.say("loading")));
  }

  failed(text) {
    this.node.setAttribute("aria-busy", "false");
    this.place.replaceChildren();
    set(this.none, { hidden: false, textContent: text });
    this.again.hidden = false;
  }

  empty() {
    this.list.replaceChildren();
    this.place.replaceChildren();
    this.editor = null;
    this.viewers(0);
    this.typing({ count: 0 });
  }

  /** Shows where one writes, or why one does not. */
  dress() {
    const { area } = this;
    const { t, settings, info, live } = area;
    this.heading.textContent = info.count ? t.say("count", { n: info.count }) : t.say("title");
    if (!settings.name) return; // nothing was loaded yet
    const { closedBecause } = area;
    const href = !live.user && safe(settings.signIn, WEB);
    const link = href && h("a", { href }, t.say("signIn"));
    if (area.writable) {
      if (!this.editor) {
        this.editor = area.editor({ label: t.say("write"), done: (comment) => area.own(comment) });
        this.place.replaceChildren(this.editor.node);
      }
      this.editor.dress();
      if (link && !this.link) this.editor.node.append(this.link = h("p.hint.other", {}, link));
      if (!link) this.link = this.link?.remove();
    } else {
      this.editor = this.link = null;
      this.place.replaceChildren(h("p.closed", { part: "note" }, closedBecause ? t.say(closedBecause) : link || t.say("signInNeeded")));
    }
    if (live.user?.moderator) {
      this.lock ??= h("button.quiet.lock");
      set(this.lock, { textContent: t.say(info.locked ? "unlock" : "lock"), onclick: () => this.#lock(!info.locked) });
      this.place.append(this.lock);
    } else this.lock?.remove();
  }

  async #lock(locked) {
    const { area } = this;
    try {
      area.hears("page", await area.live.ask("lock", { page: area.page, locked }));
    } catch (error) {
      area.tell(area.explain(error));
    }
  }

  dressList() {
    const { model, info, t } = this.area;
    if (this.node.getAttribute("aria-busy") === "true" || !this.again.hidden) return;
    const nothing = !model.roots.length && !model.waiting.size && !info.count;
    set(this.none, { hidden: !nothing, textContent: nothing ? t.say("none") : "" });
    this.more.hidden = !model.next;
  }

  status(text) {
    this.state.textContent = text;
  }

  viewers(n) {
    this.reading.textContent = n > 1 ? this.area.t.say("viewers", { n }) : "";
  }

  typing({ names = [], count = names.length }) {
    const { t } = this.area;
    const list = new Intl.ListFormat(t.language).format(names);
    this.writing.textContent = !count ? "" : names.length >= count ? t.say("typing", { n: count, names: list }) : t.say("typingMany", { n: count });
  }

  waits(n) {
    this.pill.hidden = !n;
    if (n) this.pill.textContent = this.area.t.say("newComments", { n });
  }

  announce(text) {
    this.spoken.textContent = text;
  }

  toast(text) {
    this.bread.textContent = text;
  }
}
