// The bell: what is new for a user, on any page, as one script tag. It loads the official
// client from the server that it comes from, and needs nothing else of the page.
//
//   <script src="https://rt.example.com/notifications/bell.js" data-token="..." async></script>
//
// A page without a <sockeye-bell> gets one where the script stands. docs/notifications.md
// has its attributes, properties, events and colours.

(() => {
  "use strict";

  const PATH = "/socket.io/"; // the server fills in its own
  const KEPT = 50; // notifications, at most, between two lists of the server
  const SECRET = "sockeye.chat.secret"; // of a visitor whom nobody knows, shared with the pages of the same origin
  const ACK = 10_000; // ms to wait for the server's answer
  const script = document.currentScript;
  const home = new URL("..", script?.src || document.baseURI);

  const SHEET = `
    :host {
      --accent: var(--sockeye-bell-accent, light-dark(#b63a29, #ff8b76));
      --on-accent: var(--sockeye-bell-on-accent, light-dark(#ffffff, #2b0a05));
      --surface: var(--sockeye-bell-surface, light-dark(#ffffff, #122629));
      --hover: var(--sockeye-bell-hover, light-dark(#e9efec, #1b3437));
      --ink: var(--sockeye-bell-ink, light-dark(#10292c, #e7f0ed));
      --soft: var(--sockeye-bell-ink-soft, light-dark(#46605f, #a3bab6));
      --line: var(--sockeye-bell-line, light-dark(#d3deda, #24403f));
      --ring: var(--sockeye-bell-focus, light-dark(#0d5154, #7fd0c8));
      --round: var(--sockeye-bell-radius, 0.875rem);
      display: inline-block;
      font: var(--sockeye-bell-font, 1rem/1.45 ui-sans-serif, system-ui, sans-serif);
      color: var(--ink);
    }
    :host([hidden]) { display: none; }
    * { box-sizing: border-box; margin: 0; }
    button { font: inherit; color: inherit; cursor: pointer; }
    :focus-visible { outline: 3px solid var(--ring); outline-offset: 2px; }
    .unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
    #bell { position: relative; display: grid; place-items: center; width: 2.5rem; height: 2.5rem; padding: 0; border: 0; border-radius: 50%; background: transparent; }
    #bell:hover, #bell[aria-expanded="true"] { background: var(--hover); }
    #bell svg { width: 1.4rem; height: 1.4rem; fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; transform-origin: 50% 10%; }
    #bell.rings svg { animation: ring 0.7s ease-in-out; }
    #bell[data-state="offline"] svg { stroke-dasharray: 2.5 2.5; }
    @keyframes ring { 20% { rotate: 16deg; } 40% { rotate: -13deg; } 60% { rotate: 9deg; } 80% { rotate: -5deg; } }
    #count { position: absolute; inset-block-start: -0.1rem; inset-inline-start: 1.35rem; min-width: 0.55rem; padding-inline: 0.25rem; border: 2px solid var(--surface); border-radius: 99px; background: var(--accent); color: var(--on-accent); font-size: 0.7rem; font-weight: 700; line-height: 1.05rem; text-align: center; font-variant-numeric: tabular-nums; box-sizing: content-box; }
    [hidden] { display: none !important; }
    #panel { position: fixed; inset: auto; width: min(24rem, 100vw - 1rem); max-height: min(32rem, 100vh - 5rem); padding: 0; border: 1px solid var(--line); border-radius: var(--round); background: var(--surface); color: var(--ink); box-shadow: 0 1px 2px rgb(0 0 0 / 12%), 0 12px 32px rgb(0 0 0 / 22%); overflow: hidden; }
    #panel:popover-open { display: flex; flex-direction: column; }
    #panel:focus { outline: none; }
    .head { display: flex; align-items: center; justify-content: space-between; gap: 0.75rem; min-height: 3.25rem; padding: 0.5rem 0.75rem 0.5rem 1rem; border-block-end: 1px solid var(--line); }
    h2 { font-size: 1.05rem; letter-spacing: -0.01em; }
    #all { min-height: 2rem; padding: 0 0.7rem; border: 1px solid var(--line); border-radius: 99px; background: transparent; font-size: 0.85rem; font-weight: 600; }
    #all:hover { background: var(--hover); }
    #trouble, #none { padding: 0.75rem 1rem; color: var(--soft); font-size: 0.9rem; }
    #trouble { border-block-end: 1px solid var(--line); }
    #none { padding-block: 2.5rem; text-align: center; }
    ul { flex: 1; padding: 0; overflow-y: auto; list-style: none; overscroll-behavior: contain; }
    ul:focus-visible { outline-offset: -3px; }
    li { display: flex; align-items: flex-start; gap: 0.5rem; padding: 0.75rem 0.75rem 0.75rem 1rem; border-block-end: 1px solid var(--line); }
    li:last-child { border-block-end: 0; }
    .dot { flex: none; width: 0.55rem; height: 0.55rem; margin-block-start: 0.45rem; border-radius: 50%; background: transparent; }
    .unread .dot { background: var(--accent); }
    .what { flex: 1; min-width: 0; color: inherit; text-decoration: none; overflow-wrap: anywhere; }
    a.what:hover .title { text-decoration: underline; text-underline-offset: 0.18em; }
    .title { display: block; }
    .unread .title { font-weight: 700; }
    .body { display: block; color: var(--soft); font-size: 0.9rem; white-space: pre-line; }
    .when { display: block; margin-block-start: 0.15rem; color: var(--soft); font-size: 0.8rem; }
    .done { flex: none; display: grid; place-items: center; width: 1.9rem; height: 1.9rem; padding: 0; border: 1px solid var(--line); border-radius: 50%; background: transparent; }
    .done:hover { background: var(--hover); }
    .done svg { width: 0.9rem; height: 0.9rem; fill: none; stroke: currentColor; stroke-width: 2.4; stroke-linecap: round; stroke-linejoin: round; }
    @media (prefers-reduced-motion: reduce) { * { animation: none !important; } }
    @media (forced-colors: active) { .unread .dot { background: Highlight; } #count { border-color: CanvasText; } }
  `;

  function make(tag, properties = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name === "class") node.className = value;
      else if (name.includes("-") || name === "role") node.setAttribute(name, value);
      else node[name] = value;
    }
    node.append(...children);
    return node;
  }

  function drawing(...paths) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    for (const d of paths) {
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      path.setAttribute("d", d);
      svg.append(path);
    }
    return svg;
  }

  // The secret of a visitor whom nobody knows; without storage it lasts as long as the page.
  let spare = "";
  function secret() {
    try {
      spare = localStorage.getItem(SECRET) || spare;
    } catch {
      // storage is forbidden
    }
    if (!spare) {
      spare = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(24)))).replaceAll("+", "-").replaceAll("/", "_");
      try {
        localStorage.setItem(SECRET, spare);
      } catch {
        // kept in spare
      }
    }
    return spare;
  }

  // What a notification leads to, or null: http and https, and nothing else.
  function leadsTo(url) {
    if (!url || !URL.canParse(url, document.baseURI)) return null;
    const target = new URL(url, document.baseURI);
    return ["http:", "https:"].includes(target.protocol) ? target.href : null;
  }

  const steps = [["day", 86_400], ["hour", 3600], ["minute", 60]];
  function ago(time) {
    const seconds = (Date.now() - time) / 1000;
    const words = new Intl.RelativeTimeFormat(document.documentElement.lang || undefined, { numeric: "auto" });
    for (const [unit, length] of steps) if (seconds >= length) return words.format(-Math.floor(seconds / length), unit);
    return words.format(0, "second");
  }

  class SockeyeBell extends HTMLElement {
    #socket = null;
    #kept = new Map(); // by id
    #rows = new Map(); // by id
    #early = null; // what was heard after a CONNECT and before its list
    #token = null;
    #part = {};
    #ready = Promise.withResolvers?.() ?? later();
    #recount = 0; // timer
    #resized = () => this.#place();

    /** The token, or a function that returns one or a promise of one, called at each CONNECT. */
    get token() {
      return this.#token ?? this.getAttribute("token");
    }

    set token(value) {
      this.#token = value;
    }

    /** How many are unread. */
    get unread() {
      return [...this.#kept.values()].filter((one) => !one.read).length;
    }

    /** Resolves to the socket, when it is connected for the first time. */
    get ready() {
      return this.#ready.promise;
    }

    connectedCallback() {
      if (!this.shadowRoot) this.#build();
      addEventListener("resize", this.#resized);
      this.#connect();
    }

    disconnectedCallback() {
      removeEventListener("resize", this.#resized);
      clearTimeout(this.#recount);
      this.#socket?.disconnect();
      this.#socket = null;
    }

    #build() {
      const root = this.attachShadow({ mode: "open", delegatesFocus: true });
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(SHEET);
      root.adoptedStyleSheets = [sheet];
      const p = this.#part = {
        count: make("span", { id: "count", "aria-hidden": "true", hidden: true }),
        title: make("h2", { id: "title" }, "Notifications"),
        all: make("button", { id: "all", type: "button", hidden: true }, "Mark all as read"),
        trouble: make("p", { id: "trouble", hidden: true }),
        list: make("ul", { id: "list", role: "list", "aria-labelledby": "title", tabIndex: 0 }),
        none: make("p", { id: "none" }, "Nothing new."),
        live: make("p", { class: "unseen", role: "status" }),
      };
      p.bell = make("button", { id: "bell", type: "button", "aria-haspopup": "dialog", "aria-expanded": "false", "aria-controls": "panel", part: "button" },
        drawing("M6 9a6 6 0 0 1 12 0c0 6 2.5 7 2.5 8h-17C3.500 16 6 15 6 9z", "M10 20.500a2.200 2.200 0 0 0 4 0"), p.count);
      p.panel = make("div", { id: "panel", popover: "auto", role: "dialog", "aria-labelledby": "title", tabIndex: -1, autofocus: true, part: "panel" },
        make("div", { class: "head" }, p.title, p.all), p.trouble, p.list, p.none);
      p.bell.popoverTargetElement = p.panel;
      let inside = false; // the keyboard is in the panel that closes: the bell gets it
      p.panel.addEventListener("beforetoggle", ({ newState }) => {
        if (newState === "open") this.#draw();
        else inside = p.panel.contains(root.activeElement);
      });
      p.panel.addEventListener("toggle", ({ newState }) => {
        p.bell.setAttribute("aria-expanded", String(newState === "open"));
        if (newState === "open") this.#place();
        else if (inside) p.bell.focus();
      });
      p.all.addEventListener("click", () => {
        this.#markRead([...this.#kept.values()].filter((one) => !one.read).map(({ id }) => id));
        p.panel.focus();
      });
      p.bell.addEventListener("animationend", () => p.bell.classList.remove("rings"));
      root.append(p.bell, p.panel, p.live);
      this.#draw();
    }

    // The panel is below the bell, and within the window.
    #place() {
      const { bell, panel } = this.#part;
      if (!panel.matches(":popover-open")) return;
      const at = bell.getBoundingClientRect();
      const left = Math.min(Math.max(8, at.right - panel.offsetWidth), innerWidth - panel.offsetWidth - 8);
      const below = innerHeight - at.bottom > 240 || at.top < innerHeight / 2;
      panel.style.left = `${Math.max(0, left)}px`;
      panel.style.top = below ? `${at.bottom + 6}px` : "auto";
      panel.style.bottom = below ? "auto" : `${innerHeight - at.top + 6}px`;
    }

    async #connect() {
      const server = new URL(this.getAttribute("server") ?? home, document.baseURI);
      const engine = new URL((this.getAttribute("path") ?? PATH).replace(/^\//, ""), server.href.replace(/\/?$/, "/"));
      let io;
      try {
        ({ io } = await import(new URL("socket.io.esm.min.js", engine).href));
      } catch {
        this.#say("offline", "The notifications cannot be loaded.");
        return;
      }
      if (!this.isConnected || this.#socket) return;
      const socket = this.#socket = io(engine.origin + (this.getAttribute("namespace") ?? "/notifications"), {
        path: engine.pathname,
        reconnectionDelay: 500,
        reconnectionDelayMax: 5000,
        auth: (give) => this.#credentials().then(give, () => give({})),
      });
      socket.on("connect", () => {
        if (!socket.recovered) this.#early = [];
        this.#say("online", "");
        this.#ready.resolve(socket);
      });
      socket.on("notifications", (view) => this.#take(view));
      socket.on("notification", (one) => this.#hear(() => this.#add(one)));
      socket.on("read", ({ ids }) => this.#hear(() => this.#read(ids)));
      socket.on("unread", ({ count }) => this.#check(count));
      socket.on("auth:expiring", async () => {
        if (typeof this.token === "function") socket.emit("auth:refresh", await this.token());
      });
      socket.on("disconnect", (reason) => this.#say("offline", reason === "io server disconnect" ? "The server ended the connection." : "The connection was lost. Trying again…"));
      socket.on("connect_error", (error) => this.#say("offline", socket.active ? "The server cannot be reached. Trying again…" : error.message));
    }

    async #credentials() {
      const token = typeof this.token === "function" ? await this.token() : this.token;
      return token ? { token } : { secret: secret() };
    }

    #say(state, trouble) {
      this.#part.bell.dataset.state = this.dataset.state = state;
      this.#part.trouble.textContent = trouble;
      this.#part.trouble.hidden = !trouble;
    }

    // A list replaces what is kept; what came before it, and after the CONNECT, counts on top.
    #take({ notifications }) {
      this.#kept = new Map(notifications.map((one) => [one.id, one]));
      const early = this.#early ?? [];
      this.#early = null;
      for (const apply of early) apply();
      this.#draw();
    }

    #hear(apply) {
      if (this.#early) this.#early.push(apply);
      else apply();
    }

    #add(one) {
      if (this.#kept.has(one.id)) return;
      this.#kept.set(one.id, one);
      const oldest = [...this.#kept.values()].sort(order);
      for (const { id } of oldest.slice(0, -KEPT)) this.#kept.delete(id);
      this.#draw();
      this.#part.bell.classList.add("rings");
      this.#part.live.textContent = `New notification: ${one.title}`;
      this.dispatchEvent(new CustomEvent("sockeye-notification", { detail: one, bubbles: true, composed: true }));
    }

    #read(ids) {
      for (const id of ids) {
        const one = this.#kept.get(id);
        if (one) one.read = true;
      }
      this.#draw();
    }

    // Who counts otherwise than the server for a while has missed something.
    #check(count) {
      clearTimeout(this.#recount);
      if (this.#early || count === this.unread) return;
      this.#recount = setTimeout(async () => {
        if (count === this.unread || !this.#socket?.connected) return;
        const view = await this.#socket.timeout(ACK).emitWithAck("list", {}).catch(() => null);
        if (view?.notifications) this.#take(view);
      }, 300);
    }

    #markRead(ids) {
      if (!ids.length) return;
      this.#read(ids);
      this.#socket?.emit("read", { ids }); // while there is no connection the client keeps it
    }

    #draw() {
      const { bell, count, all, list, none } = this.#part;
      const unread = this.unread;
      if (this.dataset.unread !== String(unread)) {
        this.dataset.unread = unread;
        this.dispatchEvent(new CustomEvent("sockeye-unread", { detail: { count: unread }, bubbles: true, composed: true }));
      }
      bell.setAttribute("aria-label", unread ? `Notifications, ${unread} unread` : "Notifications");
      count.textContent = unread > 99 ? "99+" : unread;
      count.hidden = all.hidden = !unread;
      list.hidden = !this.#kept.size;
      none.hidden = !list.hidden;
      for (const [id, row] of this.#rows) {
        if (this.#kept.has(id)) continue;
        row.remove();
        this.#rows.delete(id);
      }
      const newest = [...this.#kept.values()].sort((a, b) => order(b, a));
      newest.forEach((one, at) => {
        const row = this.#rows.get(one.id) ?? this.#row(one);
        this.#dress(row, one);
        if (list.children[at] !== row) list.insertBefore(row, list.children[at] ?? null);
      });
    }

    #row(one) {
      const href = leadsTo(one.url);
      const what = make(href ? "a" : "div", { class: "what" },
        make("span", { class: "unseen flag" }), make("span", { class: "title" }, one.title),
        ...(one.body ? [make("span", { class: "body" }, one.body)] : []),
        make("time", { class: "when", dateTime: new Date(one.time).toISOString() }));
      if (href) {
        what.href = href;
        what.addEventListener("click", () => this.#markRead([one.id]));
      }
      const done = make("button", { class: "done", type: "button", title: "Mark as read", "aria-label": `Mark as read: ${one.title}` }, drawing("M5 13l4.500 4.500L19 7"));
      done.addEventListener("click", () => {
        this.#markRead([one.id]);
        (this.shadowRoot.querySelector("li.unread .done") ?? this.#part.panel).focus();
      });
      const row = make("li", {}, make("span", { class: "dot", "aria-hidden": "true" }), what, done);
      this.#rows.set(one.id, row);
      return row;
    }

    #dress(row, one) {
      row.className = one.read ? "" : "unread";
      row.querySelector(".flag").textContent = one.read ? "" : "Unread: ";
      row.querySelector(".when").textContent = ago(one.time);
      row.querySelector(".done").hidden = Boolean(one.read);
    }
  }

  // As the server orders them.
  const order = (a, b) => a.time - b.time || (a.id < b.id ? -1 : 1);

  function later() {
    const it = {};
    it.promise = new Promise((resolve, reject) => Object.assign(it, { resolve, reject }));
    return it;
  }

  if (customElements.get("sockeye-bell")) return; // the script was loaded twice
  customElements.define("sockeye-bell", SockeyeBell);

  // A page that does not place the bell itself has it where the script stands.
  const place = () => {
    if (document.querySelector("sockeye-bell") || !script?.isConnected || script.closest("head")) return;
    const bell = document.createElement("sockeye-bell");
    for (const name of ["server", "path", "namespace", "token"]) if (script.dataset[name]) bell.setAttribute(name, script.dataset[name]);
    script.before(bell);
  };
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", place);
  else place();
})();
