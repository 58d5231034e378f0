// The comments of one page: what was loaded, what is heard, and what of it is on the screen.

import { draw } from "./draw.js";
import { Editor } from "./editor.js";
import { Frame } from "./frame.js";
import { liveOf, Problem } from "./live.js";
import { Model } from "./model.js";
import { News } from "./news.js";
import { textsOf } from "./texts.js";

const POLL = 30_000; // ms between snapshots while there is no connection
const TYPING = 6000; // ms that a hint holds

export class Area {
  page = "";
  settings = {};
  stamp = undefined;
  online = false;
  #info = {}; // the page as the server told it
  #was = false; // it was online
  #state = ["new", ""];
  #painting = 0;
  #target = ""; // a comment to bring before the reader
  #news = null;
  #timers = {};
  #load = null; // the AbortController of what is fetched
  #follows = false; // a join was answered: what is heard follows on what is known
  #tries = 0;

  /** root is a shadow root; options are {server, site, page, sort, lang, title, url, token, poll}. */
  constructor(root, options) {
    Object.assign(this, { root, options, host: root.host, server: options.server, site: options.site, page: options.page });
    this.live = liveOf(this.server, this.site);
    if (options.token) this.live.token = options.token;
  }

  get title() {
    return this.options.title ?? document.title;
  }

  get url() {
    return this.options.url ?? document.querySelector("link[rel=canonical]")?.href ?? location.href.split("#")[0];
  }

  async open() {
    this.t = await textsOf(this.server, this.options.lang);
    if (this.closed) return;
    this.model = new Model(this.options.sort);
    this.frame = new Frame(this);
    this.#news = new News(this.t, (text) => this.frame.announce(text));
    this.root.append(this.frame.node);
    this.#every("age", 60_000, () => this.#views((view) => view.when()));
    this.#every("poll", this.options.poll || POLL, () => this.#poll());
    addEventListener("hashchange", this.follow);
    this.load({ with: this.#asked() });
  }

  close() {
    this.closed = true;
    this.#load?.abort();
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    this.#news?.stop();
    cancelAnimationFrame(this.#painting);
    removeEventListener("hashchange", this.follow);
    removeEventListener("scroll", this.#fit);
    this.live.remove(this);
  }

  // One timer of a name, which replaces the one before.
  #after(name, wait, run) {
    clearTimeout(this.#timers[name]);
    this.#timers[name] = setTimeout(run, wait);
  }

  #every(name, wait, run) {
    this.#after(name, wait, () => {
      run();
      this.#every(name, wait, run);
    });
  }

  #views(f) {
    for (const { view } of this.model.items.values()) if (view) f(view);
  }

  // The comment that the address of the page asks for.
  #asked() {
    return /^#comment-([0-9a-v]+)$/.exec(location.hash)?.[1] ?? "";
  }

  /** Goes to the comment that the address of the page names. */
  follow = () => {
    const id = this.#asked();
    if (!id) return;
    const item = this.model.items.get(id);
    if (item && this.model.onPage(item)) this.#goTo(id);
    else this.load({ with: id });
  };

  #goTo(id) {
    this.#target = id;
    this.paint();
  }

  // Gives back the height that was kept free, as soon as nobody can see that.
  #fit = () => {
    const { top } = this.host.getBoundingClientRect();
    if (top < innerHeight && top + this.frame.node.offsetHeight < innerHeight) return addEventListener("scroll", this.#fit, { passive: true });
    removeEventListener("scroll", this.#fit);
    this.host.style.minHeight = 0;
  };

  async #snapshot(more) {
    const query = new URLSearchParams({ page: this.page, sort: this.model.sort });
    for (const name in more) if (more[name]) query.set(name, more[name]);
    const { signal } = this.#load ?? {};
    const answer = await fetch(`${this.server}comments/v1/${encodeURIComponent(this.site)}/snapshot?${query}`, { credentials: "omit", cache: "no-cache", signal });
    if (answer.ok) return answer.json();
    const { error } = await answer.json().catch(() => ({}));
    // Readers are told less than whoever puts the tag into a page, and looks here.
    if (error?.message && !this.#tries) console.error(`Sockeye comments: ${error.message}`);
    throw new Problem(error);
  }

  /** Loads the page from its beginning, in another order where sort is given. */
  async load({ sort = this.model.sort, ...query } = {}) {
    const before = this.model;
    this.#load?.abort();
    const load = this.#load = new AbortController();
    try {
      this.frame.loading(!before.roots.length);
      const model = new Model(sort);
      this.model.sort = sort;
      const part = await this.#snapshot(query);
      model.snapshot(part);
      // What is on the screen already stays the same nodes.
      for (const item of model.items.values()) {
        const view = before.items.get(item.c.id)?.view;
        if (view) Object.assign(item, { view, seen: true }).view.item = item;
      }
      model.pages = 1;
      model.votes = before.votes;
      model.reactions = before.reactions;
      this.model = model;
      this.#tries = 0;
      this.#settle(part.site, part.page);
      this.frame.loading(false);
      if (query.with) this.#target = query.with;
      this.paint();
      if (this.live.areas.has(this)) this.live.state === "online" && this.live.join(this);
      else this.live.add(this);
      this.emit("ready", {});
    } catch (error) {
      if (load.signal.aborted || this.closed) return;
      this.#tries += 1;
      this.frame.failed(error.code && error.code !== "error" ? this.explain(error) : this.t.say("unloaded"));
      this.#after("load", Math.min(60_000, 3000 * 2 ** this.#tries), () => this.load(query));
    }
  }

  /** Loads the part after what is there. */
  async loadMore() {
    const { model } = this;
    try {
      const part = await this.#snapshot({ after: model.next });
      const known = new Set(model.roots);
      model.snapshot(part, { more: true });
      model.pages += 1;
      this.#target = model.roots.find((item) => !known.has(item))?.c.id ?? "";
      this.focusOnly = true;
      this.paint();
    } catch (error) {
      this.tell(this.explain(error));
    }
  }

  // What was known is too old: all that was loaded is loaded again, and what changed is told.
  async #heal() {
    const { model } = this;
    try {
      const first = await this.#snapshot();
      const all = [...first.comments];
      let { next } = first;
      for (let n = 1; n < model.pages && next; n += 1) {
        const part = await this.#snapshot({ after: next });
        all.push(...part.comments);
        next = part.next;
      }
      if (model !== this.model) return;
      model.cursor = first.cursor.split(".").map(Number);
      model.snapshot({ cursor: first.cursor, comments: all }, { live: true });
      model.next = next ?? "";
      this.#settle(first.site, first.page);
      this.paint();
      this.live.join(this);
    } catch {
      this.#after("heal", 5000, () => this.#heal());
    }
  }

  // While nothing comes live, a snapshot now and then tells what is new.
  async #poll() {
    if (this.online || document.hidden || !this.model.pages) return;
    try {
      const { model } = this;
      const part = await this.#snapshot();
      if (model !== this.model || this.online) return;
      const before = new Set(model.waiting);
      model.snapshot(part, { live: true });
      for (const item of model.waiting) if (!before.has(item)) this.#news.hear(item);
      this.#settle(part.site, part.page);
      this.paint();
    } catch {
      // the next time
    }
  }

  #settle(settings, info) {
    if (settings) this.settings = settings;
    this.live.guests = Boolean(this.settings.guests);
    this.#info = info ?? this.#info;
    this.refresh();
    this.emit("count", { count: this.#info.count });
  }

  /** Shows another page. */
  show(page) {
    if (page === this.page) return;
    if (this.live.areas.has(this)) this.live.remove(this);
    this.page = page;
    this.stamp = undefined;
    if (!this.model) return;
    this.model = new Model(this.model.sort);
    this.#info = {};
    this.frame.empty();
    this.load({ with: this.#asked() });
  }

  /** Whether this reader could write, if a connection is there. */
  get writable() {
    return !this.closedBecause && Boolean(this.live.user || this.settings.guests);
  }

  /** Why nobody writes here, as a text key, or "". */
  get closedBecause() {
    const { user } = this.live;
    if (this.#state[0] === "blocked" || this.#state[0] === "refused") return "noLive";
    if (this.#info.locked && !user?.moderator) return "locked";
    return this.#info.readOnly && !this.#info.locked ? "readOnly" : "";
  }

  get info() {
    return this.#info;
  }

  /** Draws everything anew that depends on who reads, and on what the page allows. */
  refresh() {
    if (!this.frame) return;
    for (const item of this.model.items.values()) item.dirty = true;
    this.frame.dress();
    this.paint();
  }

  // What the connection calls.

  asks() {
    this.#follows = false;
    return { page: this.page, cursor: this.model.cursor.join("."), stamp: this.stamp };
  }

  joined({ page, cursor, comments = [], tallies = [], mine = {}, viewers, stamp, reset }) {
    const { model } = this;
    this.stamp = stamp ?? this.stamp;
    model.votes = mine.votes ?? {};
    model.reactions = mine.reactions ?? {};
    for (const c of mine.pending ?? []) {
      const item = model.take(c) ?? model.items.get(c.id);
      if (!item.placed) model.show(item);
    }
    if (viewers !== undefined) this.frame.viewers(viewers);
    if (reset) return this.#heal();
    const [seq, tally] = cursor.split(".").map(Number);
    this.#follows = true;
    this.hears("comments", { comments, seq: 0 });
    for (const one of tallies) model.count(one, tally);
    model.advance(seq, tally);
    this.#settle(null, page);
  }

  hears(event, message) {
    if (event in this.#hearing) {
      this.#hearing[event](message);
      this.paint();
    }
  }

  #hearing = {
    comments: ({ seq, comments }) => {
      for (const c of comments) {
        const own = c.author && c.author.id === this.live.user?.id;
        const known = this.model.items.has(c.id);
        const item = this.model.take(c, !own);
        if (!item || known) continue;
        if (own) this.model.show(item);
        else this.#news.hear(item);
      }
      if (this.#follows) this.model.advance(seq); // before, there may be more between
    },
    tally: ({ tally, counts }) => {
      for (const one of counts) this.model.count(one, tally);
      if (this.#follows) this.model.advance(0, tally);
    },
    page: ({ page }) => this.#settle(null, page),
    viewers: ({ count }) => this.frame.viewers(count),
    typing: (message) => {
      this.frame.typing(message);
      this.#after("typing", TYPING, () => this.frame.typing({ count: 0 }));
    },
    reset: () => this.#heal(),
    settings: ({ site }) => this.#settle(site),
  };

  state(state, code) {
    const [before] = this.#state;
    this.#state = [state, code];
    this.online = state === "online";
    this.host.dataset.state = state;
    this.frame.status(this.online || !this.#was && state !== "refused" ? "" : this.t.say(state === "refused" && this.t.has(code) ? code : "lost"));
    if (this.online && this.#was) this.frame.announce(this.t.say("back"));
    this.#was ||= this.online;
    if (state !== before) this.refresh();
  }

  /** The user is another. Of what waits for a moderator, nothing stays that was another's. */
  knows() {
    const { user } = this.live;
    for (const item of this.model.items.values()) {
      const { c } = item;
      if (c.author && c.state !== "published" && c.author.id !== user?.id && !user?.moderator) {
        item.c = { ...c, author: undefined, html: undefined };
        item.seen = false;
      }
    }
    this.refresh();
  }

  // What people do.

  /** Shows what waits below a comment, or on the page, and goes to the first of it. */
  reveal(key) {
    if (!key && this.model.extra) return this.load();
    const items = this.model.groups().get(key) ?? [];
    for (const item of items) this.model.show(item);
    if (items[0]) this.#goTo((key || this.model.sort !== "newest" ? items[0] : items.findLast(({ c }) => !c.parent) ?? items[0]).c.id);
  }

  /** Shows a comment of this reader's own. */
  own(comment, silent) {
    const item = this.model.take(comment) ?? this.model.items.get(comment.id);
    this.model.show(item);
    this.frame.announce(this.t.say(silent ? "saved" : comment.state === "pending" ? "pending" : "sent"));
    if (silent) this.paint();
    else this.#goTo(comment.id);
  }

  /** Makes a guest of a reader, where the site takes guests, and calls a guest by a name that is given. */
  async identify(name) {
    const { user } = this.live;
    if (this.settings.guests && (!user || (user.guest && name && name !== user.name))) await this.live.beGuest(name);
    if (!this.live.user) throw new Problem({ code: "unauthorized" });
  }

  /** Sends what somebody does to a comment, and shows what comes of it. */
  async act(view, event, message) {
    const { model, live, t } = this;
    try {
      await this.identify();
      const answer = await live.ask(event, message);
      const { item } = view;
      if (event === "vote") model.votes[answer.id] = answer.value;
      if (event === "react") model.reactions[answer.id] = answer.mine;
      if (event === "vote" || event === "react") item.c = { ...item.c, ...pick(answer, ["up", "down", "reactions"]) };
      if (event === "flag") this.tell(t.say("flagged"));
      if (answer.comment) model.take(answer.comment);
      if (answer.failed?.[0]) throw new Problem(answer.failed[0]);
      item.dirty = true;
      this.paint();
      if (event === "delete" || message.action === "delete" || message.action === "reject") view.article.focus();
    } catch (error) {
      this.tell(this.explain(error));
    }
  }

  /** Says something that goes away by itself. */
  tell(text) {
    this.frame.toast(text);
    this.#after("toast", 8000, () => this.frame.toast(""));
  }

  /** What is wrong, in words. */
  explain({ code, message, retryAfter }) {
    const { t } = this;
    const key = { read_only: "readOnly", failed: "error" }[code] ?? code;
    const text = t.has(key) ? t.say(key) : message || t.say("error");
    return retryAfter ? `${text} ${t.say("retry", { when: t.span(Date.now() + retryAfter * 1000) })}` : text;
  }

  /** Tells the page around it. */
  emit(name, detail) {
    this.host.dispatchEvent(new CustomEvent(`sockeye-${name}`, { detail: { page: this.page, ...detail }, bubbles: true, composed: true }));
  }

  editor(options) {
    return new Editor(this, options);
  }

  /** Draws what changed, in the next frame. */
  paint() {
    this.#painting ||= requestAnimationFrame(() => {
      this.#painting = 0;
      this.#paint();
    });
  }

  #paint() {
    const { model, frame } = this;
    const left = draw(this, model, frame.list);
    const groups = model.groups();
    this.#views((view) => view.waits(groups.get(view.item.c.id)?.length ?? 0));
    frame.waits((groups.get("")?.length ?? 0) + model.extra);
    frame.dressList();
    const target = model.items.get(this.#target)?.view;
    if (target?.node.isConnected) {
      if (this.focusOnly) target.article.focus({ preventScroll: true });
      else target.light();
    }
    if (left) this.paint();
    else if (model.pages && this.host.style.minHeight === "") this.#fit();
    if (target || !left) {
      this.#target = "";
      this.focusOnly = false;
    }
  }
}

const pick = (from, names) => Object.fromEntries(names.filter((name) => name in from).map((name) => [name, from[name]]));
